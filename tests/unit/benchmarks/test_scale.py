"""The model of what passes is held to a discrete-event run, and to what must be so whatever the figures are."""

from __future__ import annotations

from itertools import pairwise

import pytest

from benchmarks.scale.discrete import observe
from benchmarks.scale.model import bottleneck, capacity, flow
from benchmarks.scale.setting import Org, Stack, Work
from benchmarks.scale.tables import FAST, PLAIN, SLOW, TOLERANCE, Trial

WORK = Work(0.003, 20e-6)

TRIALS = (
    Trial(10, Stack(), FAST, 1800, 600),
    Trial(10, Stack(window_seconds=5), FAST, 600, 60),
    Trial(100, Stack(), PLAIN, 600, 300),
    Trial(600, Stack(), PLAIN, 150, 60),
    Trial(100, Stack(concurrency=5), SLOW, 1100, 500),
)


@pytest.mark.parametrize("trial", TRIALS)
def test_the_model_and_the_discrete_event_run_agree(trial: Trial) -> None:
    expected = flow(trial.arriving, trial.stack, trial.org, WORK)

    seen = observe(trial.arriving, trial.stack, trial.org, WORK, trial.seconds, trial.warm_up)

    assert seen.invocations >= 10
    assert seen.profiles / trial.seconds == pytest.approx(expected.passing, rel=TOLERANCE)
    assert seen.profiles / seen.invocations == pytest.approx(expected.batch, rel=TOLERANCE)


def test_no_place_is_used_twice_at_a_time() -> None:
    one = Stack(concurrency=1)
    org = Org("of a second", 1.0)

    seen = observe(5000, one, org, WORK, 40, 20)

    assert seen.profiles / 40 == pytest.approx(1000 / WORK.seconds(1000, one, org), rel=0.1)


def test_more_places_never_let_less_pass() -> None:
    rates = [capacity(Stack(concurrency=places), SLOW, WORK) for places in (2, 5, 10, 50, 200)]

    assert all(few <= many for few, many in pairwise(rates))


def test_a_trickle_makes_as_many_calls_as_pollers_have_windows() -> None:
    minute = flow(10, Stack(), FAST, WORK)
    five_seconds = flow(10, Stack(window_seconds=5), FAST, WORK)

    assert 6_500 < minute.calls_a_day <= 7_200
    assert 65_000 < five_seconds.calls_a_day <= 86_400


def test_full_batches_make_one_call_for_a_thousand_profiles() -> None:
    found = flow(500, Stack(concurrency=10), PLAIN, WORK)

    assert found.keeps_up
    assert found.calls_a_day == pytest.approx(500 * 86_400 / 1000)


def test_a_slow_org_is_sent_fewer_records_at_a_time() -> None:
    found = flow(1_000, Stack(), SLOW, WORK)

    assert not found.keeps_up
    assert found.calls_a_day == pytest.approx(found.passing * 86_400 / 200)


def test_the_next_bottleneck_moves_from_the_places_to_the_calls_of_a_day() -> None:
    assert bottleneck(Stack(), PLAIN, WORK) == "concurrency"
    assert bottleneck(Stack(concurrency=50), PLAIN, WORK) == "calls a day"


def test_an_org_of_long_calls_takes_no_more_than_its_25() -> None:
    crawling = Org("crawling", 0.1, 0.15)

    assert capacity(Stack(concurrency=100), crawling, WORK) == capacity(Stack(concurrency=60), crawling, WORK)
