from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from typing import Any

import pytest
from builders import SENT_AT, an_update
from hypothesis import given
from hypothesis import strategies as st
from salesforce_destination.delivery.attempt import MOST_REQUESTS, Attempt, collections_of, in_order_of_parents
from salesforce_destination.errors import DestinationError
from salesforce_destination.outcome import Outcome, rejected
from salesforce_destination.record.classification import RecordError
from salesforce_destination.record.composite import read_reply
from salesforce_destination.record.record import Address, Record, Update, merge, placed, record_of

ADDRESSES = [
    None,
    Address("Contact"),
    Address("Lead"),
    Address("Lead", "Key__c"),
    Address("Lead", "", creates=True),
]

attempts = st.lists(
    st.tuples(st.integers(1, 7), st.sampled_from(ADDRESSES)).map(
        lambda drawn: Attempt(a_record(address=drawn[1]), drawn[0])
    ),
    max_size=60,
)


def a_record(key: str = "a", address: Address | None = None, **fields: Any) -> Record:
    (record,) = merge([an_update(key, **fields)])
    return placed(record.updates, address, key) if address else record


@given(attempts)
def test_every_record_is_in_one_collection_that_is_as_small_as_it_asks_and_about_one_sobject(
    batch: list[Attempt],
) -> None:
    packed = collections_of(batch)

    assert sorted(map(id, (attempt for collection in packed for attempt in collection))) == sorted(map(id, batch))
    for collection in packed:
        assert 0 < len(collection) <= min(attempt.most for attempt in collection)
        ways = {(a.field, a.creates) if (a := attempt.record.address) else None for attempt in collection}
        sobjects = [attempt.record.sobject for attempt in collection]
        assert len(ways) == 1
        assert sobjects == sorted(sobjects)
        assert len(set(sobjects)) == 1 or ways == {("Id", False)}


