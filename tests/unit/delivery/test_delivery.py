from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import scripted_org
from builders import CONTACTS, LOYAL, SENT_AT, a_destination, a_message, a_profile, an_id
from salesforce_destination.delivery.deliverer import Deliverer, Limits
from salesforce_destination.delivery.memory import Memory
from salesforce_destination.errors import (
    ConcurrentLimitError,
    DailyLimitError,
    DestinationError,
    OutcomeUnknownError,
    RequestRefusedError,
    SalesforceUnavailableError,
    TimeIsUpError,
    TokenUnavailableError,
)
from salesforce_destination.outcome import Delivery, Message, OutcomeKind, Wait
from salesforce_destination.record.classification import RecordError
from salesforce_destination.record.composite import Collection, CollectionReply
from salesforce_destination.record.description import ObjectDescription, read_description
from salesforce_destination.record.record import Record
from salesforce_destination.record.successor import Move, Successor
from scripted_org import AsksNothing


def an_object(*names: str) -> ObjectDescription:
    fields = [{"name": name, "type": "string", "length": 80, "updateable": True} for name in names]
    return read_description({"name": "Contact", "updateable": True, "fields": fields})


class Salesforce(AsksNothing):
    """An org that refuses the records it is told to, and remembers what came."""

    def __init__(self, refuses: dict[str, str] | None = None, fails: Sequence[DestinationError | None] = ()) -> None:
        self.requests: list[Sequence[Collection]] = []
        self.refuses, self.fails = refuses or {}, list(fails)
        self.fields = ["LastName", "FirstName", "Email", "CDP_Loyal__c"]
        self.usage: float | None = None
        self.now, self.seconds_per_call, self.described = 0.0, 0.0, 0

    def clock(self) -> float:
        return self.now

    def send(self, collections: Sequence[Collection]) -> list[CollectionReply]:
        self.requests.append(collections)
        self.now += self.seconds_per_call
        failure = self.fails.pop(0) if self.fails else None
        if failure:
            raise failure
        return [[self._result(record.identity) for record in collection] for collection in collections]

    def is_nearly_full(self) -> bool:
        return False

    def seconds_left(self) -> float:
        return 250.0

    def api_calls(self) -> int:
        return len(self.requests) + self.described

    def find(self, move: Move, records: Sequence[Record]) -> dict[str, Successor]:
        return {}

    def describe(self, sobject: str = "", *, anew: bool = False) -> ObjectDescription:
        self.described += 1
        return an_object(*self.fields)

    def api_usage_percent(self) -> float | None:
        return self.usage

    def _result(self, identity: str) -> tuple[RecordError, ...]:
        code = self.refuses.get(identity)
        return (RecordError(code, "its text", ("Field",)),) if code else ()


class Marker:
    """Remembers what was marked, and who is suspect."""

    def __init__(self, *suspects: str) -> None:
        self.suspects, self.left = suspects, [""]

    def is_suspect(self, message_id: str) -> bool:
        return message_id in self.suspects

    def mark(self, message_id: str) -> None:
        self.left.append(message_id)

    def clear(self) -> None:
        self.left.append("")


def a_deliverer(
    salesforce: Salesforce,
    text: str = CONTACTS,
    *,
    records: int = 200,
    collections: int = 5,
    marker: Marker | None = None,
) -> Deliverer:
    memory = Memory(salesforce.clock, collections, collections)
    limits = Limits(records_per_collection=records, give_up_after_seconds=100)
    return scripted_org.a_deliverer(a_destination(text), salesforce, limits, memory, marker or Marker())


def run(
    salesforce: Salesforce, messages: list[Message], records: int = 200, collections: int = 5
) -> Sequence[Delivery]:
    deliverer = a_deliverer(salesforce, records=records, collections=collections)
    return deliverer.deliver(messages, SENT_AT).deliveries


def outcomes(deliveries: Sequence[Delivery]) -> list[OutcomeKind]:
    return [delivery.outcome.kind for delivery in deliveries]


