from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from destination_testbench.org import Fault, FaultKind, OrgAdapter, OrgConfig, SimulatedOrg
from logins import a_secret, rsa_key
from moto import mock_aws
from refresh_function import SCHEDULE, Stack, an_event
from salesforce_destination.errors import TokenUnavailableError
from salesforce_destination.login.token import AccessToken
from salesforce_destination.salesforce.client import SalesforceClient

LOCAL = {"client_id": "local-client-id", "client_secret": "local-client-secret"}
USER = {"username": "integration@example.com"}
GRANTS: dict[str, dict[str, str]] = {
    "client_credentials": LOCAL,
    "jwt_bearer": {"client_id": "local-client-id", **USER},
    "refresh_token": {**LOCAL, "refresh_token": "local-refresh-token"},
    "password": {**LOCAL, **USER, "password": "local-password", "security_token": "local-security-token"},
}
DONE: dict[str, list[dict[str, str]]] = {"batchItemFailures": []}
CREATE = "/services/data/v66.0/composite/sobjects"


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    return Stack(monkeypatch)


def an_org(**config: Any) -> SimulatedOrg:
    org = SimulatedOrg(OrgConfig(**config))
    key = rsa_key().public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    org.oauth.apps["local-client-id"].public_key = key.public_bytes(serialization.Encoding.PEM, form).decode()
    return org


def refresh(stack: Stack, org: SimulatedOrg, grant_type: str, **changes: str) -> dict[str, list[dict[str, str]]]:
    secret = a_secret(grant_type, **{**GRANTS[grant_type], **changes})
    stack.secrets.put_secret_value(SecretId=stack.credentials_id, SecretString=secret)
    result: dict[str, list[dict[str, str]]] = stack.function(OrgAdapter(org)).lambda_handler(an_event(SCHEDULE), None)
    return result


def status_with(org: SimulatedOrg, token: AccessToken) -> int:
    session = requests.Session()
    session.mount("https://", OrgAdapter(org))
    headers = {"Authorization": f"Bearer {token.value}"}
    return session.get(token.instance_url + "/services/data/v66.0/limits", headers=headers).status_code


