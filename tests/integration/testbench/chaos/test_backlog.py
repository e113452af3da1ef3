from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from destination_testbench.chaos.outage import Case, simulate
from destination_testbench.org import Fault, FaultKind
from destination_testbench.template.numbers import Numbers, template_numbers
from salesforce_destination.outcome import Wait
from simulated import HOUR, a_world, one_event_each, run, writes


@pytest.fixture(scope="module")
def numbers() -> Numbers:
    return template_numbers()


SMALL_MESSAGES, SMALL_HOURS, SMALL_LIMIT = 1_500, 8.0, 300


@pytest.mark.parametrize(
    ("fault", "wait"), [(FaultKind.OUTAGE, Wait.BACKOFF), (FaultKind.DAILY_LIMIT, Wait.DAILY_LIMIT)]
)
def test_counting_messages_comes_to_what_the_real_code_does(
    tmp_path: Path, numbers: Numbers, fault: FaultKind, wait: Wait
) -> None:
    world = a_world(tmp_path, SMALL_MESSAGES)
    world.cloud.queue.config = replace(world.cloud.queue.config, in_flight_limit=SMALL_LIMIT)
    number = world.org.faults.add(Fault(fault, path="/composite"))
    seen: list[tuple[float, int]] = []

    def watch() -> None:
        started = world.clock.now()
        world.clock.sleep(SMALL_HOURS * HOUR)
        seen.append((world.clock.now(), sum(worker.invocations for worker in world.workers)))
        world.org.faults.remove(number)
        while world.cloud.queue.all():
            world.clock.sleep(30.0)
        seen.append((world.clock.now() - started, 0))

    world.clock.start("watch", watch)
    run(world, one_event_each(SMALL_MESSAGES, int(SMALL_HOURS * HOUR)), SMALL_HOURS + 4)
    counted = simulate(Case("", numbers, SMALL_MESSAGES, SMALL_HOURS, SMALL_HOURS, wait, in_flight_limit=SMALL_LIMIT))

    (_, invocations), (drained_after, _) = seen
    deliveries = world.deferrals.total() / SMALL_MESSAGES + 1
    assert {writes(world, person) for person in range(1, SMALL_MESSAGES + 1)} == {1}
    assert (world.cloud.queue.most_in_flight, counted.most_in_flight) == (SMALL_LIMIT, SMALL_LIMIT)
    assert deliveries == pytest.approx(counted.deliveries_per_message, rel=0.15)
    assert invocations == pytest.approx(counted.invocations_in_outage, rel=0.25)
    assert drained_after / HOUR - SMALL_HOURS == pytest.approx(counted.drained_after_hours, abs=0.25)


def test_a_million_messages_through_a_day_of_outage_are_written_within_the_hour_after_it(numbers: Numbers) -> None:
    outcome = simulate(Case("", numbers))

    assert outcome.most_in_flight == 120_000
    assert outcome.drained_after_hours < 1.0
    assert outcome.calls_in_outage < 20_000
    assert outcome.deliveries_per_message < numbers.max_receive_count / 10


def test_pausing_would_not_bring_them_sooner(numbers: Numbers) -> None:
    nothing, paused = simulate(Case("", numbers)), simulate(Case("", numbers, probe_seconds=300.0))

    assert nothing.drained_after_hours <= paused.drained_after_hours
    assert nothing.half_after_minutes <= paused.half_after_minutes
    assert paused.calls_in_outage == pytest.approx(288)


def test_a_spent_daily_limit_is_asked_for_seldom(numbers: Numbers) -> None:
    assert simulate(Case("", numbers, wait=Wait.DAILY_LIMIT)).calls_in_outage <= 2 * 24 * 6 + 2


def test_no_message_is_lost_in_counting(numbers: Numbers) -> None:
    outcome = simulate(Case("", numbers, messages=12_345, hours=2.0, outage_hours=3.0))

    assert 0 < outcome.drained_after_hours < 1.5
    assert outcome.most_in_flight <= 12_345
