"""How long a deferred message is tried, by the numbers of template.yaml: proved by arithmetic and by simulation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import sqrt
from pathlib import Path
from statistics import fmean, pvariance

import pytest
from destination_testbench.chaos.environment import TOKEN_SECRET
from destination_testbench.chaos.faults import AwsFault
from destination_testbench.chaos.world import START, World
from destination_testbench.org import Fault, FaultKind
from destination_testbench.template.parameters import Numbers, template_numbers
from salesforce_destination.delivery.backoff import RANGES, Backoff
from salesforce_destination.outcome import Wait
from simulated import HOUR, a_world, codes_of_letters, one_event_each, run, writes

DRAWS = 4_001
SIGMAS = 6
PEOPLE = 50
OUTAGE_HOURS = 24.0


@pytest.fixture(scope="module")
def numbers() -> Numbers:
    return template_numbers()


def delays(numbers: Numbers, wait: Wait, receive_count: int) -> list[int]:
    """Every delay that Backoff may choose, in evenly spread draws; the queue's own timeout where it sets none."""
    chosen = []
    for draw in range(DRAWS):
        value = draw / (DRAWS - 1)
        backoff = Backoff(
            numbers.redelivery_base_seconds,
            numbers.redelivery_max_seconds,
            numbers.visibility_timeout_seconds,
            lambda value=value: value,  # type: ignore[misc]  # each has its own
        )
        delay = backoff.delay_of(wait, receive_count)
        chosen.append(numbers.visibility_timeout_seconds if delay is None else delay)
    return chosen


def moments(numbers: Numbers, wait: Wait) -> Iterator[tuple[float, float]]:
    """Mean and variance of the delay after each delivery; it stays what it is once the exponent has grown."""
    steady = None
    for receive_count in range(1, numbers.max_receive_count):
        if receive_count <= 20 or steady is None:
            found = delays(numbers, wait, receive_count)
            steady = fmean(found), pvariance(found)
        yield steady


def earliest_last_delivery(steps: list[tuple[float, float]]) -> float:
    """When the last delivery that SQS allows may come, six sigma early and with all processing done at once."""
    return sum(mean for mean, _ in steps) - SIGMAS * sqrt(sum(variance for _, variance in steps))


@pytest.mark.parametrize("wait", Wait)
def test_no_message_reaches_the_backstop_of_sqs_before_the_age_at_which_it_is_given_up(
    numbers: Numbers, wait: Wait
) -> None:
    steps = list(moments(numbers, wait))

    assert len(steps) == numbers.max_receive_count - 1
    assert earliest_last_delivery(steps) > numbers.give_up_after_seconds


def test_nor_does_one_that_is_deferred_for_the_quickest_of_all_reasons_each_time(numbers: Numbers) -> None:
    by_wait = [list(moments(numbers, wait)) for wait in Wait]
    quickest = [min(step) for step in zip(*by_wait, strict=True)]

    assert earliest_last_delivery(quickest) > numbers.give_up_after_seconds


def test_nor_does_one_whose_function_dies_each_time(numbers: Numbers) -> None:
    last_delivery = (numbers.max_receive_count - 1) * numbers.visibility_timeout_seconds

    assert numbers.give_up_after_seconds < last_delivery < numbers.retention_seconds


def test_what_is_given_up_is_given_up_before_the_queue_forgets_it(numbers: Numbers) -> None:
    longest_ranges = [longest for _, longest in RANGES.values()]
    longest_delay = max(numbers.visibility_timeout_seconds, numbers.redelivery_max_seconds, *longest_ranges)
    around_it = numbers.batch_window_seconds + numbers.function_timeout_seconds

    assert numbers.give_up_after_seconds + 10 * (longest_delay + around_it) < numbers.retention_seconds


def test_a_message_is_tried_for_more_than_a_day_of_outage(numbers: Numbers) -> None:
    assert numbers.give_up_after_seconds > 2 * OUTAGE_HOURS * HOUR


def test_the_queue_hides_a_batch_for_longer_than_the_function_may_take(numbers: Numbers) -> None:
    """Six times the function's time-out, and the window ("Configuring a queue to use with Lambda")."""
    assert numbers.visibility_timeout_seconds >= 6 * numbers.function_timeout_seconds


def strike(world: World, fault: FaultKind | None, hours: float) -> None:
    """Let a fault be on from the beginning, for so many hours. Without one, the access token cannot be read."""
    if fault is None:
        world.cloud.faults.stretches.append(AwsFault(START, START + hours * HOUR, TOKEN_SECRET))
        return
    number = world.org.faults.add(Fault(fault, path="/composite"))

    def end() -> None:
        world.clock.sleep(hours * HOUR)
        world.org.faults.remove(number)

    world.clock.start("end of the outage", end)


OUTAGES = [
    FaultKind.OUTAGE,
    FaultKind.OUTAGE_HTML,
    FaultKind.DAILY_LIMIT,
    FaultKind.CONCURRENT_LIMIT,
    FaultKind.DROP_BEFORE,
    None,
]


@pytest.mark.parametrize("fault", OUTAGES, ids=lambda fault: fault.value if fault else "no access token")
def test_a_day_of_outage_puts_nothing_into_the_dead_letter_queue(tmp_path: Path, fault: FaultKind | None) -> None:
    world = a_world(tmp_path, PEOPLE)
    strike(world, fault, OUTAGE_HOURS)

    run(world, one_event_each(PEOPLE), OUTAGE_HOURS + 3)

    assert world.cloud.dead_letters.all() == []
    assert world.cloud.queue.expired == []
    assert world.cloud.queue.all() == []
    assert {writes(world, person) for person in range(1, PEOPLE + 1)} == {1}
    assert world.deferrals.total() > 10 * PEOPLE


def test_after_the_age_everything_is_a_dead_letter_with_its_last_reason_and_none_by_sqs(tmp_path: Path) -> None:
    people = 20
    world = a_world(tmp_path, people)
    events = one_event_each(people)
    strike(world, FaultKind.DROP_BEFORE, 1_000.0)

    run(world, events, world.numbers.give_up_after_seconds / HOUR + 2)

    assert world.cloud.queue.moved == 0
    assert world.cloud.queue.all() == []
    assert codes_of_letters(world) == {event.body: "NO_ANSWER" for event in events}
    for letter in world.cloud.dead_letters.all():
        event = next(event for event in events if event.body == letter.body)
        assert letter.attributes["EventTime"]["StringValue"] == str(event.happened_at)
        assert 400 < int(letter.attributes["Attempts"]["StringValue"]) < world.numbers.max_receive_count
        assert letter.sent_at > START + world.numbers.give_up_after_seconds


def test_the_arithmetic_would_find_a_backstop_that_is_too_low(numbers: Numbers) -> None:
    low = replace(numbers, max_receive_count=500)

    assert earliest_last_delivery(list(moments(low, Wait.UNKNOWN))) < low.give_up_after_seconds