@given(st.lists(st.sampled_from([None, "001A", "001B", "001C"]), max_size=40))
def test_the_children_of_one_parent_travel_together(parents: list[str | None]) -> None:
    records = [
        a_record(str(number), None, **({"AccountId": parent} if parent else {}))
        for number, parent in enumerate(parents)
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


def test_among_fewer_records_is_never_among_more() -> None:
    assert of(events(1), most=200).among(100).most == 100
    assert of(events(1), most=50).among(100).most == 50


REFUSED = rejected("STRING_TOO_LONG", "", ("Value",))


class Told:
    """What became of a record's events, at an org that refuses some of them, each for its own reason or for one."""

    def __init__(self, count: int, guilty: Collection[int], *, reasons: bool = False) -> None:
        self.sent: list[list[int]] = []
        self.written: list[int] = []
        self.rejected: list[int] = []
        self._guilty, self._reasons = guilty, reasons
        attempt: Attempt | None = of(events(count))
        while attempt is not None:
            attempt = self._send(attempt)

    def _send(self, attempt: Attempt) -> Attempt | None:
        sent = [update.message for update in attempt.record.updates]
        self.sent.append(sent)
        bad = [number for number in sent if number in self._guilty]
        refusal = self._refusal(bad[-1]) if bad else None
        self.written += [] if bad else sent
        given_up, following = attempt.next(refusal)
        self.rejected += [update.message for update in given_up]
        if following is not None:
            following.requests += 1
        return following

    def _refusal(self, number: int) -> Outcome:
        return rejected("STRING_TOO_LONG", "", (str(number),)) if self._reasons else REFUSED


@pytest.mark.parametrize("count", [2, 3, 7, 100, 1_000])
def test_one_guilty_event_is_found_by_halves_and_every_other_is_written_oldest_first(count: int) -> None:
    for guilty in {0, 1, count // 3, count // 2, count - 2, count - 1}:
        told = Told(count, [guilty])

        assert told.rejected == [guilty]
        assert told.written == [number for number in range(count) if number != guilty]
        assert len(told.sent) <= MOST_REQUESTS


@pytest.mark.parametrize("count", [2, 3, 7, 100, 1_000, 8_000])
def test_where_every_event_is_refused_for_one_cause_all_are_rejected_soon(count: int) -> None:
    told = Told(count, range(count))

    assert (told.rejected, told.written) == (list(range(count)), [])
    assert len(told.sent) <= min(MOST_REQUESTS, count + 2)


def test_oldest_half_first_and_what_follows_the_guilty_event_together() -> None:
    assert Told(8, [2]).sent == [[0, 1, 2, 3, 4, 5, 6, 7], [0, 1, 2, 3], [0, 1], [2], [3, 4, 5, 6, 7]]


def test_two_guilty_events_are_both_found_and_what_lies_between_and_behind_is_written() -> None:
    told = Told(8, [1, 6])

    assert told.rejected == [1, 6]
    assert told.written == [0, 2, 3, 4, 5, 7]


def test_two_neighbours_that_are_refused_for_one_cause_end_it_and_for_two_causes_do_not() -> None:
    for_one, for_two = Told(8, [0, 1]), Told(8, [0, 1], reasons=True)

    assert (for_one.rejected, for_one.written) == (list(range(8)), [])
    assert for_one.sent[-2:] == [[1, 2, 3, 4, 5, 6, 7], [1]]
    assert (for_two.rejected, for_two.written) == ([0, 1], [2, 3, 4, 5, 6, 7])


@given(st.integers(1, 300).flatmap(lambda count: st.tuples(st.just(count), st.sets(st.integers(0, count - 1)))))
def test_whatever_is_refused_each_event_ends_once_in_order_and_within_the_most_requests(
    drawn: tuple[int, set[int]],
) -> None:
    count, guilty = drawn

    told = Told(count, guilty)

    assert sorted(told.written + told.rejected) == list(range(count))
    assert told.written == sorted(told.written)
    assert guilty <= set(told.rejected)
    assert len(told.sent) <= MOST_REQUESTS


def test_the_last_request_is_for_what_nobody_has_refused() -> None:
    told = Told(4_000, [1_000])

    assert len(told.sent) == MOST_REQUESTS
    assert told.sent[-1][-1] == 3_999
    assert len(told.rejected) < 8


def test_where_no_event_is_to_blame_all_that_is_left_is_rejected_at_once() -> None:
    attempt = of(events(2), later=tuple(events(5)[2:]))

    assert attempt.next(REFUSED, is_whole=True) == (tuple(events(5)), None)


def test_a_half_begins_anew_at_the_same_record_without_what_is_not_there() -> None:
    attempt = of(events(4), missing=frozenset({"A"}), retimed=frozenset({"B"}), not_there=frozenset({"Guard"}))
    attempt.record = placed(attempt.record.updates, Address("Contact"), "003", is_moved=True)

    _, half = attempt.next(REFUSED)

    assert half is not None
    assert (half.record.key, half.record.identity, half.record.address) == ("003", "003", Address("Contact"))
    assert (half.record.fields, half.missing, half.retimed) == ({"Value": 1}, frozenset(), frozenset())
    assert [update.message for update in half.later] == [2, 3]


def test_requests_are_counted_from_the_refusal_on() -> None:
    split_often = of(events(4), requests=11)

    _, half = split_often.next(REFUSED)

    assert half is not None
    assert (half.requests, half.is_last) == (1, False)


def test_only_what_was_taken_apart_has_a_last_request() -> None:
    assert not of(events(1), requests=MOST_REQUESTS).is_last
    assert not of(events(1), requests=MOST_REQUESTS - 1, refusal=REFUSED).is_last
    assert of(events(1), requests=MOST_REQUESTS, refusal=REFUSED).is_last


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


def test_new_records_have_collections_of_their_own_behind_all_others() -> None:
    attempts = [of([an_update(str(n))], most=2) for n in range(4)]
    for attempt in attempts[1:3]:
        attempt.record.address = Address("Lead", "", creates=True)

    packed = collections_of(attempts)

    assert [[attempt.record.key for attempt in collection] for collection in packed] == [["0", "3"], ["1", "2"]]


def test_collections_are_as_full_as_they_may_be_and_in_order() -> None:
    attempts = [of([an_update(str(n))], most=2) for n in range(5)]

    assert [[attempt.record.key for attempt in c] for c in collections_of(attempts)] == [["0", "1"], ["2", "3"], ["4"]]


def test_what_has_no_known_parent_comes_before_what_has() -> None:
    records = [a_record("a", AccountId="001"), a_record("b"), a_record("c", AccountId=None)]

    assert [record.key for record in in_order_of_parents(records)] == ["b", "c", "a"]


FIELDS = ("A__c", "B__c", "C__c")
some_events = st.lists(st.tuples(st.integers(0, 20), st.sets(st.sampled_from(FIELDS))), min_size=1, max_size=8)


@given(some_events, st.integers(0, 20))
def test_no_value_is_older_than_what_the_org_held_before(events: list[tuple[int, set[str]]], held: int) -> None:
    """Each value is the time of its event; the org refuses what has an older time than it holds."""
    given: list[tuple[int, Any]] = [(time, dict.fromkeys([*names, "T__c"], time)) for time, names in events]
    record = record_of([an_update("a", time, **fields) for time, fields in given])
    org, attempt, parts = dict.fromkeys((*FIELDS, "T__c"), held), Attempt(record, 200).in_time({*FIELDS}), 1
    while True:
        if attempt.record.fields["T__c"] >= org["T__c"]:
            org |= attempt.record.fields
        if (following := attempt.next()[1]) is None:
            break
        attempt, parts = following.in_time({*FIELDS}), parts + 1

    assert min(org.values()) >= held
    assert org["T__c"] == max(held, *(time for time, _ in events))
    assert parts <= len(FIELDS) + 1


def test_of_events_at_one_time_the_last_one_counts_though_a_later_event_lacks_the_field() -> None:
    events = [an_update("a", 0, A__c=number, T__c=0) for number in range(4)]

    attempt = Attempt(record_of([*events, an_update("a", 1, T__c=1)]), 200).in_time({*FIELDS})

    assert (attempt.record.fields, len(attempt.events), len(attempt.later)) == ({"A__c": 3, "T__c": 0}, 5, 1)
