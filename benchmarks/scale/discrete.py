"""The same by events: messages on the simulated queue, pollers that gather them, places of the function, a slow org."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from destination_testbench.aws.queue import QueueConfig, StandardQueue
from destination_testbench.aws.stored import Stored
from destination_testbench.chaos.clock import SimulatedClock

from benchmarks.scale.setting import MESSAGES_PER_RECEIVE, RECEIVE_SECONDS, Org, Stack, Work

LONG_POLL_STEP = 0.25
"""How often an empty queue is looked at: a long poll ends when a message comes, here up to so much later."""


@dataclass(slots=True)
class Seen:
    """What happened after the beginning, in which the flow was not steady yet."""

    since: float
    profiles: int = 0
    invocations: int = 0
    longest_wait: float = 0.0

    def note(self, batch: list[Stored], now: float) -> None:
        """Count a batch that was written."""
        if now < self.since:
            return
        self.profiles += len(batch)
        self.invocations += 1
        self.longest_wait = max(self.longest_wait, *(now - message.sent_at for message in batch))


@dataclass(slots=True)
class Places:
    """The function's places: no more invocations at a time than the maximum concurrency."""

    free: int
    clock: SimulatedClock

    def take(self) -> None:
        """Wait for a place."""
        while not self.free:
            self.clock.sleep(LONG_POLL_STEP / 5)
        self.free -= 1

    def give_back(self) -> None:
        """Leave it to another."""
        self.free += 1


@dataclass(slots=True)
class Poller:
    """One of Lambda's pollers, with the invocations that it makes."""

    clock: SimulatedClock
    queue: StandardQueue
    places: Places
    stack: Stack
    org: Org
    work: Work
    seen: Seen

    def run(self) -> None:
        """Gather and invoke, for ever."""
        while True:
            batch = self._gather()
            self.places.take()
            self.clock.sleep(self.work.seconds(len(batch), self.stack, self.org))
            self.places.give_back()
            for message in batch:
                self.queue.delete(message.handle)
            self.seen.note(batch, self.clock.now())

    def _gather(self) -> list[Stored]:
        batch: list[Stored] = []
        ends = float("inf")
        while len(batch) < self.stack.batch_size and self.clock.now() < ends:
            found = self.queue.receive(min(MESSAGES_PER_RECEIVE, self.stack.batch_size - len(batch)))
            if found and not batch:
                ends = self.clock.now() + self.stack.window_seconds
            batch += found
            pause = RECEIVE_SECONDS if found else LONG_POLL_STEP
            self.clock.sleep(min(pause, max(ends - self.clock.now(), 0.0)) if batch else pause)
        return batch


@dataclass(slots=True)
class Producer:
    """Sends so many messages per second; with `backlog` the queue is never empty instead."""

    clock: SimulatedClock
    queue: StandardQueue
    per_second: float
    draw: random.Random
    step: float = field(init=False)

    def __post_init__(self) -> None:
        self.step = max(0.05, 1 / self.per_second)

    def run(self) -> None:
        """Send at irregular moments, for ever."""
        owed = 0.0
        while True:
            self.clock.sleep(self.draw.expovariate(1 / self.step))
            owed += self.per_second * self.step
            for _ in range(int(owed)):
                self.queue.add("{}", {})
            owed -= int(owed)


def observe(arriving: float, stack: Stack, org: Org, work: Work, seconds: float, warm_up: float) -> Seen:
    """Let messages arrive for so long and count what was written after the warm-up."""
    clock, draw = SimulatedClock(0.0), random.Random(7)
    queue = StandardQueue("queue", QueueConfig(visibility_seconds=1800), clock.now, draw)
    seen = Seen(warm_up)
    places = Places(stack.concurrency, clock)
    clock.start("producer", Producer(clock, queue, arriving, draw).run)
    for number in range(stack.pollers):
        clock.start(f"poller {number}", Poller(clock, queue, places, stack, org, work, seen).run)

    def end() -> None:
        clock.sleep(warm_up + seconds)
        clock.stop()

    clock.start("end", end)
    clock.run()
    return seen
