"""The wire of the answering org: blocking sockets, a thread for each connection, every byte counted.

`python -m benchmarks.answering.server SECONDS_PER_CALL [ERROR] [CERTIFICATE]` prints its port and serves until it is
killed. With an error it refuses every record; the certificate's file has the key in it.
"""

from __future__ import annotations

import errno
import json
import socket
import ssl
import sys
import threading
import time
import zlib
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from benchmarks.answering.answers import HOST, Answers, Reply, secret, sqs_answer

GZIP, LEVEL, WORTH_IT = 31, 1, 500
SECONDS_PER_SQS_CALL = 0.02
TLS_HANDSHAKE = b"\x16"
STOPPED = {errno.EBADF, errno.EINVAL, errno.ECONNABORTED}
"""How the system says that the socket is closed, or that it does not listen any more."""

REASONS = {200: "OK", 201: "Created", 204: "No Content", 404: "Not Found"}


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came, its body as it was before compression."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class AnsweringOrg:
    """What all connections share: how long a call takes, the answers and the counts."""

    seconds_per_call: float = 0.0
    host: str = ""
    tls: ssl.SSLContext | None = None
    counts: Counter[str] = field(default_factory=Counter)
    answers: Answers = field(default_factory=Answers)

    def respond(self, request: Request) -> Reply:
        """Answer a request, after the time it takes; the questions about the counts cost nothing."""
        if request.path == "/counts":
            return Reply(200, json.dumps(self.counts).encode())
        if "x-amz-target" in request.headers:
            self.counts[request.headers["x-amz-target"]] += 1
            if request.headers["x-amz-target"].startswith("AmazonSQS"):
                time.sleep(SECONDS_PER_SQS_CALL)
                return Reply(200, sqs_answer(request.body))
            url = f"https://{HOST}" if self.tls else f"http://{self.host}"
            return Reply(200, secret(request.body).replace(b"%s", url.encode()))
        reply = self.answers.answer(request.method, request.path, request.body)
        self.counts["calls"] += 1
        if self.seconds_per_call:
            time.sleep(self.seconds_per_call)
        return reply


class AnsweredConnection:
    """Reads requests from one socket and writes what the org answers."""

    def __init__(self, org: AnsweringOrg, wire: socket.socket) -> None:
        self.org, self.wire, self.waiting = org, wire, b""
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def run(self) -> None:
        """Serve until the other side hangs up, in whatever way."""
        with self.wire, suppress(ConnectionError):
            while request := self._request():
                self._send(request, self.org.respond(request))

    def _request(self) -> Request | None:
        while b"\r\n\r\n" not in self.waiting:
            if not self._more():
                return None
        head, _, self.waiting = self.waiting.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        chunks, missing = [self.waiting], length - len(self.waiting)
        while missing > 0 and (chunk := self.wire.recv(min(missing, 1 << 20))):
            chunks.append(chunk)
            missing -= len(chunk)
        whole = b"".join(chunks)
        body, self.waiting = whole[:length], whole[length:]
        method, path, _ = first.split(" ")
        if path.startswith("/services/"):
            self.org.counts["bytes in"] += len(head) + 4 + length
        if headers.get("content-encoding") == "gzip":
            body = zlib.decompress(body, GZIP)
        return Request(method, path, headers, body)

    def _more(self) -> bool:
        chunk = self.wire.recv(1 << 18)
        self.waiting += chunk
        return bool(chunk)

    def _send(self, request: Request, reply: Reply) -> None:
        body, lines = reply.body, [f"HTTP/1.1 {reply.status} {REASONS[reply.status]}"]
        if "gzip" in request.headers.get("accept-encoding", "") and len(body) >= WORTH_IT:
            packing = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
            body = packing.compress(body) + packing.flush()
            lines += ["Content-Encoding: gzip", "Vary: Accept-Encoding"]
        if body:
            lines.append(f"Content-Type: {reply.content_type}")
        used = self.org.counts["calls"]
        lines += [f"Sforce-Limit-Info: api-usage={used}/100000000", f"Content-Length: {len(body)}", "", ""]
        answer = "\r\n".join(lines).encode() + body
        if request.path.startswith("/services/"):
            self.org.counts["bytes out"] += len(answer)
        self.wire.sendall(answer)


def serve(org: AnsweringOrg, listening: socket.socket) -> None:
    """Serve everyone who connects, until `stop` or the end of the process."""
    org.host = "{}:{}".format(*listening.getsockname())
    while True:
        try:
            wire, _ = listening.accept()
        except OSError as error:
            if error.errno in STOPPED:
                return
            raise
        threading.Thread(target=_serve_one, args=(org, wire), daemon=True).start()


def _serve_one(org: AnsweringOrg, wire: socket.socket) -> None:
    """Serve a connection; with TLS if it begins as TLS does: AWS's clients and the counts come without."""
    if org.tls and wire.recv(1, socket.MSG_PEEK) == TLS_HANDSHAKE:
        wire = org.tls.wrap_socket(wire, server_side=True)
    AnsweredConnection(org, wire).run()


def listen() -> socket.socket:
    """Open a port that the system chooses."""
    return socket.create_server(("127.0.0.1", 0), backlog=128)


def stop(listening: socket.socket) -> None:
    """Take no more connections: a thread that waits for one in `serve` comes back."""
    with suppress(OSError):  # macOS says that it is not connected, and wakes the thread all the same
        listening.shutdown(socket.SHUT_RDWR)
    listening.close()


def main() -> None:
    """Serve one contender."""
    seconds, error, certificate, *_ = [*sys.argv[1:], "", ""]
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if certificate else None
    if tls:
        tls.load_cert_chain(certificate)
    listening = listen()
    print(listening.getsockname()[1], flush=True)
    serve(AnsweringOrg(float(seconds), tls=tls, answers=Answers(error)), listening)


if __name__ == "__main__":
    main()
