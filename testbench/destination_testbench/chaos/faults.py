"""What goes wrong in the org and in AWS, and when: one schedule for one seed, and the process that keeps to it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from zlib import crc32

from destination_testbench.aws.queue import unavailable
from destination_testbench.chaos.clock import SimulatedClock
from destination_testbench.chaos.environment import CREDENTIALS_SECRET, DEAD_LETTER_QUEUE, QUEUE, TOKEN_SECRET
from destination_testbench.chaos.settings import ChaosSettings
from destination_testbench.org import Fault, FaultKind, SimulatedOrg
from destination_testbench.org.faults.failure import SaveError, locked
from destination_testbench.org.records.store import StoredRecord, Transaction
from destination_testbench.org.schema.schema import SObject


@dataclass(frozen=True, slots=True)
class AwsFault:
    """From `start` to `end`, calls of these operations (all, where none is named) to this queue or secret fail."""

    start: float
    end: float
    target: str
    operations: frozenset[str] = frozenset()

    def strikes(self, now: float, operation: str, target: str) -> bool:
        """Whether a call fails now. That hangs on the time alone, so that the order of a pool's calls means nothing."""
        is_meant = target == self.target and (not self.operations or operation in self.operations)
        return is_meant and self.start <= now < self.end


@dataclass(slots=True)
class AwsFaults:
    """Told of every call by the simulated clients; refuses those of a stretch, and counts them."""

    now: Callable[[], float]
    stretches: list[AwsFault] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)

    def __call__(self, operation: str, target: str) -> None:
        """Refuse a call where it is time to."""
        now = self.now()
        if any(stretch.strikes(now, operation, target) for stretch in self.stretches):
            self.struck[f"{target}: {operation}"] += 1
            raise unavailable(operation)


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
class PlannedChange:
    """One planned change; `apply` tells how often what ends with it has struck."""

    at: float
    number: int
    name: str
    apply: Callable[[], int]


class FaultSchedule:
    """Faults of the org, and whatever else is planned, in the order of time."""

    def __init__(self, org: SimulatedOrg, clock: SimulatedClock, draw: random.Random) -> None:
        self._org, self._clock, self._draw = org, clock, draw
        self._changes: list[PlannedChange] = []
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
        self._changes.append(PlannedChange(at, len(self._changes), name, apply))

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


LOCKED_PER_THOUSAND = 20


@dataclass(slots=True)
class RowFaults:
    """One of the org's row guards (`SimulatedOrg.saving.row_guards`).

    A row, or a campaign with all its members, is locked for a minute in 20 of a thousand minutes, until `locks_end`;
    `strange` is always refused.
    """

    seed: int
    now: Callable[[], float]
    locks_end: float
    strange: str
    strange_code: str
    struck: Counter[str] = field(default_factory=Counter)

    def errors(
        self, call: Transaction, sobject: SObject, record: StoredRecord | None, values: dict[str, object]
    ) -> list[SaveError]:
        """What is wrong with writing this row now."""
        name = record.id if record and sobject.name in ("Contact", "Lead") else ""
        if sobject.name == "CampaignMember":
            name = str((record or values).get("CampaignId"))
        if not name:
            return []
        if name == self.strange:
            return [SaveError(self.strange_code, "nobody has heard of this")]
        if self.now() < self.locks_end and self._draw(name) < LOCKED_PER_THOUSAND:
            self.struck["row lock" if name[:3] != "701" else "campaign lock"] += 1
            return [locked([name])]
        return []

    def _draw(self, record_id: str) -> int:
        return crc32(f"{self.seed} {record_id} {int(self.now() // 60)}".encode()) % 1000


FAULT_EVERY_SECONDS = 600.0
RULE_ENDS = 0.45
"""The share of the run after which the admin takes the temporary rule back."""


def plan(
    schedule: FaultSchedule,
    org: SimulatedOrg,
    aws_faults: AwsFaults,
    settings: ChaosSettings,
    start: float,
    draw: random.Random,
) -> None:
    """Plan what happens to the org and to AWS."""
    length = settings.hours * 3600

    def at(share: float) -> float:
        return start + share * length

    schedule.plan_short_faults(start, at(1.0), FAULT_EVERY_SECONDS)
    schedule.plan_fault("daily limit", Fault(FaultKind.DAILY_LIMIT), at(0.30), at(0.36))
    schedule.plan_fault("outage", Fault(FaultKind.OUTAGE_HTML), at(0.60), at(0.66))
    schedule.plan(at(0.20), "rule refuses records", lambda: refuse_for_now(org))
    schedule.plan(at(RULE_ENDS), "rule refuses records", lambda: allow_again(org))
    plan_missing_field(schedule, org, "Lead", "CDP_Newsletter__c", at(0.39), at(0.49))
    plan_missing_field(schedule, org, "Contact", "CDP_Trial__c", at(0.40), at(0.48))
    plan_missing_field(schedule, org, "Contact", "CDP_Loyal_Since__c", at(0.70), at(0.78))
    for _ in range(max(3, int(settings.hours / 2))):
        schedule.plan(at(draw.random()), "token revoked", org.admin.revoke_tokens)
    stretches: Sequence[tuple[str, float, float, frozenset[str]]] = (
        (DEAD_LETTER_QUEUE, 0.15, 0.19, frozenset({"SendMessage", "SendMessageBatch"})),
        (DEAD_LETTER_QUEUE, 0.82, 0.84, frozenset({"SendMessage", "SendMessageBatch"})),
        (TOKEN_SECRET, 0.51, 0.55, frozenset()),
        (CREDENTIALS_SECRET, 0.53, 0.57, frozenset()),
        (QUEUE, 0.25, 0.27, frozenset({"ChangeMessageVisibilityBatch"})),
        (QUEUE, 0.68, 0.74, frozenset({"SendMessageBatch"})),
        (QUEUE, 0.88, 0.885, frozenset({"DeleteMessageBatch"})),
        (QUEUE, 0.92, 0.93, frozenset({"ReceiveMessage"})),
    )
    aws_faults.stretches += [
        AwsFault(at(begins), at(ends), target, operations) for target, begins, ends, operations in stretches
    ]
    # While the secret cannot be read, a revoked token cannot be replaced.
    schedule.plan(at(0.52), "token revoked", org.admin.revoke_tokens)


def plan_missing_field(
    schedule: FaultSchedule, org: SimulatedOrg, sobject: str, name: str, start: float, end: float
) -> None:
    """Let an admin delete a field, and undelete it later."""

    def remove() -> int:
        org.admin.remove_field(sobject, name)
        return 1

    def restore() -> int:
        org.admin.restore_field(sobject, name)
        return 0

    schedule.plan(start, "field removed", remove)
    schedule.plan(end, "field removed", restore)


TEMPORARY_RULE = "No_Ritas"


def refuse_for_now(org: SimulatedOrg) -> int:
    """An admin makes a rule that a few people break."""
    org.admin.add_rule("Contact", TEMPORARY_RULE, 'FirstName = "Rita"', "A Rita is not allowed.", "FirstName")
    return 1


def allow_again(org: SimulatedOrg) -> int:
    """The admin takes the rule back."""
    org.admin.remove_rule("Contact", TEMPORARY_RULE)
    return 0
