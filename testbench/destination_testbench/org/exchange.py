"""What goes into an org and comes out of it, free of any transport; compressed bodies too."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic_core import to_json

from destination_testbench.org.facts import DEFAULT_INSTANCE

JSON_TYPE = "application/json;charset=UTF-8"
HTML_TYPE = "text/html; charset=UTF-8"


@dataclass(frozen=True, slots=True)
class OrgRequest:
    """One HTTP request: `path` without query, header names in lower case, `body` as it came over the wire.

    `origin` is the scheme and host it was sent to; `patience` the seconds the caller will wait, None when the transport
    itself hangs up. `address` is where it came from.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    origin: str = DEFAULT_INSTANCE
    patience: float | None = None
    address: str = "127.0.0.1"

    def header(self, name: str) -> str:
        """A header's value, empty when it is not there."""
        return self.headers.get(name, "")


@dataclass(frozen=True, slots=True)
class OrgReply:
    """One HTTP answer, or the way it failed to arrive.

    `dropped`: the connection broke before an answer. `cut`: it broke after that many bytes of the body. `timed_out`:
    the caller's patience ended first. `seconds` is how long the org took.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    dropped: bool = False
    timed_out: bool = False
    cut: int | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class JsonAnswer:
    """What one resource answers, before it becomes bytes: a subrequest of a composite needs no bytes."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def reply(self, pretty: bool = False) -> OrgReply:
        """The answer as bytes; no body where there is none to send (204, 304)."""
        if self.body is None:
            return OrgReply(self.status, dict(self.headers))
        body = self.body if isinstance(self.body, bytes) else to_json(self.body, indent=2 if pretty else None)
        return OrgReply(self.status, {"Content-Type": JSON_TYPE, **self.headers}, body)


def html(status: int, title: str) -> OrgReply:
    """A page for people, as Salesforce's edge sends where a program expects JSON."""
    page = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return OrgReply(status, {"Content-Type": HTML_TYPE}, page.encode())


LEVEL = 1
# Below that size compressing costs more than it saves.
WORTH_IT = 500


def decoded(request: OrgRequest) -> tuple[OrgRequest, OrgReply | None]:
    """The request with its body as it was before compression; or the refusal of a body that is not what it says."""
    coding = request.header("content-encoding").lower()
    try:
        if coding == "gzip":
            return replace(request, body=gzip.decompress(request.body)), None
        if coding == "deflate":
            return replace(request, body=zlib.decompress(request.body)), None
    except (OSError, EOFError, zlib.error):
        error = {"message": f"Not in {coding.upper()} format", "errorCode": "UNKNOWN_EXCEPTION"}
        return request, JsonAnswer(400, [error]).reply()
    return request, None


def encoded(request: OrgRequest, reply: OrgReply) -> OrgReply:
    """The reply, compressed if the caller takes that and it is worth it."""
    accepted = request.header("accept-encoding").lower()
    if "gzip" not in accepted or len(reply.body) < WORTH_IT or reply.cut is not None:
        return reply
    headers = {**reply.headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return replace(reply, headers=headers, body=gzip.compress(reply.body, LEVEL, mtime=0))
