from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from builders import SENT_AT, an_update
from hypothesis import given
from hypothesis import strategies as st
from salesforce_destination.delivery.attempt import Attempt, collections_of, in_order_of_parents
from salesforce_destination.errors import DestinationError
from salesforce_destination.record.classification import RecordError
from salesforce_destination.record.composite import read_reply
from salesforce_destination.record.record import Record, Update, merge, moved

attempts = st.lists(
    st.tuples(st.integers(1, 7), st.sampled_from([None, "Contact", "Account"])).map(
        lambda drawn: Attempt(a_record(moved_to=drawn[1]), drawn[0])
    ),
    max_size=60,
)


def a_record(key: str = "a", moved_to: str | None = None, **fields: Any) -> Record:
    (record,) = merge([an_update(key, **fields)])
    return moved(record, moved_to, key) if moved_to else record


@given(attempts)
def test_every_record_is_in_one_collection_that_is_as_small_as_it_asks_and_about_one_sobject(
    batch: list[Attempt],
) -> None:
    packed = collections_of(batch)

    assert sorted(map(id, (attempt for collection in packed for attempt in collection))) == sorted(map(id, batch))
    for collection in packed:
        assert 0 < len(collection) <= min(attempt.most for attempt in collection)
        assert len({attempt.record.moved_to for attempt in collection}) == 1


@given(st.lists(st.sampled_from([None, "001A", "001B", "001C"]), max_size=40))
def test_the_children_of_one_parent_travel_together(parents: list[str | None]) -> None:
    records = [
        a_record(str(number), **({"AccountId": parent} if parent else {})) for number, parent in enumerate(parents)
    ]

    ordered = [record.fields.get("AccountId") for record in in_order_of_parents(records)]

    changes = sum(1 for before, after in itertools.pairwise(ordered) if before != after)
    assert sorted(map(str, ordered)) == sorted(map(str, parents))
    assert changes <= max(len(set(parents)) - 1, 0)


def test_without_a_known_parent_the_order_stays() -> None:
    records = [a_record(key) for key in "cab"]

    assert in_order_of_parents(records) == records


def a_row(code: str | None) -> dict[str, Any]:
    errors = [] if code is None else [{"statusCode": code, "message": "", "fields": []}]
    return {"id": "003", "success": code is None, "errors": errors}


codes = st.lists(st.lists(st.sampled_from([None, "LOCKED", "REFUSED"]), min_size=1, max_size=6), min_size=1, max_size=5)


@given(codes)
def test_results_are_matched_by_position_whatever_became_of_the_rows(collections: list[list[str | None]]) -> None:
    sent = [[a_record(str(number)) for number in range(len(rows))] for rows in collections]
    answers = [{"httpStatusCode": 200, "body": [a_row(code) for code in rows]} for rows in collections]

    read = read_reply({"compositeResponse": answers}, sent)

    expected = [[() if code is None else (RecordError(code),) for code in rows] for rows in collections]
    assert read == expected


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["body", "success", "x"]), inner),
    max_leaves=10,
)


@given(junk, st.integers(100, 599))
def test_an_answer_that_makes_no_sense_says_nothing_of_any_record(body: Any, status: int) -> None:
    (read,) = read_reply(
        {"compositeResponse": [{"httpStatusCode": status, "body": body}]}, [[a_record(), a_record("b")]]
    )

    assert isinstance(read, DestinationError) or len(read) == 2


def events(count: int) -> list[Update]:
    """Events of one record, oldest first, each with its own value."""
    return [an_update(event_time=SENT_AT + 1000 * n, message=n, Value=n, Guard=0) for n in range(count)]


def of(updates: Sequence[Update], most: int = 1, **more: Any) -> Attempt:
    (record,) = merge(updates)
    return Attempt(record, most, **more)


@pytest.mark.parametrize(("collection_size", "most"), [(200, 100), (3, 1), (2, 1)])
def test_what_was_refused_among_others_is_sent_among_half_as_many(collection_size: int, most: int) -> None:
    smaller = of(events(2), most=collection_size).smaller(collection_size)

    assert smaller is not None
    assert (smaller.most, len(smaller.record.updates)) == (most, 2)


def test_what_was_refused_alone_is_sent_event_by_event_and_one_event_not_at_all() -> None:
    oldest, *others = events(3)

    apart = of([oldest, *others]).smaller(1)

    assert apart is not None
    assert (apart.record.updates, apart.later) == ((oldest,), tuple(others))
    assert of([oldest]).smaller(1) is None


def test_the_events_of_a_record_that_was_taken_apart_follow_oldest_first_until_there_is_none() -> None:
    attempt: Attempt | None = of(events(4)).taken_apart()
    values = []

    while attempt:
        values.append(attempt.record.fields["Value"])
        attempt = attempt.next()

    assert values == [0, 1, 2, 3]


def test_what_is_taken_apart_twice_keeps_its_order() -> None:
    first, second, third = events(3)
    attempt = of([first, second], later=(third,)).taken_apart()

    assert (attempt.record.updates, attempt.later) == ((first,), (second, third))


def test_an_attempt_is_all_where_nothing_waits_and_nothing_follows() -> None:
    assert of(events(1)).is_all
    assert not of(events(1), missing=frozenset({"A"})).is_all
    assert not of(events(1), later=tuple(events(1))).is_all
    assert not of(events(1), missing=frozenset({"A"}), later=tuple(events(1))).is_all


def test_a_guard_that_is_retimed_has_the_time_of_the_latest_event_that_holds_it() -> None:
    without_guard = an_update(event_time=SENT_AT + 9000, message=9, Value=9)

    retimed = of([*events(3), without_guard], retimed=frozenset({"Other"})).retimed_by_event(frozenset({"Guard"}))

    assert retimed.record.fields == {"Value": 9, "Guard": "2023-11-14T22:13:22Z"}
    assert retimed.retimed == {"Guard", "Other"}


def test_all_that_is_missing_of_a_record_is_remembered_and_left_out_with_what_stands_under_it() -> None:
    attempt = of([an_update(A=1, B=2, C=3)], missing=frozenset({"Z"}))

    without = attempt.without_missing(frozenset({"A"}), frozenset({"A", "B"}))

    assert without.missing == {"A", "Z"}
    assert without.record.fields == {"C": 3}


def test_records_that_must_not_be_created_have_collections_of_their_own() -> None:
    attempts = [of([an_update(str(n))], most=2) for n in range(4)]
    for attempt in attempts[1:3]:
        attempt.record.updates_only = True

    packed = collections_of(attempts)

    assert [[attempt.record.key for attempt in collection] for collection in packed] == [["0", "3"], ["1", "2"]]


def test_collections_are_as_full_as_they_may_be_and_in_order() -> None:
    attempts = [of([an_update(str(n))], most=2) for n in range(5)]

    assert [[attempt.record.key for attempt in c] for c in collections_of(attempts)] == [["0", "1"], ["2", "3"], ["4"]]


def test_what_has_no_known_parent_comes_before_what_has() -> None:
    records = [a_record("a", AccountId="001"), a_record("b"), a_record("c", AccountId=None)]

    assert [record.key for record in in_order_of_parents(records)] == ["b", "c", "a"]
