from __future__ import annotations

from random import Random
from typing import Any

import pytest
from builders import SENT_AT, an_update
from salesforce_destination.delivery.memory import Memory
from salesforce_destination.record.description import ObjectDescription, read_description
from salesforce_destination.record.record import Record, Update, merge


class Clock:
    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def a_memory(clock: Clock | None = None) -> Memory:
    return Memory(clock or Clock())


def a_record(*updates: Update, **fields: Any) -> Record:
    (record,) = merge(updates or [an_update(**fields)])
    return record


def an_object(*writable: str) -> ObjectDescription:
    return read_description({"fields": [{"name": name, "updateable": True} for name in writable]})


@pytest.mark.parametrize(("later_ms", "stale"), [(-1, {"Email"}), (0, set()), (1, set())])
def test_a_value_is_stale_where_a_newer_one_was_written_and_not_where_an_equally_old_one_was(
    later_ms: int, stale: set[str]
) -> None:
    memory = a_memory()
    memory.note_written([a_record(Email="written", LastName="written")])

    assert memory.known_stale(a_record(an_update(event_time=SENT_AT + later_ms, Email="next", Phone="next"))) == stale


@pytest.mark.parametrize(("later_ms", "stale"), [(-1, {"Email"}), (0, {"Email"}), (1, set())])
def test_what_the_org_calls_stale_is_stale_from_then_on_and_so_is_all_that_is_as_old(
    later_ms: int, stale: set[str]
) -> None:
    memory = a_memory()
    memory.note_stale(a_record(Email="refused", LastName="refused"), {"Email"})

    again = a_record(an_update(event_time=SENT_AT + later_ms, Email="next", LastName="next"))
    assert memory.known_stale(again) == stale


@pytest.mark.parametrize("first", [0, 5])
def test_the_newest_time_counts_in_whatever_order_the_values_were_written(first: int) -> None:
    memory = a_memory()
    for later_ms in (first, 5 - first):
        memory.note_written([a_record(an_update(event_time=SENT_AT + later_ms, Email="x"))])

    assert memory.known_stale(a_record(an_update(event_time=SENT_AT + 4, Email="x"))) == {"Email"}
    assert memory.known_stale(a_record(an_update(event_time=SENT_AT + 5, Email="x"))) == set()


def test_a_field_that_was_not_written_before_is_remembered_beside_the_others() -> None:
    memory = a_memory()
    memory.note_written([a_record(Email="x")])
    memory.note_written([a_record(an_update(event_time=1, Phone="x"))])

    assert memory.known_stale(a_record(an_update(event_time=0, Email="x", Phone="x"))) == {"Email", "Phone"}


@pytest.mark.parametrize("times", [{}, {"Status__c": 7}])
def test_a_field_that_was_left_out_was_not_written(times: dict[str, int]) -> None:
    memory = a_memory()
    record = a_record(an_update(event_time=SENT_AT, times=times, Email="x", Status__c="x"))
    memory.note_written([record.without({"Email"})])

    older = a_record(an_update(event_time=6, Email="x", Status__c="x"))
    assert memory.known_stale(older) == {"Status__c"}


def test_a_value_with_a_time_of_its_own_goes_by_that() -> None:
    memory = a_memory()
    memory.note_written([a_record(an_update(event_time=50, times={"Status__c": 25}, Email="x", Status__c="x"))])

    for time, stale in [(24, {"Email", "Status__c"}), (25, {"Email"}), (50, set[str]())]:
        assert memory.known_stale(a_record(an_update(event_time=time, Email="", Status__c=""))) == stale
    own = a_record(an_update(event_time=90, times={"Status__c": 24}, Email="", Status__c=""))
    assert memory.known_stale(own) == {"Status__c"}


def test_each_field_of_a_merged_record_has_the_newest_time_among_the_events_that_hold_it() -> None:
    memory = a_memory()
    events = [
        an_update(event_time=30, Email="x"),
        an_update(event_time=20, Email="x", Phone="x", Status__c="x", times={"Status__c": 25}),
        an_update(event_time=40, Status__c="x", times={"Status__c": 15}),
    ]
    memory.note_written([a_record(*events)])

    for time, stale in [
        (19, {"Email", "Phone", "Status__c"}),
        (20, {"Email", "Status__c"}),
        (24, {"Email", "Status__c"}),
        (25, {"Email"}),
        (29, {"Email"}),
        (30, set()),
    ]:
        assert memory.known_stale(a_record(an_update(event_time=time, Email="", Phone="", Status__c=""))) == stale


def test_of_two_events_each_field_has_the_time_of_the_one_that_holds_it() -> None:
    memory = a_memory()
    memory.note_written([a_record(an_update(event_time=20, Email="x"), an_update(event_time=30, Phone="x"))])

    for time, stale in [(19, {"Email", "Phone"}), (20, {"Phone"}), (30, set[str]())]:
        assert memory.known_stale(a_record(an_update(event_time=time, Email="", Phone=""))) == stale


