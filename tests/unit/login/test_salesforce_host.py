from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from salesforce_destination.errors import CredentialsError
from salesforce_destination.login.salesforce_host import (
    check_instance_url,
    is_my_domain,
    jwt_audience,
    salesforce_url,
)
from urllib3.util import parse_url

NOT_SALESFORCE = [
    "https://127.0.0.1/x.salesforce.com",
    "https://127.0.0.1/acme.my.salesforce.com",
    "https://acme.my.salesforce.com@evil.example",
    "https://evil.example@acme.my.salesforce.com",
    "https://user:pw@acme.my.salesforce.com",
    "https://acme.my.salesforce.com.evil.example",
    "https://acme.my.salesforce.com.",
    "https://evilmy.salesforce.com",
    "https://evil-my.salesforce.com",
    "https://my.salesforce.com",
    "https://salesforce.com",
    "https://acme.my.sfcrmproducts.cn.evil.example",
    "https://acme.my.sfcrmproducts.com",
    "https://evil-my.sfcrmproducts.cn",
    "https://sfcrmproducts.cn",
    "http://acme.my.sfcrmproducts.cn",
    "https://acme.lightning.sfcrmapps.cn",
    "https://usa2s.sfdc-a1.evil.salesforce.com",
    "https://x.y.z.my.salesforce.com",
    "https://acme.my.salesforce.com:8443",
    "https://acme.my.salesforce.com:0",
    "https://acme.my.salesforce.com:x",
    "https://acme.my.salesforce.com\\@evil.example",
    "https://evil.example\\.my.salesforce.com",
    "https://evil.example#.my.salesforce.com",
    "https://evil.example?.my.salesforce.com",
    "https://acme%2emy.salesforce.com",
    "https://evil%00.my.salesforce.com",
    "https://acme\u3002my.salesforce.com",
    "https://\u0430cme.my.salesforce.com",
    "https://xn--cme-7cd.my.salesforce.com",
    "https://acme.my.salesforce.com\n.evil.example",
    "https://ac me.my.salesforce.com",
    "https://-acme.my.salesforce.com",
    "https://acme..my.salesforce.com",
    "https://[::1]/",
    "https://[acme.my.salesforce.com",
    "http://acme.my.salesforce.com",
    "ftp://acme.my.salesforce.com",
    "file:///etc/passwd",
    "//acme.my.salesforce.com",
    "https:acme.my.salesforce.com",
    "https://",
    "https://acme.my.salesforce.com/services/oauth2/token",
    "https://acme.lightning.force.com",
    "https://acme.my.salesforce-setup.com",
    "https://10.0.0.1",
    "https://localhost",
    "https://host.docker.internal",
    "acme!",
    "a" * 64,
]
LOCAL = ["http://127.0.0.1:9000", "http://localhost:9000", "http://host.docker.internal:9000", "http://LOCALHOST:9000/"]


@pytest.mark.parametrize(
    ("domain", "url"),
    [
        ("acme", "https://acme.my.salesforce.com"),
        (" Acme ", "https://acme.my.salesforce.com"),
        ("acme-dev-ed.develop", "https://acme-dev-ed.develop.my.salesforce.com"),
        ("acme-dev-ed", "https://acme-dev-ed.develop.my.salesforce.com"),
        ("orgfarm-0a1b2c3d4e-dev-ed", "https://orgfarm-0a1b2c3d4e-dev-ed.develop.my.salesforce.com"),
        (
            "orgfarm-0a1b2c3d4e-dev-ed.develop.my.salesforce.com",
            "https://orgfarm-0a1b2c3d4e-dev-ed.develop.my.salesforce.com",
        ),
        ("acme-dev-ed.my.salesforce.com", "https://acme-dev-ed.my.salesforce.com"),
        ("acme.my.sfcrmproducts.cn", "https://acme.my.sfcrmproducts.cn"),
        ("https://acme--uat.sandbox.my.sfcrmproducts.cn/", "https://acme--uat.sandbox.my.sfcrmproducts.cn"),
        ("acme--uat", "https://acme--uat.sandbox.my.salesforce.com"),
        ("acme--uat.sandbox", "https://acme--uat.sandbox.my.salesforce.com"),
        ("acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("ACME.My.Salesforce.com/", "https://acme.my.salesforce.com"),
        ("https://acme.my.salesforce.com", "https://acme.my.salesforce.com"),
        ("HTTPS://acme.my.salesforce.com:443/", "https://acme.my.salesforce.com"),
        ("https://acme.scratch.my.salesforce.com", "https://acme.scratch.my.salesforce.com"),
        ("https://agency.my.salesforce.mil", "https://agency.my.salesforce.mil"),
        ("login", "https://login.salesforce.com"),
        ("test", "https://test.salesforce.com"),
        ("https://test.salesforce.com", "https://test.salesforce.com"),
        ("na139.salesforce.com", "https://na139.salesforce.com"),
    ],
)
def test_a_prefix_a_host_and_an_address_lead_to_the_same_server(domain: str, url: str) -> None:
    assert salesforce_url(domain, allow_local=False) == url


@pytest.mark.parametrize("text", [*NOT_SALESFORCE, *LOCAL])
def test_no_secret_goes_to_a_server_that_is_not_salesforces(text: str) -> None:
    with pytest.raises(CredentialsError) as caught:
        salesforce_url(text, allow_local=False)

    assert caught.value.field == "domain"


@pytest.mark.parametrize("text", [text for text in NOT_SALESFORCE if "://" in text])
def test_allowing_this_machine_allows_no_other_server(text: str) -> None:
    with pytest.raises(CredentialsError):
        salesforce_url(text, allow_local=True)


@pytest.mark.parametrize("text", [*NOT_SALESFORCE, *LOCAL, "acme", "https://login.salesforce.com", ""])
def test_no_token_is_used_for_a_server_that_is_not_salesforces(text: str) -> None:
    with pytest.raises(CredentialsError) as caught:
        check_instance_url(text, allow_local=False)

    assert caught.value.code == "INSTANCE_URL_FOREIGN"


@pytest.mark.parametrize(
    "url",
    [
        "https://acme.my.salesforce.com",
        "https://na1.salesforce.com",
        "https://cs100.salesforce.com",
        "https://usa9072s.sfdc-8tgtt5.salesforce.com",
        "https://acme.my.sfcrmproducts.cn",
    ],
)
def test_a_token_is_for_the_org_or_its_instance(url: str) -> None:
    assert check_instance_url(url, allow_local=False) == url


@pytest.mark.parametrize("text", LOCAL)
def test_this_machine_is_reached_where_that_is_allowed(text: str) -> None:
    assert salesforce_url(text, allow_local=True) == text.lower().rstrip("/")
    assert check_instance_url(text, allow_local=True) == text.lower().rstrip("/")


@pytest.mark.parametrize(
    "text", ["http://evil.example:9000", "http://127.0.0.1.evil.example", "http://user@localhost:9000"]
)
def test_allowing_this_machine_is_told_by_the_whole_host(text: str) -> None:
    with pytest.raises(CredentialsError):
        check_instance_url(text, allow_local=True)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("acme.lightning.force.com", "browser"),
        ("acme.lightning.sfcrmapps.cn", "browser"),
        ("http://acme.my.salesforce.com", "unencrypted"),
        ("http://acme.my.sfcrmproducts.cn", "unencrypted"),
        ("https://acme.my.sfcrmproducts.cn/setup", "path"),
        ("https://acme.my.salesforce.com/services/oauth2/token", "path"),
        ("https://evil.example", "not a Salesforce host"),
    ],
)
def test_what_is_wrong_with_a_domain_is_said(text: str, problem: str) -> None:
    with pytest.raises(CredentialsError, match=problem):
        salesforce_url(text, allow_local=False)


