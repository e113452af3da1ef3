"""What the model is told: the parameters of a stack, how fast the org is, what a batch costs the function."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from salesforce_destination.delivery.memory import SLOW_SECONDS

from benchmarks.costs import MEMORY_MIB, WHOLE_PROCESSOR_MIB
from benchmarks.events import MESSAGES_PER_EVENT
from benchmarks.figures import Result
from benchmarks.plan import SMALL_BATCH

COLLECTIONS, RECORDS = 5, 200
"""Of one call, and of one collection: the template's numbers."""

FEWEST_POLLERS = 5
"""Lambda polls a standard queue with five pollers at the least ("Configuring scaling behavior for SQS event source
mappings"); a maximum concurrency below that lets fewer of them invoke at a time."""

MOST_INVOKES = 1_250
"""The most of one event source mapping, likewise."""

MESSAGES_PER_RECEIVE = 10
RECEIVE_SECONDS = 0.015
"""How long one ReceiveMessage of ten messages takes. Inferred, and so is that a poller makes one at a time."""


@dataclass(frozen=True, slots=True)
class Org:
    """
    How fast an org answers, how many calls a day it allows, and how many long ones at a time.

    Salesforce counts calls of more than 20 seconds ("API Request Limits and Allocations").
    """

    name: str
    seconds_per_call: float
    seconds_per_record: float = 0.0
    calls_a_day: int = 100_000
    long_calls: int = 25
    long_seconds: float = 20.0

    @property
    def collections_per_call(self) -> int:
        """What the function sends at a time once it knows the org: half as much after each call that is too slow."""
        collections = COLLECTIONS
        while collections > 1 and self.seconds_of_call(collections) > SLOW_SECONDS:
            collections //= 2
        return collections

    def seconds_of_call(self, collections: int) -> float:
        """How long a call of so many full collections takes."""
        return self.seconds_per_call + collections * RECORDS * self.seconds_per_record

    def calls(self, profiles: float) -> int:
        """How many calls a batch takes."""
        return ceil(profiles / (self.collections_per_call * RECORDS))


@dataclass(frozen=True, slots=True)
class Stack:
    """The template's parameters that speed depends on."""

    concurrency: int = 2
    window_seconds: int = 60
    batch_size: int = 1_000
    memory_mib: int = MEMORY_MIB

    @property
    def pollers(self) -> int:
        """How many batches are gathered at a time."""
        return max(FEWEST_POLLERS, self.concurrency)


@dataclass(frozen=True, slots=True)
class Work:
    """The function's CPU in seconds on one whole processor: for a batch, and for each profile in it."""

    per_batch: float
    per_profile: float

    def seconds(self, profiles: float, stack: Stack, org: Org) -> float:
        """How long an invocation takes: the function's share of a processor, and the org."""
        share = min(1.0, stack.memory_mib / WHOLE_PROCESSOR_MIB)
        working = (self.per_batch + profiles * self.per_profile) / share
        return working + org.calls(profiles) * org.seconds_per_call + profiles * org.seconds_per_record


def gathering_seconds(messages: float) -> float:
    """How long a poller needs to receive so many messages that are there."""
    return messages / MESSAGES_PER_RECEIVE * RECEIVE_SECONDS


def work_of(result: Result) -> Work:
    """What a batch and a profile cost, from the measured batches of 10 and of 1,000."""
    small = result.of("deliver", SMALL_BATCH).cpu_us / 1e6 * SMALL_BATCH
    large = result.of("deliver", MESSAGES_PER_EVENT).cpu_us / 1e6 * MESSAGES_PER_EVENT
    per_profile = (large - small) / (MESSAGES_PER_EVENT - SMALL_BATCH)
    return Work(max(0.0, small - SMALL_BATCH * per_profile), per_profile)
