from __future__ import annotations

import json

import pytest
from logins import GRANT_VALUES, ORG_ID, a_secret, elliptic_pem, rsa_pem
from salesforce_destination.errors import CredentialsError
from salesforce_destination.login.credentials import Credentials, GrantType, with_refresh_token
from salesforce_destination.login.salesforce_host import is_local


def read(text: str, *, allow_local: bool = False) -> Credentials:
    return Credentials.from_secret(text, allow_local=allow_local)


def mistake_in(text: str) -> CredentialsError:
    with pytest.raises(CredentialsError) as caught:
        read(text)
    return caught.value


@pytest.mark.parametrize("grant_type", list(GrantType))
def test_what_a_grant_needs_is_read(grant_type: str) -> None:
    credentials = read(a_secret(grant_type))

    assert credentials.grant_type == grant_type
    assert credentials.url == "https://acme.my.salesforce.com"
    assert credentials.client_id == "the-client-id"
    for key, value in GRANT_VALUES[grant_type].items():
        assert getattr(credentials, key) == value


NEEDED = [(grant_type, key) for grant_type in GrantType for key in json.loads(a_secret(grant_type))]


@pytest.mark.parametrize(("grant_type", "key"), NEEDED)
@pytest.mark.parametrize("missing", [None, ""])
def test_a_missing_value_is_named_with_where_to_find_it(grant_type: str, key: str, missing: str | None) -> None:
    mistake = mistake_in(a_secret(grant_type, **{key: missing}))

    assert mistake.field == key
    assert mistake.cure


@pytest.mark.parametrize(("grant_type", "key"), NEEDED)
@pytest.mark.parametrize("value", [7, True, ["x"], {"x": "y"}])
def test_a_value_that_is_no_text_is_named(grant_type: str, key: str, value: object) -> None:
    mistake = mistake_in(a_secret(grant_type, **{key: value}))

    assert mistake.field == key
    assert "is not text" in mistake.problem


@pytest.mark.parametrize("text", ["", "  ", "{}"])
def test_an_empty_secret_asks_to_be_filled(text: str) -> None:
    mistake = mistake_in(text)

    assert "empty" in mistake.problem
    assert "Fill it in" in mistake.cure


@pytest.mark.parametrize("text", ["secret", "[]", '"text"', '{"grant_type": "client_credentials",}'])
def test_a_secret_that_is_no_json_object_is_named(text: str) -> None:
    assert "not a JSON object" in mistake_in(text).problem


@pytest.mark.parametrize(
    ("given", "near"),
    [
        ("client_credential", "client_credentials"),
        ("Client-Credentials", "client_credentials"),
        ("jwt", "jwt_bearer"),
        ("urn:ietf:params:oauth:grant-type:jwt-bearer", "jwt_bearer"),
        ("refresh-token", "refresh_token"),
        ("Password", "password"),
    ],
)
def test_an_unknown_grant_type_is_answered_with_the_nearest(given: str, near: str) -> None:
    mistake = mistake_in(a_secret(given))

    assert mistake.field == "grant_type"
    assert mistake.cure == f"Did you mean {near}?"


def test_a_grant_type_that_is_near_nothing_is_answered_with_all() -> None:
    assert "client_credentials, jwt_bearer, refresh_token, password" in mistake_in(a_secret("saml")).cure


@pytest.mark.parametrize("written", ["clientId", "client-id", "Client_ID", "clientid"])
def test_a_misspelt_key_is_pointed_out(written: str) -> None:
    mistake = mistake_in(a_secret(client_id=None, **{written: "the-client-id"}))

    assert mistake.field == "client_id"
    assert "Name it client_id" in mistake.cure


@pytest.mark.parametrize(
    "domain", ["login", "test", "https://login.salesforce.com", "test.salesforce.com", "na1.salesforce.com"]
)
def test_client_credentials_at_a_shared_server_are_a_mistake_before_anything_is_sent(domain: str) -> None:
    mistake = mistake_in(a_secret(domain=domain))

    assert (mistake.field, mistake.code) == ("domain", "DOMAIN_NOT_MY_DOMAIN")


@pytest.mark.parametrize("grant_type", ["jwt_bearer", "refresh_token", "password"])
def test_the_other_grants_may_use_the_shared_servers(grant_type: str) -> None:
    assert read(a_secret(grant_type, domain="test.salesforce.com")).url == "https://test.salesforce.com"


