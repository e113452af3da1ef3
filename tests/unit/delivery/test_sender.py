"""How records are sent: limits, splitting, common causes, moved records; each rule by an org that answers just so."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import scripted_org
from builders import CONTACTS, LOYAL, SENT_AT, a_destination, a_message, a_profile, an_id, an_update
from salesforce_destination.delivery.attempt import Attempt
from salesforce_destination.delivery.batch import Batch
from salesforce_destination.delivery.decision import Decision
from salesforce_destination.delivery.deliverer import Limits
from salesforce_destination.delivery.memory import Memory
from salesforce_destination.delivery.refused import SingleRecords
from salesforce_destination.errors import (
    BadRequestError,
    DailyLimitError,
    DestinationError,
    OutcomeUnknownError,
    SalesforceError,
    SalesforceUnavailableError,
    UnknownCodeError,
)
from salesforce_destination.outcome import Delivery, Message, OutcomeKind, Reason, Wait, deferred, rejected
from salesforce_destination.record.classification import RecordError
from salesforce_destination.record.composite import Collection, CollectionReply
from salesforce_destination.record.description import ObjectDescription, read_description
from salesforce_destination.record.record import Record, merge
from salesforce_destination.record.successor import Move, Successor

LEADS = CONTACTS.replace('"Contact"', '"Lead"')
NO_SUCH_FIELD = RecordError("INVALID_FIELD", "No such column 'CDP_Loyal__c' on sobject of type Contact")
LIMIT = RecordError("LIMIT_EXCEEDED", "CPU time limit")

Answer = Callable[[Collection], CollectionReply]


def all_written(collection: Collection) -> CollectionReply:
    return [()] * len(collection)


def errors_by(**by_last_name: RecordError) -> Answer:
    """An answer that refuses records by their last names."""

    def answer(collection: Collection) -> CollectionReply:
        refused = [by_last_name.get(str(record.fields.get("LastName"))) for record in collection]
        return [(error,) if error else () for error in refused]

    return answer


class Org(scripted_org.AsksNothing):
    """An org that answers by a function, fails by a list, and remembers what came."""

    def __init__(
        self,
        answer: Answer = all_written,
        fails: Sequence[DestinationError | None] = (),
        successors: Mapping[str, Successor] | None = None,
    ) -> None:
        self.answer, self.fails, self.successors = answer, list(fails), successors or {}
        self.requests: list[list[Sequence[Record]]] = []
        self.usage: float | None = None
        self.now, self.seconds_per_call = 1_000.0, 0.0
        self.describes: list[float] = []
        self.finds = 0
        self.description: ObjectDescription | DestinationError = read_description({})
        self.cannot_find: DestinationError | None = None

    @property
    def sizes(self) -> list[list[int]]:
        return [[len(collection) for collection in request] for request in self.requests]

    @property
    def last_names(self) -> list[list[Any]]:
        return [
            [record.fields.get("LastName") for collection in request for record in collection]
            for request in self.requests
        ]

    def send(self, collections: Sequence[Collection]) -> list[CollectionReply]:
        self.requests.append(list(collections))
        self.now += self.seconds_per_call
        failure = self.fails.pop(0) if self.fails else None
        if failure:
            raise failure
        return [self.answer(collection) for collection in collections]

    def find(self, move: Move, records: Sequence[Record]) -> Mapping[str, Successor]:
        self.finds += 1
        if self.cannot_find:
            raise self.cannot_find
        return {record.key: self.successors[record.key] for record in records if record.key in self.successors}

    def describe(self, sobject: str = "", *, anew: bool = False) -> ObjectDescription:
        self.describes.append(self.now)
        if isinstance(self.description, DestinationError):
            raise self.description
        return self.description

    def is_nearly_full(self) -> bool:
        return False

    def seconds_left(self) -> float:
        return 250.0

    def api_calls(self) -> int:
        return len(self.requests) + len(self.describes) + self.finds

    def api_usage_percent(self) -> float | None:
        return self.usage


class Run:
    """Batches that one environment delivers, one after the other."""

    def __init__(
        self,
        org: Org,
        text: str = CONTACTS,
        records: int = 200,
        memory: Memory | None = None,
        give_up_after_seconds: int = 100,
    ) -> None:
        self.memory = memory or Memory(lambda: org.now)
        limits = Limits(records_per_collection=records, give_up_after_seconds=give_up_after_seconds)
        self._deliverer = scripted_org.a_deliverer(a_destination(text), org, limits, self.memory)

    def batch(self, *messages: Message) -> Batch:
        return self._deliverer.deliver(messages, SENT_AT)

    def deliver(self, *messages: Message) -> Sequence[Delivery]:
        return self.batch(*messages).deliveries


def named(*names: str) -> list[Message]:
    """A message about each of these people, numbered from one."""
    return [a_message(a_profile(n, last_name=name), number=n) for n, name in enumerate(names, 1)]


def people(count: int, name: str = "Okafor") -> list[Message]:
    return named(*[name] * count)


def kinds(deliveries: Sequence[Delivery]) -> list[OutcomeKind]:
    return [delivery.outcome.kind for delivery in deliveries]


def codes(deliveries: Sequence[Delivery]) -> list[str | None]:
    return [delivery.outcome.reason.code if delivery.outcome.reason else None for delivery in deliveries]


# Tries.


@pytest.mark.parametrize(
    ("counts", "kind"), [((3, 9), OutcomeKind.DEFERRED), ((9, 3), OutcomeKind.DEFERRED), ((4, 9), OutcomeKind.REJECTED)]
)
def test_the_tries_of_a_merged_record_are_the_fewest_deliveries_of_its_messages(
    counts: tuple[int, int], kind: OutcomeKind
) -> None:
    org = Org(errors_by(Okafor=RecordError("A_CODE_OF_TOMORROW")))
    messages = [a_message(a_profile(1), number=n, receive_count=count) for n, count in enumerate(counts)]
    others = [a_message(a_profile(n, last_name="Good"), number=n) for n in (8, 9)]

    assert kinds(Run(org).deliver(*messages, *others))[:2] == [kind, kind]


# The org's API calls.


@pytest.mark.parametrize(("usage", "requests"), [(None, 2), (0.0, 2), (89.9, 2), (90.0, 1), (99.0, 1)])
def test_at_the_ceiling_of_api_calls_the_rest_of_the_batch_waits(usage: float | None, requests: int) -> None:
    org = Org()
    org.usage = usage

    deliveries = Run(org, records=1).deliver(*people(10))

    assert len(org.requests) == requests
    assert codes(deliveries)[5:] == [None if requests == 2 else "API_USAGE_CEILING"] * 5
    assert deliveries[9].outcome.wait is (Wait.BACKOFF if requests == 2 else Wait.DAILY_LIMIT)


def test_the_ceiling_counts_after_a_refused_request_too() -> None:
    org = Org(fails=[BadRequestError(400, ["JSON_PARSER_ERROR"])])
    org.usage = 90.0

    deliveries = Run(org, records=1).deliver(*people(2))

    assert len(org.requests) == 1
    assert codes(deliveries) == ["API_USAGE_CEILING"] * 2


@pytest.mark.parametrize("usage", [None, 95.0])
def test_a_spent_limit_keeps_the_next_batch_from_asking_for_ten_minutes(usage: float | None) -> None:
    org = Org(fails=[DailyLimitError(403, ["REQUEST_LIMIT_EXCEEDED"])] if usage is None else [])
    org.usage = usage
    run = Run(org)

    run.deliver(*people(1))
    org.now += 599.9
    (waiting,) = run.deliver(*people(1))
    assert (len(org.requests), waiting.outcome.kind) == (1, OutcomeKind.DEFERRED)
    assert waiting.outcome.wait is Wait.DAILY_LIMIT
    assert codes([waiting]) == ["REQUEST_LIMIT_EXCEEDED"]

    org.now += 0.1
    run.deliver(*people(1))
    assert len(org.requests) == 2


# The size of requests.


def a_reply_that_is_locked(collection: Collection) -> CollectionReply:
    return [(RecordError("UNABLE_TO_LOCK_ROW"),) if number else () for number in range(len(collection))]


@pytest.mark.parametrize(
    ("seconds", "answer", "fails", "size"),
    [
        (0.0, all_written, [], 5),
        (4.9, all_written, [], 5),
        (5.0, all_written, [], 4),
        (15.0, all_written, [], 4),
        (15.1, all_written, [], 2),
        (1.0, a_reply_that_is_locked, [], 2),
        (60.0, all_written, [OutcomeUnknownError(None)], 2),
        (1.0, all_written, [OutcomeUnknownError(None)], 2),
        (1.0, all_written, [SalesforceUnavailableError(503)], 4),
        (60.0, all_written, [SalesforceUnavailableError(503)], 4),
    ],
)
def test_requests_shrink_after_a_time_out_locks_or_a_slow_answer_and_grow_after_a_fast_one(
    seconds: float, answer: Answer, fails: list[DestinationError], size: int
) -> None:
    org = Org(answer, fails)
    org.seconds_per_call = seconds
    run = Run(org, memory=Memory(lambda: org.now, collections_per_request=4))

    batch = run.batch(*people(2))

    assert run.memory.collections_per_request == size
    assert batch.requests == 1


def test_one_locked_collection_of_several_is_enough_to_shrink() -> None:
    org = Org(errors_by(Bad=RecordError("UNABLE_TO_LOCK_ROW")))
    run = Run(org, records=1)

    run.deliver(*named("Good", "Bad", "Good"))

    assert (org.sizes, run.memory.collections_per_request) == ([[1, 1, 1]], 2)


def test_the_size_changes_from_request_to_request_of_one_batch() -> None:
    org = Org()
    org.seconds_per_call = 16.0

    Run(org, records=1).deliver(*people(9))
    assert org.sizes == [[1] * 5, [1] * 2, [1], [1]]

    org.seconds_per_call = 1.0
    org.requests.clear()
    Run(org, records=1, memory=Memory(lambda: org.now, collections_per_request=1)).deliver(*people(7))
    assert org.sizes == [[1], [1] * 2, [1] * 3, [1]]


# Requests that are refused as a whole.


def test_of_a_refused_request_each_collection_is_sent_for_itself_and_the_guilty_one_in_halves() -> None:
    org = Org(fails=[BadRequestError(400, ["JSON_PARSER_ERROR"]), None, BadRequestError(400, ["JSON_PARSER_ERROR"])])

    deliveries = Run(org, records=2).deliver(*people(6))

    assert org.sizes == [[2, 2, 2], [2], [2], [2], [1], [1]]
    assert set(kinds(deliveries)) == {OutcomeKind.DELIVERED}


def test_a_record_that_is_refused_in_a_request_of_its_own_is_rejected() -> None:
    org = Org(fails=[BadRequestError(413, ["TOO_LARGE"])] * 2)

    batch = Run(org).batch(*people(1))

    assert org.sizes == [[1]]
    assert (kinds(batch.deliveries), codes(batch.deliveries)) == ([OutcomeKind.REJECTED], ["TOO_LARGE"])
    assert batch.codes == {"TOO_LARGE": 1}


def test_a_collection_that_is_refused_as_a_whole_is_split() -> None:
    org = Org(lambda collection: BadRequestError(400, ["TOO_MUCH"]) if len(collection) > 1 else [()])

    deliveries = Run(org, records=4).deliver(*people(4))

    assert org.sizes == [[4], [2, 2], [1, 1, 1, 1]]
    assert set(kinds(deliveries)) == {OutcomeKind.DELIVERED}


@pytest.mark.parametrize(
    ("error", "wait"),
    [(SalesforceUnavailableError(503), Wait.BACKOFF), (OutcomeUnknownError(None), Wait.UNKNOWN)],
)
def test_a_collection_that_fails_as_a_whole_waits_and_its_neighbours_do_not(error: SalesforceError, wait: Wait) -> None:
    org = Org(lambda collection: error if len(collection) > 1 else [()])

    deliveries = Run(org, records=2).deliver(*people(3))

    assert org.sizes == [[2, 1]]
    assert kinds(deliveries) == [OutcomeKind.DEFERRED, OutcomeKind.DEFERRED, OutcomeKind.DELIVERED]
    assert deliveries[0].outcome.wait is wait


def test_a_guilty_event_is_found_by_halving_the_events_of_its_record() -> None:
    def answer(collection: Collection) -> CollectionReply:
        return [(LIMIT,) if len(r.updates) > 1 or r.fields["LastName"] == "Bad" else () for r in collection]

    org, names = Org(answer), ["First", "Bad", "Last"]
    messages = [a_message(a_profile(1, last_name=name), number=n) for n, name in enumerate(names)]

    deliveries = Run(org).deliver(*messages)

    assert org.last_names == [["Last"], ["Bad"], ["First"], ["Bad"], ["Last"]]
    assert kinds(deliveries) == [OutcomeKind.DELIVERED, OutcomeKind.REJECTED, OutcomeKind.DELIVERED]


# Codes that nobody has described, of whole requests.

NEW = UnknownCodeError(400, ["A_CODE_OF_TOMORROW"], "its text")


class PoisonedOrg(Org):
    """An org that answers a whole request with a code of tomorrow while one of these last names is in it."""

    def __init__(self, *poison: str) -> None:
        super().__init__()
        self.poison = poison

    def send(self, collections: Sequence[Collection]) -> list[CollectionReply]:
        names = {record.fields.get("LastName") for collection in collections for record in collection}
        self.fails = [NEW if names & {*self.poison} else None]
        return super().send(collections)


def again(count: int, bad: int, receive_count: int = 2) -> list[Message]:
    """Messages of which the first `bad` are poisoned, and met that before."""
    people = [a_profile(n, last_name="Bad" if n <= bad else "Good") for n in range(1, count + 1)]
    return [
        a_message(profile, number=n, receive_count=receive_count if n <= bad else 1)
        for n, profile in enumerate(people, 1)
    ]


def test_an_unknown_code_of_a_whole_request_defers_all_of_it_at_first_in_one_call() -> None:
    org = PoisonedOrg("Bad")

    deliveries = Run(org, records=2).deliver(*again(12, bad=1, receive_count=1))

    assert len(org.requests) == 1
    assert set(kinds(deliveries)) == {OutcomeKind.DEFERRED}
    assert set(codes(deliveries)) == {"A_CODE_OF_TOMORROW"}
    assert {delivery.outcome.wait for delivery in deliveries} == {Wait.BACKOFF}


@pytest.mark.parametrize("bad", [1, 2])
def test_met_again_it_holds_nobody_back_but_the_bodies_that_fail_alone(bad: int) -> None:
    run = Run(PoisonedOrg("Bad"))

    for receive_count in (2, 9, 500):
        deliveries = run.deliver(*again(200, bad, receive_count))
        assert kinds(deliveries) == [OutcomeKind.DEFERRED] * bad + [OutcomeKind.DELIVERED] * (200 - bad)
        assert deliveries[0].outcome.reason == Reason("A_CODE_OF_TOMORROW", "its text")


def test_an_unknown_code_that_everybody_meets_again_costs_few_calls_and_no_dead_letter() -> None:
    org = PoisonedOrg("Good", "Bad")

    deliveries = Run(org).deliver(*again(1_000, bad=1_000))

    assert set(kinds(deliveries)) == {OutcomeKind.DEFERRED}
    assert len(org.requests) < 30


def test_an_unknown_code_of_one_collection_is_met_as_that_of_a_whole_request() -> None:
    org = Org(
        lambda collection: NEW if any(r.fields["LastName"] == "Bad" for r in collection) else all_written(collection)
    )
    run = Run(org, records=4)

    assert kinds(run.deliver(*again(8, 1, 1)))[:5] == [OutcomeKind.DEFERRED] * 4 + [OutcomeKind.DELIVERED]
    assert kinds(run.deliver(*again(8, 1))) == [OutcomeKind.DEFERRED] + [OutcomeKind.DELIVERED] * 7


@pytest.mark.parametrize(
    "error",
    [
        RecordError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "caused by: Record Currently Unavailable"),
        RecordError("FIELD_CUSTOM_VALIDATION_EXCEPTION", "UNABLE_TO_LOCK_ROW, 無効"),
        SalesforceUnavailableError(400, ["UNABLE_TO_LOCK_ROW"]),
        SalesforceUnavailableError(400, ["CANNOT_EXECUTE_FLOW_TRIGGER"], "UNABLE_TO_LOCK_ROW"),
    ],
)
def test_a_lock_that_a_trigger_wraps_or_that_ends_a_collection_shrinks_requests_too(
    error: RecordError | SalesforceError,
) -> None:
    answer = [(error,)] if isinstance(error, RecordError) else error
    for org in (
        Org(lambda _: answer),
        Org(fails=[error] if isinstance(error, SalesforceError) else [], answer=lambda _: answer),
    ):
        run = Run(org)
        (delivery,) = run.deliver(*people(1))
        assert (run.memory.collections_per_request, delivery.outcome.kind) == (2, OutcomeKind.DEFERRED)


# What the describe says.


def test_the_org_is_asked_once_in_a_batch_whether_it_lacks_a_field() -> None:
    org = Org(lambda collection: [(NO_SUCH_FIELD,)] * len(collection))
    org.description = read_description({"fields": [{"name": "CDP_Loyal__c", "updateable": True}]})

    deliveries = Run(org).deliver(*(loyal(number=n) for n in range(1, 6)))

    assert set(kinds(deliveries)) == {OutcomeKind.REJECTED}
    assert len(org.describes) == 1


# Common causes.


def a_try(run: Run, *numbers: int, name: str = "Bad", count: int = 1) -> list[OutcomeKind]:
    """What becomes of these people's messages at this delivery."""
    messages = [a_message(a_profile(n, last_name=name), number=n, receive_count=count) for n in numbers]
    return kinds(run.deliver(*messages))


