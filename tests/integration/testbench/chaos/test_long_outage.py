"""More messages than SQS hands out at a time wait for an org that takes nothing for hours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from destination_testbench.org import Fault, FaultKind
from simulated import HOUR, a_world, one_event_each, run, writes

MESSAGES, HOURS, IN_FLIGHT = 1_500, 8.0, 300


@pytest.mark.parametrize(
    ("fault", "most_calls"),
    # With its daily limit spent, the org is asked every ten minutes by each of the two workers.
    [(FaultKind.OUTAGE, 800), (FaultKind.DAILY_LIMIT, 2 * 6 * HOURS + 2)],
)
def test_messages_beyond_the_in_flight_limit_are_written_once_within_75_minutes_after_it(
    tmp_path: Path, fault: FaultKind, most_calls: float
) -> None:
    world = a_world(tmp_path, MESSAGES)
    world.cloud.queue.config = replace(world.cloud.queue.config, in_flight_limit=IN_FLIGHT)
    number = world.org.faults.add(Fault(fault, path="/composite"))
    seen: list[float] = []

    def watch() -> None:
        started = world.clock.now()
        world.clock.sleep(HOURS * HOUR)
        seen.extend(each.matched.total() for each in world.org.faults.active() if each.number == number)
        world.org.faults.remove(number)
        while world.cloud.queue.all():
            world.clock.sleep(30.0)
        seen.append(world.clock.now() - started)

    world.clock.start("watch", watch)
    run(world, one_event_each(MESSAGES, int(HOURS * HOUR)), HOURS + 4)

    calls, written_after = seen
    assert {writes(world, person) for person in range(1, MESSAGES + 1)} == {1}
    assert world.cloud.queue.most_in_flight == IN_FLIGHT
    assert calls <= most_calls
    assert written_after / HOUR - HOURS < 1.25
    assert not world.cloud.dead_letters.all()
