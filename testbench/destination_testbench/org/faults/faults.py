"""The faults that are switched on, and which of them strikes next."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from pydantic_core import to_json

from destination_testbench.org.exchange import OrgRequest
from destination_testbench.org.faults.failure import RecordError, locked
from destination_testbench.org.faults.fault import INNER_KINDS, ROW_KINDS, Fault, FaultKind
from destination_testbench.org.records.record_id import normalised
from destination_testbench.org.records.table import Record
from destination_testbench.org.records.transaction import Transaction
from destination_testbench.org.schema.schema import SObject


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

    def collection_refusal(self, records: int) -> RecordError | None:
        """The error that every record of a collection of this size gets: one of the org's own code and its limits."""
        with self._lock:
            for active in self._active.values():
                fault = active.fault
                if fault.kind is FaultKind.COLLECTION_ERROR and records > fault.above and active.strikes():
                    return RecordError(fault.code, fault.message, fault.fields)
        return None

    def shortened(self, results: list[Any]) -> list[Any]:
        """The results of a collection, one too few where that fault is on."""
        with self._lock:
            for active in self._active.values():
                if active.fault.kind is FaultKind.SHORT_RESULTS and active.strikes():
                    return results[:-1]
        return results

    def row_errors(
        self, call: Transaction, sobject: SObject, record: Record | None, values: dict[str, object]
    ) -> list[RecordError]:
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


def row_error(fault: Fault, record_id: str, holders: set[str]) -> RecordError:
    """The error of one record that a fault strikes."""
    if fault.kind is FaultKind.LOCK:
        return locked(sorted(holders) or [record_id])
    return RecordError(fault.code, fault.message, fault.fields)
