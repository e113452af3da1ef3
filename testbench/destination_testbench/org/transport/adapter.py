"""An org behind a requests session, without a network: session.mount(url, OrgAdapter(org))."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from destination_testbench.org.exchange import OrgReply, OrgRequest
from destination_testbench.org.org import SimulatedOrg


class OrgAdapter(HTTPAdapter):
    """Carries a session's requests to an org in this process.

    A dropped connection is a ConnectionError; a request that takes longer than its read time-out a ReadTimeout, after
    which the org may still carry it out. Use it with a simulated clock, or nothing will be waited for but real seconds.
    `address` is where the org sees the requests come from.
    """

    def __init__(self, org: SimulatedOrg, address: str = "127.0.0.1") -> None:
        super().__init__()
        self.org, self._address = org, address

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Answer one request of the session's."""
        patience = timeout[1] if isinstance(timeout, tuple) else timeout
        reply = self.org.handle(self._asked(request, patience))
        if reply.timed_out:
            raise requests.ReadTimeout("Read timed out.", request=request)
        if reply.dropped:
            raise requests.ConnectionError("Connection aborted.", request=request)
        response: requests.Response = self.build_response(request, received(reply, request.method or "GET"))
        if reply.cut is not None and not stream:
            _ = response.content
        return response

    def _asked(self, request: requests.PreparedRequest, patience: float | None) -> OrgRequest:
        parts = urlsplit(request.url or "")
        body: Any = request.body or b""
        content = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else b"".join(body)
        headers = {name.lower(): text(value) for name, value in request.headers.items()}
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        origin = f"{parts.scheme}://{parts.netloc}"
        return OrgRequest(request.method or "GET", parts.path, query, headers, content, origin, patience, self._address)


def text(value: str | bytes) -> str:
    """A header's value, which requests lets be bytes."""
    return value.decode("latin-1") if isinstance(value, bytes) else value


def received(reply: OrgReply, method: str) -> HTTPResponse:
    """The reply as urllib3 would have read it from a socket."""
    body = reply.body if reply.cut is None else reply.body[: reply.cut]
    return HTTPResponse(
        BytesIO(body),
        headers={**reply.headers, "Content-Length": str(len(reply.body))},
        status=reply.status,
        preload_content=False,
        decode_content=False,
        enforce_content_length=True,
        request_method=method,
    )