def test_this_machine_is_taken_where_that_is_allowed() -> None:
    credentials = read(a_secret(domain="http://127.0.0.1:9000"), allow_local=True)

    assert credentials.url == "http://127.0.0.1:9000"
    assert is_local(credentials.url)


def test_blanks_around_a_value_are_taken_for_copying() -> None:
    credentials = read(a_secret("password", client_id=" the-client-id\n", username="a@example.com ", password=" p "))

    assert (credentials.client_id, credentials.username, credentials.password) == (
        "the-client-id",
        "a@example.com",
        " p ",
    )


def test_what_the_grant_does_not_need_is_not_kept() -> None:
    credentials = read(a_secret("client_credentials", password="left over", refresh_token="left over"))

    assert (credentials.password, credentials.refresh_token) == ("", "")


def test_unknown_keys_are_nobodys_business() -> None:
    assert read(a_secret(owner="the CRM team", scope=["api"])).client_id == "the-client-id"


@pytest.mark.parametrize("org_id", [ORG_ID, ORG_ID + "EAC"])
def test_an_org_id_has_15_or_18_characters(org_id: str) -> None:
    assert read(a_secret(org_id=org_id)).org_id == org_id


@pytest.mark.parametrize("org_id", ["acme", "00D", ORG_ID + "E", "001x0000000BV7z"])
def test_an_org_id_that_is_none_is_named(org_id: str) -> None:
    assert mistake_in(a_secret(org_id=org_id)).field == "org_id"


@pytest.mark.parametrize(
    "pasted",
    [
        rsa_pem(),
        rsa_pem().replace("\n", "\r\n"),
        rsa_pem().replace("\n", " "),
        rsa_pem().replace("\n", "\\n"),
        rsa_pem().replace("\n", "\\r\\n"),
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n" + rsa_pem(),
    ],
    ids=["as it is", "CRLF", "blanks", "backslash-n", "backslash-r-n", "beside a certificate"],
)
def test_a_private_key_is_read_as_people_paste_it(pasted: str) -> None:
    assert read(a_secret("jwt_bearer", private_key=pasted)).private_key == rsa_pem()


@pytest.mark.parametrize(
    ("pasted", "problem"),
    [
        ("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj", "is not PEM text"),
        (rsa_pem().replace("END PRIVATE KEY", "END"), "is not PEM text"),
        (rsa_pem().replace("PRIVATE KEY", "PUBLIC KEY"), "is not an RSA private key"),
        (rsa_pem().replace("PRIVATE KEY", "CERTIFICATE"), "is not an RSA private key"),
        (rsa_pem().replace("PRIVATE KEY", "EC PRIVATE KEY"), "is not an RSA private key"),
        (rsa_pem().replace("PRIVATE KEY", "OPENSSH PRIVATE KEY"), "is not an RSA private key"),
        (rsa_pem().replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"), "passphrase"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIE\n-----END RSA PRIVATE KEY-----",
            "passphrase",
        ),
    ],
)
def test_what_is_pasted_for_a_private_key_and_is_none_is_named(pasted: str, problem: str) -> None:
    mistake = mistake_in(a_secret("jwt_bearer", private_key=pasted))

    assert mistake.field == "private_key"
    assert problem in mistake.problem


def test_an_elliptic_key_in_the_common_form_is_not_told_apart_here() -> None:
    assert read(a_secret("jwt_bearer", private_key=elliptic_pem())).private_key == elliptic_pem()


def test_a_rotated_refresh_token_changes_nothing_else_of_the_secret() -> None:
    before = a_secret("refresh_token", owner="the CRM team", domain=" acme ")

    after = json.loads(with_refresh_token(before, "5Aep861-second"))

    assert after == {**json.loads(before), "refresh_token": "5Aep861-second"}


@pytest.mark.parametrize("grant_type", list(GrantType))
def test_a_repr_shows_the_grant_and_the_server_alone(grant_type: str) -> None:
    values = json.loads(a_secret(grant_type, org_id=ORG_ID, security_token="the-security-token"))

    shown = repr(read(json.dumps(values)))

    assert values["grant_type"] in shown
    assert [key for key, value in values.items() if value in shown] in (["grant_type"], ["grant_type", "domain"])
