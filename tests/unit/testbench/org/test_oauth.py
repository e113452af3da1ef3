from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from destination_testbench.org import OrgReply, OrgRequest, SimulatedOrg
from org_caller import INTEGRATION, Caller, Clock, an_org
from pydantic_core import from_json

APP = {"client_id": "local-client-id", "client_secret": "local-client-secret"}
CREDENTIALS = {"grant_type": "client_credentials", **APP}
PASSWORD = {"grant_type": "password", **APP, "username": INTEGRATION, "password": "local-passwordlocal-security-token"}
REFRESH = {"grant_type": "refresh_token", **APP, "refresh_token": "local-refresh-token"}
HOST = "https://acme.my.salesforce.com"


def ask(org: SimulatedOrg, form: dict[str, str], endpoint: str = "token", host: str = HOST, **headers: str) -> OrgReply:
    request = OrgRequest("POST", f"/services/oauth2/{endpoint}", {}, headers, urlencode(form).encode(), host)
    return org.handle(request)


def answer(org: SimulatedOrg, form: dict[str, str], **more: Any) -> tuple[int, Any]:
    reply = ask(org, form, **more)
    return reply.status, from_json(reply.body)


def works(org: SimulatedOrg, token: str) -> bool:
    caller = Caller(org)
    caller.token = token
    return caller.send("GET", "limits")[0] == 200


@pytest.mark.parametrize("form", [CREDENTIALS, PASSWORD, REFRESH])
def test_each_grant_gives_a_token_that_works(org: SimulatedOrg, form: dict[str, str]) -> None:
    status, body = answer(org, form)

    assert status == 200
    assert works(org, body["access_token"])
    assert body["access_token"].startswith("00DAb0000000001!")
    assert body["instance_url"] == HOST
    assert body["id"] == "https://test.salesforce.com/id/00DAb0000000001MAA/005Ab0000000001IAA"
    assert body["token_type"] == "Bearer"
    assert body["issued_at"] == "1800000000000"
    assert not body.keys() & {"expires_in", "refresh_token"}


def test_the_answer_must_not_be_stored(org: SimulatedOrg) -> None:
    assert ask(org, CREDENTIALS).headers["Cache-Control"] == "no-store"
    assert ask(org, {}).headers["Cache-Control"] == "no-store"


def test_the_client_can_name_itself_by_http_basic(org: SimulatedOrg) -> None:
    basic = base64.b64encode(b"local-client-id:local-client-secret").decode()

    assert answer(org, {"grant_type": "client_credentials"}, authorization=f"Basic {basic}")[0] == 200


@pytest.mark.parametrize(
    ("form", "error", "description"),
    [
        ({}, "invalid_request", "missing required parameter: grant_type"),
        ({"grant_type": "magic"}, "unsupported_grant_type", "grant type not supported"),
        ({"grant_type": "client_credentials"}, "invalid_request", "missing required parameter: client_id"),
        ({**CREDENTIALS, "client_id": "x"}, "invalid_client_id", "client identifier invalid"),
        ({**CREDENTIALS, "client_secret": "x"}, "invalid_client", "invalid client credentials"),
        ({**PASSWORD, "password": "local-password"}, "invalid_grant", "authentication failure"),
        ({**PASSWORD, "username": "nobody"}, "invalid_grant", "authentication failure"),
        ({**PASSWORD, "username": ""}, "invalid_request", "missing required parameter: username"),
        ({**REFRESH, "refresh_token": "old"}, "invalid_grant", "expired access/refresh token"),
    ],
)
def test_a_wrong_log_in_is_a_400_that_says_what_is_wrong(
    org: SimulatedOrg, form: dict[str, str], error: str, description: str
) -> None:
    assert answer(org, form) == (400, {"error": error, "error_description": description})


@pytest.mark.parametrize("host", ["https://login.salesforce.com", "https://test.salesforce.com"])
def test_client_credentials_are_for_the_my_domain_host_only(org: SimulatedOrg, host: str) -> None:
    refusal = {"error": "invalid_grant", "error_description": "request not supported on this domain"}

    assert answer(org, CREDENTIALS, host=host) == (400, refusal)
    assert answer(org, PASSWORD, host=host)[0] == 200


