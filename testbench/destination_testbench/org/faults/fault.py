"""One fault of an org: what goes wrong, for which requests or records, and how often."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from destination_testbench.org.exchange import Answer, OrgReply, OrgRequest, html
from destination_testbench.org.records.record_id import normalised


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
    """
    A fault that is on until it is switched off, or for the next `times` matches after the first `skip`.

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
            return Answer(self.status or status, [error]).reply()
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
        return Answer(self.status or 500, [{"message": self.message, "errorCode": self.code}]).reply()


def mentions(request: OrgRequest, text: str) -> bool:
    """Whether a request speaks of a record, by an id of either length or by another value."""
    wanted = text[:15] if normalised(text) else text
    return wanted in request.path or wanted.encode() in request.body
