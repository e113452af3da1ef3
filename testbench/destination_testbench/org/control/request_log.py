"""What was asked of the org: the last requests, and how many by path."""

from __future__ import annotations

import re
import threading
from collections import Counter, deque
from dataclasses import dataclass

from destination_testbench.org.exchange import OrgReply, OrgRequest
from destination_testbench.org.faults.fault import Fault

KEPT = 1000
RECORD_IN_PATH = re.compile(r"/[A-Za-z0-9]{15}(?:[A-Z0-5]{3})?(?=/|\Z)")


@dataclass(frozen=True, slots=True)
class Logged:
    """One request: no header and no body, which hold tokens and people's data. Status 0 means that no answer came."""

    at: float
    method: str
    path: str
    status: int
    records: int
    seconds: float
    fault: str


class RequestLog:
    """The last requests, and a count of all of them by method and path."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.last: deque[Logged] = deque(maxlen=KEPT)
        self.counts: Counter[str] = Counter()

    def add(self, request: OrgRequest, reply: OrgReply, at: float, seconds: float, fault: Fault | None) -> None:
        """Remember one request."""
        path = RECORD_IN_PATH.sub("/{id}", request.path)
        records = request.body.count(b'"attributes"')
        entry = Logged(at, request.method, path, reply.status, records, seconds, fault.kind.value if fault else "")
        with self._lock:
            self.last.append(entry)
            self.counts[f"{request.method} {path}"] += 1