def test_without_a_run_as_user_client_credentials_log_nobody_in(org: SimulatedOrg) -> None:
    org.oauth.apps["local-client-id"].run_as = None

    refusal = {"error": "invalid_grant", "error_description": "no client credentials user enabled"}
    assert answer(org, CREDENTIALS) == (400, refusal)


def test_an_inactive_user_is_not_logged_in_and_its_token_works_no_more(org: SimulatedOrg) -> None:
    _, body = answer(org, CREDENTIALS)
    org.users[0].active = False

    assert answer(org, CREDENTIALS)[1]["error_description"] == "inactive user"
    assert not works(org, body["access_token"])


def test_an_org_may_block_the_password_flow() -> None:
    assert answer(an_org(password_flow=False), PASSWORD)[1]["error_description"] == "authentication failure"


def test_a_get_logs_nobody_in(org: SimulatedOrg) -> None:
    reply = org.handle(OrgRequest("GET", "/services/oauth2/token", CREDENTIALS))

    assert from_json(reply.body) == {"error": "invalid_request", "error_description": "must use HTTP POST"}


def test_a_rotated_refresh_token_dies_and_using_it_again_revokes_everything() -> None:
    org = an_org(rotate_refresh_tokens=True)
    _, first = answer(org, REFRESH)
    _, second = answer(org, {**REFRESH, "refresh_token": first["refresh_token"]})
    assert works(org, second["access_token"])

    refusal = answer(org, REFRESH)

    assert refusal[1]["error_description"] == "expired access/refresh token"
    assert not works(org, second["access_token"])
    assert answer(org, {**REFRESH, "refresh_token": second["refresh_token"]})[0] == 400


def test_a_session_lasts_as_long_as_it_is_used(clock: Clock) -> None:
    org = an_org(clock=clock, session_timeout=100)
    _, body = answer(org, CREDENTIALS)

    for _ in range(3):
        clock.time += 99
        assert works(org, body["access_token"])
    clock.time += 100
    assert not works(org, body["access_token"])


@pytest.mark.parametrize(
    ("header", "code", "message"),
    [
        ("", "INVALID_SESSION_ID", "Session expired or invalid"),
        ("Bearer nonsense", "INVALID_SESSION_ID", "Session expired or invalid"),
        ("nonsense", "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE"),
    ],
)
def test_a_call_without_a_good_token_is_a_401_that_costs_nothing(
    org: SimulatedOrg, header: str, code: str, message: str
) -> None:
    reply = Caller(org).request("GET", "limits", authorization=header)

    assert reply.status == 401
    assert from_json(reply.body) == [{"message": message, "errorCode": code}]
    assert org.usage.used(org.now()) == 0
    assert "Sforce-Limit-Info" not in reply.headers


def test_the_older_word_for_bearer_works_too(org: SimulatedOrg) -> None:
    caller = Caller(org)

    assert caller.send("GET", "limits", authorization=f"OAuth {caller.token}")[0] == 200


def test_revoking_ends_a_session_or_all_of_a_refresh_token(org: SimulatedOrg) -> None:
    _, one = answer(org, CREDENTIALS)
    _, other = answer(org, REFRESH)

    assert ask(org, {"token": one["access_token"]}, "revoke").status == 200
    assert ask(org, {"token": "local-refresh-token"}, "revoke").status == 200

    assert not works(org, one["access_token"])
    assert not works(org, other["access_token"])
    assert ask(org, {"token": "nothing"}, "revoke").status == 400


def test_all_sessions_can_be_ended_by_hand(org: SimulatedOrg) -> None:
    _, body = answer(org, CREDENTIALS)

    assert org.admin.revoke_tokens() == 1
    assert not works(org, body["access_token"])


def asked(org: SimulatedOrg, token: str, address: str = "127.0.0.1") -> tuple[int, str]:
    headers = {"authorization": f"Bearer {token}"}
    reply = org.handle(OrgRequest("GET", "/services/data/v62.0", {}, headers, address=address))
    return reply.status, json.loads(reply.body)[0]["errorCode"] if reply.status >= 400 else ""


def test_a_session_can_be_locked_to_the_address_that_it_was_made_for(org: SimulatedOrg) -> None:
    org.config.lock_sessions_to_address = True
    _, body = answer(org, CREDENTIALS)

    assert asked(org, body["access_token"])[0] == 200
    assert asked(org, body["access_token"], "10.0.0.1") == (401, "INVALID_SESSION_ID")


