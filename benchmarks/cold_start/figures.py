"""What was measured, as it is kept, and the table that people read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.layout import Table

EMPTY = "an empty function"
LIBRARIES = "boto3, requests, same clients"
DELIVER = "the deliver function"

PARTS = ("start", "first batch", "second batch")
HEADS = ("", *PARTS, "start + first batch", "times")


@dataclass(frozen=True, slots=True)
class Milliseconds:
    """What something took, of processor time and by the clock."""

    cpu: float
    wall: float

    def __add__(self, other: Milliseconds) -> Milliseconds:
        return Milliseconds(self.cpu + other.cpu, self.wall + other.wall)

    def __str__(self) -> str:
        return f"{self.cpu:.0f}/{self.wall:.0f}"


Rounds = list[list[Milliseconds]]
"""For each time that a function was started: what its start took, and each of its batches."""


def as_json(rounds: Rounds) -> dict[str, Any]:
    """The costs of each part, one for each round."""
    parts = zip(PARTS, zip(*rounds, strict=True), strict=False)
    return {
        part: {"cpu_ms": [round(c.cpu, 1) for c in costs], "wall_ms": [round(c.wall, 1) for c in costs]}
        for part, costs in parts
    }


def costs_of(kept: Mapping[str, Any]) -> list[Milliseconds]:
    """The median of each part that is kept of a function."""
    return [Milliseconds(median(part["cpu_ms"]), median(part["wall_ms"])) for part in kept.values()]


def start_of(kept: Mapping[str, Any]) -> Milliseconds:
    """What a function takes until its first batch is done; of one without a batch, to start."""
    first, *batches = costs_of(kept)
    return first + batches[0] if batches else first


def table(kept: Mapping[str, Any]) -> Table:
    """The functions beside one that makes the same clients with boto3, and checks nothing."""
    functions = kept["functions"]
    libraries = start_of(functions[LIBRARIES]).cpu
    rows, starts = [], []
    for name, parts in functions.items():
        costs, start = costs_of(parts), start_of(parts)
        if len(costs) > 1:
            rows.append([name, *map(str, costs), str(start), f"{start.cpu / libraries:.2f}"])
        else:
            starts.append(f"{name} {start}")
    title = f"Cold starts in Lambda's runtime interface emulator, ms of CPU/elapsed, medians of {kept['rounds']}"
    measured = f"Measured on {kept['date']} by `{kept['command']}` on {kept['machine']}, batches of one profile."
    return Table(title, HEADS, rows, [f"To start: {', '.join(starts)}.", measured])
