"""Each fault of an org's log-in or session: what `connect`, `check` and `status` make of it, and no log-in storm."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from destination_cli.check import report_on
from destination_cli.status import org_status
from destination_testbench.org import Fault, FaultKind, OrgConfig, OrgServer, SimulatedOrg, serve
from inline_stack import InlineStack

CONTACTS = Path(__file__).parents[3] / "layers" / "destinations" / "contacts.toml"


@pytest.fixture
def server() -> Iterator[OrgServer]:
    with serve(SimulatedOrg(OrgConfig())) as server:
        yield server


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, server: OrgServer, tmp_path: Path) -> InlineStack:
    return InlineStack(monkeypatch, server, tmp_path)


Arrange = Callable[[SimulatedOrg], object]


def user(**changes: bool) -> Arrange:
    return lambda org: changed(org.users[0], changes)


def app(**changes: object) -> Arrange:
    return lambda org: changed(org.oauth.apps["local-client-id"], changes)


def fault(kind: FaultKind, **members: Any) -> Arrange:
    return lambda org: org.faults.add(Fault(kind, **members))


def changed(thing: object, changes: Mapping[str, object]) -> None:
    for name, value in changes.items():
        setattr(thing, name, value)


def locked(org: SimulatedOrg) -> None:
    org.config.lock_sessions_to_address = True


def no_calls_left(org: SimulatedOrg) -> None:
    org.faults.add(Fault(FaultKind.DAILY_LIMIT))


@dataclass(frozen=True)
class Row:
    """A fault, and what comes of it: `names` is the setting that Salesforce's pages show."""

    arrange: Arrange
    code: str
    names: str
    connect: int = 1
    check: int = 1


DATA, TOKEN = "/services/data/v", "/services/oauth2/token"
ROWS = {
    "password expired": Row(
        user(password_expired=True), "INVALID_OPERATION_WITH_EXPIRED_PASSWORD", "Password Never Expires"
    ),
    "password expired, as a 403": Row(
        fault(FaultKind.REPLY, path=DATA, status=403, code="INVALID_OPERATION_WITH_EXPIRED_PASSWORD"),
        "INVALID_OPERATION_WITH_EXPIRED_PASSWORD",
        "Password Never Expires",
    ),
    "session locked": Row(locked, "SESSION_IP_LOCKED", "Lock sessions to the IP address from which they originated"),
    "API Access Control": Row(app(api_allowed=False), "NEW_TOKEN_REFUSED", "API Access Control"),
    "API Access Control, at the log-in": Row(
        fault(FaultKind.REPLY, path=TOKEN, status=400, body='{"error":"invalid_app_access"}'),
        "APP_NOT_APPROVED",
        "API Access Control",
    ),
    "no scope": Row(app(scope="refresh_token"), "NEW_TOKEN_REFUSED", "OAuth scope api"),
    "app blocked": Row(app(blocked=True), "APP_BLOCKED", "Connected Apps OAuth Usage"),
    "JWT access tokens": Row(
        fault(FaultKind.REPLY, path=DATA, status=401, code="INVALID_JWT_FORMAT"),
        "INVALID_JWT_FORMAT",
        "JSON Web Token (JWT)-based access tokens",
    ),
    "no header type": Row(
        fault(FaultKind.REPLY, path=DATA, status=401, code="INVALID_AUTH_HEADER"),
        "INVALID_AUTH_HEADER",
        "JSON Web Token (JWT)-based access tokens",
    ),
    "moved": Row(fault(FaultKind.HTML, path=DATA, status=302), "ORG_MOVED", "My Domain"),
    "moved, with a code": Row(
        fault(FaultKind.REPLY, path=DATA, status=400, code="URL_NOT_RESET"), "URL_NOT_RESET", "My Domain"
    ),
    "log-ins redirected": Row(
        fault(FaultKind.HTML, path=TOKEN, status=302), "LOGIN_REDIRECTED", "My Domain", connect=2
    ),
    "API not enabled": Row(user(api_enabled=False), "API_CURRENTLY_DISABLED", "API Enabled"),
    "data API down": Row(
        fault(FaultKind.OUTAGE, path=DATA), "TOKEN_UNTRIED", "the log-in is tried again", connect=2, check=2
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_fault_is_named_by_its_setting_wherever_a_person_looks(row: Row, stack: InlineStack) -> None:
    org = stack.server.org
    row.arrange(org)
    before = stack.secrets.values["credentials"]

    status = org_status(stack.target)
    connected = stack.connect()
    checked = report_on(CONTACTS, target=stack.target)
    again = org_status(stack.target)

    found = " ".join(f"{finding.problem} {finding.cure}" for finding in checked.findings)
    assert (connected.status, connected.code) == (row.connect, row.code)
    assert row.names in f"{connected.problem} {connected.cure}"
    assert checked.exit_status == row.check
    if row.check == 1:
        assert row.names in found
        assert row.names in again.cause
    assert status.problem
    assert status.cause
    assert connected.stored is (row.code == "SESSION_IP_LOCKED")
    assert stack.secrets.values["credentials"] == before
    written = "".join([stack.log.read_text(), connected.as_json(), checked.as_json(), repr((status, again))])
    assert "local-client-secret" not in written
    assert not any(token in written for token in org.sessions._sessions)


@pytest.mark.parametrize("name", ["password expired", "session locked", "app blocked", "log-ins redirected"])
def test_no_fault_makes_a_storm_of_log_ins(name: str, stack: InlineStack) -> None:
    org = stack.server.org
    ROWS[name].arrange(org)

    for _ in range(5):
        report_on(CONTACTS, target=stack.target)

    assert org.log.counts["POST /services/oauth2/token"] == 3


def test_a_good_org_is_connected_and_its_token_was_used(stack: InlineStack) -> None:
    connected = stack.connect()
    status = org_status(stack.target)

    assert (connected.status, connected.token, connected.code) == (0, True, "")
    assert (status.problem, status.cause) == ("", "")
    assert stack.server.org.log.counts["GET /services/data/v62.0"] == 3


def test_an_org_without_calls_has_taken_the_token(stack: InlineStack) -> None:
    no_calls_left(stack.server.org)

    assert stack.connect().status == 0


def test_a_new_token_that_was_revoked_while_no_log_in_works_is_not_taken_for_a_locked_one(stack: InlineStack) -> None:
    org = stack.server.org
    stack.connect()
    org.sessions.revoke_all()
    app(client_secret="another")(org)
    report_on(CONTACTS, target=stack.target)

    status = org_status(stack.target)

    assert status.problem == "NO_ACCESS_TOKEN"
    assert "client_secret is not the secret of the app." in status.cause


def test_a_pause_between_log_ins_is_told_to_who_connects(stack: InlineStack) -> None:
    org = stack.server.org
    app(client_secret="another")(org)
    for _ in range(4):
        report_on(CONTACTS, target=stack.target)
    app(client_secret="local-client-secret")(org)

    connected = stack.connect()
    checked = report_on(CONTACTS, target=stack.target)

    assert (connected.stored, connected.token) == (True, False)
    assert "by itself within ten minutes" in connected.cure
    # `check` still tells why the three failed.
    assert any(finding.key == "credentials.client_secret" for finding in checked.findings)