def test_a_log_in_passes_what_the_first_call_does_not(org: SimulatedOrg) -> None:
    app, user = org.oauth.apps["local-client-id"], org.users[0]
    app.scope = "refresh_token"
    _, without_scope = answer(org, CREDENTIALS)
    app.scope, app.api_allowed = "api", False
    _, not_allowed = answer(org, CREDENTIALS)
    app.api_allowed, user.password_expired = True, True
    _, expired = answer(org, CREDENTIALS)

    refusals = [asked(org, body["access_token"]) for body in (without_scope, not_allowed, expired)]

    assert refusals == [(401, "INVALID_SESSION_ID")] * 2 + [(401, "INVALID_OPERATION_WITH_EXPIRED_PASSWORD")]


def test_a_blocked_app_logs_nobody_in(org: SimulatedOrg, clock: Clock, key: rsa.RSAPrivateKey) -> None:
    register(org, key)
    org.oauth.apps["local-client-id"].blocked = True

    assert answer(org, CREDENTIALS)[1]["error"] == "OAUTH_APP_BLOCKED"
    assert answer(org, a_jwt_form(key, clock.time, aud=HOST))[1]["error"] == "OAUTH_APP_BLOCKED"


def test_introspection_tells_until_when_a_token_is_good(org: SimulatedOrg, clock: Clock) -> None:
    _, body = answer(org, CREDENTIALS)

    _, alive = answer(org, {**APP, "token": body["access_token"]}, endpoint="introspect")
    _, dead = answer(org, {**APP, "token": "x"}, endpoint="introspect")

    assert (alive["active"], alive["exp"], alive["username"]) == (True, int(clock.time) + 7200, INTEGRATION)
    assert dead == {"active": False}
    assert answer(org, {"token": "x"}, endpoint="introspect")[0] == 401


def test_userinfo_with_a_dead_token_is_403(org: SimulatedOrg) -> None:
    reply = org.handle(OrgRequest("GET", "/services/oauth2/userinfo", {}, {"authorization": "Bearer x"}))

    assert (reply.status, reply.body) == (403, b'"Bad_OAuth_Token"')


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def a_jwt_form(key: rsa.RSAPrivateKey, now: float, **changes: Any) -> dict[str, str]:
    claims = {
        "iss": "local-client-id",
        "sub": INTEGRATION,
        "aud": "https://login.salesforce.com",
        "exp": int(now + 180),
    }
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    return {"grant_type": grant, "assertion": jwt.encode({**claims, **changes}, key, "RS256")}


def register(org: SimulatedOrg, key: rsa.RSAPrivateKey) -> None:
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    org.oauth.apps["local-client-id"].public_key = pem.decode()


def test_an_assertion_signed_with_the_apps_key_logs_in(org: SimulatedOrg, clock: Clock, key: rsa.RSAPrivateKey) -> None:
    register(org, key)

    status, body = answer(org, a_jwt_form(key, clock.time, aud=HOST))

    assert status == 200
    assert works(org, body["access_token"])


@pytest.mark.parametrize(
    ("changes", "error", "description"),
    [
        ({"iss": "x"}, "invalid_client_id", "client identifier invalid"),
        ({"sub": "nobody"}, "invalid_grant", "user hasn't approved this consumer"),
        ({"aud": "https://example.com"}, "invalid_grant", "Audience validation failed"),
        ({"exp": 1_799_999_999}, "invalid_grant", "expired authorization code"),
        ({"exp": 1_800_003_600}, "invalid_grant", "invalid assertion"),
    ],
)
def test_an_assertion_that_claims_something_wrong_is_refused(
    org: SimulatedOrg, clock: Clock, key: rsa.RSAPrivateKey, changes: dict[str, Any], error: str, description: str
) -> None:
    register(org, key)

    refusal = {"error": error, "error_description": description}
    assert answer(org, a_jwt_form(key, clock.time, **changes)) == (400, refusal)


def test_an_assertion_signed_with_another_key_is_refused(
    org: SimulatedOrg, clock: Clock, key: rsa.RSAPrivateKey
) -> None:
    register(org, rsa.generate_private_key(public_exponent=65537, key_size=2048))

    assert answer(org, a_jwt_form(key, clock.time))[1]["error_description"] == "invalid assertion"
    assert answer(org, {**a_jwt_form(key, clock.time), "assertion": "x.y.z"})[1]["error"] == "invalid_grant"