def codes(deliveries: Sequence[Delivery]) -> list[str | None]:
    return [delivery.outcome.reason.code if delivery.outcome.reason else None for delivery in deliveries]


def test_a_thousand_messages_are_one_request_of_five_collections() -> None:
    salesforce = Salesforce()

    deliveries = run(salesforce, [a_message(number=number) for number in range(1, 1001)])

    assert set(outcomes(deliveries)) == {OutcomeKind.DELIVERED}
    assert [[len(collection) for collection in request] for request in salesforce.requests] == [[200] * 5]


def test_messages_about_one_record_are_sent_once_and_share_its_outcome() -> None:
    salesforce = Salesforce()
    messages = [a_message(a_profile(1, email=address), number=n) for n, address in enumerate(["a@b.c", "d@e.f"])]

    deliveries = run(salesforce, messages)

    ((collection,),) = salesforce.requests
    assert [record.fields["Email"] for record in collection] == ["d@e.f"]
    assert outcomes(deliveries) == [OutcomeKind.DELIVERED, OutcomeKind.DELIVERED]


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

    assert outcomes(deliveries) == [OutcomeKind.DELIVERED, OutcomeKind.REJECTED, OutcomeKind.DELIVERED]
    assert codes(deliveries)[1] == code


def test_a_batch_of_bad_messages_costs_no_call() -> None:
    salesforce = Salesforce()

    run(salesforce, [a_message("nonsense")])

    assert salesforce.requests == []


def test_a_refused_record_is_rejected_with_salesforces_reason() -> None:
    salesforce = Salesforce(refuses={an_id(2): "INVALID_EMAIL_ADDRESS"})

    first, second = run(salesforce, [a_message(number=1), a_message(number=2)])

    assert first.outcome.kind is OutcomeKind.DELIVERED
    assert second.outcome.kind is OutcomeKind.REJECTED
    assert second.outcome.reason is not None
    assert (second.outcome.reason.code, second.outcome.reason.text) == ("INVALID_EMAIL_ADDRESS", "its text")
    assert second.outcome.reason.fields == ("Field",)


def test_a_locked_record_is_deferred_alone() -> None:
    deliveries = run(Salesforce(refuses={an_id(2): "UNABLE_TO_LOCK_ROW"}), [a_message(number=n) for n in (1, 2, 3)])

    assert outcomes(deliveries) == [OutcomeKind.DELIVERED, OutcomeKind.DEFERRED, OutcomeKind.DELIVERED]


def test_an_unknown_code_is_tried_three_times_more() -> None:
    salesforce = Salesforce(refuses={an_id(1): "A_CODE_OF_TOMORROW"})

    good = a_message(a_profile(2), number=2)
    tries = [run(salesforce, [a_message(receive_count=count), good])[0].outcome.kind for count in (1, 2, 3, 4)]

    assert tries == [OutcomeKind.DEFERRED] * 3 + [OutcomeKind.REJECTED]


FAILURES: list[tuple[DestinationError, Wait, Wait]] = [
    (SalesforceUnavailableError(503), Wait.BACKOFF, Wait.BACKOFF),
    (ConcurrentLimitError(403), Wait.BACKOFF, Wait.BACKOFF),
    (DailyLimitError(403), Wait.DAILY_LIMIT, Wait.DAILY_LIMIT),
    (OutcomeUnknownError(None), Wait.UNKNOWN, Wait.BACKOFF),
    (RequestRefusedError(403), Wait.UNTIL_MENDED, Wait.UNTIL_MENDED),
    (TokenUnavailableError(), Wait.BACKOFF, Wait.BACKOFF),
    (TimeIsUpError(), Wait.BACKOFF, Wait.BACKOFF),
]


@pytest.mark.parametrize(("failure", "sent", "waiting"), FAILURES)
def test_a_failed_request_defers_what_it_held_and_what_waited_behind_it(
    failure: DestinationError, sent: Wait, waiting: Wait
) -> None:
    salesforce = Salesforce(fails=[None, failure])

    deliveries = run(salesforce, [a_message(number=n) for n in (1, 2, 3)], records=1, collections=1)

    assert outcomes(deliveries) == [OutcomeKind.DELIVERED, OutcomeKind.DEFERRED, OutcomeKind.DEFERRED]
    assert [delivery.outcome.wait for delivery in deliveries[1:]] == [sent, waiting]
    assert len(salesforce.requests) == 2


