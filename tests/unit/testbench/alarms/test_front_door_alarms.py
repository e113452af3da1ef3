"""The front door's alarms over a day of requests, by each way in which CloudWatch may read the metrics."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import pytest
from destination_testbench.alarms.aws_metrics import publish_request
from destination_testbench.alarms.metrics import Metrics
from destination_testbench.alarms.stack_alarms import EVERYTHING, STACK, StackAlarms, Watched, read_alarms, watch
from destination_testbench.alarms.trial import READINGS, TOPIC, Reading
from destination_testbench.template.template import read_template

HOUR = 60
FAILING, REFUSING = "FrontDoorFailingAlarm", "FrontDoorRefusingAlarm"
NOT_TAKEN = "ProfilesNotTakenAlarm"

pytestmark = pytest.mark.parametrize("reading", READINGS, ids=lambda reading: f"{reading.delay:g} s late")


@cache
def alarms() -> StackAlarms:
    found = read_alarms(read_template(), EVERYTHING)
    return StackAlarms(
        {name: found.metric[name] for name in (FAILING, REFUSING)}, {NOT_TAKEN: found.composite[NOT_TAKEN]}
    )


def watched(reading: Reading, by_minute: Mapping[int, Mapping[int, int]], minutes: int) -> Watched:
    """What the alarms make of so many answers of each status in each minute."""
    metrics = Metrics()
    for minute, answers in by_minute.items():
        for status, times in answers.items():
            for _ in range(times):
                publish_request(metrics, STACK, "v1", minute * 60 + 1, status, called=status != 403)
    return watch(alarms(), metrics.delayed(reading.delay), 0, minutes * 60, reading.habits)


def test_a_burst_of_a_minute_that_is_refused_is_seen_and_ends_within_an_hour_of_silence(reading: Reading) -> None:
    seen = watched(reading, {30: {403: 500}}, 8 * HOUR)

    assert [at // 60 for at in seen.went_on[REFUSING]] == [pytest.approx(32, abs=3)]
    assert [at // 60 for at in seen.went_off[REFUSING]] == [pytest.approx(91, abs=3)]
    assert not seen.was_on(FAILING)


def test_a_sender_of_twelve_requests_an_hour_is_seen_once_ten_of_them_failed(reading: Reading) -> None:
    trickle = {minute: {503 if minute >= 2 * HOUR else 200: 1} for minute in range(0, 4 * HOUR, 5)}

    seen = watched(reading, trickle, 4 * HOUR)

    assert [at // 60 for at in seen.went_on[FAILING]] == [pytest.approx(2 * HOUR + 48, abs=3)]
    assert not seen.was_on(REFUSING)


@pytest.mark.parametrize(("minutes", "is_on"), [(2, False), (5, True)])
def test_failures_count_from_three_minutes_in_an_hour(reading: Reading, minutes: int, is_on: bool) -> None:
    steady = {minute: {503 if 0 <= minute - 90 < minutes else 200: 50} for minute in range(3 * HOUR)}

    seen = watched(reading, steady, 3 * HOUR)

    assert seen.was_on(FAILING) is is_on
    assert not seen.was_on(REFUSING)


def test_a_few_strangers_in_a_quiet_night_wake_nobody(reading: Reading) -> None:
    seen = watched(reading, {minute: {403: 1} for minute in range(0, 5 * HOUR, 7)}, 5 * HOUR)

    assert not seen.was_on(REFUSING)


@pytest.mark.parametrize("status", [403, 429])
def test_a_flood_of_strangers_or_of_throttled_requests_wakes_nobody(reading: Reading, status: int) -> None:
    seen = watched(reading, {minute: {200: 5, status: 100 * (minute >= 90)} for minute in range(3 * HOUR)}, 3 * HOUR)

    assert seen.was_on(REFUSING)
    assert seen.wakes(TOPIC) == []


def test_requests_that_sqs_does_not_take_wake_somebody(reading: Reading) -> None:
    seen = watched(reading, {minute: {503: 5} for minute in range(60)}, HOUR)

    assert [name for _, name in seen.wakes(TOPIC)] == [NOT_TAKEN]