def test_users_of_an_app_must_be_approved(org: SimulatedOrg, clock: Clock, key: rsa.RSAPrivateKey) -> None:
    register(org, key)
    org.oauth.apps["local-client-id"].approved = False

    description = answer(org, a_jwt_form(key, clock.time))[1]["error_description"]

    assert description == "user hasn't approved this consumer"


def test_log_ins_can_be_refused_for_a_while(org: SimulatedOrg) -> None:
    org.faults.refuse_log_ins("unknown_error", "retry your request", times=1)

    assert answer(org, CREDENTIALS) == (400, {"error": "unknown_error", "error_description": "retry your request"})
    assert answer(org, CREDENTIALS)[0] == 200


def test_an_expiry_in_milliseconds_is_let_in_as_salesforces_own_command_writes_it(
    org: SimulatedOrg, clock: Clock, key: rsa.RSAPrivateKey
) -> None:
    register(org, key)

    assert answer(org, a_jwt_form(key, clock.time, exp=int(clock.time * 1000) + 300))[0] == 200


@pytest.mark.parametrize(("sandbox", "host"), [(True, "test"), (False, "login")])
def test_the_identity_address_tells_a_sandbox_from_an_org_in_use(sandbox: bool, host: str) -> None:
    org = an_org(sandbox=sandbox)
    identity = f"https://{host}.salesforce.com/id/00DAb0000000001MAA/005Ab0000000001IAA"

    assert answer(org, CREDENTIALS)[1]["id"] == identity
    assert Caller(org).send("GET", "")[1]["identity"] == identity


def test_who_is_logged_in_can_be_asked_for(org: SimulatedOrg) -> None:
    token = answer(org, CREDENTIALS)[1]["access_token"]
    bearer = {"authorization": f"Bearer {token}"}
    identity = "/id/00DAb0000000001MAA/005Ab0000000001IAA"

    info = from_json(org.handle(OrgRequest("GET", "/services/oauth2/userinfo", {}, bearer)).body)
    who = from_json(org.handle(OrgRequest("GET", identity, {"oauth_token": token, "format": "json"})).body)

    assert (info["preferred_username"], info["organization_id"]) == (INTEGRATION, "00DAb0000000001MAA")
    assert info["urls"]["rest"] == f"{HOST}/services/data/v{{version}}/"
    assert (who["username"], who["user_id"], who["id"]) == (INTEGRATION, "005Ab0000000001IAA", info["sub"])
    assert org.handle(OrgRequest("GET", identity, {"oauth_token": "dead"})).status == 403


SOAP_LOGIN = (
    "<se:Envelope><se:Header/><se:Body><login xmlns='urn:partner.soap.sforce.com'><username>integration@example.com"
    "</username><password>local-passwordlocal-security-token</password></login></se:Body></se:Envelope>"
)


def test_the_older_log_in_tells_the_org_and_can_be_ended(org: SimulatedOrg) -> None:
    reply = org.handle(OrgRequest("POST", "/services/Soap/u/60.0", {}, {}, SOAP_LOGIN.encode())).body.decode()
    token = reply.partition("<sessionId>")[2].partition("<")[0]

    assert "<organizationId>00DAb0000000001MAA</organizationId>" in reply
    assert "<passwordExpired>false</passwordExpired><sandbox>true</sandbox>" in reply
    assert works(org, token)
    logout = (
        f"<se:Envelope><se:Header><sessionId>{token}</sessionId></se:Header><se:Body><logout/></se:Body></se:Envelope>"
    )
    assert org.handle(OrgRequest("POST", "/services/Soap/u/66.0", {}, {}, logout.encode())).status == 200
    assert not works(org, token)
    assert org.handle(OrgRequest("POST", "/services/Soap/u/66.0", {}, {}, logout.encode())).status == 500


def test_an_expired_password_is_told_by_the_older_log_in(org: SimulatedOrg) -> None:
    org.users[0].password_expired = True

    reply = org.handle(OrgRequest("POST", "/services/Soap/u/60.0", {}, {}, SOAP_LOGIN.encode())).body.decode()

    assert "<passwordExpired>true</passwordExpired>" in reply
