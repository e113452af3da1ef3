from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from builders import LOYAL, SENT_AT, a_destination, a_message, a_profile, an_id
from salesforce_destination.delivery import DeliveryRun, give_up_on_old
from salesforce_destination.domain.classification import RecordError
from salesforce_destination.domain.composite import Collection, CollectionReply
from salesforce_destination.domain.errors import (
    ConcurrentLimitError,
    DailyLimitError,
    DestinationError,
    OutcomeUnknownError,
    RequestRefusedError,
    SalesforceUnavailableError,
    TimeIsUpError,
    TokenUnavailableError,
)
from salesforce_destination.domain.mapping import Mapper
from salesforce_destination.domain.message import Message
from salesforce_destination.domain.outcome import Delivery, Outcome, Wait
from salesforce_destination.domain.record import Record
from salesforce_destination.domain.successor import Move, Successor
from salesforce_destination.sending import RequestSize


class Salesforce:
    """A way to send that refuses the records it is told to, and remembers what came."""

    def __init__(
        self, refuses: dict[str, str] | None = None, fails: list[DestinationError | None] | None = None
    ) -> None:
        self.requests: list[Sequence[Collection]] = []
        self._refuses, self._fails = refuses or {}, fails or []

    def send(self, collections: Sequence[Collection]) -> list[CollectionReply]:
        self.requests.append(collections)
        failure = self._fails.pop(0) if self._fails else None
        if failure:
            raise failure
        return [[self._result(record.identity) for record in collection] for collection in collections]

    def find(self, move: Move, records: Sequence[Record]) -> dict[str, Successor]:
        return {}

    def _result(self, identity: str) -> tuple[RecordError, ...]:
        code = self._refuses.get(identity)
        return (RecordError(code, "its text", ("Field",)),) if code else ()


def run(salesforce: Salesforce, messages: list[Message], records: int = 200, collections: int = 5) -> list[Delivery]:
    return DeliveryRun(Mapper(a_destination()), salesforce, RequestSize(records, collections)).deliver(messages)


def outcomes(deliveries: list[Delivery]) -> list[Outcome]:
    return [delivery.fate.outcome for delivery in deliveries]


def codes(deliveries: list[Delivery]) -> list[str | None]:
    return [delivery.fate.reason.code if delivery.fate.reason else None for delivery in deliveries]


def test_a_thousand_messages_are_one_request_of_five_collections() -> None:
    salesforce = Salesforce()

    deliveries = run(salesforce, [a_message(number=number) for number in range(1, 1001)])

    assert set(outcomes(deliveries)) == {Outcome.DELIVERED}
    assert [[len(collection) for collection in request] for request in salesforce.requests] == [[200] * 5]


def test_messages_about_one_record_are_sent_once_and_share_its_outcome() -> None:
    salesforce = Salesforce()
    messages = [a_message(a_profile(1, email=address), number=n) for n, address in enumerate(["a@b.c", "d@e.f"])]

    deliveries = run(salesforce, messages)

    ((collection,),) = salesforce.requests
    assert [record.fields["Email"] for record in collection] == ["d@e.f"]
    assert outcomes(deliveries) == [Outcome.DELIVERED, Outcome.DELIVERED]


BAD_MESSAGES: list[tuple[Any, str]] = [
    ('{"person": 1,}', "NOT_JSON"),
    ("[]", "NO_PROFILE"),
    (a_profile(last_name=None), "REQUIRED_VALUE_MISSING"),
    (a_profile(last_name="x" * 81), "VALUE_TOO_LONG"),
    (a_profile(crm_id="nonsense"), "IDENTITY_MALFORMED"),
    ({"person": {}}, "REQUIRED_VALUE_MISSING"),
    (a_profile(statuses={LOYAL: "paused"}), "STATUS_UNKNOWN"),
]


@pytest.mark.parametrize(("body", "code"), BAD_MESSAGES)
def test_a_bad_message_is_rejected_and_its_neighbours_are_delivered(body: Any, code: str) -> None:
    salesforce = Salesforce()

    deliveries = run(salesforce, [a_message(number=1), a_message(body, number=2), a_message(number=3)])

    assert outcomes(deliveries) == [Outcome.DELIVERED, Outcome.REJECTED, Outcome.DELIVERED]
    assert codes(deliveries)[1] == code


def test_a_batch_of_bad_messages_costs_no_call() -> None:
    salesforce = Salesforce()

    run(salesforce, [a_message("nonsense")])

    assert salesforce.requests == []


def test_a_refused_record_is_rejected_with_salesforces_reason() -> None:
    salesforce = Salesforce(refuses={an_id(2): "INVALID_EMAIL_ADDRESS"})

    first, second = run(salesforce, [a_message(number=1), a_message(number=2)])

    assert first.fate.outcome is Outcome.DELIVERED
    assert second.fate.outcome is Outcome.REJECTED
    assert second.fate.reason is not None
    assert (second.fate.reason.code, second.fate.reason.text) == ("INVALID_EMAIL_ADDRESS", "its text")
    assert second.fate.reason.fields == ("Field",)


