from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import uuid4

import boto3
import pytest
from aws_lambda_powertools import Logger
from builders import SENT_AT, an_id
from moto import mock_aws
from salesforce_destination.aws.outcome_log import PROFILES_PER_LINE, OutcomeLog, hasher
from salesforce_destination.delivery.batch import Batch
from salesforce_destination.outcome import DELIVERED, SKIPPED, Message, Outcome, deferred, rejected
from salesforce_destination.record.record import Update

KEY = "k" * 43
IDENTITY = an_id(1)
HASH = hasher(KEY.encode())(IDENTITY)
REFUSED = rejected("INVALID_EMAIL_ADDRESS", "invalid email address: anna@")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class CountedSecrets:
    """Secrets Manager, with the number of readings, and an outage where `fails`."""

    def __init__(self) -> None:
        self.readings, self.fails = 0, False
        self._client = boto3.client("secretsmanager")
        self.secret_id = self._client.create_secret(Name="key", SecretString=KEY)["ARN"]

    def get_secret_value(self, **call: Any) -> Any:
        self.readings += 1
        if self.fails:
            raise self._client.exceptions.ClientError({"Error": {"Code": "InternalServiceError"}}, "GetSecretValue")
        return self._client.get_secret_value(**call)


@pytest.fixture
def secrets() -> Iterator[CountedSecrets]:
    with mock_aws():
        yield CountedSecrets()


def a_log(secrets: CountedSecrets, clock: Clock | None = None) -> OutcomeLog:
    return OutcomeLog(lambda: secrets, secrets.secret_id, clock or Clock())


def a_batch(*messages: Sequence[Outcome], message_id: str = "0123456789", original_id: str = "") -> Batch:
    """Messages with profiles of the same contact, which have these outcomes."""
    batch = Batch([Message(message_id, "handle", "body", SENT_AT, original_id=original_id) for _ in messages])
    for place, outcomes in enumerate(messages):
        batch.updates += [Update(place, n, IDENTITY, "", {}, SENT_AT, outcome=each) for n, each in enumerate(outcomes)]
    batch.conclude()
    return batch


def test_who_was_kept_out_stands_under_an_outcome_of_its_own_unless_a_reason_counts_more(
    secrets: CountedSecrets, logged: Any
) -> None:
    batch = a_batch([DELIVERED], [SKIPPED], [REFUSED], [DELIVERED])
    for update in batch.updates[:3]:
        update.is_permitted = False

    (line,) = logged(a_log(secrets), batch)

    assert list(line) == [
        "delivered",
        "delivered NOT_PERMITTED",
        "skipped NOT_PERMITTED",
        "rejected INVALID_EMAIL_ADDRESS",
    ]


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> Any:
    """Write the outcomes of a batch, and give those of each line."""

    def write(log: OutcomeLog, batch: Batch, level: str = "INFO") -> list[Any]:
        found = log.lines(batch, Logger(service=str(uuid4()), level=level))
        logged = [json.loads(line)["message"] for line in capsys.readouterr().out.splitlines()]
        assert IDENTITY not in json.dumps([found, logged])
        return [*found, *logged]

    return write


def test_a_batch_is_one_line_of_hashes_by_outcome(secrets: CountedSecrets, logged: Any) -> None:
    lines = logged(a_log(secrets), a_batch([DELIVERED], [DELIVERED], [SKIPPED], [REFUSED]))

    entry = f"{HASH} 01234567 {SENT_AT}"
    assert lines == [
        {"delivered": [entry, entry], "skipped": [entry], "rejected INVALID_EMAIL_ADDRESS": [entry]},
    ]


def test_a_redriven_message_is_named_as_at_first(secrets: CountedSecrets, logged: Any) -> None:
    (found,) = logged(a_log(secrets), a_batch([DELIVERED], original_id="9876543210"))

    assert found == {"delivered": [f"{HASH} 98765432 {SENT_AT}"]}


@pytest.mark.parametrize("length", [0, 1, 43, 64, 65, 200])
def test_the_hash_is_the_beginning_of_an_hmac_whatever_the_length_of_the_key(length: int) -> None:
    key = b"k" * length

    assert hasher(key)(IDENTITY) == hmac.new(key, IDENTITY.encode(), "sha256").hexdigest()[:16]


def test_nobody_finds_the_hash_without_the_key() -> None:
    assert len(HASH) == 16
    assert hasher(b"another key")(IDENTITY) != HASH


def test_a_profile_that_was_not_written_shares_the_fate_of_its_message_and_keeps_its_code(
    secrets: CountedSecrets, logged: Any
) -> None:
    locked = deferred("UNABLE_TO_LOCK_ROW")

    (outcomes,) = logged(a_log(secrets), a_batch([DELIVERED, REFUSED, locked]))

    assert set(outcomes) == {"delivered", "deferred INVALID_EMAIL_ADDRESS", "deferred UNABLE_TO_LOCK_ROW"}


def test_the_dead_letter_that_could_not_be_sent_is_deferred_with_that_reason(
    secrets: CountedSecrets, logged: Any
) -> None:
    batch = a_batch([REFUSED])
    batch.exceptions[0].outcome = deferred("DEAD_LETTER_QUEUE_UNAVAILABLE")

    (outcomes,) = logged(a_log(secrets), batch)

    assert list(outcomes) == ["deferred DEAD_LETTER_QUEUE_UNAVAILABLE"]


def test_a_large_batch_is_cut_into_lines_that_cloudwatch_takes(secrets: CountedSecrets, logged: Any) -> None:
    batch = a_batch(*[[rejected("A" * 40)]] * (PROFILES_PER_LINE + 1), message_id=str(uuid4()))

    lines = logged(a_log(secrets), batch)

    assert [sum(map(len, line.values())) for line in lines] == [PROFILES_PER_LINE, 1]
    assert len(json.dumps(lines[0])) < 200_000


def test_the_key_is_read_once(secrets: CountedSecrets, logged: Any) -> None:
    log = a_log(secrets)

    for _ in range(3):
        logged(log, a_batch([DELIVERED]))

    assert secrets.readings == 1


def test_without_the_key_a_warning_is_logged_and_it_is_not_asked_for_again_for_a_while(
    secrets: CountedSecrets, logged: Any
) -> None:
    clock = Clock()
    log = a_log(secrets, clock)
    secrets.fails = True

    first, second = logged(log, a_batch([DELIVERED])), logged(log, a_batch([DELIVERED]))

    assert "cannot be read" in first[0]
    assert second == []
    assert secrets.readings == 1
    secrets.fails, clock.now = False, 901.0
    assert logged(log, a_batch([DELIVERED])) == [{"delivered": [f"{HASH} 01234567 {SENT_AT}"]}]


@pytest.mark.parametrize("reason", ["no identity", "a higher level", "an older deployment"])
def test_the_key_is_not_read_where_nothing_is_to_be_logged(secrets: CountedSecrets, logged: Any, reason: str) -> None:
    log = OutcomeLog(lambda: secrets, "" if reason == "an older deployment" else secrets.secret_id, Clock())
    batch = a_batch([DELIVERED])
    if reason == "no identity":
        batch.updates[0].key = ""

    lines = logged(log, batch, level="WARNING" if reason == "a higher level" else "INFO")

    assert lines == []
    assert secrets.readings == 0
