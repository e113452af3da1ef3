"""
Answers of the shape that the simulated org gives, without keeping anything.

The bodies are looked through for ids and not parsed: whatever this takes would count as the contenders' waiting.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

ID = re.compile(rb'"[iI]d": ?"([A-Za-z0-9]{15,18})"')
REFERENCE = re.compile(rb'"referenceId": ?"(\w+)"')
DATA = re.compile(r"/services/data/v\d+\.\d/(?P<resource>[^?]*)")
JOB = "750Ab0000000001AAA"
TOKEN = "00DAb0000000001!local"


@dataclass(slots=True)
class Reply:
    """An answer, and how many records its call was about."""

    status: int
    body: bytes = b""
    records: int = 0
    content_type: str = "application/json;charset=UTF-8"


@dataclass(slots=True)
class Answers:
    """Answers calls; `ready_at` is when the one bulk job is done, by `clock`."""

    clock: Callable[[], float]
    seconds_per_record: float = 0.0
    ready_at: float = 0.0
    _rows: int = 0
    _by_resource: Mapping[str, Callable[[str, bytes], Reply]] = field(init=False)

    def __post_init__(self) -> None:
        self._by_resource = {
            "composite": self._composite,
            "composite/sobjects": self._collection,
            "sobjects": self._one,
            "jobs/ingest": self._bulk,
        }

    def answer(self, method: str, path: str, body: bytes) -> Reply:
        """Answer one call to the API."""
        found = DATA.match(path)
        resource = found["resource"].rstrip("/") if found else ""
        for beginning in ("composite/sobjects", "composite", "sobjects", "jobs/ingest"):
            if resource.startswith(beginning):
                return self._by_resource[beginning](f"{method} {resource}", body)
        return Reply(404, b'[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]')

    def _composite(self, call: str, body: bytes) -> Reply:
        parts = body.split(b'"records":')
        names = REFERENCE.findall(body)
        results = [_results(part) for part in parts[1:]]
        shown = [
            b'{"body":[%s],"httpHeaders":{},"httpStatusCode":200,"referenceId":"%s"}' % (b",".join(rows), name)
            for rows, name in zip(results, names, strict=True)
        ]
        return Reply(200, b'{"compositeResponse":[%s]}' % b",".join(shown), sum(map(len, results)))

    def _collection(self, call: str, body: bytes) -> Reply:
        rows = _results(body)
        return Reply(200, b"[%s]" % b",".join(rows), len(rows))

    def _one(self, call: str, body: bytes) -> Reply:
        return Reply(204, records=1)

    def _bulk(self, call: str, body: bytes) -> Reply:
        method, _, resource = call.partition(" ")
        if method == "PUT":
            self._rows = max(0, body.count(b"\n") - 1)
            return Reply(201)
        if method == "PATCH":
            self.ready_at = self.clock() + self._rows * self.seconds_per_record
            return Reply(200, self._job("UploadComplete"))
        if resource.endswith("Results"):
            return Reply(200, b'"sf__Id","sf__Error"\n', content_type="text/csv")
        if resource.endswith("unprocessedrecords"):
            return Reply(200, b"\n", content_type="text/csv")
        is_done = method == "GET" and self.clock() >= self.ready_at
        return Reply(200, self._job("JobComplete" if is_done else "Open" if method == "POST" else "InProgress"))

    def _job(self, state: str) -> bytes:
        done = self._rows if state == "JobComplete" else 0
        return (
            b'{"id":"%s","operation":"update","object":"Contact","contentType":"CSV","apiVersion":66.0,"state":"%s",'
            b'"numberRecordsProcessed":%d,"numberRecordsFailed":0}' % (JOB.encode(), state.encode(), done)
        )


def _results(body: bytes) -> list[bytes]:
    return [b'{"id":"%s","success":true,"errors":[]}' % found for found in ID.findall(body)]


def secret(body: bytes) -> bytes:
    """What Secrets Manager answers: the access token for this org, or the key of the log's hashes."""
    if b"outcome-key" in body:
        return b'{"Name":"outcome-key","SecretString":"key"}'
    text = b'{\\"access_token\\":\\"%s\\",\\"instance_url\\":\\"%%s\\",\\"issued_at\\":\\"1774000000000\\"}'
    return b'{"Name":"token","SecretString":"%s"}' % (text % TOKEN.encode())
