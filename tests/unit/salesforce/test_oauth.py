from __future__ import annotations

import socket
import subprocess
import sys
import threading
from pathlib import Path

import jwt
import pytest
import requests
from logins import ORG_ID, TOKEN, Reply, TokenEndpoint, a_refusal, a_secret, an_answer, elliptic_pem, rsa_key, rsa_pem
from requests.exceptions import ChunkedEncodingError, ConnectTimeout, ReadTimeout, SSLError
from salesforce_destination.errors import CredentialsError, SalesforceUnavailableError
from salesforce_destination.login.credentials import Credentials, GrantType
from salesforce_destination.login.refresh import Login
from salesforce_destination.login.refusals import LoginUnavailableError
from salesforce_destination.salesforce.client import proxies_for
from salesforce_destination.salesforce.oauth import log_in, login_session, use
from urllib3.exceptions import MaxRetryError, NameResolutionError

NOW = 1_736_530_186.9
PACKAGE_ROOT = Path(__file__).parents[3] / "layers" / "salesforce_destination"


def read(text: str) -> Credentials:
    return Credentials.from_secret(text, allow_local=False)


def log_in_at(endpoint: TokenEndpoint, text: str | None = None) -> Login:
    session = login_session()
    session.mount("https://", endpoint)
    return log_in(session, read(text or a_secret()), NOW)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (
            a_secret("client_credentials"),
            {"grant_type": "client_credentials", "client_id": "the-client-id", "client_secret": "the-secret"},
        ),
        (
            a_secret("refresh_token"),
            {
                "grant_type": "refresh_token",
                "client_id": "the-client-id",
                "client_secret": "the-secret",
                "refresh_token": "5Aep861-first",
            },
        ),
        (
            a_secret("password", security_token="TOKEN7", password="p&=+ ü"),
            {
                "grant_type": "password",
                "client_id": "the-client-id",
                "client_secret": "the-secret",
                "username": "integration@example.com",
                "password": "p&=+ üTOKEN7",
            },
        ),
        (
            a_secret("password"),
            {
                "grant_type": "password",
                "client_id": "the-client-id",
                "client_secret": "the-secret",
                "username": "integration@example.com",
                "password": "the password",
            },
        ),
    ],
    ids=["client credentials", "refresh token", "password and security token", "password"],
)
def test_a_grant_is_sent_as_a_form(text: str, form: dict[str, str]) -> None:
    endpoint = TokenEndpoint()

    login = log_in_at(endpoint, text)

    assert endpoint.forms == [form]
    assert endpoint.requests[0].method == "POST"
    assert endpoint.requests[0].url == "https://acme.my.salesforce.com/services/oauth2/token"
    assert endpoint.requests[0].headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert login.access_token(read(text)).value == TOKEN


@pytest.mark.parametrize(
    ("domain", "audience"),
    [("acme", "https://login.salesforce.com"), ("acme--uat", "https://test.salesforce.com")],
)
def test_a_signed_log_in_says_who_asks_for_whom_and_until_when(domain: str, audience: str) -> None:
    endpoint = TokenEndpoint()

    log_in_at(endpoint, a_secret("jwt_bearer", domain=domain))

    form = endpoint.forms[0]
    assert form.keys() == {"grant_type", "assertion"}
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert jwt.get_unverified_header(form["assertion"])["alg"] == "RS256"
    claims = jwt.decode(
        form["assertion"], rsa_key().public_key(), ["RS256"], audience=audience, options={"verify_exp": False}
    )
    assert claims == {
        "iss": "the-client-id",
        "sub": "integration@example.com",
        "aud": audience,
        "exp": 1_736_530_186 + 180,
    }


