"""The front door on this machine: an HTTP server that answers as the template's API would, before the local AWS."""

from __future__ import annotations

import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from destination_testbench.aws.cloud import Cloud
from destination_testbench.aws.front_door import FrontDoor
from destination_testbench.aws.queue_query import QueueQuery
from destination_testbench.local.places import LOCAL_API_KEY

STAGE = "/v1"


class FrontDoorServer:
    """Serves the API of the template at a port that the system chooses, until it is closed."""

    def __init__(self, cloud: Cloud, aws_url: str) -> None:
        (api,) = cloud.properties("AWS::ApiGateway::RestApi").values()
        door = FrontDoor(cloud.resolve(api["Body"]), LOCAL_API_KEY, QueueQuery(aws_url))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(door))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="front door", daemon=True)

    def __enter__(self) -> FrontDoorServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where profiles are posted to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{STAGE}/profiles"


def _handler_for(door: FrontDoor) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = door.post(self.path.removeprefix(STAGE), body, dict(self.headers.items()))
            text = answer.body.encode()
            with suppress(ConnectionError):
                self.send_response(answer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing: a request is not for the terminal."""

    return Handler
