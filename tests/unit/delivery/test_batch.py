from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from builders import a_message, an_update
from salesforce_destination.delivery.batch import NOT_REACHED, Batch
from salesforce_destination.outcome import (
    DELIVERED,
    SKIPPED,
    SUPERSEDED,
    Delivery,
    Outcome,
    OutcomeKind,
    Wait,
    deferred,
    rejected,
    worst,
)
from salesforce_destination.record.record import Update, merge

REJECTED, DEFERRED = rejected("NO"), deferred("WAIT")


@pytest.mark.parametrize(
    ("better", "worse"), list(itertools.combinations([DELIVERED, SUPERSEDED, SKIPPED, REJECTED, DEFERRED], 2))
)
def test_a_message_has_the_worst_outcome_of_its_profiles_in_whatever_order_they_stand(
    better: Outcome, worse: Outcome
) -> None:
    assert worst([better, worse]) is worse
    assert worst([worse, better]) is worse


@pytest.mark.parametrize(
    ("shorter", "longer"),
    list(itertools.combinations([Wait.BACKOFF, Wait.UNKNOWN, Wait.UNTIL_MENDED, Wait.ORG_LIMIT, Wait.DAILY_LIMIT], 2)),
)
def test_a_message_waits_as_long_as_one_of_its_profiles_has_to(shorter: Wait, longer: Wait) -> None:
    outcomes = [deferred("SHORT", shorter), REJECTED, deferred("LONG", longer), DELIVERED]

    assert worst(outcomes) is outcomes[2]
    assert worst(outcomes[::-1]) is outcomes[2]


def test_how_long_an_outcome_waits_counts_only_among_those_that_wait() -> None:
    final = Outcome(OutcomeKind.REJECTED, REJECTED.reason, Wait.DAILY_LIMIT)

    assert worst([final, DEFERRED]) is DEFERRED


def test_among_equally_bad_outcomes_the_first_gives_the_reason() -> None:
    first, second = rejected("FIRST"), rejected("SECOND")

    assert worst([DELIVERED, first, second]) is first


def a_batch(*outcomes: Sequence[Outcome | None], receive_counts: Sequence[int] = (1, 1, 1)) -> Batch:
    """A batch with a message for each of these, and a profile of it for each outcome."""
    counts = zip(range(len(outcomes)), receive_counts, strict=False)
    batch = Batch(
        [a_message(number=number, receive_count=count) for number, count in counts],
        {"Vip__c": ("Vip__c", "Vip__c", "x")},
    )
    for message, of_profiles in enumerate(outcomes):
        for profile, outcome in enumerate(of_profiles):
            key = f"{message}-{profile}"
            batch.updates.append(Update(message, profile, key, key, {"Vip__c": "x", "A": 1}, 0, outcome=outcome))
    return batch


def concluded(batch: Batch) -> Sequence[Delivery]:
    batch.conclude()
    return batch.deliveries


def test_the_failed_profiles_of_a_message_are_those_that_were_not_written() -> None:
    batch = a_batch([DELIVERED, REJECTED, SKIPPED, DEFERRED, SUPERSEDED], [DELIVERED])

    first, second = concluded(batch)

    assert (first.outcome, first.failed_profiles, first.profiles) == (DEFERRED, (1, 3), 5)
    assert (second.outcome, second.failed_profiles, second.profiles) == (DELIVERED, (), 1)


def test_what_nobody_settled_waits() -> None:
    batch = a_batch([DELIVERED, None], [])

    first, second = concluded(batch)

    assert (first.outcome, first.failed_profiles) == (NOT_REACHED, (1,))
    assert second.outcome is NOT_REACHED


def test_a_message_that_is_rejected_whole_keeps_the_keys_of_its_profiles_and_writes_none() -> None:
    batch = a_batch([DELIVERED, None], [None])
    batch.reject(0, REJECTED)
    batch.note_event_time(0, 77)
    to_write = [update.key for update in batch.unsettled()]

    delivery = concluded(batch)[0]

    assert to_write == ["1-0"]
    assert (delivery.outcome, delivery.event_time) == (REJECTED, 77)
    assert (delivery.failed_profiles, delivery.profiles) == ((0,), 1)
    assert [(update.key, update.outcome) for update in batch.updates[:2]] == [("0-0", REJECTED), ("0-1", REJECTED)]


def test_only_what_is_not_settled_is_to_be_written() -> None:
    batch = a_batch([SKIPPED, None], [None])

    assert [update.key for update in batch.unsettled()] == ["0-1", "1-0"]


def test_sqs_keeps_the_messages_that_wait_and_no_others() -> None:
    batch = a_batch([DEFERRED], [REJECTED], [DELIVERED])
    batch.conclude()

    assert batch.kept == ["message-0"]


@pytest.mark.parametrize("counts", [(2, 7, 5), (7, 2, 5), (7, 5, 2)])
def test_a_merged_record_has_come_as_often_as_the_message_that_came_fewest(counts: tuple[int, int, int]) -> None:
    batch = a_batch([None], [None], [None], receive_counts=counts)
    (record,) = merge([an_update(message=number) for number in range(3)])

    assert batch.receive_count(record) == 2


def test_a_settled_record_settles_each_of_its_profiles() -> None:
    batch = a_batch([None], [None])
    for update in batch.updates:
        update.key = "one"
    (record,) = merge(batch.unsettled())

    batch.settle(record.updates, REJECTED)

    assert [delivery.outcome for delivery in concluded(batch)] == [REJECTED, REJECTED]
    assert batch.names_of(record) == [("message-0", 0), ("message-1", 0)]


def test_the_records_that_were_delivered_are_counted_with_their_statuses_and_exits() -> None:
    batch = a_batch([None], [None], [None])
    batch.updates[1].fields = {"A": "x"}
    batch.updates[2].fields = {"A": "x", "Vip__c": "realized"}

    for records in (merge(batch.unsettled()), merge(batch.unsettled()[2:])):
        batch.note_delivered(records)

    assert batch.records_delivered == 4
    assert (batch.statuses, batch.exits) == ({"Vip__c": 3}, {"Vip__c": 1})


def test_a_new_batch_has_counted_nothing() -> None:
    batch = Batch([a_message()])

    assert (batch.profiles, batch.requests, batch.records_delivered, batch.records_superseded) == (0, 0, 0, 0)
    assert (batch.dead_letters_refused, batch.delays_refused) == (0, 0)
    assert concluded(batch)[0].outcome.kind is OutcomeKind.DEFERRED
