"""The shares of what is rejected, superseded, kept out or held back, by each way of reading the metrics."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from destination_testbench.alarms.metrics import MetricId, Metrics
from destination_testbench.alarms.stack_alarms import STACK, StackAlarms, Watched, read_alarms, watch
from destination_testbench.alarms.stage import DESTINATION
from destination_testbench.alarms.trial import READINGS, Reading
from destination_testbench.template.template import read_template

HOURS = 6 * 60
REJECTED, SUPERSEDED, KEPT_OUT = "RejectedShareAlarm", "SupersededShareAlarm", "ProfilesKeptOutAlarm"
HELD = "CreationsHeldAlarm"

pytestmark = pytest.mark.parametrize("reading", READINGS, ids=lambda reading: f"{reading.delay:g} s late")


def watched(reading: Reading, by_minute: Mapping[int, Mapping[str, int]]) -> Watched:
    """What these alarms make of such lines of the deliver function."""
    metrics = Metrics()
    for minute, values in by_minute.items():
        for name, value in values.items():
            dimensions = {"service": STACK, "destination": DESTINATION.stem}
            metrics.add(MetricId.of("SalesforceDestination", name, dimensions), minute * 60 + 1, value)
    found = read_alarms(read_template(), {"DestinationFile": DESTINATION.name})
    alarms = StackAlarms({name: found.metric[name] for name in (REJECTED, SUPERSEDED, KEPT_OUT, HELD)}, {})
    return watch(alarms, metrics.delayed(reading.delay), 0, HOURS * 60, reading.habits)


def test_twelve_messages_an_hour_are_enough_to_see_that_all_are_rejected(reading: Reading) -> None:
    seen = watched(reading, {m: {"MessagesReceived": 1, "MessagesRejected": int(m >= 120)} for m in range(0, HOURS, 5)})

    assert [at // 60 for at in seen.went_on[REJECTED]] == [pytest.approx(167, abs=3)]
    assert not seen.was_on(SUPERSEDED)


def test_a_bad_message_now_and_then_is_no_share(reading: Reading) -> None:
    by_minute = {m: {"MessagesReceived": 1, "MessagesRejected": 1} for m in range(0, HOURS, 8)}

    assert not watched(reading, by_minute).was_on(REJECTED)


@pytest.mark.parametrize(("rejected", "is_on"), [(1, False), (2, True)])
def test_what_waits_counts_for_nothing_in_the_share(reading: Reading, rejected: int, is_on: bool) -> None:
    line = {"MessagesReceived": 130, "MessagesDeferred": 100, "MessagesRejected": rejected}

    assert watched(reading, dict.fromkeys(range(HOURS), line)).was_on(REJECTED) is is_on


def test_twelve_records_an_hour_are_enough_to_see_that_all_are_dropped(reading: Reading) -> None:
    seen = watched(
        reading, {m: {"RecordsSuperseded" if m >= 120 else "RecordsDelivered": 1} for m in range(0, HOURS, 5)}
    )

    assert [at // 60 for at in seen.went_on[SUPERSEDED]] == [pytest.approx(167, abs=3)]
    assert not seen.was_on(REJECTED)


def test_a_burst_of_old_records_is_seen_and_ends_within_an_hour_of_silence(reading: Reading) -> None:
    seen = watched(reading, {100: {"RecordsSuperseded": 40, "RecordsDelivered": 60}})

    assert [at // 60 for at in seen.went_on[SUPERSEDED]] == [pytest.approx(102, abs=3)]
    assert [at // 60 for at in seen.went_off[SUPERSEDED]] == [pytest.approx(161, abs=3)]


@pytest.mark.parametrize(
    ("received", "kept_out", "is_on"), [(20, 20, True), (19, 19, False), (21, 20, False), (5_000, 4_999, False)]
)
def test_that_everybody_is_kept_out_is_seen_from_twenty_profiles_on(
    reading: Reading, received: int, kept_out: int, is_on: bool
) -> None:
    line = {"ProfilesReceived": received, "ProfilesNotPermitted": kept_out}

    assert watched(reading, {100: line}).was_on(KEPT_OUT) is is_on


def test_where_nobody_is_kept_out_no_metric_of_it_is_needed(reading: Reading) -> None:
    assert not watched(reading, {minute: {"ProfilesReceived": 40} for minute in range(HOURS)}).was_on(KEPT_OUT)


def test_the_first_who_is_let_in_ends_it(reading: Reading) -> None:
    seen = watched(
        reading, {m: {"ProfilesReceived": 8, "ProfilesNotPermitted": 8 - (m == 200)} for m in range(100, 201)}
    )

    assert [at // 60 for at in seen.went_on[KEPT_OUT]] == [pytest.approx(103, abs=3)]
    assert [at // 60 for at in seen.went_off[KEPT_OUT]] == [pytest.approx(202, abs=3)]


def test_twelve_who_are_held_back_in_an_hour_are_seen_until_it_is_over(reading: Reading) -> None:
    seen = watched(reading, {m: {"RecordsCreated": 9, "CreationsHeld": 1} for m in range(100, 225, 5)})

    assert [at // 60 for at in seen.went_on[HELD]] == [pytest.approx(147, abs=3)]
    assert [at // 60 for at in seen.went_off[HELD]] == [pytest.approx(235, abs=3)]


def test_a_few_who_come_again_an_hour_later_wake_nobody(reading: Reading) -> None:
    by_minute = {m: {"RecordsCreated": 5, "CreationsHeld": 3} for m in range(0, HOURS, 25)}

    assert not watched(reading, by_minute).was_on(HELD)