@pytest.mark.parametrize(
    "private_key",
    [elliptic_pem(), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", rsa_pem().replace("A", "B")],
    ids=["elliptic", "no key in it", "garbled"],
)
def test_a_private_key_that_cannot_sign_is_named_before_anything_is_sent(private_key: str) -> None:
    endpoint = TokenEndpoint()

    with pytest.raises(CredentialsError) as caught:
        log_in_at(endpoint, a_secret("jwt_bearer", private_key=private_key))

    assert caught.value.field == "private_key"
    assert caught.value.__context__ is None
    assert endpoint.requests == []


def test_only_the_signed_log_in_costs_the_import_of_the_jwt_library() -> None:
    code = "import sys, salesforce_destination.salesforce.oauth; sys.exit('jwt' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], cwd=PACKAGE_ROOT, check=False)

    assert PACKAGE_ROOT.is_dir()
    assert done.returncode == 0


def test_a_redirect_is_not_followed_with_the_secrets() -> None:
    endpoint = TokenEndpoint(Reply(302, "", {"Location": "https://evil.example/services/oauth2/token"}))

    with pytest.raises(LoginUnavailableError) as caught:
        log_in_at(endpoint)

    assert caught.value.code == "LOGIN_REDIRECTED"
    assert len(endpoint.requests) == 1


def test_certificates_are_verified_and_time_is_limited() -> None:
    endpoint = TokenEndpoint()

    log_in_at(endpoint)

    options = endpoint.options[0]
    assert options["verify"] is True
    assert all(0 < seconds <= 20 for seconds in options["timeout"])


def test_nothing_of_the_environment_comes_between(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("default login somebody password something\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    monkeypatch.delenv("https_proxy", raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    endpoint = TokenEndpoint()

    log_in_at(endpoint)

    assert "Authorization" not in endpoint.requests[0].headers
    assert not endpoint.options[0]["proxies"]
    assert endpoint.options[0]["verify"] is True


@pytest.mark.parametrize(
    ("variables", "is_used"),
    [
        ({"HTTPS_PROXY": "http://proxy.example:3128"}, True),
        ({"https_proxy": "http://proxy.example:3128"}, True),
        ({"HTTPS_PROXY": "http://proxy.example:3128", "NO_PROXY": "other.example,.my.salesforce.com"}, False),
        ({"HTTPS_PROXY": "http://proxy.example:3128", "NO_PROXY": "*"}, False),
        ({"HTTPS_PROXY": "http://proxy.example:3128", "NO_PROXY": "other.example"}, True),
        ({"HTTPS_PROXY": ""}, False),
    ],
)
def test_https_proxy_and_no_proxy_are_heeded(
    variables: dict[str, str], is_used: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    endpoint, session = TokenEndpoint(), login_session()
    session.mount("https://", endpoint)

    token = log_in(session, read(a_secret()), NOW).access_token(read(a_secret()))
    use(session, token)

    proxies = {"https": "http://proxy.example:3128"} if is_used else {}
    assert [dict(options["proxies"]) for options in endpoint.options] == [proxies, proxies]
    assert proxies_for("http://127.0.0.1:9000") == {}


def test_a_proxy_that_does_not_connect_is_named_and_sees_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []

    def refuse(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        seen.append(connection.recv(4096))
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=refuse, args=(listening,))
        thread.start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listening.getsockname()[1]}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        with pytest.raises(LoginUnavailableError) as caught:
            log_in(login_session(), read(a_secret()), NOW)
        thread.join()

    assert caught.value.code == "LOGIN_PROXY_FAILS"
    assert caught.value.__context__ is None
    assert seen[0].startswith(b"CONNECT acme.my.salesforce.com:443 ")
    assert b"the-secret" not in seen[0]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Reply(200, {"identity": "x"}), ""),
        (Reply(404, [{"errorCode": "NOT_FOUND", "message": ""}]), ""),
        (Reply(403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]), ""),
        (Reply(401, [{"errorCode": "INVALID_SESSION_ID", "message": ""}]), "NEW_TOKEN_REFUSED"),
        (Reply(401, "<html></html>"), "NEW_TOKEN_REFUSED"),
        (Reply(403, [{"errorCode": "A_CODE_OF_TOMORROW", "message": ""}]), "NEW_TOKEN_REFUSED"),
        (Reply(403, [{"errorCode": "API_DISABLED_FOR_ORG", "message": ""}]), "API_DISABLED_FOR_ORG"),
        (Reply(403, "<html>a firewall</html>"), "TOKEN_UNTRIED"),
        (Reply(200, "<html>maintenance</html>"), "TOKEN_UNTRIED"),
        (Reply(500, [{"errorCode": "UNKNOWN_EXCEPTION", "message": ""}]), "TOKEN_UNTRIED"),
        (Reply(420, [{"errorCode": "ANY", "message": ""}]), "TOKEN_UNTRIED"),
        (Reply(301, ""), "ORG_MOVED"),
        (ReadTimeout("MARK"), "LOGIN_UNREACHABLE"),
    ],
)
def test_a_new_token_is_good_once_salesforce_took_it(answer: Reply | Exception, code: str) -> None:
    endpoint, session = TokenEndpoint(), login_session()
    endpoint.use_answer = answer
    session.mount("https://", endpoint)
    token = log_in(session, read(a_secret()), NOW).access_token(read(a_secret()))
    found = said = ""

    try:
        use(session, token)
    except (CredentialsError, LoginUnavailableError) as error:
        found, said = error.code, f"{error} {error!r} {vars(error)} {error.__context__!r}"

    assert found == code
    assert TOKEN not in said


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(503, "<html>We'll be back</html>"), "LOGIN_ANSWER_UNREADABLE"),
        (Reply(200, "<html>Maintenance</html>"), "LOGIN_ANSWER_UNREADABLE"),
        (Reply(200, '{"access_token": "x", "instance_url": "y"}'), "LOGIN_ANSWER_UNREADABLE"),
        (Reply(404, "<html>URL No Longer Exists</html>"), "LOGIN_ANSWER_UNREADABLE"),
        (Reply(200, {}, {"Content-Type": "text/html"}), "LOGIN_ANSWER_UNREADABLE"),
        (Reply(500, {"error": "invalid_client"}), "LOGIN_ANSWER_UNREADABLE"),
        (a_refusal("unknown_error", "retry your request"), "RETRY_REQUESTED"),
        (a_refusal("invalid_grant", "token request is already being processed"), "LOGIN_IN_PROGRESS"),
    ],
)
def test_an_outage_is_no_fault_of_the_credentials(reply: Reply, code: str) -> None:
    with pytest.raises(SalesforceUnavailableError) as caught:
        log_in_at(TokenEndpoint(reply))

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (ConnectTimeout(), "LOGIN_UNREACHABLE"),
        (ReadTimeout(), "LOGIN_UNREACHABLE"),
        (ChunkedEncodingError(), "LOGIN_UNREACHABLE"),
        (requests.ConnectionError("refused"), "LOGIN_UNREACHABLE"),
        (SSLError("self-signed"), "LOGIN_HOST_NOT_TRUSTED"),
    ],
)
def test_no_answer_may_pass_by_itself(failure: Exception, code: str) -> None:
    with pytest.raises(LoginUnavailableError) as caught:
        log_in_at(TokenEndpoint(failure))

    assert caught.value.code == code
    assert caught.value.status is None
    # requests' exceptions carry the request, and with it the secrets.
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_a_domain_that_the_dns_does_not_know_is_named() -> None:
    pool_error = MaxRetryError(None, "/", NameResolutionError("acme", None, OSError()))  # type: ignore[arg-type]

    with pytest.raises(LoginUnavailableError) as caught:
        log_in_at(TokenEndpoint(requests.ConnectionError(pool_error)))

    assert (caught.value.code, caught.value.field) == ("LOGIN_HOST_UNKNOWN", "domain")