RULE = errors_by(Bad=RecordError("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Bad is not allowed."))
WAITS, GONE = [OutcomeKind.DEFERRED], [OutcomeKind.REJECTED]


def test_what_the_orgs_set_up_refuses_waits_at_first_and_is_rejected_when_others_pass() -> None:
    run = Run(Org(RULE))
    first = run.deliver(*named("Bad", *["Good"] * 19))

    assert (kinds(first)[0], first[0].outcome.wait) == (OutcomeKind.DEFERRED, Wait.COMMON_CAUSE)
    assert a_try(run, 1, count=2) == GONE


@pytest.mark.parametrize(("bad", "kind"), [(9, OutcomeKind.REJECTED), (10, OutcomeKind.DEFERRED)])
def test_it_waits_on_while_half_of_the_last_twenty_are_refused(bad: int, kind: OutcomeKind) -> None:
    run = Run(Org(RULE))
    run.deliver(*named(*["Bad"] * 30, *["Bad"] * bad, *["Good"] * (20 - bad)))

    batch = run.batch(a_message(a_profile(1, last_name="Bad"), receive_count=2))

    assert kinds(batch.deliveries) == [kind]
    assert (batch.common_refusal is not None) is (kind is OutcomeKind.DEFERRED)


def test_it_waits_on_where_no_other_record_was_written_within_the_hour() -> None:
    org = Org(RULE)
    run = Run(org)
    assert [a_try(run, 1, count=count) for count in (1, 2, 50)] == [WAITS] * 3

    run.deliver(*named("Bad", *["Good"] * 3))
    org.now += 3_599.0
    assert a_try(run, 1, count=51) == GONE
    org.now += 1.0
    assert a_try(run, 1, count=51) == WAITS


