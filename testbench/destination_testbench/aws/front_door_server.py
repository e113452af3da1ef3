"""The front door on this machine: an HTTP server that answers as the template's API would, before the local AWS."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from xml.etree import ElementTree

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from destination_testbench.aws.cloud import Cloud
from destination_testbench.aws.front_door import FromQueue, FrontDoor, ToQueue
from destination_testbench.local.places import LOCAL_API_KEY, REGION


@dataclass(frozen=True, slots=True)
class QueueQuery:
    """Sends what the gateway would send to SQS to the SQS at this URL, signed as the gateway signs it."""

    url: str

    def __call__(self, request: ToQueue) -> FromQueue:
        """SQS's answer, in JSON as it gives it to API Gateway; moto knows XML only."""
        signed = AWSRequest("POST", self.url + request.path, request.headers, request.body.encode("utf-8"))
        SigV4Auth(Credentials("local", "local"), "sqs", REGION).add_auth(signed)
        reply = requests.post(signed.url, signed.data, headers=dict(signed.headers), timeout=10)
        # From moto in this process or on this machine.
        root = ElementTree.fromstring(reply.content)  # noqa: S314  # nosec B314
        document = {_name(root): _value(root)} if _name(root).endswith("Response") else _value(root)
        if _name(root) == "ErrorResponse":
            document = document["ErrorResponse"]
        return FromQueue(reply.status_code, json.dumps(document))


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _value(element: ElementTree.Element) -> Any:
    return {_name(child): _value(child) for child in element} if len(element) else (element.text or "").strip()


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
