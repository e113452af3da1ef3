from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from destination_testbench.chaos.clock import Killed, SimulatedClock, TimedOut


def after(clock: SimulatedClock, seconds: float, work: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        clock.sleep(seconds)
        work()

    return run


def test_processes_run_in_the_order_of_their_times_and_of_their_beginnings() -> None:
    clock, seen = SimulatedClock(1_000.0), list[tuple[str, float]]()

    def sleeper(name: str, seconds: float) -> None:
        for _ in range(2):
            clock.sleep(seconds)
            seen.append((name, clock.now()))

    clock.start("slow", lambda: sleeper("slow", 3.0))
    clock.start("fast", lambda: sleeper("fast", 1.5))
    clock.start("late", lambda: sleeper("late", 3.0))
    clock.run()

    assert seen == [
        ("fast", 1_001.5),
        ("slow", 1_003.0),
        ("late", 1_003.0),
        ("fast", 1_003.0),
        ("slow", 1_006.0),
        ("late", 1_006.0),
    ]


def test_nothing_runs_at_the_same_time() -> None:
    clock, inside, most = SimulatedClock(0.0), list[int](), list[int]()

    def work() -> None:
        for _ in range(20):
            inside.append(1)
            most.append(len(inside))
            inside.pop()
            clock.sleep(0.1)

    for number in range(5):
        clock.start(str(number), work)
    clock.run()

    assert set(most) == {1}
    assert len(most) == 100


def test_outside_of_a_run_time_simply_passes() -> None:
    clock = SimulatedClock(5.0)

    clock.sleep(2.5)

    assert clock.now() == 7.5


def test_a_killed_process_ends_where_it_sleeps_and_the_others_go_on() -> None:
    clock, seen = SimulatedClock(0.0), list[object]()

    def victim() -> None:
        try:
            clock.sleep(100.0)
        except Killed:
            seen.append(("killed", clock.now()))
            raise

    def killer() -> None:
        clock.sleep(7.0)
        clock.kill(process)
        clock.sleep(1.0)
        seen.append(("went on", clock.now()))

    process = clock.start("victim", victim)
    clock.start("killer", killer)
    clock.run()

    assert seen == [("killed", 7.0), ("went on", 8.0)]


def test_a_process_that_survives_its_death_can_sleep_again() -> None:
    clock, seen = SimulatedClock(0.0), list[float]()

    def cat() -> None:
        try:
            clock.sleep(100.0)
        except Killed:
            clock.sleep(3.0)
            seen.append(clock.now())

    process = clock.start("cat", cat)
    clock.start("killer", after(clock, 1.0, lambda: clock.kill(process)))
    clock.run()

    assert seen == [4.0]


def test_a_deadline_ends_a_sleep_that_reaches_it_and_no_later_one() -> None:
    clock, seen = SimulatedClock(0.0), list[object]()

    def work() -> None:
        with clock.deadline(10.0):
            clock.sleep(9.0)
        try:
            with clock.deadline(10.0):
                clock.sleep(60.0)
        except TimedOut:
            seen.append(clock.now())
        clock.sleep(60.0)
        seen.append(clock.now())

    clock.start("work", work)
    clock.run()

    assert seen == [19.0, 79.0]


def test_stopping_ends_every_process_whatever_it_catches() -> None:
    clock, ended = SimulatedClock(0.0), list[str]()

    def stubborn() -> None:
        try:
            while True:
                try:
                    clock.sleep(1.0)
                except Exception:
                    ended.append("caught")
        finally:
            ended.append("ended")

    clock.start("stubborn", stubborn)
    clock.start("stopper", after(clock, 5.0, clock.stop))
    clock.run()

    assert ended == ["ended"]
    assert clock.now() <= 6.0


def test_what_a_process_fails_with_is_raised() -> None:
    clock = SimulatedClock(0.0)

    def work() -> None:
        clock.sleep(1.0)
        raise ValueError("broken")

    clock.start("work", work)

    with pytest.raises(ValueError, match="broken"):
        clock.run()


def test_the_threads_of_a_pool_see_the_time_of_the_process_that_waits_for_them() -> None:
    clock, seen = SimulatedClock(0.0), list[float]()

    def work() -> None:
        clock.sleep(4.0)
        with ThreadPoolExecutor(3) as pool:
            seen.extend(pool.map(lambda _: clock.now(), range(6)))

    clock.start("work", work)
    clock.start("other", lambda: clock.sleep(100.0))
    clock.run()

    assert seen == [4.0] * 6
