"""What is measured: every contender with every number of profiles and every org; what takes too long is scaled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from benchmarks.contenders import NAMES
from benchmarks.events import Variant

SIZES = (1_000, 10_000, 100_000)
LATENCIES_MS = (0, 100, 500)
SLOW_MS_PER_RECORD = 50
SLOW_SIZE = 1_000
WIDE_SIZE = 10_000
WIDE_NAMES = ("floor", "deliver", "collections")

SMALL_BATCH = 10
"""The batch whose CPU tells, beside that of 1,000, what a batch costs whatever is in it."""

CALLS_PER_PROFILE = {"floor": 0.001, "deliver": 0.001, "collections": 0.005, "bulk": 0.0, "single": 1.0}
SECONDS_PER_CALL = 0.0005
"""About what a call costs its client on loopback."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure of the table: a contender, so many profiles, and an org of this speed."""

    name: str
    profiles: int
    latency_ms: int = 0
    ms_per_record: int = 0
    variant: Variant = Variant.PLAIN

    def measured(self, longest_seconds: float) -> Cell:
        """The run that this cell's figures come from: of a tenth of the profiles, or of that, if it took too long."""
        profiles = self.profiles
        while profiles > 10 and not self.ms_per_record and self._seconds(profiles) > longest_seconds:
            profiles //= 10
        return replace(self, profiles=profiles)

    @property
    def org(self) -> tuple[float, float]:
        """Seconds per call and per record."""
        return self.latency_ms / 1000, self.ms_per_record / 1000

    def _seconds(self, profiles: int) -> float:
        return profiles * CALLS_PER_PROFILE[self.name] * (self.latency_ms / 1000 + SECONDS_PER_CALL)


@dataclass(frozen=True, slots=True)
class BenchPlan:
    """How much of it is measured, and how often."""

    sizes: tuple[int, ...] = SIZES
    latencies_ms: tuple[int, ...] = LATENCIES_MS
    repeats: int = 5
    wide_size: int = WIDE_SIZE
    slow_size: int = SLOW_SIZE
    longest_seconds: float = 12.0

    def cells(self) -> Iterator[Cell]:
        """All of them; those of the slow org last."""
        for latency in self.latencies_ms:
            for size in self.sizes:
                yield from (Cell(name, size, latency) for name in NAMES)
        yield Cell("deliver", SMALL_BATCH)
        if self.wide_size:
            yield from (Cell(name, self.wide_size, variant=Variant.WIDE) for name in WIDE_NAMES)
        if self.slow_size:
            yield from (Cell(name, self.slow_size, ms_per_record=SLOW_MS_PER_RECORD) for name in NAMES)


LONG = BenchPlan()
SHORT = BenchPlan(sizes=(1_000, 10_000), latencies_ms=(0, 100), repeats=3, slow_size=0, longest_seconds=2.0)
