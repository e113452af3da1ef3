"""The client over real sockets: against the simulated org, and against servers that misbehave."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from salesforce_destination.errors import (
    NO_ACCESS_TOKEN,
    DestinationError,
    OutcomeUnknownError,
    SalesforceUnavailableError,
    TokenUnavailableError,
)
from salesforce_destination.login.token import AccessToken
from salesforce_destination.salesforce.client import SalesforceClient, new_session


class Tokens:
    def __init__(self, *tokens: AccessToken) -> None:
        self.refused: list[AccessToken | None] = []
        self._tokens = list(tokens)

    def current(self) -> AccessToken:
        if not self._tokens or not self._tokens[0].value:
            raise TokenUnavailableError
        return self._tokens[0]

    def replace(self, refused: AccessToken | None) -> AccessToken:
        self.refused.append(refused)
        self._tokens.pop(0)
        return self.current()


class Server(ThreadingHTTPServer):
    """Answers as `answers` say, one after the other, the last one for good; remembers what was asked."""

    daemon_threads = True

    def __init__(self, *answers: tuple[int, str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = list(answers)
        self.asked: list[tuple[dict[str, str], bytes]] = []
        self.connections = 0

    def get_request(self) -> Any:
        self.connections += 1
        return super().get_request()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append(({name.lower(): value for name, value in self.headers.items()}, body))
        status, kind, answer = self.server.answers[0]
        if len(self.server.answers) > 1:
            self.server.answers.pop(0)
        if status == 0:
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Sforce-Limit-Info", "api-usage=25/5000; per-app-api-usage=17/250(appName=sample)")
        self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        self.send_header("Content-Length", str(len(answer) + (10 if status == 201 else 0)))
        self.end_headers()
        self.wfile.write(answer)
        self.close_connection = status == 201

    def log_message(self, format: str, *args: Any) -> None:
        pass


JSON, HTML = "application/json;charset=UTF-8", "text/html"
OK = (200, JSON, b'{"done": true}')
EXPIRED = (401, JSON, b'[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]')


@contextmanager
def serving(*answers: tuple[int, str, bytes]) -> Iterator[Server]:
    server = Server(*answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def token(server: Server, value: str = "secret-token") -> AccessToken:
    return AccessToken(value, f"http://127.0.0.1:{server.server_port}", "1")


def client(*tokens: AccessToken, read_seconds: float = 5.0) -> SalesforceClient:
    return SalesforceClient(new_session(), Tokens(*tokens), lambda: read_seconds)


def test_a_body_is_posted_with_the_token_and_the_answer_is_parsed() -> None:
    with serving(OK) as server:
        answer = client(token(server)).post("/path", {"a": "ä"}, {"Sforce-Auto-Assign": "FALSE"})

    ((headers, body),) = server.asked
    assert answer == {"done": True}
    assert json.loads(body) == {"a": "ä"}
    assert headers["authorization"] == "Bearer secret-token"
    assert headers["content-type"] == "application/json"
    assert headers["sforce-auto-assign"] == "FALSE"
    assert "content-encoding" not in headers


def test_a_body_larger_than_a_packet_is_packed() -> None:
    body = {"records": ["x" * 50] * 100}
    with serving(OK) as server:
        client(token(server)).post("/path", body)

    ((headers, sent),) = server.asked
    assert headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(sent)) == body
    assert len(sent) < 500


def test_one_connection_serves_many_requests() -> None:
    with serving(OK) as server:
        kept = client(token(server))
        for _ in range(5):
            kept.post("/path", {})

        assert server.connections == 1


def test_connections_are_kept_for_each_host() -> None:
    with serving(EXPIRED) as left, serving(OK) as moved_to:
        moved = client(token(left), token(moved_to))

        assert [moved.post("/path", {}), moved.post("/path", {})] == [{"done": True}] * 2
        assert (len(left.asked), len(moved_to.asked)) == (1, 2)
        assert (left.connections, moved_to.connections) == (1, 1)


def test_a_session_that_was_closed_connects_anew() -> None:
    with serving(OK) as server:
        session = new_session()
        kept = SalesforceClient(session, Tokens(token(server)), lambda: 5.0)
        kept.post("/path", {})
        session.close()

        assert kept.post("/path", {}) == {"done": True}
        assert server.connections == 2


def test_the_orgs_api_usage_is_read_from_every_answer() -> None:
    with serving(OK) as server:
        asked = client(token(server))
        before = asked.usage

        asked.post("/path", {})

    assert before is None
    assert asked.usage is not None
    assert (asked.usage.used, asked.usage.allowed, asked.usage.percent) == (25, 5000, 0.5)


def test_a_refused_token_is_replaced_and_the_request_sent_once_more() -> None:
    with serving(EXPIRED, OK) as server:
        tokens = Tokens(token(server, "old"), token(server, "new"))

        answer = SalesforceClient(new_session(), tokens, lambda: 5.0).post("/path", {})

    assert answer == {"done": True}
    assert [headers["authorization"] for headers, _ in server.asked] == ["Bearer old", "Bearer new"]
    assert [refused.value for refused in tokens.refused if refused] == ["old"]


def test_what_a_call_takes_is_its_own_time_and_not_that_of_waiting_for_a_token() -> None:
    ticks = iter([0.0, 2.0, 20.0, 21.0])
    with serving(EXPIRED, OK) as server:
        tokens = Tokens(token(server, "old"), token(server, "new"))
        asked = SalesforceClient(new_session(), tokens, lambda: 5.0, clock=lambda: next(ticks))

        asked.post("/path", {})

    assert (asked.calls, asked.slowest_seconds) == (2, 2.0)


def test_a_token_that_is_refused_twice_is_not_tried_for_ever() -> None:
    with serving(EXPIRED) as server, pytest.raises(TokenUnavailableError, match=NO_ACCESS_TOKEN):
        client(token(server, "old"), token(server, "new")).post("/path", {})

    assert len(server.asked) == 2


def test_without_a_token_one_is_asked_for() -> None:
    with serving(OK) as server:
        tokens = Tokens(token(server, ""), token(server, "first"))

        SalesforceClient(new_session(), tokens, lambda: 5.0).post("/path", {})

    assert tokens.refused == [None]


def test_a_token_that_cannot_be_read_is_not_asked_for() -> None:
    class Broken(Tokens):
        def current(self) -> AccessToken:
            raise TokenUnavailableError("SECRETS_UNAVAILABLE")

    tokens = Broken()
    with pytest.raises(TokenUnavailableError) as error:
        SalesforceClient(new_session(), tokens, lambda: 5.0).post("/path", {})

    assert error.value.code != NO_ACCESS_TOKEN
    assert tokens.refused == []


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((304, HTML, b""), SalesforceUnavailableError),
        ((503, HTML, b"<html>"), SalesforceUnavailableError),
        ((420, HTML, b""), SalesforceUnavailableError),
        ((200, HTML, b"<html>"), OutcomeUnknownError),
        ((200, JSON, b'{"compositeRes'), OutcomeUnknownError),
        ((200, JSON, b"[]"), OutcomeUnknownError),
        ((201, JSON, b'{"cut": "sh'), OutcomeUnknownError),
        ((0, JSON, b""), OutcomeUnknownError),
    ],
)
def test_what_is_no_answer_is_named_by_what_to_do(answer: tuple[int, str, bytes], kind: type[DestinationError]) -> None:
    with serving(answer) as server, pytest.raises(kind):
        client(token(server)).post("/path", {})

    assert len(server.asked) == 1


def test_an_answer_that_takes_too_long_leaves_the_outcome_unknown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(OutcomeUnknownError):
        client(AccessToken("t", f"http://127.0.0.1:{silent.getsockname()[1]}", "1"), read_seconds=1.0).post("/", {})


def test_a_connection_that_never_came_up_carried_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    with pytest.raises(SalesforceUnavailableError):
        client(AccessToken("t", f"http://127.0.0.1:{port}", "1")).post("/", {})


def test_tls_is_verified() -> None:
    session = new_session()

    assert session.verify is True
    assert session.trust_env is False