def error_in(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    written = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [error] = [line for line in written if line.get("level") == "ERROR"]
    return dict(error)


@pytest.mark.parametrize("grant_type", GRANTS)
def test_each_grant_gets_a_token_that_the_org_takes(grant_type: str, stack: Stack) -> None:
    org = an_org()

    result = refresh(stack, org, grant_type)

    token = stack.stored_token()
    assert result == DONE
    assert token is not None
    assert status_with(org, token) == 200


@pytest.mark.parametrize(
    ("grant_type", "changes", "code", "field"),
    [
        ("client_credentials", {"client_id": "other"}, "CLIENT_ID_UNKNOWN", "client_id"),
        ("client_credentials", {"client_secret": "other"}, "CLIENT_SECRET_WRONG", "client_secret"),
        ("refresh_token", {"refresh_token": "other"}, "REFRESH_TOKEN_EXPIRED", "refresh_token"),
        ("password", {"password": "other"}, "LOGIN_REFUSED", "password"),
        ("password", {"security_token": "other"}, "LOGIN_REFUSED", "password"),
        ("jwt_bearer", {"client_id": "other"}, "CLIENT_ID_UNKNOWN", "client_id"),
        ("jwt_bearer", {"username": "nobody@example.com"}, "APP_NOT_APPROVED", ""),
        ("client_credentials", {"org_id": "00D000000000001"}, "ORG_ID_DIFFERS", "org_id"),
    ],
)
def test_the_field_that_is_wrong_is_named(
    grant_type: str,
    changes: dict[str, str],
    code: str,
    field: str,
    stack: Stack,
    capsys: pytest.CaptureFixture[str],
) -> None:
    result = refresh(stack, an_org(), grant_type, **changes)

    error = error_in(capsys)
    assert result != DONE
    assert (error["code"], error["field"]) == (code, field)
    assert stack.stored_token() is None


def test_an_app_without_a_run_as_user_is_named(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    org = an_org()
    org.oauth.apps["local-client-id"].run_as = None

    refresh(stack, org, "client_credentials")

    assert error_in(capsys)["code"] == "RUN_AS_USER_MISSING"


def test_an_app_without_a_certificate_is_named(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    refresh(stack, SimulatedOrg(), "jwt_bearer")

    assert error_in(capsys)["code"] == "ASSERTION_INVALID"


def test_an_outage_passes(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    org = an_org()
    org.faults.add(Fault(FaultKind.HTML, times=1))

    first = refresh(stack, org, "client_credentials")
    error = error_in(capsys)
    second = refresh(stack, org, "client_credentials")

    assert error["code"] == "LOGIN_ANSWER_UNREADABLE"
    assert first != DONE
    assert second == DONE


def test_a_rotating_org_is_logged_in_to_again_and_again(stack: Stack) -> None:
    org = an_org(rotate_refresh_tokens=True)
    refresh(stack, org, "refresh_token")
    app = stack.function(OrgAdapter(org))
    first = stack.stored_credentials()["refresh_token"]

    results = [app.lambda_handler(an_event(SCHEDULE), None) for _ in range(2)]

    token = stack.stored_token()
    assert results == [DONE, DONE]
    assert stack.stored_credentials()["refresh_token"] not in (first, "local-refresh-token")
    assert token is not None
    assert status_with(org, token) == 200


def test_a_revoked_session_costs_one_log_in_and_the_request_is_sent_once_more(stack: Stack) -> None:
    org = an_org()
    refresh(stack, org, "client_credentials")
    app = stack.function(OrgAdapter(org))
    tokens = stack.token_source(sleep=lambda seconds: stack.run_queue(app))
    session = requests.Session()
    session.mount("https://", OrgAdapter(org))
    client = SalesforceClient(session, tokens, lambda: 30.0)
    org.sessions.revoke_all()
    issued = org.sessions.issued

    part = {"method": "POST", "url": "/services/data/v66.0/sobjects/Contact", "referenceId": "one"}
    answer = client.post(
        "/services/data/v66.0/composite", {"compositeRequest": [{**part, "body": {"LastName": "Okafor"}}]}
    )

    assert answer["compositeResponse"][0]["httpStatusCode"] == 201
    assert org.sessions.issued == issued + 1
    assert stack.waiting() == []


def test_a_token_that_is_refused_again_at_once_is_not_asked_for_for_ever(stack: Stack) -> None:
    org = an_org()
    refresh(stack, org, "client_credentials")
    app = stack.function(OrgAdapter(org))
    tokens = stack.token_source(sleep=lambda seconds: stack.run_queue(app))
    session = requests.Session()
    session.mount("https://", OrgAdapter(org))
    org.faults.add(Fault(FaultKind.SESSION_EXPIRED, path="/composite"))
    issued = org.sessions.issued

    with pytest.raises(TokenUnavailableError, match="SESSION_IP_LOCKED"):
        SalesforceClient(session, tokens, lambda: 30.0).post(CREATE, {"records": []})

    assert org.sessions.issued == issued + 1


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(FaultKind.REPLY, path="/composite", status=400, code="URL_NOT_RESET"), "URL_NOT_RESET"),
        (Fault(FaultKind.HTML, path="/composite", status=301), "ORG_MOVED"),
    ],
)
def test_a_moved_org_is_logged_in_to_again_and_then_named(fault: Fault, code: str, stack: Stack) -> None:
    org = an_org()
    refresh(stack, org, "client_credentials")
    app = stack.function(OrgAdapter(org))
    tokens = stack.token_source(sleep=lambda seconds: stack.run_queue(app))
    session = requests.Session()
    session.mount("https://", OrgAdapter(org))
    org.faults.add(fault)
    issued = org.sessions.issued
    client = SalesforceClient(session, tokens, lambda: 30.0)

    with pytest.raises(TokenUnavailableError, match=code):
        client.post(CREATE, {"records": []})

    assert org.sessions.issued == issued + 1


def test_a_locked_session_shows_where_the_token_is_used_from_another_address(stack: Stack) -> None:
    org = an_org(lock_sessions_to_address=True)
    refresh(stack, org, "client_credentials")
    app = stack.function(OrgAdapter(org))
    tokens = stack.token_source(sleep=lambda seconds: stack.run_queue(app))
    session = requests.Session()
    session.mount("https://", OrgAdapter(org, "10.0.0.2"))

    with pytest.raises(TokenUnavailableError, match="SESSION_IP_LOCKED"):
        SalesforceClient(session, tokens, lambda: 30.0).post(CREATE, {"records": []})
