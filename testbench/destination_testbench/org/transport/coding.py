"""Compressed bodies, both ways."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import replace

from destination_testbench.org.exchange import Answer, OrgReply, OrgRequest

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
        return request, Answer(400, [error]).reply()
    return request, None


def encoded(request: OrgRequest, reply: OrgReply) -> OrgReply:
    """The reply, compressed if the caller takes that and it is worth it."""
    accepted = request.header("accept-encoding").lower()
    if "gzip" not in accepted or len(reply.body) < WORTH_IT or reply.cut is not None:
        return reply
    headers = {**reply.headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return replace(reply, headers=headers, body=gzip.compress(reply.body, LEVEL, mtime=0))
