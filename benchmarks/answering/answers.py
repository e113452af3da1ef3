"""Answers of the shape that the simulated org gives, without keeping anything.

The bodies are looked through for ids and not parsed: whatever this takes would count as the contenders' waiting.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

ID = re.compile(rb'"[iI]d": ?"([A-Za-z0-9]{15,18})"')
REFERENCE = re.compile(rb'"referenceId": ?"(\w+)"')
ENTRY = re.compile(rb'"Id": ?"(\d+)"')
LETTERS = bytes.maketrans(b"0123456789", b"abcdefghij")
DATA = re.compile(r"/services/data/v\d+\.\d/(?P<resource>[^?]*)")
JOB = "750Ab0000000001AAA"
TOKEN = "00DAb0000000001!local"
HOST = "bench.my.salesforce.com"
"""Under this name the org is reached with TLS: the function takes no other host for an org's."""


@dataclass(slots=True)
class Reply:
    """An answer."""

    status: int
    body: bytes = b""
    content_type: str = "application/json;charset=UTF-8"


@dataclass(slots=True)
class Answers:
    """Answers calls; with an `error` records are refused, each with a text of its own: one for all would be common."""

    error: str = ""
    _rows: int = 0

    def answer(self, method: str, path: str, body: bytes) -> Reply:
        """Answer one call to the API."""
        found = DATA.match(path)
        resource = found["resource"].rstrip("/") if found else ""
        by_resource = {
            "composite/sobjects": self._collection,
            "composite": self._composite,
            "sobjects": self._one,
            "jobs/ingest": self._bulk,
        }
        for beginning, answered in by_resource.items():
            if resource.startswith(beginning):
                return answered(f"{method} {resource}", body)
        return Reply(404, b'[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]')

    def _composite(self, call: str, body: bytes) -> Reply:
        parts = body.split(b'"records":')
        names = REFERENCE.findall(body)
        results = [self._results(part) for part in parts[1:]]
        shown = [
            b'{"body":[%s],"httpHeaders":{},"httpStatusCode":200,"referenceId":"%s"}' % (b",".join(rows), name)
            for rows, name in zip(results, names, strict=True)
        ]
        return Reply(200, b'{"compositeResponse":[%s]}' % b",".join(shown))

    def _collection(self, call: str, body: bytes) -> Reply:
        return Reply(200, b"[%s]" % b",".join(self._results(body)))

    def _results(self, body: bytes) -> list[bytes]:
        if not self.error:
            return [b'{"id":"%s","success":true,"errors":[]}' % found for found in ID.findall(body)]
        error = b'{"success":false,"errors":[{"statusCode":"%s","message":"%%s","fields":[]}]}' % self.error.encode()
        return [error % found[3:15].translate(LETTERS) for found in ID.findall(body)]

    def _one(self, call: str, body: bytes) -> Reply:
        return Reply(204)

    def _bulk(self, call: str, body: bytes) -> Reply:
        method, _, resource = call.partition(" ")
        if method == "PUT":
            self._rows = max(0, body.count(b"\n") - 1)
            return Reply(201)
        if resource.endswith("Results"):
            return Reply(200, b'"sf__Id","sf__Error"\n', content_type="text/csv")
        if resource.endswith("unprocessedrecords"):
            return Reply(200, b"\n", content_type="text/csv")
        states = {"POST": "Open", "PATCH": "UploadComplete", "GET": "JobComplete"}
        return Reply(200, self._job(states[method]))

    def _job(self, state: str) -> bytes:
        done = self._rows if state == "JobComplete" else 0
        return (
            b'{"id":"%s","operation":"update","object":"Contact","contentType":"CSV","apiVersion":66.0,"state":"%s",'
            b'"numberRecordsProcessed":%d,"numberRecordsFailed":0}' % (JOB.encode(), state.encode(), done)
        )


def sqs_answer(body: bytes) -> bytes:
    """What SQS answers to ten dead letters or delays."""
    done = b",".join(b'{"Id":"%s","MessageId":"m","MD5OfMessageBody":"m"}' % found for found in ENTRY.findall(body))
    return b'{"Successful":[%s],"Failed":[]}' % done


def secret(body: bytes) -> bytes:
    """What Secrets Manager answers: the access token for this org, or the key of the log's hashes."""
    if b"outcome-key" in body:
        return b'{"Name":"outcome-key","SecretString":"key"}'
    text = b'{\\"access_token\\":\\"%s\\",\\"instance_url\\":\\"%%s\\",\\"issued_at\\":\\"1774000000000\\"}'
    return b'{"Name":"token","SecretString":"%s"}' % (text % TOKEN.encode())
