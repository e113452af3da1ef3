from __future__ import annotations

import pytest
from salesforce_destination.delivery.backoff import Backoff
from salesforce_destination.outcome import Wait

NEVER_NEAR = 100_000
"""A queue's timeout that no delay comes close to."""


def a_backoff(draw: float, base: int = 30, longest: int = 1800, visibility: int = NEVER_NEAR) -> Backoff:
    return Backoff(base, longest, visibility, lambda: draw)


@pytest.mark.parametrize(
    ("wait", "receive_count", "shortest", "longest"),
    [
        (Wait.BACKOFF, 1, 30, 60),
        (Wait.BACKOFF, 2, 30, 120),
        (Wait.BACKOFF, 5, 30, 960),
        (Wait.BACKOFF, 6, 30, 1800),
        (Wait.BACKOFF, 500, 30, 1800),
        (Wait.UNKNOWN, 1, 600, 900),
        (Wait.UNKNOWN, 500, 600, 900),
        (Wait.UNTIL_MENDED, 1, 900, 1800),
        (Wait.ORG_LIMIT, 1, 900, 1800),
        (Wait.DAILY_LIMIT, 1, 1800, 3600),
    ],
)
def test_each_wait_has_its_range_and_every_delay_of_it_is_as_likely(
    wait: Wait, receive_count: int, shortest: int, longest: int
) -> None:
    drawn = [a_backoff(draw).delay_of(wait, receive_count) for draw in (0.0, 0.5, 1.0)]

    assert drawn == [shortest, (shortest + longest) // 2, longest]


@pytest.mark.parametrize(("receive_count", "longest"), [(19, 1 << 19), (20, 1 << 20), (21, 1 << 20)])
def test_the_exponent_ends_at_twenty(receive_count: int, longest: int) -> None:
    backoff = a_backoff(1.0, base=1, longest=1 << 30, visibility=1)

    assert backoff.delay_of(Wait.BACKOFF, receive_count) == longest


@pytest.mark.parametrize(("delay", "is_set"), [(899, True), (900, False), (1000, False), (1100, False), (1101, True)])
def test_a_delay_is_close_enough_within_a_tenth_of_the_queues_own_timeout(delay: int, is_set: bool) -> None:
    backoff = a_backoff(0.0, base=delay, longest=delay, visibility=1000)

    assert backoff.delay_of(Wait.BACKOFF, 1) == (delay if is_set else None)


@pytest.mark.parametrize(
    ("wait", "visibility", "is_set"),
    [
        (Wait.UNTIL_MENDED, 1259, True),
        (Wait.UNTIL_MENDED, 1260, False),
        (Wait.UNTIL_MENDED, 1800, False),
        (Wait.UNTIL_MENDED, 1801, True),
        (Wait.DAILY_LIMIT, 2159, True),
        (Wait.DAILY_LIMIT, 2160, False),
        (Wait.DAILY_LIMIT, 3600, False),
        (Wait.DAILY_LIMIT, 3601, True),
    ],
)
def test_the_queues_own_timeout_is_taken_where_it_lies_in_the_range_even_when_six_minutes_of_it_are_over(
    wait: Wait, visibility: int, is_set: bool
) -> None:
    shortest = {Wait.UNTIL_MENDED: 900, Wait.DAILY_LIMIT: 1800}[wait]

    assert a_backoff(0.0, visibility=visibility).delay_of(wait, 1) == (shortest if is_set else None)


def test_an_exponential_delay_is_set_though_the_queues_own_timeout_lies_in_its_range() -> None:
    assert a_backoff(0.0, visibility=1000).delay_of(Wait.BACKOFF, 6) == 30
