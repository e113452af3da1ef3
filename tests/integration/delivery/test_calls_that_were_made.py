"""RequestsSent and SalesforceLatency tell of the calls that the org received, whatever else a batch went through."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from builders import a_message, a_profile
from deliver_function import INSTANCE, Context, DeliverStack
from destination_testbench.org import Fault, FaultKind
from moto import mock_aws
from requests.adapters import BaseAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import MaxRetryError, NewConnectionError


class NeverUp(BaseAdapter):
    """No connection comes up."""

    def send(self, *args: Any, **options: Any) -> requests.Response:
        cause = NewConnectionError(HTTPConnection("acme"), "refused")
        raise requests.ConnectionError(MaxRetryError(HTTPSConnectionPool("acme"), "/", cause))


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeliverStack]:
    with mock_aws():
        yield DeliverStack(monkeypatch)


def no_token(stack: DeliverStack) -> None:
    stack.store("{}")


def no_secret(stack: DeliverStack) -> None:
    stack.secrets.delete_secret(SecretId=stack.token_id, RecoveryWindowInDays=7)


def refused_token(stack: DeliverStack) -> None:
    stack.org.sessions.revoke_all()


def refused_once(stack: DeliverStack) -> None:
    stack.org.faults.add(Fault(FaultKind.SESSION_EXPIRED, times=1))
    token, sleep = stack.a_token(), stack.app.started().tokens.sleep

    def wait(seconds: float) -> None:
        sleep(seconds)
        stack.store(token)

    stack.app.started().tokens.sleep = wait


def above_the_ceiling(stack: DeliverStack) -> None:
    stack.org.usage.spend(stack.org.now(), stack.org.config.daily_limit - 50)


def never_up(stack: DeliverStack) -> None:
    stack.app.session.mount(INSTANCE, NeverUp())


def fails(kind: FaultKind) -> Callable[[DeliverStack], None]:
    def begin(stack: DeliverStack) -> None:
        stack.org.faults.add(Fault(kind, path="/composite"))

    return begin


PATHS: dict[str, tuple[Callable[[DeliverStack], None], int]] = {
    "all is well": (lambda stack: None, 2),
    "there is no token": (no_token, 0),
    "the token cannot be read": (no_secret, 0),
    "the token is refused": (refused_token, 1),
    "the token is refused and another one comes": (refused_once, 3),
    "the ceiling is met by the describe": (above_the_ceiling, 1),
    "no connection comes up": (never_up, 0),
    **{kind.value: (fails(kind), 2) for kind in (FaultKind.OUTAGE, FaultKind.DROP_AFTER, FaultKind.TRUNCATED)},
}


def arrived(stack: DeliverStack) -> int:
    return sum(count for name, count in stack.org.log.counts.items() if "/services/data/" in name)


def told(output: str) -> dict[str, float]:
    """The metrics about calls."""
    lines = [json.loads(line) for line in output.splitlines() if line.startswith('{"_aws"')]
    return {name: line[name][0] for line in lines for name in ("RequestsSent", "SalesforceLatency") if name in line}


@pytest.mark.parametrize("path", PATHS)
def test_what_is_counted_is_what_the_org_received(
    path: str, stack: DeliverStack, capsys: pytest.CaptureFixture[str]
) -> None:
    begin, calls = PATHS[path]
    stack.app.started().tokens.wait = 0.05
    begin(stack)

    stack.invoke([a_message(a_profile(1))])

    found = told(capsys.readouterr().out)
    assert arrived(stack) == calls
    assert found.get("RequestsSent", 0) == calls
    assert ("SalesforceLatency" in found) == (calls > 0)


def test_a_batch_that_sends_nothing_tells_no_latency_of_the_one_before(
    stack: DeliverStack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.invoke([a_message(a_profile(1))])
    first = told(capsys.readouterr().out)

    stack.invoke([a_message(a_profile(1))], Context(remaining_ms=25_000))

    assert set(first) == {"RequestsSent", "SalesforceLatency"}
    assert told(capsys.readouterr().out) == {}
