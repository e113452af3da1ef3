"""An org over HTTP: keep-alive, a thread for each connection, and a connection that can break."""

from __future__ import annotations

import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from destination_testbench.org.exchange import OrgReply, OrgRequest
from destination_testbench.org.org import SimulatedOrg


class OrgServer:
    """A running server; closing it frees the port and breaks the connections that are open."""

    def __init__(self, org: SimulatedOrg, host: str, port: int) -> None:
        self.org = org
        self._server = OrgHTTPServer((host, port), OrgHandler)
        self._server.org = org
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True, name="org")
        self._thread.start()

    @property
    def url(self) -> str:
        """Where the org is."""
        host, port = self._server.server_address[:2]
        return f"http://{host if isinstance(host, str) else host.decode()}:{port}"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._server.break_connections()
        self._thread.join()

    def __enter__(self) -> OrgServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class OrgHTTPServer(ThreadingHTTPServer):
    """The standard server, with many connections waiting at most and every open one known."""

    daemon_threads = True
    request_queue_size = 128
    org: SimulatedOrg

    def __init__(self, address: tuple[str, int], handler: type[OrgHandler]) -> None:
        super().__init__(address, handler)
        self.open: set[socket.socket] = set()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hung up is no news; a fault of this program is."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def break_connections(self) -> None:
        """Hang up on everyone."""
        for connection in list(self.open):
            hang_up(connection)


class OrgHandler(BaseHTTPRequestHandler):
    """Turns what comes over one connection into requests, and answers into bytes."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "sfdcedge", ""
    # One write for headers and body: two would wait for each other's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: OrgHTTPServer

    def setup(self) -> None:
        """A connection begins."""
        super().setup()
        self.server.open.add(self.connection)

    def finish(self) -> None:
        """A connection ends."""
        self.server.open.discard(self.connection)
        super().finish()

    def handle_any(self) -> None:
        """Answer one request."""
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        origin = f"http://{headers.get('host', 'localhost')}"
        address = self.client_address[0]
        request = OrgRequest(self.command, parts.path, query, headers, self._body(), origin, address=address)
        self._send(self.server.org.handle(request))

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = handle_any  # noqa: N815 - names of http.server

    def log_message(self, format: str, *args: object) -> None:
        """Keep silent: paths can hold people's addresses."""

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(iter(self._chunk, b""))
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunk(self) -> bytes:
        size = int(self.rfile.readline().split(b";")[0], 16)
        chunk = self.rfile.read(size)
        self.rfile.readline()
        return chunk

    def _send(self, reply: OrgReply) -> None:
        if reply.dropped:
            self.close_connection = True
            hang_up(self.connection)
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body if reply.cut is None else reply.body[: reply.cut])
        if reply.cut is not None:
            self.wfile.flush()
            self.close_connection = True
            hang_up(self.connection)


def hang_up(connection: socket.socket) -> None:
    """Break a connection in both directions, if it is not broken yet."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def serve(org: SimulatedOrg, host: str = "127.0.0.1", port: int = 0) -> OrgServer:
    """Put an org on the network; port 0 lets the system choose one."""
    return OrgServer(org, host, port)
