from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import boto3
import pytest
from aws_lambda_powertools import Logger
from builders import SENT_AT, an_id
from moto import mock_aws
from salesforce_destination.aws.outcome_log import PROFILES_PER_LINE, OutcomeLog, identity_hash
from salesforce_destination.outcome import (
    DELIVERED,
    SKIPPED,
    Delivery,
    Message,
    Outcome,
    ProfileOutcome,
    deferred,
    rejected,
)

KEY = "k" * 43
IDENTITY = an_id(1)
HASH = identity_hash(KEY.encode(), IDENTITY)
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


def a_delivery(outcome: Outcome, *parts: Outcome, message_id: str = "0123456789") -> Delivery:
    """A message with this outcome, and profiles of the same contact with these, or with the same."""
    message = Message(message_id, "handle", "body", SENT_AT)
    outcomes = parts or (outcome,)
    return Delivery(
        message,
        outcome,
        SENT_AT,
        profiles=len(outcomes),
        parts=tuple(ProfileOutcome(IDENTITY, outcome) for outcome in outcomes),
    )


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> Any:
    """Write deliveries, and give the outcomes of each line."""

    def write(log: OutcomeLog, *deliveries: Delivery, level: str = "INFO") -> list[Any]:
        log.write(deliveries, Logger(service=str(uuid4()), level=level))
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert all(IDENTITY not in json.dumps(line) for line in lines)
        return [line.get("outcomes") or line["message"] for line in lines]

    return write


def test_a_batch_is_one_line_of_hashes_by_outcome(secrets: CountedSecrets, logged: Any) -> None:
    lines = logged(
        a_log(secrets), a_delivery(DELIVERED), a_delivery(DELIVERED), a_delivery(SKIPPED), a_delivery(REFUSED)
    )

    entry = f"{HASH} 01234567 {SENT_AT}"
    assert lines == [
        {"delivered": [entry, entry], "skipped": [entry], "rejected INVALID_EMAIL_ADDRESS": [entry]},
    ]


def test_nobody_finds_the_hash_without_the_key() -> None:
    assert len(HASH) == 16
    assert identity_hash(b"another key", IDENTITY) != HASH


def test_a_profile_that_was_not_written_shares_the_fate_of_its_message_and_keeps_its_code(
    secrets: CountedSecrets, logged: Any
) -> None:
    locked = deferred("UNABLE_TO_LOCK_ROW")

    (outcomes,) = logged(a_log(secrets), a_delivery(locked, DELIVERED, REFUSED, locked))

    assert set(outcomes) == {"delivered", "deferred INVALID_EMAIL_ADDRESS", "deferred UNABLE_TO_LOCK_ROW"}


def test_the_dead_letter_that_could_not_be_sent_is_deferred_with_that_reason(
    secrets: CountedSecrets, logged: Any
) -> None:
    delivery = a_delivery(deferred("DEAD_LETTER_QUEUE_UNAVAILABLE"), REFUSED)

    (outcomes,) = logged(a_log(secrets), delivery)

    assert list(outcomes) == ["deferred DEAD_LETTER_QUEUE_UNAVAILABLE"]


def test_a_large_batch_is_cut_into_lines_that_cloudwatch_takes(secrets: CountedSecrets, logged: Any) -> None:
    deliveries = [a_delivery(rejected("A" * 40), message_id=str(uuid4())) for _ in range(PROFILES_PER_LINE + 1)]

    lines = logged(a_log(secrets), *deliveries)

    assert [sum(map(len, line.values())) for line in lines] == [PROFILES_PER_LINE, 1]
    assert len(json.dumps(lines[0])) < 200_000


def test_the_key_is_read_once(secrets: CountedSecrets, logged: Any) -> None:
    log = a_log(secrets)

    for _ in range(3):
        logged(log, a_delivery(DELIVERED))

    assert secrets.readings == 1


def test_without_the_key_a_warning_is_logged_and_it_is_not_asked_for_again_for_a_while(
    secrets: CountedSecrets, logged: Any
) -> None:
    clock = Clock()
    log = a_log(secrets, clock)
    secrets.fails = True

    first, second = logged(log, a_delivery(DELIVERED)), logged(log, a_delivery(DELIVERED))

    assert "cannot be read" in first[0]
    assert second == []
    assert secrets.readings == 1
    secrets.fails, clock.now = False, 901.0
    assert logged(log, a_delivery(DELIVERED)) == [{"delivered": [f"{HASH} 01234567 {SENT_AT}"]}]


@pytest.mark.parametrize("reason", ["no identity", "a higher level", "an older deployment"])
def test_the_key_is_not_read_where_nothing_is_to_be_logged(secrets: CountedSecrets, logged: Any, reason: str) -> None:
    log = OutcomeLog(lambda: secrets, "" if reason == "an older deployment" else secrets.secret_id, Clock())
    delivery = a_delivery(DELIVERED)
    if reason == "no identity":
        delivery = Delivery(delivery.message, REFUSED)

    lines = logged(log, delivery, level="WARNING" if reason == "a higher level" else "INFO")

    assert lines == []
    assert secrets.readings == 0