def test_a_host_that_really_is_unknown_is_told_so() -> None:
    session = login_session()
    credentials = Credentials(GrantType.CLIENT_CREDENTIALS, "https://acme.invalid", "the-client-id")

    with pytest.raises(LoginUnavailableError) as caught:
        log_in(session, credentials, NOW)

    assert caught.value.code == "LOGIN_HOST_UNKNOWN"


def test_a_wrong_secret_is_said_in_our_words() -> None:
    endpoint = TokenEndpoint(a_refusal("invalid_client", "invalid client credentials"))

    with pytest.raises(CredentialsError) as caught:
        log_in_at(endpoint)

    assert caught.value.field == "client_secret"
    assert "invalid client credentials" not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        a_refusal("invalid_client", "MARK-secret is wrong"),
        a_refusal("MARK-secret", "MARK-secret"),
        Reply(503, "<html>MARK-secret</html>"),
        Reply(302, "MARK", {"Location": "https://MARK.example"}),
        Reply(200, '{"MARK'),
        ReadTimeout("MARK", request=requests.Request("POST", "https://x", data="MARK").prepare()),
        SSLError("MARK"),
    ],
    ids=range(7),
)
@pytest.mark.parametrize("grant_type", list(GrantType))
def test_an_error_holds_no_secret_wherever_one_looks(answer: Reply | Exception, grant_type: str) -> None:
    marks = {key: f"MARK-{key}" for key in ("client_id", "client_secret", "username", "password", "refresh_token")}

    with pytest.raises((CredentialsError, LoginUnavailableError)) as caught:
        log_in_at(TokenEndpoint(answer), a_secret(grant_type, **marks))

    error: BaseException | None = caught.value
    while error is not None:
        assert "MARK" not in f"{error} {error!r} {error.args} {vars(error)}"
        error = error.__cause__ or error.__context__


def test_an_error_under_status_200_is_an_error() -> None:
    with pytest.raises(CredentialsError):
        log_in_at(TokenEndpoint(Reply(200, {"error": "invalid_client_id", **an_answer()})))


def test_an_answer_without_a_content_type_is_read_all_the_same() -> None:
    login = log_in_at(TokenEndpoint(Reply(200, an_answer(), {"Content-Type": ""})))

    assert login.access_token(read(a_secret(org_id=ORG_ID))).value == TOKEN