def test_tries_after_the_first_prove_nothing_and_a_record_counts_once() -> None:
    run = Run(Org(RULE))
    run.deliver(*named("Bad", *["Good"] * 3))
    a_try(run, *range(10, 40), count=2)
    run.deliver(*told(50, *["Bad"] * 6))

    assert a_try(run, 1, count=2) == GONE


def test_the_first_that_passes_ends_the_cause() -> None:
    org = Org(RULE)
    run = Run(org)
    a_try(run, *range(1, 9))
    org.answer = all_written

    batch = run.batch(a_message(a_profile(1, last_name="Bad"), receive_count=2))

    assert batch.ended_causes == {"FIELD_CUSTOM_VALIDATION_EXCEPTION"}
    org.answer = RULE
    assert a_try(run, 2, count=2) == GONE


def test_a_cause_is_counted_for_each_object() -> None:
    leads = LEADS.replace('name = "', 'converted_leads = "contact"\nname = "', 1)
    codes_by_object = {"": "CANNOT_UPDATE_CONVERTED_LEAD", "Contact": "FIELD_CUSTOM_VALIDATION_EXCEPTION"}
    org = Org(
        lambda collection: [
            (RecordError(codes_by_object[r.sobject]),) if r.fields["LastName"] == "Bad" else () for r in collection
        ],
        successors={an_id(1, "00Q"): Successor("Contact", an_id(9))},
    )
    run = Run(org, leads)

    def tried(count: int) -> list[OutcomeKind]:
        bad = a_message(a_profile(crm_id=an_id(1, "00Q"), last_name="Bad"), receive_count=count)
        good = [a_message(a_profile(crm_id=an_id(n, "00Q")), number=n) for n in range(2, 9)]
        return kinds(run.deliver(bad, *good))[:1]

    assert (tried(1), tried(2)) == (WAITS, WAITS)  # of contacts none was written


