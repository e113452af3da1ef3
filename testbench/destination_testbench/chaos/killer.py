"""Workers that die in the middle of their work."""

from __future__ import annotations

import random
from collections.abc import Sequence

from destination_testbench.chaos.clock import SimulatedClock
from destination_testbench.chaos.worker import Worker

LOOKS_EVERY_SECONDS = 0.37


class Killer:
    """Kills a busy worker now and then, until the time is over."""

    def __init__(
        self, clock: SimulatedClock, workers: Sequence[Worker], every: float, end: float, draw: random.Random
    ) -> None:
        self._clock, self._workers, self._every, self._end, self._draw = clock, workers, every, end, draw
        self.killed = 0

    def run(self) -> None:
        """Wait, lie in wait, and kill."""
        while self._clock.now() < self._end:
            self._clock.sleep(self._draw.expovariate(1 / self._every))
            while not any(worker.is_busy for worker in self._workers) and self._clock.now() < self._end:
                self._clock.sleep(LOOKS_EVERY_SECONDS)
            self._clock.sleep(self._draw.random())
            for worker in [worker for worker in self._workers if worker.is_busy][:1]:
                if worker.process:
                    self._clock.kill(worker.process)
                    self.killed += 1