def test_a_message_has_the_worst_outcome_of_its_profiles() -> None:
    salesforce = Salesforce(refuses={an_id(2): "UNABLE_TO_LOCK_ROW", an_id(3): "ENTITY_IS_DELETED"})
    bodies = [[1, 4], [1, 3], [3, 1, 2]]
    messages = [a_message({"profiles": [a_profile(n) for n in body]}, number=i) for i, body in enumerate(bodies)]

    deliveries = run(salesforce, messages)

    assert outcomes(deliveries) == [OutcomeKind.DELIVERED, OutcomeKind.REJECTED, OutcomeKind.DEFERRED]
    assert [delivery.failed_profiles for delivery in deliveries] == [(), (1,), (0, 2)]


def test_the_event_time_of_the_attribute_comes_before_the_time_of_sending() -> None:
    messages = [a_message(), a_message(event_time=str(SENT_AT - 5)), a_message(event_time="soon")]

    deliveries = run(Salesforce(), messages)

    assert [delivery.event_time for delivery in deliveries] == [SENT_AT, SENT_AT - 5, None]
    assert codes(deliveries)[2] == "EVENT_TIME_INVALID"


def test_a_message_that_is_too_old_and_still_deferred_is_given_up_with_its_last_reason() -> None:
    deliverer = a_deliverer(Salesforce(refuses={an_id(1): "UNABLE_TO_LOCK_ROW"}))
    messages = [a_message(receive_count=400), a_message(number=2)]

    young = deliverer.deliver(messages, SENT_AT + 99_999).deliveries
    old = deliverer.deliver(messages, SENT_AT + 100_000).deliveries

    assert outcomes(young) == [OutcomeKind.DEFERRED, OutcomeKind.DELIVERED]
    assert outcomes(old) == [OutcomeKind.REJECTED, OutcomeKind.DELIVERED]
    assert codes(old)[0] == "UNABLE_TO_LOCK_ROW"
    assert old[0].event_time == SENT_AT


def test_a_batch_counts_records_and_statuses() -> None:
    salesforce = Salesforce(refuses={an_id(3): "ENTITY_IS_DELETED"})
    messages = [a_message(a_profile(n, statuses={LOYAL: "realized"}), number=n) for n in (1, 2, 2, 3)]

    batch = a_deliverer(salesforce).deliver([*messages, a_message("?")], SENT_AT)

    assert (batch.profiles, batch.requests, batch.records_delivered) == (4, 1, 2)
    assert batch.statuses == {"CDP_Loyal__c": 2}
    assert batch.codes == {"ENTITY_IS_DELETED": 1}


def test_a_thousand_events_of_one_refused_record_come_to_an_end_each_for_itself() -> None:
    salesforce = Salesforce(refuses={an_id(1): "FIELD_INTEGRITY_EXCEPTION"})
    messages = [a_message(a_profile(1, last_name=f"Name {n}"), number=n) for n in range(1000)]
    deliverer = a_deliverer(salesforce)

    deliveries = deliverer.deliver(messages, SENT_AT).deliveries

    assert set(outcomes(deliveries)) == {OutcomeKind.REJECTED}


def test_a_thousand_known_stale_events_cost_nothing() -> None:
    salesforce = Salesforce()
    deliverer = a_deliverer(salesforce)
    deliverer.deliver([a_message(a_profile(1, last_name="Newest"), event_time=str(SENT_AT))], SENT_AT)

    stale = [a_message(a_profile(1), number=n, event_time=str(SENT_AT - 1000 + n)) for n in range(1000)]
    batch = deliverer.deliver(stale, SENT_AT)

    assert set(outcomes(batch.deliveries)) == {OutcomeKind.SUPERSEDED}
    assert (batch.requests, len(salesforce.requests)) == (0, 1)
