"""The deliver function in a process of its own, over sockets: an org with TLS, and a Secrets Manager that counts."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from destination_testbench.org import OrgRequest, SimulatedOrg
from destination_testbench.org.transport.server import OrgHandler, OrgHTTPServer

ROOT = Path(__file__).parents[2]
HOST = "acme.my.salesforce.com"
PATHS = (ROOT / "layers" / "salesforce_destination", ROOT / "functions" / "deliver")

BEGIN = f"""
import json, os, socket, sys

resolve = socket.getaddrinfo
def getaddrinfo(host, port, *rest, **named):
    there = ("127.0.0.1", int(os.environ["ORG_PORT"])) if host == "{HOST}" else (host, port)
    return resolve(*there, *rest, **named)
socket.getaddrinfo = getaddrinfo

import app
app.session.verify = os.environ["ORG_CERTIFICATE"]
at_start = sorted(sys.modules)

class Context:
    aws_request_id, function_name, memory_limit_in_mb, invoked_function_arn = "request", "deliver", 256, "arn"
    def get_remaining_time_in_millis(self):
        return 300_000

def deliver(event):
    answer = app.lambda_handler(event, Context())
    assert answer == {{"batchItemFailures": []}}, answer

events = open(os.environ["EVENTS"], encoding="utf-8")
result = {{}}
"""
END = """
print("\\n" + json.dumps(result))
"""
"""A program between the two has `deliver`, `events` and `result`. The org's certificate and host name are checked."""


class CountingOrg(OrgHTTPServer):
    """An org over TLS that counts connections and handshakes."""

    def __init__(self, org: SimulatedOrg, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), OrgHandler)
        self.org, self._context = org, context
        self.connections = self.handshakes = 0

    def get_request(self) -> tuple[socket.socket, Any]:
        """Take a connection and greet it."""
        connection, address = super().get_request()
        self.connections += 1
        secure = self._context.wrap_socket(connection, server_side=True)
        self.handshakes += 1
        return secure, address


class SecretsManager(ThreadingHTTPServer):
    """Gives secrets, and counts who asked for which."""

    daemon_threads = True

    def __init__(self, secrets: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), SecretsHandler)
        self.secrets, self.calls, self.connections = secrets, Counter[str](), 0

    def get_request(self) -> tuple[socket.socket, Any]:
        """Count a connection."""
        self.connections += 1
        return super().get_request()


class SecretsHandler(BaseHTTPRequestHandler):
    """GetSecretValue, and nothing else."""

    protocol_version = "HTTP/1.1"
    server: SecretsManager

    def do_POST(self) -> None:
        name = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["SecretId"]
        self.server.calls[f"{self.headers['X-Amz-Target'].partition('.')[2]} {name}"] += 1
        body = json.dumps({"Name": name, "SecretString": self.server.secrets[name]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep silent."""


@dataclass(frozen=True)
class RealFunction:
    """Where the function finds what it talks to."""

    org: CountingOrg
    secrets: SecretsManager
    folder: Path

    def run(self, program: str, events: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Run a program that has these events, one to a line; give its `result`."""
        file = self.folder / "events"
        file.write_text("".join(f"{json.dumps(event)}\n" for event in events), encoding="utf-8")
        here = "https://sqs.eu-west-1.amazonaws.com/123456789012"
        variables = {
            "PATH": os.environ["PATH"],
            "TMPDIR": str(self.folder),
            "PYTHONPATH": os.pathsep.join(map(str, PATHS)),
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.secrets.server_port}",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "DESTINATION_FILE": str(ROOT / "layers" / "destinations" / "contacts.toml"),
            "ACCESS_TOKEN_SECRET_ID": "token",
            "OUTCOME_KEY_SECRET_ID": "key",
            "QUEUE_URL": f"{here}/queue",
            "DEAD_LETTER_QUEUE_URL": f"{here}/dead-letters",
            "REFRESH_QUEUE_URL": f"{here}/refresh.fifo",
            "POWERTOOLS_METRICS_NAMESPACE": "SalesforceDestination",
            "POWERTOOLS_SERVICE_NAME": "deliver",
            "ORG_PORT": str(self.org.server_port),
            "ORG_CERTIFICATE": str(self.folder / "certificate.pem"),
            "EVENTS": str(file),
        }
        command = [sys.executable, "-c", BEGIN + program + END]
        ended = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=100)
        assert ended.returncode == 0, ended.stderr
        return dict(json.loads(ended.stdout.splitlines()[-1]))


@contextmanager
def a_real_function(org: SimulatedOrg, folder: Path) -> Iterator[RealFunction]:
    """Start what a function talks to; a token for the org is stored."""
    servers = (CountingOrg(org, _certified(folder)), SecretsManager({"token": _a_token(org), "key": "a key"}))
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield RealFunction(*servers, folder)
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def _a_token(org: SimulatedOrg) -> str:
    form = b"grant_type=client_credentials&client_id=local-client-id&client_secret=local-client-secret"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    reply = org.handle(OrgRequest("POST", "/services/oauth2/token", {}, headers, form, f"https://{HOST}", None))
    answer = json.loads(reply.body)
    return json.dumps({key: answer[key] for key in ("access_token", "instance_url", "issued_at")})


def _certified(folder: Path) -> ssl.SSLContext:
    """A certificate that nobody else trusts."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context