def test_a_merged_record_is_rejected_at_once_with_its_survivor() -> None:
    org = Org(errors_by(Bad=RecordError("ENTITY_IS_DELETED")), successors={an_id(1): Successor("Contact", an_id(9))})

    assert codes(Run(org).deliver(*named("Bad"))) == ["RECORD_MERGED"]
    assert a_try(Run(org), 1) == GONE


@pytest.mark.parametrize("code", ["STRING_TOO_LONG", "DUPLICATES_DETECTED", "INVALID_EMAIL_ADDRESS", "NOT_FOUND"])
def test_what_is_of_the_records_own_values_is_rejected_at_once_however_many_they_are(code: str) -> None:
    by_key = CONTACTS.replace('"SalesforceId"', '"Key__c"')
    run = Run(Org(errors_by(Bad=RecordError(code))), by_key)

    assert a_try(run, *range(1, 41)) == GONE * 40


@pytest.mark.parametrize(("bad", "kind"), [(10, OutcomeKind.REJECTED), (11, OutcomeKind.DEFERRED)])
def test_ids_that_most_of_twenty_records_are_not_known_by_mean_the_wrong_org(bad: int, kind: OutcomeKind) -> None:
    run = Run(Org(errors_by(Bad=RecordError("NOT_FOUND"))))

    assert kinds(run.deliver(*named(*["Bad"] * bad, *["Good"] * (20 - bad))))[:bad] == [kind] * bad


def test_an_unknown_code_is_tried_three_times_more_and_waits_then_while_nothing_passes() -> None:
    run = Run(Org(errors_by(Bad=RecordError("A_CODE_OF_TOMORROW"))))
    tries = [a_try(run, 1, count=count) for count in (1, 2, 3, 4)]
    run.deliver(*named("Bad", *["Good"] * 3))

    assert tries == [WAITS] * 4
    assert a_try(run, 1, count=5) == GONE


def test_a_day_after_its_first_try_a_message_waits_no_longer() -> None:
    run, day = Run(Org(RULE), give_up_after_seconds=432_000), 86_400_000
    for first, kind in ((SENT_AT - day + 1, OutcomeKind.DEFERRED), (SENT_AT - day, OutcomeKind.REJECTED)):
        message = a_message(a_profile(1, last_name="Bad"), sent_at=SENT_AT - 2 * day, receive_count=9)
        message.first_received_at = first

        assert kinds(run.deliver(message)) == [kind]


@pytest.mark.parametrize("an_hour", [12, 120, 3_000])
def test_a_new_rule_rejects_no_good_message_and_ordinary_refusals_wait_for_no_days(an_hour: int) -> None:
    """Half an hour with one bad record in twenty, two hours of a rule that refuses all, and half an hour more."""
    rule_from, rule_to, draw = 1_800.0, 9_000.0, random.Random(14)
    org = Org()
    bad = RecordError("FIELD_CUSTOM_VALIDATION_EXCEPTION", "a rule")
    org.answer = lambda collection: [
        (bad,) if rule_from <= org.now < rule_to or record.fields["LastName"] == "Bad" else () for record in collection
    ]
    run, rejected_at = Run(org, give_up_after_seconds=432_000), {}
    good_rejected = writes = 0
    gap = max(3_600.0 / an_hour, 60.0)
    at_once = round(an_hour * gap / 3_600)
    queue = [(number * gap, 1, number * at_once + i + 1) for number in range(int(10_800 / gap)) for i in range(at_once)]
    heapq.heapify(queue)
    while queue:
        org.now = queue[0][0]
        due: list[tuple[float, int, int]] = []
        while queue and queue[0][0] < org.now + 60.0 and len(due) < 1_000:
            due.append(heapq.heappop(queue))
        messages = [
            a_message(a_profile(n, last_name="Good" if n % 20 else "Bad"), number=n, receive_count=count)
            for _, count, n in due
        ]
        writes += len(messages)
        for (_, count, number), delivery in zip(due, run.deliver(*messages), strict=True):
            if delivery.outcome.kind is OutcomeKind.DEFERRED:
                heapq.heappush(queue, (org.now + draw.uniform(900.0, 1_800.0), count + 1, number))
            elif delivery.outcome.kind is OutcomeKind.REJECTED:
                good_rejected += bool(number % 20)
                rejected_at[number] = org.now - number / at_once * gap

    assert good_rejected == 0
    assert len(rejected_at) == an_hour * 3 // 20
    assert max(rejected_at.values()) < 4 * 3_600
    assert writes < 6 * 3 * an_hour


def test_splitting_ends_when_twenty_records_failed_alone_and_no_more_were_written_alone() -> None:
    org = Org(lambda collection: [(LIMIT,)] * len(collection))

    deliveries = Run(org).deliver(*people(200))

    assert set(kinds(deliveries)) == {OutcomeKind.DEFERRED}
    assert {delivery.outcome.wait for delivery in deliveries} == {Wait.UNTIL_MENDED, Wait.COMMON_CAUSE}
    assert set(codes(deliveries)) == {"LIMIT_EXCEEDED"}
    assert len(org.requests) < 30


def a_single(count: int = 0, written: int = 0, code: str = "LIMIT_EXCEEDED") -> SingleRecords:
    """What is known after so many records were refused alone, and so many written alone."""
    single = SingleRecords(written=written)
    refuse(single, count, code)
    return single


def refuse(single: SingleRecords, count: int, code: str, size: int = 1) -> None:
    for number in range(count):
        single.considered(an_attempt(f"{code} {number}", most=1), Decision(rejected(code)), size)


def an_attempt(key: str = "a", most: int = 200) -> Attempt:
    (record,) = merge([an_update(key, LastName="x")])
    return Attempt(record, most)


SPLIT = Decision(rejected("LIMIT_EXCEEDED"), resend=an_attempt(most=100))


@pytest.mark.parametrize(
    ("refused", "written", "is_common"),
    [(19, 0, False), (20, 0, True), (20, 20, True), (20, 21, False), (30, 30, True)],
)
def test_twenty_records_that_fail_alone_are_a_common_cause_unless_more_were_written_alone(
    refused: int, written: int, is_common: bool
) -> None:
    single = a_single(refused, written)

    considered = single.considered(an_attempt(), SPLIT, 200)
    assert (considered.outcome.kind is OutcomeKind.DEFERRED) is is_common
    assert (considered.resend is None) is is_common


def test_only_records_that_were_alone_count_and_each_once() -> None:
    single = SingleRecords()
    refuse(single, 40, "LIMIT_EXCEEDED", size=2)
    for _ in range(20):
        single.considered(an_attempt("one", most=1), Decision(rejected("LIMIT_EXCEEDED")), 1)
    for size in (1, 1, 1, 2, 200):
        single.note_written(size)

    assert single.considered(an_attempt(), SPLIT, 200) is SPLIT
    assert single.written == 3


def test_of_several_codes_the_one_that_refused_most_is_common() -> None:
    for codes_in_order in (("MOST", "SOME"), ("SOME", "MOST")):
        single = a_single()
        for code in codes_in_order:
            refuse(single, 25 if code == "MOST" else 21, code)

        assert single.considered(an_attempt(), SPLIT, 200).outcome == deferred(
            "MOST", Wait.UNTIL_MENDED, "Records fail one by one; the rest was not tried."
        )