def test_a_locked_record_is_deferred_alone() -> None:
    deliveries = run(Salesforce(refuses={an_id(2): "UNABLE_TO_LOCK_ROW"}), [a_message(number=n) for n in (1, 2, 3)])

    assert outcomes(deliveries) == [Outcome.DELIVERED, Outcome.DEFERRED, Outcome.DELIVERED]


def test_an_unknown_code_is_tried_three_times_more() -> None:
    salesforce = Salesforce(refuses={an_id(1): "A_CODE_OF_TOMORROW"})

    tries = [run(salesforce, [a_message(receive_count=count)])[0].fate.outcome for count in (1, 2, 3, 4)]

    assert tries == [Outcome.DEFERRED] * 3 + [Outcome.REJECTED]


FAILURES: list[tuple[DestinationError, Wait, Wait]] = [
    (SalesforceUnavailableError(503), Wait.BACKOFF, Wait.BACKOFF),
    (ConcurrentLimitError(403), Wait.BACKOFF, Wait.BACKOFF),
    (DailyLimitError(403), Wait.DAILY_LIMIT, Wait.DAILY_LIMIT),
    (OutcomeUnknownError(None), Wait.UNKNOWN, Wait.BACKOFF),
    (RequestRefusedError(403), Wait.MISFIT, Wait.MISFIT),
    (TokenUnavailableError(), Wait.BACKOFF, Wait.BACKOFF),
    (TimeIsUpError(), Wait.BACKOFF, Wait.BACKOFF),
]


@pytest.mark.parametrize(("failure", "sent", "waiting"), FAILURES)
def test_a_failed_request_defers_what_it_held_and_what_waited_behind_it(
    failure: DestinationError, sent: Wait, waiting: Wait
) -> None:
    salesforce = Salesforce(fails=[None, failure])

    deliveries = run(salesforce, [a_message(number=n) for n in (1, 2, 3)], records=1, collections=1)

    assert outcomes(deliveries) == [Outcome.DELIVERED, Outcome.DEFERRED, Outcome.DEFERRED]
    assert [delivery.fate.wait for delivery in deliveries[1:]] == [sent, waiting]
    assert len(salesforce.requests) == 2


def test_a_message_has_the_worst_outcome_of_its_profiles() -> None:
    salesforce = Salesforce(refuses={an_id(2): "UNABLE_TO_LOCK_ROW", an_id(3): "ENTITY_IS_DELETED"})
    bodies = [[1, 4], [1, 3], [3, 1, 2]]
    messages = [a_message({"profiles": [a_profile(n) for n in body]}, number=i) for i, body in enumerate(bodies)]

    deliveries = run(salesforce, messages)

    assert outcomes(deliveries) == [Outcome.DELIVERED, Outcome.REJECTED, Outcome.DEFERRED]
    assert [delivery.failed_profiles for delivery in deliveries] == [(), (1,), (0, 2)]


def test_the_event_time_of_the_attribute_comes_before_the_time_of_sending() -> None:
    messages = [a_message(), a_message(event_time=str(SENT_AT - 5)), a_message(event_time="soon")]

    deliveries = run(Salesforce(), messages)

    assert [delivery.event_time for delivery in deliveries] == [SENT_AT, SENT_AT - 5, None]
    assert codes(deliveries)[2] == "EVENT_TIME_INVALID"


def test_a_message_that_is_too_old_and_still_deferred_is_given_up_with_its_last_reason() -> None:
    salesforce = Salesforce(refuses={an_id(1): "UNABLE_TO_LOCK_ROW"})
    deliveries = run(salesforce, [a_message(receive_count=400), a_message(number=2)])

    young = give_up_on_old(deliveries, SENT_AT + 99_999, give_up_after_seconds=100)
    old = give_up_on_old(deliveries, SENT_AT + 100_000, give_up_after_seconds=100)

    assert outcomes(young) == [Outcome.DEFERRED, Outcome.DELIVERED]
    assert outcomes(old) == [Outcome.REJECTED, Outcome.DELIVERED]
    assert codes(old)[0] == "UNABLE_TO_LOCK_ROW"
    assert old[0].event_time == SENT_AT


def test_the_tally_counts_records_and_statuses() -> None:
    salesforce = Salesforce(refuses={an_id(3): "ENTITY_IS_DELETED"})
    delivery_run = DeliveryRun(Mapper(a_destination()), salesforce, RequestSize())

    delivery_run.deliver(
        [a_message(a_profile(n, statuses={LOYAL: "realized"}), number=n) for n in (1, 2, 2, 3)] + [a_message("?")]
    )

    tally = delivery_run.tally
    assert (tally.profiles, tally.requests, tally.records_delivered) == (4, 1, 2)
    assert tally.statuses == {"CDP_Loyal__c": 2}
    assert tally.codes == {"ENTITY_IS_DELETED": 1}