def test_of_the_last_20_000_records_at_least_half_are_remembered_and_older_ones_forgotten() -> None:
    memory = a_memory()

    def write(*numbers: int) -> None:
        records = [Record(str(n), "", {}, (Update(0, 0, "", "", {"Email": "x"}, SENT_AT),)) for n in numbers]
        memory.note_written(records)

    def is_known(number: int) -> bool:
        record = a_record(an_update(str(number), event_time=1, Email="x"))
        assert (str(number) in memory.known_among([record])) is (memory.known_stale(record) == {"Email"})
        return memory.known_stale(record) == {"Email"}

    write(*range(10_000))
    write(*range(10_000, 20_001))
    write(0)
    write(*range(30_000, 40_001))

    assert [is_known(number) for number in (0, 1, 9_999, 20_000, 30_000)] == [True, False, False, False, True]


def test_of_more_than_50_000_profiles_in_part_written_the_first_is_forgotten() -> None:
    memory = a_memory()
    missing = frozenset({"Gone__c"})
    memory.note_part([("message", number) for number in range(50_000)], missing)
    assert memory.is_written_but([("message", 0)], missing)

    memory.note_part([("message", 50_000)], missing)
    assert [memory.is_written_but([("message", number)], missing) for number in (0, 1, 50_000)] == [False, True, True]


def test_a_record_is_written_in_part_where_each_of_its_profiles_is_and_for_no_more_than_what_is_missing() -> None:
    memory = a_memory()
    memory.note_part([("message", 0)], frozenset("AB"))
    memory.note_part([("message", 1)], frozenset("A"))

    both = [("message", 0), ("message", 1)]
    assert memory.is_written_but(both, frozenset("AB"))
    assert memory.is_written_but(both, frozenset("ABC"))
    assert not memory.is_written_but(both, frozenset("A"))
    assert not memory.is_written_but([*both, ("message", 2)], frozenset("AB"))


@pytest.mark.parametrize("spent_at", [0.0, 50.0])
@pytest.mark.parametrize(("seconds", "believed"), [(0.0, True), (599.9, True), (600.0, False)])
def test_a_spent_limit_is_believed_for_ten_minutes(spent_at: float, seconds: float, believed: bool) -> None:
    clock = Clock(spent_at)
    memory = a_memory(clock)
    assert not memory.is_limit_spent()

    memory.note_limit_spent()
    clock.now += seconds
    assert memory.is_limit_spent() is believed


def test_the_org_is_asked_for_missing_fields_once_in_five_minutes() -> None:
    clock, asked = Clock(1_000.0), list[float]()
    memory = a_memory(clock)

    def describe(_: str) -> ObjectDescription:
        asked.append(clock.now)
        return an_object("Back__c")

    def ask(at: float) -> None:
        clock.now = at
        memory.ask_for_missing(describe)

    ask(1_000.0)
    memory.note_missing("", {"Back__c", "Gone__c"})
    ask(1_299.9)
    memory.note_missing("", {"Late__c"})  # the minutes count from the first that was missed
    assert asked == []

    ask(1_300.0)
    assert (asked, memory.missing[""]) == ([1_300.0], {"Gone__c", "Late__c"})

    for at in (1_599.9, 1_600.0):
        ask(at)
    assert asked == [1_300.0, 1_600.0]
    assert memory.missing_of(a_record(Gone__c="x", Email="x")) == {"Gone__c"}


def test_without_a_missing_field_nothing_is_asked() -> None:
    memory = a_memory(Clock(9_999.0))

    memory.ask_for_missing(lambda _: pytest.fail("nobody was to be asked"))

    assert memory.missing_of(a_record(Email="x")) == set()


@pytest.mark.parametrize(
    ("before", "seconds", "trouble", "after"),
    [
        (5, 15.0, False, 5),
        (5, 15.1, False, 2),
        (4, 0.0, True, 2),
        (3, 20.0, True, 1),
        (2, 20.0, False, 1),
        (1, 20.0, False, 1),
        (1, 0.0, True, 1),
        (1, 5.0, False, 1),
        (1, 4.9, False, 2),
        (4, 0.0, False, 5),
        (5, 0.0, False, 5),
    ],
)
def test_requests_are_half_as_large_after_trouble_or_15_seconds_and_one_larger_after_less_than_5(
    before: int, seconds: float, trouble: bool, after: int
) -> None:
    memory = Memory(Clock(), collections_per_request=before)

    memory.note_call(seconds, trouble=trouble)

    assert memory.collections_per_request == after


def test_requests_begin_with_five_collections_and_grow_to_as_many_as_are_allowed() -> None:
    assert a_memory().collections_per_request == 5

    memory = Memory(Clock(), collections_per_request=1, most_collections=2)
    for _ in range(3):
        memory.note_call(0.0, trouble=False)
    assert memory.collections_per_request == 2


@pytest.mark.parametrize("size", [1, 8, 200, 1_000])
def test_of_people_of_whom_one_in_twenty_is_new_few_are_held_back_and_of_new_ones_alone_nine_tenths(size: int) -> None:
    draw, held, created = Random(1), 0, 0
    normal, wrong = a_memory(), a_memory()
    for _ in range(20_000 // size):
        new = sum(draw.random() < 0.05 for _ in range(size))
        allowed = min(new, max(normal.may_be_created(10, size), 0))
        held += new - allowed
        normal.note_people(size, allowed)
        allowed = min(size, max(wrong.may_be_created(10, size), 0))
        created += allowed
        wrong.note_people(size, allowed)

    assert held < 10
    assert 1_900 <= created <= 2_000