def test_nothing_is_held_back_before_a_split() -> None:
    assert not a_single().is_probing


def test_while_splitting_five_of_the_smallest_collections_go_first_and_the_rest_waits_in_its_order() -> None:
    single = a_single()
    single.considered(an_attempt(), SPLIT, 200)
    large, small = [an_attempt(most=4) for _ in range(2)], [an_attempt(most=2) for _ in range(11)]

    now, later = single.probed([large[0], *small, large[1]], 5)

    assert list(map(id, now)) == list(map(id, small[:10]))
    assert list(map(id, later)) == list(map(id, [large[0], small[10], large[1]]))


def test_a_decision_that_splits_nothing_starts_no_probing() -> None:
    single = a_single(30)

    single.considered(an_attempt(), Decision(rejected("CODE")), 200)

    assert not single.is_probing


# Fields that the org lacks.


def loyal(name: str = "Okafor", number: int = 1, receive_count: int = 1) -> Message:
    profile = a_profile(number, last_name=name, statuses={"7841ba61-23c1-4bb3-a495-00d3g5fe1e93": "realized"})
    return a_message(profile, number=number, receive_count=receive_count)


def lacks_the_field(collection: Collection) -> CollectionReply:
    return [(NO_SUCH_FIELD,) if "CDP_Loyal__c" in record.fields else () for record in collection]


def test_what_fits_is_written_once_and_the_message_waits_for_the_missing_field() -> None:
    org = Org(lacks_the_field)
    run = Run(org)

    first, again = run.batch(loyal()), run.batch(loyal(receive_count=2))

    assert org.sizes == [[1], [1]]
    assert org.requests[1][0][0].fields.keys() == {"LastName"}
    for batch in (first, again):
        assert codes(batch.deliveries) == ["FIELD_MISSING_IN_ORG"]
        assert batch.deliveries[0].outcome.wait is Wait.UNTIL_MENDED
        assert batch.missing == {"CDP_Loyal__c": 1}
    assert (first.records_delivered, again.records_delivered) == (1, 0)


def test_a_new_message_about_the_missing_field_is_written_without_it_at_once() -> None:
    org = Org(lacks_the_field)
    run = Run(org)

    run.deliver(loyal())
    run.deliver(loyal(number=2))

    assert [request[0][0].fields.keys() for request in org.requests[2:]] == [{"LastName"}]


def test_an_unanswered_describe_leaves_the_field_missing_and_is_asked_again_five_minutes_later() -> None:
    org = Org(lacks_the_field)
    run = Run(org)
    run.deliver(loyal())
    org.description = SalesforceUnavailableError(503)
    missed_at = org.now

    for seconds in (299.0, 300.0, 599.0):
        org.now = missed_at + seconds
        assert codes(run.deliver(loyal())) == ["FIELD_MISSING_IN_ORG"]
    assert org.describes == [missed_at, missed_at + 300.0]
    assert len(org.requests) == 2

    org.description = read_description({"fields": [{"name": "CDP_Loyal__c", "updateable": True}]})
    org.answer = all_written
    org.now = missed_at + 600.0
    assert kinds(run.deliver(loyal())) == [OutcomeKind.DELIVERED]


HAS_ALL = read_description({"fields": [{"name": n, "updateable": True} for n in ("LastName", "Email", "CDP_Loyal__c")]})
NOT_YOURS = "Unable to create/update fields: LastName. Please check the security settings of this field."
ODD = [
    RecordError("INVALID_FIELD_FOR_INSERT_UPDATE", NOT_YOURS, ("LastName",)),
    RecordError("INVALID_FIELD_FOR_INSERT_UPDATE", "Cannot specify any additional fields when marrying or separating"),
    RecordError("INVALID_FIELD", "No such column 'LastName' on sobject of type Contact"),
]


@pytest.mark.parametrize("error", ODD)
def test_a_field_that_the_describe_has_is_missing_for_nobody_and_the_odd_record_is_refused_alone(
    error: RecordError,
) -> None:
    org = Org(errors_by(Bad=error))
    org.description = HAS_ALL
    run = Run(org)

    deliveries = run.deliver(*named("Bad", "Good", "Bad"))

    good, bad = OutcomeKind.DELIVERED, OutcomeKind.REJECTED
    assert (kinds(deliveries), codes(deliveries)[0]) == ([bad, good, bad], error.code)
    assert (len(org.describes), any(run.memory.missing.values())) == (1, False)
    assert kinds(run.deliver(*named("Good"))) == [good]


def test_an_odd_record_is_written_without_the_field_where_it_may_be_left_out() -> None:
    error = RecordError("INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create/update fields: Email.", ("Email",))
    org = Org(lambda collection: [(error,) if "Email" in record.fields else () for record in collection])
    org.description = HAS_ALL

    batch = Run(org, OMITTING).batch(a_message(a_profile(1, email="x@example.com")))

    assert (kinds(batch.deliveries), batch.omitted) == ([OutcomeKind.DELIVERED], {"Email": 1})


def test_without_an_answer_from_the_org_nothing_is_concluded_and_it_is_asked_once() -> None:
    org = Org(lacks_the_field)
    org.description = SalesforceUnavailableError(503)
    run = Run(org)

    deliveries = run.deliver(*[loyal(number=number) for number in (1, 2, 3)])

    assert {(each.outcome.kind, each.outcome.wait) for each in deliveries} == {(OutcomeKind.DEFERRED, Wait.BACKOFF)}
    assert (len(org.describes), any(run.memory.missing.values())) == (1, False)


# What is stale, or refused in part.

ORDERED = CONTACTS + '\n[ordering]\nfield = "Time__c"\n'
OMITTING = CONTACTS.replace('target = "Email"', 'target = "Email"\nwhen_refused = "omit"')


def stale_before(time: int) -> Answer:
    """An answer of an org whose guard holds this time."""
    error = RecordError("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Older. [CDP-STALE:Time__c]")
    return lambda collection: [(error,) if record.fields.get("Time__c", time) < time else () for record in collection]


def test_what_stands_under_no_guard_is_written_by_an_older_event() -> None:
    org = Org(stale_before(SENT_AT + 1))

    batch = Run(org, ORDERED).batch(loyal())

    assert [request[0][0].fields.keys() for request in org.requests] == [
        {"LastName", "Time__c", "CDP_Loyal__c"},
        {"CDP_Loyal__c"},
    ]
    assert kinds(batch.deliveries) == [OutcomeKind.DELIVERED]
    assert (batch.records_delivered, batch.records_superseded) == (1, 0)


def test_what_is_stale_as_a_whole_is_superseded_and_costs_no_further_call() -> None:
    org = Org(stale_before(SENT_AT + 1))
    run = Run(org, ORDERED)

    first, again = run.batch(*people(1)), run.batch(*people(1))

    for batch in (first, again):
        assert kinds(batch.deliveries) == [OutcomeKind.SUPERSEDED]
        assert (batch.records_delivered, batch.records_superseded) == (0, 1)
    assert (first.requests, again.requests) == (1, 0)


