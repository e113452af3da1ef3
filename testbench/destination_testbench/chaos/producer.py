"""The platform that sends the messages."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from destination_testbench.chaos.clock import SimulatedClock
from destination_testbench.chaos.environment import QUEUE
from destination_testbench.chaos.event import Event


class Producer:
    """Sends every message at its time, and some of them twice."""

    def __init__(self, clock: SimulatedClock, sqs: Any, events: Sequence[Event]) -> None:
        self._clock, self._sqs = clock, sqs
        numbers = count()
        self._due: list[tuple[float, int, Event]] = [
            (moment, next(numbers), event)
            for event in events
            if not event.rides
            for moment in (event.send_at, *event.copies)
        ]
        heapq.heapify(self._due)
        self.sent = 0
        self.is_done = False

    def run(self) -> None:
        """Send everything."""
        for moment, event in self._in_order():
            if moment > self._clock.now():
                self._clock.sleep(moment - self._clock.now())
            self._sqs.send_message(QueueUrl=QUEUE, MessageBody=event.body, MessageAttributes=event.attributes)
            self.sent += 1
        self.is_done = True

    def _in_order(self) -> Iterator[tuple[float, Event]]:
        while self._due:
            moment, _, event = heapq.heappop(self._due)
            yield moment, event
