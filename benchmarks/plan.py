"""What is measured: every contender with every number of profiles and every org; what takes too long is scaled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from benchmarks.contenders import CHOICES, CONTENDERS, NAMES
from benchmarks.events import BAD_DAYS, CASES, CORNERS, MESSAGES_PER_EVENT, Variant

SIZES = (1_000, 10_000, 100_000)
LATENCY_MS = 100
"""What a call takes of the org that the costs and the bad days are for."""

SMALL_BATCHES = {1: 500, 10: 3_000, 100: 10_000}
"""Small batches, and how many profiles are delivered in them."""

IN_BATCHES = tuple(name for name in NAMES if name != "bulk")
"""Those that write a batch when it comes."""

COMPARED = tuple(name for name in IN_BATCHES if name != "single")
ENCRYPTED = ("floor", "deliver", "collections")
SECONDS_PER_CALL = 0.0005
"""About what a call costs its client on loopback."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure: a contender, so many profiles in batches, an org of this speed, and what is particular."""

    name: str
    profiles: int
    latency_ms: int = 0
    variant: Variant = Variant.PLAIN
    batch: int = MESSAGES_PER_EVENT

    def measured(self, longest_seconds: float) -> Cell:
        """The run that this cell's figures come from: of a tenth of the profiles, or of that, if it took too long."""
        profiles = self.profiles
        while profiles > 10 and self._seconds(profiles) > longest_seconds:
            profiles //= 10
        return replace(self, profiles=profiles)

    @property
    def settled(self) -> int:
        """The messages that should not come again."""
        return 0 if self.variant is Variant.DEFERRED else self.profiles // CASES[self.variant].profiles_per_message

    def _seconds(self, profiles: int) -> float:
        messages = min(CONTENDERS[self.name].messages_per_call, max(self.batch, 1))
        return profiles / messages * (self.latency_ms / 1000 + SECONDS_PER_CALL)


@dataclass(frozen=True, slots=True)
class BenchPlan:
    """How much of it is measured, and how often."""

    sizes: tuple[int, ...] = SIZES
    repeats: int = 5
    corner_size: int = 10_000
    bad_size: int = 2_000
    longest_seconds: float = 12.0

    def cells(self) -> Iterator[Cell]:
        """All of them."""
        for size in self.sizes:
            yield from (Cell(name, size) for name in NAMES)
            yield from (Cell(name, size, LATENCY_MS) for name in CHOICES)
            yield from (Cell(name, size, variant=Variant.WIDE) for name in COMPARED)
        for batch, profiles in SMALL_BATCHES.items():
            yield from (Cell(name, min(profiles, self.corner_size), batch=batch) for name in IN_BATCHES)
        for variant in CORNERS:
            names = ENCRYPTED if variant is Variant.TLS else ("deliver",)
            yield from (Cell(name, self.corner_size, variant=variant) for name in names)
        yield from (Cell("deliver", self.bad_size, LATENCY_MS, variant=variant) for variant in BAD_DAYS)


LONG = BenchPlan()
SHORT = BenchPlan(sizes=(1_000, 10_000), repeats=1, corner_size=1_000, longest_seconds=2.0)