def test_a_refused_field_is_left_out_and_counted() -> None:
    error = RecordError("INVALID_EMAIL_ADDRESS", "", ("Email",))
    org = Org(lambda collection: [(error,) if "Email" in record.fields else () for record in collection])

    batch = Run(org, OMITTING).batch(a_message(a_profile(email="x")), a_message(a_profile(2), number=2))

    assert org.sizes == [[2], [1]]
    assert kinds(batch.deliveries) == [OutcomeKind.DELIVERED] * 2
    assert (batch.omitted, batch.codes) == ({"Email": 1}, {"INVALID_EMAIL_ADDRESS": 1})


def test_while_splitting_what_is_sent_again_goes_before_what_was_held_back() -> None:
    def answer(collection: Collection) -> CollectionReply:
        email = RecordError("INVALID_EMAIL_ADDRESS", "", ("Email",))
        return [(LIMIT,) if len(collection) > 1 else (email,) if "Email" in r.fields else () for r in collection]

    org = Org(answer)
    messages = [a_message(a_profile(n, last_name=str(n), email="x"), number=n) for n in range(1, 11)]

    deliveries = Run(org, OMITTING, records=10).deliver(*messages)

    first, second = [str(n) for n in range(1, 6)], [str(n) for n in range(6, 11)]
    assert set(kinds(deliveries)) == {OutcomeKind.DELIVERED}
    assert [names for names in org.last_names if len(names) == 5][-4:] == [first, first, second, second]


def test_of_a_record_that_was_taken_apart_a_stale_event_is_superseded_and_the_next_one_sent() -> None:
    refused = RecordError("STRING_TOO_LONG")

    def answer(collection: Collection) -> CollectionReply:
        if len(collection[0].updates) > 1:
            return [(refused,)]
        return stale_before(SENT_AT + 2)(collection)

    org = Org(answer)
    messages = [a_message(a_profile(1, last_name=str(n)), number=n, sent_at=SENT_AT + n) for n in (1, 2, 3)]

    batch = Run(org, ORDERED).batch(*messages)

    assert org.last_names == [["3"], ["2"], ["1"], ["2"], ["3"]]
    assert kinds(batch.deliveries) == [OutcomeKind.SUPERSEDED, OutcomeKind.DELIVERED, OutcomeKind.DELIVERED]


def test_after_a_rejected_event_the_next_one_is_sent() -> None:
    def answer(collection: Collection) -> CollectionReply:
        refused = RecordError("STRING_TOO_LONG")
        return [(refused,) if len(r.updates) > 1 or r.fields["LastName"] == "Bad" else () for r in collection]

    org = Org(answer)
    messages = [a_message(a_profile(1, last_name=name), number=n) for n, name in enumerate(["Bad", "Good"])]

    deliveries = Run(org).deliver(*messages)

    assert kinds(deliveries) == [OutcomeKind.REJECTED, OutcomeKind.DELIVERED]
    assert org.last_names == [["Good"], ["Bad"], ["Good"]]


# Moved records.


def gone(*keys: str, code: str = "ENTITY_IS_DELETED") -> Answer:
    return lambda collection: [(RecordError(code, "It is gone."),) if r.identity in keys else () for r in collection]


FOLLOWING = 'merged_records = "follow"\n' + CONTACTS


def test_fields_that_a_converted_leads_contact_has_not_are_left_out() -> None:
    lead = an_id(1, "00Q")
    successor = Successor("Contact", an_id(9), frozenset({"LastName"}))
    org = Org(gone(lead, code="CANNOT_UPDATE_CONVERTED_LEAD"), successors={lead: successor})
    message = a_message(a_profile(crm_id=lead, email="a@b.c"))

    deliveries = Run(org, 'converted_leads = "contact"\n' + LEADS).deliver(message)

    record = org.requests[1][0][0]
    assert (record.identity, record.sobject, dict(record.fields)) == (an_id(9), "Contact", {"LastName": "Okafor"})
    assert kinds(deliveries) == [OutcomeKind.DELIVERED]


def test_they_stay_left_out_when_the_contacts_events_are_sent_one_by_one() -> None:
    lead = an_id(1, "00Q")
    successor = Successor("Contact", an_id(9), frozenset({"LastName"}))

    def answer(collection: Collection) -> CollectionReply:
        if not collection[0].is_moved:
            return [(RecordError("CANNOT_UPDATE_CONVERTED_LEAD"),)]
        return [(RecordError("STRING_TOO_LONG"),) if len(record.updates) > 1 else () for record in collection]

    org = Org(answer, successors={lead: successor})
    messages = [
        a_message(a_profile(crm_id=lead, last_name=name, email="a@b.c"), number=n) for n, name in enumerate("AB")
    ]

    deliveries = Run(org, 'converted_leads = "contact"\n' + LEADS).deliver(*messages)

    assert [dict(request[0][0].fields) for request in org.requests[1:]] == [{"LastName": name} for name in "BAB"]
    assert {request[0][0].identity for request in org.requests[1:]} == {an_id(9)}
    assert kinds(deliveries) == [OutcomeKind.DELIVERED] * 2


@pytest.mark.parametrize("text", [CONTACTS, FOLLOWING])
def test_a_merged_record_is_rejected_with_its_survivor_or_written_to_it(text: str) -> None:
    org = Org(gone(an_id(1)), successors={an_id(1): Successor("Contact", an_id(9))})

    (delivery,) = Run(org, text).deliver(a_message(a_profile(1, email="a@b.c")))

    if text is FOLLOWING:
        assert delivery.outcome.kind is OutcomeKind.DELIVERED
        assert dict(org.requests[1][0][0].fields) == {"LastName": "Okafor", "Email": "a@b.c"}
    else:
        assert codes([delivery]) == ["RECORD_MERGED"]
        assert delivery.outcome.reason is not None
        assert delivery.outcome.reason.text == f"It is gone. The record was merged into {an_id(9)}."


def test_records_that_were_merged_into_one_are_written_to_it_once_with_what_is_newest_of_each() -> None:
    survivor = Successor("Contact", an_id(9))
    org = Org(gone(an_id(1), an_id(2)), successors={an_id(1): survivor, an_id(2): survivor})
    messages = [
        a_message(a_profile(1, last_name="Newest"), number=1, sent_at=SENT_AT + 3),
        a_message(a_profile(2, last_name="Oldest", first_name="Ada", email="old@b.c"), number=2, sent_at=SENT_AT + 1),
        a_message(a_profile(9, last_name="Middle", email="new@b.c"), number=3, sent_at=SENT_AT + 2),
    ]

    deliveries = Run(org, FOLLOWING).deliver(*messages)

    (collection,) = org.requests[1]
    assert [dict(r.fields) for r in collection] == [{"LastName": "Newest", "FirstName": "Ada", "Email": "new@b.c"}]
    assert kinds(deliveries) == [OutcomeKind.DELIVERED] * 3


def test_a_record_without_successor_is_rejected_and_its_neighbour_follows() -> None:
    org = Org(gone(an_id(1), an_id(2)), successors={an_id(2): Successor("Contact", an_id(9))})

    assert kinds(Run(org, FOLLOWING).deliver(*people(2))) == [OutcomeKind.REJECTED, OutcomeKind.DELIVERED]


def test_while_the_org_cannot_say_where_a_record_went_it_waits() -> None:
    org = Org(gone(an_id(1)))
    org.cannot_find = OutcomeUnknownError(None)

    (delivery,) = Run(org, FOLLOWING).deliver(*people(1))

    assert (delivery.outcome.kind, delivery.outcome.wait) == (OutcomeKind.DEFERRED, Wait.BACKOFF)


