"""The first page: calls used, faults that are on, what was written and what was asked last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from destination_testbench.org.faults.faults import Fault, FaultKind
from destination_testbench.org.page.history import Event, latest
from destination_testbench.org.page.values import Moment, moment_of
from destination_testbench.org.schema.schema import SObject

if TYPE_CHECKING:
    from destination_testbench.org.org import SimulatedOrg

MOST_CHANGES, MOST_REQUESTS = 8, 25
FAULTS = {
    FaultKind.OUTAGE: "Salesforce is down, and says so",
    FaultKind.OUTAGE_HTML: "Salesforce is down for maintenance: a page in place of an answer",
    FaultKind.HTML: "A page in place of an answer",
    FaultKind.REPLY: "An answer that was set beforehand",
    FaultKind.DAILY_LIMIT: "The day's API calls are spent",
    FaultKind.CONCURRENT_LIMIT: "Too many long requests at one time",
    FaultKind.SESSION_EXPIRED: "The session has expired",
    FaultKind.DROP_BEFORE: "The connection breaks before the request is carried out",
    FaultKind.DROP_AFTER: "The connection breaks after the request was carried out",
    FaultKind.TRUNCATED: "The answer breaks off in the middle",
    FaultKind.LATE: "The request is carried out when nobody waits for it any more",
    FaultKind.LATENCY: "Every call takes longer",
    FaultKind.SUBREQUEST: "A subrequest of a composite request fails",
    FaultKind.LOCK: "Records are locked",
    FaultKind.RECORD_ERROR: "Records are refused",
    FaultKind.COLLECTION_ERROR: "Large collections fail on the org's own code",
    FaultKind.SHORT_RESULTS: "A result too few for the records",
}


@dataclass(frozen=True, slots=True)
class FaultLine:
    """A fault that is on: what it does, to what, and how often it has struck."""

    number: int
    text: str
    details: tuple[str, ...]
    struck: int


@dataclass(frozen=True, slots=True)
class RequestLine:
    """One of the last requests. Status 0 is none."""

    at: Moment
    method: str
    path: str
    status: int
    records: int
    milliseconds: int
    fault: str


@dataclass(frozen=True, slots=True)
class Overview:
    """What the first page shows."""

    calls: int
    limit: int
    log_ins: int
    requests: int
    faults: tuple[FaultLine, ...]
    changes: tuple[Event, ...]
    last: tuple[RequestLine, ...]


def overview(org: SimulatedOrg, sobjects: list[SObject], now: float) -> Overview:
    """The org at a glance."""
    faults = tuple(
        FaultLine(active.number, FAULTS[active.fault.kind], details(active.fault), sum(active.matched.values()))
        for active in org.faults.active()
    )
    requests = tuple(
        RequestLine(
            moment_of(entry.at, now),
            entry.method,
            entry.path,
            entry.status,
            entry.records,
            round(entry.seconds * 1000),
            entry.fault,
        )
        for entry in list(reversed(org.log.last))[:MOST_REQUESTS]
    )
    changes = tuple(latest(org.store, sobjects, org.users, now, MOST_CHANGES))
    calls, asked = org.usage.used(now), sum(org.log.counts.values())
    return Overview(calls, org.config.daily_limit, org.sessions.issued, asked, faults, changes, requests)


def details(fault: Fault) -> tuple[str, ...]:
    """What a fault is limited to, and what it answers."""
    seconds = f"{fault.seconds:g} s" + (f" and {fault.per_record * 1000:g} ms a record" if fault.per_record else "")
    records = ", ".join(fault.records[:5]) + (f" and {len(fault.records) - 5} more" if len(fault.records) > 5 else "")
    found = [
        (fault.path, f"{fault.method} {fault.path}".strip()),
        (fault.records, records),
        (fault.seconds or fault.per_record, seconds),
        (fault.code, fault.code),
        (fault.status, f"status {fault.status}"),
        (fault.above, f"of more than {fault.above} records"),
        (fault.skip, f"after the first {fault.skip}"),
        (fault.times is not None, f"{fault.times} times" + (" each" if fault.kind is FaultKind.LOCK else "")),
    ]
    return tuple(text for holds, text in found if holds)
