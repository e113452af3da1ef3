"""Simulated queues and secrets behind the protocol that boto3 speaks, for functions in processes of their own.

SQS and Secrets Manager take JSON, with the operation in a header ("AWS JSON 1.x protocols"). S3 holds nothing.
"""

from __future__ import annotations

import inspect
import json
import re
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.exceptions import ClientError

_WORD = re.compile(r"(?<!^)(?=[A-Z])")


class AwsEndpoint:
    """Serves clients by the name of their service until it is closed.

    While `hangs` is set, no call is answered: what AWS does on its worst days.
    """

    def __init__(self, clients: Mapping[str, Any]) -> None:
        self.clients = clients
        self.hangs = threading.Event()
        self.goes_on = threading.Event()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True, name="aws")
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop serving; calls that hang end without an answer."""
        self.goes_on.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, target: str, body: Any) -> tuple[int, Any]:
        """Status and body for one call."""
        service, operation = target.split(".")
        method = self._method(service.removeprefix("Amazon").lower(), operation)
        # boto3 adds what makes a call idempotent.
        known = {name: value for name, value in body.items() if name in inspect.signature(method).parameters}
        try:
            return 200, method(**known)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            return status, {"__type": error.response["Error"]["Code"], "message": error.response["Error"]["Message"]}

    def _method(self, service: str, operation: str) -> Callable[..., Any]:
        method: Callable[..., Any] = getattr(self.clients[service], _WORD.sub("_", operation).lower())
        return method


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, endpoint: AwsEndpoint) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.endpoint = endpoint

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A function that was killed left its connection: that is meant."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        if not self._hangs():  # S3 has no object
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>", "application/xml")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._hangs():
            status, answer = self.server.endpoint.answer(self.headers["X-Amz-Target"], body)
            self._answer(status, json.dumps(answer).encode(), "application/x-amz-json-1.0")

    def _hangs(self) -> bool:
        if self.server.endpoint.hangs.is_set():
            self.server.endpoint.goes_on.wait()
            self.close_connection = True
        return self.close_connection

    def _answer(self, status: int, payload: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: nobody reads it."""