# Records that are taken apart: many events of one record, of which some are refused.


def told(number: int, *names: str) -> list[Message]:
    """Messages about one person, oldest first, each with a name of its own."""
    return [
        a_message(a_profile(number, last_name=name), number=1_000 * number + place, sent_at=SENT_AT + place)
        for place, name in enumerate(names)
    ]


def refuses_bad_events(collection: Collection) -> Sequence[tuple[RecordError, ...]]:
    """Refuse each record of which an event has a bad name."""
    bad = [any(update.fields["LastName"] == "Bad" for update in record.updates) for record in collection]
    return [(RecordError("STRING_TOO_LONG"),) if each else () for each in bad]


def test_halves_of_different_records_share_requests() -> None:
    org = Org(refuses_bad_events)
    messages = [message for number in range(1, 11) for message in told(number, *["Bad"] * 100)]

    batch = Run(org).batch(*messages)

    assert set(codes(batch.deliveries)) == {"STRING_TOO_LONG"}
    assert batch.requests == len(org.requests) <= 12
    assert org.sizes[0] == org.sizes[-1] == [10]


def test_the_good_events_of_many_records_are_written_and_a_record_ends_on_its_newest() -> None:
    org = Org(refuses_bad_events)
    messages = [message for number in range(1, 31) for message in told(number, "Old", "Bad", "Newer", "Newest")]

    deliveries = Run(org).deliver(*messages)

    good = OutcomeKind.DELIVERED
    assert kinds(deliveries) == [good, OutcomeKind.REJECTED, good, good] * 30
    assert org.last_names[-1] == ["Newest"] * 30
    assert len(org.requests) <= 6


def test_many_events_of_a_few_records_are_no_common_cause() -> None:
    org = Org(refuses_bad_events)
    messages = [*told(1, *["Bad"] * 40), *people(40)[1:]]

    deliveries = Run(org).deliver(*messages)

    assert kinds(deliveries) == [OutcomeKind.REJECTED] * 40 + [OutcomeKind.DELIVERED] * 39


def test_where_a_half_is_locked_all_that_is_left_of_its_record_waits() -> None:
    def answer(collection: Collection) -> CollectionReply:
        size = len(collection[0].updates)
        return [(RecordError("STRING_TOO_LONG" if size > 2 else "UNABLE_TO_LOCK_ROW"),)] if size > 1 else [()]

    org = Org(answer)

    deliveries = Run(org).deliver(*told(1, "A", "B", "C", "D"))

    assert set(codes(deliveries)) == {"UNABLE_TO_LOCK_ROW"}
    assert len(org.requests) == 2


def test_what_was_written_before_the_requests_were_spent_is_settled() -> None:
    error = RecordError("STRING_TOO_LONG")
    org = Org(lambda collection: [(error,) if r.fields["LastName"] > "0700" else () for r in collection])

    deliveries = Run(org).deliver(*told(1, *[f"{number:04}" for number in range(2_000)]))

    written = [delivery.outcome.kind for delivery in deliveries].count(OutcomeKind.DELIVERED)
    assert len(org.requests) == 12
    assert 690 < written <= 701
    assert kinds(deliveries) == [OutcomeKind.DELIVERED] * written + [OutcomeKind.REJECTED] * (2_000 - written)
    assert codes(deliveries)[-1] == "STRING_TOO_LONG"


def test_a_resend_counts_as_a_request_of_a_record_that_was_taken_apart() -> None:
    error = RecordError("STRING_TOO_LONG", "", ("Email",))
    other = RecordError("STRING_TOO_LONG", "", ("LastName",))
    org = Org(lambda collection: [(error,) if "Email" in record.fields else (other,) for record in collection])
    messages = [a_message(a_profile(1, email="x"), number=n, sent_at=SENT_AT + n) for n in range(1_000)]

    batch = Run(org, OMITTING).batch(*messages)

    assert set(kinds(batch.deliveries)) == {OutcomeKind.REJECTED}
    assert len(org.requests) <= 13  # the first one was sent again before anything was refused


def test_a_missing_field_in_a_half_is_left_out_and_every_event_waits_for_it() -> None:
    def answer(collection: Collection) -> CollectionReply:
        if len(collection[0].updates) > 2:
            return [(RecordError("STRING_TOO_LONG"),)]
        return lacks_the_field(collection)

    org = Org(answer)
    messages = [
        a_message(a_profile(1, last_name=name, statuses={LOYAL: "realized"}), number=place, sent_at=SENT_AT + place)
        for place, name in enumerate("ABCD")
    ]

    batch = Run(org).batch(*messages)

    assert set(codes(batch.deliveries)) == {"FIELD_MISSING_IN_ORG"}
    assert org.last_names == [["D"], ["B"], ["B"], ["C"], ["D"]]
    assert all("CDP_Loyal__c" not in request[0][0].fields for request in org.requests[2:])


def test_no_event_of_a_record_that_is_gone_is_tried_alone() -> None:
    org = Org(gone(an_id(1)))

    batch = Run(org).batch(*told(1, *"ABCD"))

    assert set(codes(batch.deliveries)) == {"ENTITY_IS_DELETED"}
    assert (len(org.requests), org.finds, batch.requests) == (1, 1, 2)


# What is asked beside writing.


def test_after_a_limit_nothing_more_is_asked_and_what_is_asked_is_counted() -> None:
    org = Org(gone(an_id(1)), fails=[None, DailyLimitError(403, ["REQUEST_LIMIT_EXCEEDED"])])

    deliveries = Run(org, FOLLOWING, records=1).deliver(*people(8))

    assert (len(org.requests), org.finds) == (2, 0)
    assert codes([deliveries[0]]) == ["REQUEST_LIMIT_EXCEEDED"]
    assert deliveries[0].outcome.wait is Wait.DAILY_LIMIT


def test_a_limit_that_a_question_meets_stops_the_batch_and_the_next_one() -> None:
    successor = Successor("Contact", an_id(9))
    org = Org(gone(an_id(1)), successors={an_id(1): successor})
    org.cannot_find = DailyLimitError(403, ["REQUEST_LIMIT_EXCEEDED"])
    run = Run(org, FOLLOWING)

    first, second = run.batch(*people(1)), run.batch(*people(2))

    assert (first.requests, second.requests) == (2, 0)
    assert codes([*first.deliveries, *second.deliveries]) == ["REQUEST_LIMIT_EXCEEDED"] * 3


def test_a_ceiling_that_a_question_meets_stops_the_batch() -> None:
    org = Org(gone(an_id(1)), successors={an_id(1): Successor("Contact", an_id(9))})

    def find(move: Move, records: Sequence[Record]) -> Mapping[str, Successor]:
        org.usage = 90.0
        return {an_id(1): Successor("Contact", an_id(9))}

    org.find = find  # type: ignore[method-assign]

    (delivery,) = Run(org, FOLLOWING).deliver(*people(1))

    assert codes([delivery]) == ["API_USAGE_CEILING"]
    assert len(org.requests) == 1


