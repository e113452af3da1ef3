"""A queue whose messages are counted and not held, so that a million of them take a second: a minute at a time."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from math import ceil

from salesforce_destination.aws.redelivery import Backoff
from salesforce_destination.outcome import Wait

from destination_testbench.template.numbers import Numbers

STEP = 60.0
DRAWS = 600
GROWN_AT = 12
"""After so many deliveries the exponential delay has reached its longest, from 30 seconds to more than 12 hours."""


@dataclass(slots=True)
class Backlog:
    """How many messages are visible and hidden, by how often they came. The delays are those of the real Backoff."""

    numbers: Numbers
    wait: Wait
    in_flight_limit: int
    visible: Counter[int] = field(default_factory=Counter)
    in_flight: int = 0
    _hidden: list[tuple[int, int, int, int]] = field(default_factory=list)
    _shares: Mapping[int, Sequence[tuple[int, float]]] = field(init=False)
    _tickets: Iterator[int] = field(default_factory=count)
    _left_over: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._shares = {times: spread(self.numbers, self.wait, times) for times in range(1, GROWN_AT + 1)}

    def reveal(self, step: int) -> None:
        """Let come back what is due."""
        while self._hidden and self._hidden[0][0] <= step:
            _, _, times, messages = heapq.heappop(self._hidden)
            self.visible[times] += messages
            self.in_flight -= messages

    def take(self, most: int) -> Counter[int]:
        """Take messages, each as likely as any other, as far as the limit in flight lets."""
        there = self.visible.total()
        most = min(most, there, self.in_flight_limit - self.in_flight)
        taken: Counter[int] = Counter()
        for times, messages in sorted(self.visible.items()):
            taken[times] = min(messages, ceil(most * messages / there) if there else 0, most - taken.total())
        self.visible -= taken
        return taken

    def defer(self, taken: Counter[int], step: int) -> None:
        """Hide messages until their delays are over."""
        for times, messages in sorted(taken.items()):
            came = min(times + 1, GROWN_AT)
            self.in_flight += messages
            left = messages
            for steps, share in self._shares[came]:
                exact = messages * share + self._left_over.get(steps, 0.0)
                part = min(left, int(exact))
                self._left_over[steps] = exact - part
                left -= part
                self._hide(step + steps, came, part)
            self._hide(step + self._shares[came][-1][0], came, left)

    def _hide(self, until: int, times: int, messages: int) -> None:
        if messages:
            heapq.heappush(self._hidden, (until, next(self._tickets), times, messages))


def spread(numbers: Numbers, wait: Wait, receive_count: int) -> list[tuple[int, float]]:
    """How many steps a deferred message is hidden, as shares, from the delays that the real Backoff gives."""
    steps: Counter[int] = Counter()
    for delay in _delays(numbers, wait, receive_count):
        steps[ceil((numbers.visibility_timeout_seconds if delay is None else delay) / STEP)] += 1
    return [(step, number / DRAWS) for step, number in sorted(steps.items())]


def share_of_calls(numbers: Numbers, wait: Wait) -> float:
    """The share of deferred messages for which SQS is told a delay, once the exponential one has grown."""
    return sum(delay is not None for delay in _delays(numbers, wait, GROWN_AT)) / DRAWS


def _delays(numbers: Numbers, wait: Wait, receive_count: int) -> Iterator[int | None]:
    """What the real Backoff chooses, in evenly spread draws."""
    for draw in range(DRAWS):
        backoff = Backoff(
            numbers.redelivery_base_seconds,
            numbers.redelivery_max_seconds,
            numbers.visibility_timeout_seconds,
            lambda value=(draw + 0.5) / DRAWS: value,  # type: ignore[misc]  # each has its own
        )
        yield backoff.delay_of(wait, receive_count)
