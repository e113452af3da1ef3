"""
The model: how many profiles pass, in how many calls, and what stops more of them.

Messages that arrive are spread over the pollers that are gathering. A poller's batch is full, or its window has passed
since its first message; then it waits for one of the function's places, and for the function's end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from destination_testbench.aws.queue import IN_FLIGHT_LIMIT

from benchmarks.scale.setting import MOST_INVOKES, Org, Stack, Work, gathering_seconds

DAY = 86_400
CALLS_A_DAY = "calls a day"
USAGE_CEILING = 0.9
"""The function stops at this share of the day's calls (API_USAGE_CEILING_PERCENT)."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What passes at a certain rate of arrival, once it is steady, and about how long a message waits at the most."""

    arriving: float
    passing: float
    batch: float
    batch_seconds: float
    calls_per_batch: int
    longest_wait: float

    @property
    def calls_a_day(self) -> float:
        """What the org counts."""
        return self.passing / self.batch * self.calls_per_batch * DAY

    @property
    def keeps_up(self) -> bool:
        """Whether as much passes as arrives."""
        return self.passing >= self.arriving * 0.999


def limits(stack: Stack, org: Org, work: Work) -> Mapping[str, float]:
    """What stops the flow, each with the profiles per second at which it does."""
    batch, places = stack.batch_size, min(stack.concurrency, MOST_INVOKES)
    seconds = work.seconds(batch, stack, org)
    found = {
        "concurrency": places * batch / seconds,
        "pollers": stack.pollers * batch / (gathering_seconds(batch) + seconds),
        "in flight": IN_FLIGHT_LIMIT / (gathering_seconds(batch) / 2 + seconds),
        CALLS_A_DAY: org.calls_a_day * USAGE_CEILING * batch / org.calls(batch) / DAY,
    }
    if org.seconds_of_call(org.collections_per_call) > org.long_seconds:
        found["long calls"] = org.long_calls * batch / (org.calls(batch) * org.seconds_of_call(1))
    return found


def capacity(stack: Stack, org: Org, work: Work) -> float:
    """The profiles per second that pass while the day's calls last."""
    return min(rate for name, rate in limits(stack, org, work).items() if name != CALLS_A_DAY)


def bottleneck(stack: Stack, org: Org, work: Work) -> str:
    """What stops the flow first, over a day."""
    found = limits(stack, org, work)
    return min(found, key=found.__getitem__)


def flow(arriving: float, stack: Stack, org: Org, work: Work) -> Flow:
    """What passes of so many profiles per second."""
    most = capacity(stack, org, work)
    full = work.seconds(stack.batch_size, stack, org)
    if arriving >= most:
        return Flow(arriving, most, stack.batch_size, full, org.calls(stack.batch_size), float("inf"))
    batch = min(float(stack.batch_size), _batch_of_a_window(arriving, stack, org, work))
    seconds = work.seconds(batch, stack, org)
    filling = min(stack.window_seconds, batch * stack.pollers / arriving)
    return Flow(arriving, arriving, batch, seconds, org.calls(batch), filling + seconds)


def _batch_of_a_window(arriving: float, stack: Stack, org: Org, work: Work) -> float:
    """How many messages a poller gathers in one round: its share of what arrives from round to round."""
    batch = 1.0
    for _ in range(50):
        busy = work.seconds(batch, stack, org)
        whole = stack.window_seconds + busy
        gathering = stack.pollers * stack.window_seconds / whole if whole else stack.pollers
        first_after = max(1.0, gathering) / arriving
        batch = max(1.0, arriving / stack.pollers * (first_after + whole))
    return batch
