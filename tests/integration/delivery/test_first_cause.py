"""Where several things fail at once, the log names what failed first on a message's way; the rest is told beside it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from itertools import combinations

import pytest
from builders import a_message, a_profile
from deliver_function import DeliverStack
from destination_testbench.org import Fault, FaultKind
from moto import mock_aws

SIX_DAYS_MS = 6 * 86_400_000


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeliverStack]:
    with mock_aws():
        yield DeliverStack(monkeypatch)


def no_secret(stack: DeliverStack) -> None:
    stack.secrets.delete_secret(SecretId=stack.token_id, RecoveryWindowInDays=7)


def no_refresh_queue(stack: DeliverStack) -> None:
    stack.store("not a token")
    stack.sqs.delete_queue(QueueUrl=stack.refresh_url)


def outage(stack: DeliverStack) -> None:
    stack.org.faults.add(Fault(FaultKind.OUTAGE))


def no_dead_letter_queue(stack: DeliverStack) -> None:
    stack.sqs.delete_queue(QueueUrl=stack.dead_letters_url)


def no_queue(stack: DeliverStack) -> None:
    stack.sqs.delete_queue(QueueUrl=stack.queue_url)


FAULTS: dict[str, Callable[[DeliverStack], None]] = {
    "SECRETS_UNAVAILABLE": no_secret,
    "REFRESH_QUEUE_UNAVAILABLE": no_refresh_queue,
    "SERVER_UNAVAILABLE": outage,
    "DEAD_LETTER_QUEUE_UNAVAILABLE": no_dead_letter_queue,
    "delays_refused": no_queue,
}
"""In the order in which a message meets them."""

DEAD_LETTERS = "DEAD_LETTER_QUEUE_UNAVAILABLE"


@pytest.mark.parametrize("pair", list(combinations(FAULTS, 2)), ids="-".join)
def test_of_two_faults_the_first_is_the_reason(
    pair: tuple[str, str], stack: DeliverStack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.app.started().tokens.wait = 0.05
    for name in reversed(pair):
        FAULTS[name](stack)
    # Only what is too old, or cannot be read, is sent to the dead-letter queue.
    age_ms = SIX_DAYS_MS if DEAD_LETTERS in pair else 0
    body = "not JSON" if pair[0] == DEAD_LETTERS else a_profile(1)

    kept = stack.invoke([a_message(body, sent_at=int(time.time() * 1000) - age_ms)])

    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"batch delivered"' in line]
    assert kept == ["message-1"]
    assert line["reasons"] == {pair[0]: 1}
    assert line.get("dead_letters_refused", 0) == (DEAD_LETTERS in pair)
    assert line["delays_refused"] == 1  # moto did not hand the message out: it fails in each of these
