"""The faults that an org can be told to have: what there is, which are on, and which strikes next."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from itertools import count
from typing import Any

from pydantic_core import to_json

from destination_testbench.org.exchange import JsonAnswer, OrgReply, OrgRequest, html
from destination_testbench.org.faults.failure import SaveError, locked
from destination_testbench.org.records.record_id import normalised
from destination_testbench.org.records.store import StoredRecord, Transaction
from destination_testbench.org.schema.schema import SObject


class FaultKind(StrEnum):
    """What can be made to go wrong."""

    OUTAGE = "outage"
    OUTAGE_HTML = "outage_html"
    HTML = "html"
    REPLY = "reply"
    DAILY_LIMIT = "daily_limit"
    CONCURRENT_LIMIT = "concurrent_limit"
    SESSION_EXPIRED = "session_expired"
    DROP_BEFORE = "drop_before"
    DROP_AFTER = "drop_after"
    TRUNCATED = "truncated"
    LATE = "late"
    LATENCY = "latency"
    SUBREQUEST = "subrequest"
    LOCK = "lock"
    RECORD_ERROR = "record_error"
    COLLECTION_ERROR = "collection_error"
    SHORT_RESULTS = "short_results"


ROW_KINDS = {FaultKind.LOCK, FaultKind.RECORD_ERROR}
INNER_KINDS = ROW_KINDS | {FaultKind.SUBREQUEST, FaultKind.COLLECTION_ERROR, FaultKind.SHORT_RESULTS}
DATA_KINDS = {FaultKind.DAILY_LIMIT, FaultKind.CONCURRENT_LIMIT, FaultKind.SESSION_EXPIRED}
# Status, code and message of the faults that refuse a whole request.
REFUSALS: dict[FaultKind, tuple[int, str, str]] = {
    FaultKind.OUTAGE: (503, "SERVER_UNAVAILABLE", "Server Unavailable"),
    FaultKind.DAILY_LIMIT: (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    FaultKind.CONCURRENT_LIMIT: (
        403,
        "REQUEST_LIMIT_EXCEEDED",
        "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
    ),
    FaultKind.SESSION_EXPIRED: (401, "INVALID_SESSION_ID", "Session expired or invalid"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that is on until it is switched off, or for the next `times` matches after the first `skip`.

    * `method`, `path` (a part of it) and `records` (ids or values in the body or path) choose requests.
    * For `lock` and `record_error`, `records` are ids, ids of their parents, or any value of a created record; without
      them all records. `times` counts each record's own tries.
    * `status`, `code`, `message`, `fields`, `body`: what is answered, where the kind leaves it open. With `html` and
      `reply`, `executes` says whether the request is carried out all the same.
    * `seconds` and `per_record`: latency; of `late`, when the request that nobody waits for any more is carried out.
    * `above`: a collection of more records than this fails. `index`: which subrequest of a composite fails.
    """

    kind: FaultKind
    times: int | None = None
    skip: int = 0
    method: str = ""
    path: str = ""
    records: tuple[str, ...] = ()
    status: int = 0
    code: str = ""
    message: str = ""
    fields: tuple[str, ...] = ()
    body: str = ""
    content_type: str = "application/json;charset=UTF-8"
    executes: bool = False
    seconds: float = 0.0
    per_record: float = 0.0
    above: int = 0
    index: int | None = None

    def matches(self, request: OrgRequest) -> bool:
        """Whether a request is one of those that the fault is for."""
        if self.kind in DATA_KINDS and not request.path.startswith("/services/data/v"):
            return False
        return (
            self.path in request.path
            and self.method in ("", request.method)
            and (not self.records or any(map(partial(mentions, request), self.records)))
        )

    def reply(self) -> OrgReply | None:
        """What the whole request is answered with, None when the fault is of another sort."""
        if refusal := REFUSALS.get(self.kind):
            status, code, message = refusal
            error = {"message": self.message or message, "errorCode": self.code or code}
            return JsonAnswer(self.status or status, [error]).reply()
        if self.kind is FaultKind.OUTAGE_HTML:
            return html(self.status or 503, "We are down for maintenance.")
        if self.kind is FaultKind.HTML:
            return html(self.status or 200, "Salesforce - Unsupported Browser")
        if self.kind is FaultKind.REPLY:
            return self._given()
        return None

    def _given(self) -> OrgReply:
        if self.body or not self.code:
            return OrgReply(self.status or 500, {"Content-Type": self.content_type}, self.body.encode())
        return JsonAnswer(self.status or 500, [{"message": self.message, "errorCode": self.code}]).reply()


def mentions(request: OrgRequest, text: str) -> bool:
    """Whether a request speaks of a record, by an id of either length or by another value."""
    wanted = text[:15] if normalised(text) else text
    return wanted in request.path or wanted.encode() in request.body


