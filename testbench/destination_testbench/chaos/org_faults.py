"""What goes wrong in the org and when: one schedule for one seed, and the process that keeps to it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from destination_testbench.chaos.clock import SimulatedClock
from destination_testbench.org import Fault, FaultKind, SimulatedOrg

COMPOSITE = "/composite"
TOO_MANY_QUERIES = "Trig: execution of BeforeUpdate caused by: System.LimitException: Too many SOQL queries: 101"
WRAPPED_LOCK = "Trig: execution of AfterUpdate caused by: UNABLE_TO_LOCK_ROW, unable to obtain exclusive access"

SHORT_FAULTS: Sequence[tuple[str, Fault]] = (
    ("503 as JSON", Fault(FaultKind.OUTAGE)),
    ("503 as HTML", Fault(FaultKind.OUTAGE_HTML)),
    ("HTML with status 200, not written", Fault(FaultKind.HTML, path=COMPOSITE)),
    ("HTML with status 200, written", Fault(FaultKind.HTML, path=COMPOSITE, executes=True)),
    ("dropped before the write", Fault(FaultKind.DROP_BEFORE, path=COMPOSITE)),
    ("dropped after the write", Fault(FaultKind.DROP_AFTER, path=COMPOSITE)),
    ("carried out late", Fault(FaultKind.LATE, path=COMPOSITE, seconds=540.0)),
    ("answer truncated", Fault(FaultKind.TRUNCATED, path=COMPOSITE)),
    ("one result too few", Fault(FaultKind.SHORT_RESULTS)),
    ("subrequest fails", Fault(FaultKind.SUBREQUEST, status=500, code="UNKNOWN_EXCEPTION", message="oops")),
    ("401", Fault(FaultKind.SESSION_EXPIRED)),
    ("concurrent limit", Fault(FaultKind.CONCURRENT_LIMIT)),
    ("log-in refused", Fault(FaultKind.REPLY, path="/services/oauth2/token", status=503, body="busy")),
    ("slower than the time-out", Fault(FaultKind.LATENCY, path=COMPOSITE, seconds=400.0)),
    ("slow", Fault(FaultKind.LATENCY, path=COMPOSITE, seconds=30.0)),
    (
        "governor limit",
        Fault(
            FaultKind.COLLECTION_ERROR,
            code="CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
            message=TOO_MANY_QUERIES,
            above=20,
        ),
    ),
    (
        "trigger wraps a lock",
        Fault(FaultKind.COLLECTION_ERROR, code="CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message=WRAPPED_LOCK),
    ),
)
"""Each strikes a few requests in a row, or all of some minutes."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the weather; `apply` tells how often what ends with it has struck."""

    at: float
    number: int
    name: str
    apply: Callable[[], int]


class Weather:
    """Faults of the org, and whatever else is planned, in the order of time."""

    def __init__(self, org: SimulatedOrg, clock: SimulatedClock, draw: random.Random) -> None:
        self._org, self._clock, self._draw = org, clock, draw
        self._changes: list[Change] = []
        self._on: dict[int, int] = {}
        self.struck: Counter[str] = Counter()
        self.is_over = False

    def plan_short_faults(self, start: float, end: float, every: float) -> None:
        """Let short faults come one after another, about so many seconds apart."""
        moment = start + self._draw.random() * every
        while moment < end:
            name, fault = self._draw.choice(SHORT_FAULTS)
            self.plan_fault(name, fault, moment, min(end, moment + self._draw.choice((60, 300, 900))))
            moment += self._draw.expovariate(1 / every)

    def plan_fault(self, name: str, fault: Fault, start: float, end: float) -> None:
        """Let a fault be on from then to then."""
        number = len(self._changes)
        self.plan(start, name, lambda: self._switch_on(number, fault))
        self.plan(end, name, lambda: self._switch_off(number))

    def plan(self, at: float, name: str, apply: Callable[[], int]) -> None:
        """Let something happen at a time; it tells how often that counts."""
        self._changes.append(Change(at, len(self._changes), name, apply))

    def run(self) -> None:
        """Let everything that is planned happen, in time."""
        for change in sorted(self._changes, key=lambda change: (change.at, change.number)):
            self._clock.sleep(change.at - self._clock.now())
            self.struck[change.name] += change.apply()
        self.is_over = True

    def _switch_on(self, number: int, fault: Fault) -> int:
        self._on[number] = self._org.faults.add(fault)
        return 0

    def _switch_off(self, number: int) -> int:
        struck = sum(self._strikes(self._on[number]))
        self._org.faults.remove(self._on[number])
        return struck

    def _strikes(self, number: int) -> Iterator[int]:
        for active in self._org.faults.active():
            if active.number == number:
                yield active.matched[""]