def test_no_describe_is_asked_for_while_the_limit_is_spent() -> None:
    org = Org(lacks_the_field)
    run = Run(org)
    run.deliver(loyal())
    org.now += 300.0
    run.memory.note_limit_spent()

    batch = run.batch(loyal(number=2))

    assert (len(org.describes), batch.requests) == (1, 0)


# Moved records that were taken apart.


def test_two_records_that_were_taken_apart_and_merged_into_one_lose_no_event() -> None:
    survivor, halves = Successor("Contact", an_id(9)), set[str]()

    def answer(collection: Collection) -> CollectionReply:
        told_of = []
        for record in collection:
            is_half = record.identity in halves
            halves.add(record.identity)
            error = RecordError("ENTITY_IS_DELETED" if is_half else "STRING_TOO_LONG")
            told_of.append(() if record.is_moved else (error,))
        return told_of

    org = Org(answer, successors={an_id(1): survivor, an_id(2): survivor})

    deliveries = Run(org, FOLLOWING).deliver(*told(1, "A", "B", "C"), *told(2, "D", "E", "F"))

    assert kinds(deliveries) == [OutcomeKind.DELIVERED] * 6
    assert [len(request) for request in org.last_names] == [2, 2, 1]
    assert len(org.requests[-1][0][0].updates) == 6


def test_a_survivor_that_is_being_taken_apart_is_in_no_request_twice() -> None:
    def answer(collection: Collection) -> CollectionReply:
        others = refuses_bad_events([record for record in collection if record.identity != an_id(1)])
        return [*[(RecordError("ENTITY_IS_DELETED"),)] * (len(collection) - len(others)), *others]

    org = Org(answer, successors={an_id(1): Successor("Contact", an_id(9))})

    deliveries = Run(org, FOLLOWING).deliver(*told(1, "Newest"), *told(9, "A", "Bad", "C"))

    for request in org.requests:
        keys = [record.identity for collection in request for record in collection]
        assert len(keys) == len(set(keys))
    assert kinds(deliveries) == [
        OutcomeKind.DELIVERED,
        OutcomeKind.DELIVERED,
        OutcomeKind.REJECTED,
        OutcomeKind.DELIVERED,
    ]


def test_records_that_are_merged_later_into_the_same_survivor_undo_nothing() -> None:
    survivor, deleted = Successor("Contact", an_id(9)), (RecordError("ENTITY_IS_DELETED"),)
    answers: list[list[tuple[RecordError, ...]]] = [[deleted, (NO_SUCH_FIELD,)], [deleted, ()], [()]]
    org = Org(lambda collection: [answers[0].pop(0) for _ in collection])
    org.successors = {an_id(1): survivor, an_id(2): survivor}

    def send(collections: Sequence[Collection]) -> list[CollectionReply]:
        found = Org.send(org, collections)
        answers.pop(0)
        return found

    org.send = send  # type: ignore[method-assign]
    older = a_profile(2, last_name="Older", email="a@b.c", statuses={LOYAL: "realized"})
    messages = [a_message(a_profile(1, last_name="Newest"), number=1, sent_at=SENT_AT + 9), a_message(older, number=2)]

    deliveries = Run(org, FOLLOWING).deliver(*messages)

    assert org.last_names == [["Newest", "Older"], ["Older", "Newest"], ["Newest"]]
    assert codes(deliveries) == ["FIELD_MISSING_IN_ORG"] * 2


# How many calls splitting costs, and what is kept of it.


def refuses_more_than(most: int) -> Answer:
    return lambda collection: [(LIMIT,)] * len(collection) if len(collection) > most else [()] * len(collection)


def test_the_size_that_passed_is_where_the_next_batch_begins_and_it_grows_again() -> None:
    org = Org(refuses_more_than(25))
    run = Run(org)

    first, second = run.batch(*people(1_000)), run.batch(*people(1_000))
    assert (first.requests, second.requests) == (11, 8)
    assert max(max(request) for request in org.sizes[11:]) == 25

    org.answer = all_written
    assert [run.batch(*people(1_000)).requests for _ in range(4)] == [4, 2, 1, 1]


def test_one_record_that_is_to_blame_teaches_nothing_of_the_size() -> None:
    org = Org(lambda collection: [(LIMIT,) if any(map(is_bad, collection)) else ()] * len(collection))

    batch = Run(org).batch(*named(*["Okafor"] * 777, "Bad"))

    assert batch.requests <= 9
    assert [delivery.outcome.kind for delivery in batch.deliveries].count(OutcomeKind.REJECTED) == 1


def is_bad(record: Record) -> bool:
    return bool(record.fields["LastName"] == "Bad")


def refuses_requests(is_refused: Callable[[list[Record]], bool]) -> type[Org]:
    """An org that refuses whole requests by what is in them."""

    class Refusing(Org):
        def send(self, collections: Sequence[Collection]) -> list[CollectionReply]:
            replies = Org.send(self, collections)
            if is_refused([record for collection in collections for record in collection]):
                raise BadRequestError(413, ["TOO_LARGE"])
            return replies

    return Refusing


@pytest.mark.parametrize("guilty", [0, 1, 333, 500, 998, 999])
def test_one_record_that_spoils_a_request_costs_few_calls_wherever_it_stands(guilty: int) -> None:
    org = refuses_requests(lambda sent: any(map(is_bad, sent)))()
    run = Run(org)
    names = ["Okafor"] * 1_000
    names[guilty] = "Bad"

    batch = run.batch(*named(*names))

    assert batch.requests <= 24
    assert codes(batch.deliveries) == [*[None] * guilty, "TOO_LARGE", *[None] * (999 - guilty)]
    assert run.batch(*people(1_000)).requests == 1


def test_a_request_that_is_too_large_is_made_smaller_once_and_the_next_batch_begins_there() -> None:
    org = refuses_requests(lambda sent: len(sent) > 100)()
    run = Run(org)

    first, second = run.batch(*people(1_000)), run.batch(*people(1_000))

    assert (first.requests, second.requests) == (16, 11)
    assert run.memory.records_per_collection == 100
    assert set(kinds([*first.deliveries, *second.deliveries])) == {OutcomeKind.DELIVERED}


@pytest.mark.parametrize("fits", [1, 2])
def test_an_org_that_takes_a_record_at_a_time_gets_sixty_calls_a_batch_and_the_rest_waits(fits: int) -> None:
    org = refuses_requests(lambda sent: len(sent) > fits)()
    run = Run(org)

    for _ in range(2):
        batch = run.batch(*people(1_000))

        assert batch.requests == 60
        assert set(codes(batch.deliveries)) == {None, "TOO_MANY_REQUESTS"}
    assert run.memory.records_per_collection == 1


def test_more_records_may_cost_more_calls_to_split() -> None:
    org = refuses_requests(lambda sent: len(sent) > 1)()

    assert Run(org).batch(*people(1_001)).requests == 120


def test_an_outage_while_a_request_is_split_teaches_nothing_of_the_size() -> None:
    refusal, outage = BadRequestError(413, ["TOO_LARGE"]), SalesforceUnavailableError(503)
    run = Run(Org(fails=[refusal, refusal, outage]))

    deliveries = run.deliver(*people(200))

    assert set(kinds(deliveries)) == {OutcomeKind.DEFERRED}
    assert run.memory.records_per_collection == 200