@dataclass(slots=True)
class Active:
    """A fault that is on, and how often it has matched: in all, and for each record."""

    number: int
    fault: Fault
    matched: Counter[str] = field(default_factory=Counter)

    def strikes(self, key: str = "") -> bool:
        """Count one more match; true while it is neither too early nor worn out."""
        self.matched[key] += 1
        nth = self.matched[key] - self.fault.skip
        return nth > 0 and (self.fault.times is None or nth <= self.fault.times)

    @property
    def spent(self) -> bool:
        """Whether it can never strike again; one that counts by record stays until it is removed."""
        fault = self.fault
        return fault.kind not in ROW_KINDS and fault.times is not None and self.matched[""] >= fault.skip + fault.times


class Faults:
    """Every fault of one org. Safe to change while requests run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._active: dict[int, Active] = {}
        self._rows: list[Active] = []

    def add(self, fault: Fault) -> int:
        """Switch a fault on; its number switches it off."""
        with self._lock:
            number = next(self._numbers)
            self._active[number] = Active(number, fault)
            self._sort()
        return number

    def remove(self, number: int) -> None:
        """Switch one fault off."""
        with self._lock:
            self._active.pop(number, None)
            self._sort()

    def clear(self) -> None:
        """Switch every fault off."""
        with self._lock:
            self._active.clear()
            self._sort()

    def active(self) -> list[Active]:
        """The faults that can still strike."""
        return [active for active in self._active.values() if not active.spent]

    def lock(self, records: Iterable[str], tries: int | None = None) -> int:
        """Lock these records (or the children of these parents) for so many tries each, or until removed."""
        return self.add(Fault(FaultKind.LOCK, times=tries, records=tuple(records)))

    def latency(self, seconds: float = 0.0, per_record: float = 0.0) -> int:
        """Make every call take so long, and each record in it so much longer."""
        return self.add(Fault(FaultKind.LATENCY, seconds=seconds, per_record=per_record))

    def refuse_log_ins(self, error: str, description: str, times: int | None = None) -> int:
        """Let the token endpoint answer with this error, such as unknown_error, "retry your request"."""
        body = to_json({"error": error, "error_description": description}).decode()
        return self.add(Fault(FaultKind.REPLY, times=times, path="/services/oauth2/token", status=400, body=body))

    def delay(self, request: OrgRequest) -> float:
        """How long this request takes."""
        latencies = [a.fault for a in self._striking({FaultKind.LATENCY}, request)]
        if not latencies:
            return 0.0
        records = request.body.count(b'"attributes"')
        return sum(fault.seconds + fault.per_record * records for fault in latencies)

    def of_request(self, request: OrgRequest) -> Fault | None:
        """The fault that strikes the whole request, the one first switched on."""
        kinds = set(FaultKind) - INNER_KINDS - {FaultKind.LATENCY}
        struck = self._striking(kinds, request, one=True)
        return struck[0].fault if struck else None

    def of_subrequest(self, index: int, request: OrgRequest) -> Fault | None:
        """The fault that strikes one subrequest of a composite."""
        with self._lock:
            for active in self._active.values():
                fault = active.fault
                meant = fault.kind is FaultKind.SUBREQUEST and fault.index in (None, index)
                if meant and fault.matches(request) and active.strikes():
                    return fault
        return None

    def collection_refusal(self, records: int) -> SaveError | None:
        """The error that every record of a collection of this size gets: one of the org's own code and its limits."""
        with self._lock:
            for active in self._active.values():
                fault = active.fault
                if fault.kind is FaultKind.COLLECTION_ERROR and records > fault.above and active.strikes():
                    return SaveError(fault.code, fault.message, fault.fields)
        return None

    def shortened(self, results: list[Any]) -> list[Any]:
        """The results of a collection, one too few where that fault is on."""
        with self._lock:
            for active in self._active.values():
                if active.fault.kind is FaultKind.SHORT_RESULTS and active.strikes():
                    return results[:-1]
        return results

    def row_errors(
        self, call: Transaction, sobject: SObject, record: StoredRecord | None, values: dict[str, object]
    ) -> list[SaveError]:
        """The lock or the error that one record meets. Twice in one request is two tries."""
        if not self._rows:
            return []
        texts = {str(value) for value in (record.values if record else values).values() if isinstance(value, str)}
        if record:
            texts.add(record.id)
        key = record.id if record else "\n".join(sorted(texts))
        with self._lock:
            for active in self._rows:
                chosen = {normalised(text) or text for text in active.fault.records}
                if (not chosen or chosen & texts) and active.strikes(key):
                    return [row_error(active.fault, key, chosen & texts)]
        return []

    def _striking(self, kinds: set[FaultKind], request: OrgRequest, one: bool = False) -> list[Active]:
        struck: list[Active] = []
        with self._lock:
            for active in self._active.values():
                if active.fault.kind in kinds and active.fault.matches(request) and active.strikes():
                    struck.append(active)
                    if one:
                        break
        return struck

    def _sort(self) -> None:
        self._rows = [active for active in self._active.values() if active.fault.kind in ROW_KINDS]


def row_error(fault: Fault, record_id: str, holders: set[str]) -> SaveError:
    """The error of one record that a fault strikes."""
    if fault.kind is FaultKind.LOCK:
        return locked(sorted(holders) or [record_id])
    return SaveError(fault.code, fault.message, fault.fields)