PIECES = ["https://", "http://", "acme", ".my.salesforce.com", ".salesforce.com", "login", "evil.example", "127.0.0.1"]
PIECES += [".my.sfcrmproducts.cn", "@", "/", "\\", "#", "?", ":", "443", ".", "-", "%2e", "\u3002", "\n", " ", "[", "]"]


@given(st.lists(st.sampled_from(PIECES), max_size=7).map("".join) | st.text(max_size=40))
def test_whatever_is_accepted_is_the_same_salesforce_host_to_every_parser(text: str) -> None:
    try:
        url = salesforce_url(text, allow_local=False)
    except CredentialsError:
        return

    host = urlsplit(url).hostname or ""
    assert url == f"https://{host}"
    assert parse_url(url).host == host
    own = (".my.salesforce.com", ".my.salesforce.mil", ".my.sfcrmproducts.cn")
    assert host.endswith(own) or (host.endswith(".salesforce.com") and host.count(".") == 2)


@pytest.mark.parametrize(
    ("url", "is_own"),
    [
        ("https://acme.my.salesforce.com", True),
        ("http://127.0.0.1:9000", True),
        ("https://login.salesforce.com", False),
        ("https://test.salesforce.com", False),
        ("https://na1.salesforce.com", False),
    ],
)
def test_an_orgs_own_address_is_told_from_a_shared_one(url: str, is_own: bool) -> None:
    assert is_my_domain(url) is is_own


@pytest.mark.parametrize(
    ("url", "audience"),
    [
        ("https://acme.my.salesforce.com", "https://login.salesforce.com"),
        ("https://acme-dev-ed.develop.my.salesforce.com", "https://login.salesforce.com"),
        ("https://login.salesforce.com", "https://login.salesforce.com"),
        ("https://na1.salesforce.com", "https://login.salesforce.com"),
        ("https://cs1acme.my.salesforce.com", "https://login.salesforce.com"),
        ("https://acme--uat.sandbox.my.salesforce.com", "https://test.salesforce.com"),
        ("https://acme--uat.my.salesforce.com", "https://test.salesforce.com"),
        ("https://acme.scratch.my.salesforce.com", "https://test.salesforce.com"),
        ("https://test.salesforce.com", "https://test.salesforce.com"),
        ("https://cs100.salesforce.com", "https://test.salesforce.com"),
        ("https://usa2s.sfdc-a1b2c3.salesforce.com", "https://test.salesforce.com"),
        ("https://usa2.sfdc-a1b2c3.salesforce.com", "https://login.salesforce.com"),
        ("https://acme.my.sfcrmproducts.cn", "https://acme.my.sfcrmproducts.cn"),
        ("https://acme--uat.sandbox.my.sfcrmproducts.cn", "https://acme--uat.sandbox.my.sfcrmproducts.cn"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
    ],
)
def test_a_signed_log_in_is_for_production_or_for_sandboxes(url: str, audience: str) -> None:
    assert jwt_audience(url) == audience
