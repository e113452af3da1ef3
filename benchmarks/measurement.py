"""Carrying out a plan: all contenders in turn, again and again, so that what disturbs the machine disturbs them all.

One measurement is an org and a contender, each in a process of its own, and what the contender wrote down.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from benchmarks.answering.answers import HOST
from benchmarks.client import Run
from benchmarks.events import CASES, Variant, write_events
from benchmarks.figures import Figures, figures_of
from benchmarks.plan import BenchPlan, Cell

ROOT = Path(__file__).parents[1]
LONGEST_SECONDS = 600
TRUSTED = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
"""The variables that name a certificate to Python, and to requests where it heeds them; this function's does not."""


class ContenderFailedError(Exception):
    """A contender ended with an error, or did not settle every message."""


class Events:
    """The files of events and the org's certificate, written when they are first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def file(self, cell: Cell) -> Path:
        """The file of a cell's events."""
        file = self._folder / f"{cell.variant}-{cell.profiles}-{cell.batch}"
        if not file.exists():
            write_events(file, cell.profiles, cell.variant, cell.batch)
        return file

    def certificate(self) -> Path:
        """A key, and a certificate of a few days that it signed for itself."""
        file = self._folder / "certificate.pem"
        if not file.exists():
            key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
            name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
            certificate = (
                x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
                .not_valid_before(now - timedelta(days=1))
                .not_valid_after(now + timedelta(days=2))
                .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
                .sign(key, hashes.SHA256())
            )
            pem = serialization.Encoding.PEM
            private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            file.write_bytes(private + certificate.public_bytes(pem))
        return file


@contextmanager
def answering_org(cell: Cell, certificate: Path | None = None) -> Iterator[str]:
    """Start a cell's org, and give its address."""
    given = [str(cell.latency_ms / 1000), CASES[cell.variant].error, str(certificate or "")]
    command = [sys.executable, "-m", "benchmarks.answering.server", *given]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        if process.stdout is None or not (port := process.stdout.readline().strip()):
            raise ContenderFailedError("the answering org did not start")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.communicate()


def run(cell: Cell, events: Events) -> Run:
    """Let a contender deliver a cell's profiles to its org; a message that is not settled as meant is an error."""
    certificate = events.certificate() if cell.variant is Variant.TLS else None
    with answering_org(cell, certificate) as url, tempfile.TemporaryDirectory() as folder:
        result, log = Path(folder, "result.json"), Path(folder, "stdout")
        given = [cell.name, url, str(events.file(cell)), cell.variant, str(result)]
        with log.open("wb") as stdout:
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.client", *given],
                cwd=ROOT,
                env=os.environ | dict.fromkeys(TRUSTED, str(certificate)) if certificate else None,
                stdout=stdout,
                stderr=subprocess.PIPE,
                text=True,
                timeout=LONGEST_SECONDS,
                check=False,
            )
        if done.returncode:
            raise ContenderFailedError(f"{cell.name} ended with {done.returncode}:\n{done.stderr[-2000:]}")
        found = Run(**json.loads(result.read_text(encoding="utf-8")))
    if found.settled != cell.settled:
        raise ContenderFailedError(f"{cell.name} settled {found.settled} messages, not {cell.settled}: {cell}")
    return found


def measure(plan: BenchPlan, tell: Callable[[str], None]) -> list[Figures]:
    """Run a plan and give its figures, in the order of its cells."""
    cells = list(plan.cells())
    run_for = {cell: cell.measured(plan.longest_seconds) for cell in cells}
    wanted = list(dict.fromkeys(run_for.values()))
    runs: dict[Cell, list[Run]] = {cell: [] for cell in wanted}
    with tempfile.TemporaryDirectory() as folder:
        events = Events(Path(folder))
        for repeat in range(plan.repeats):
            for number, cell in enumerate(wanted):
                tell(f"round {repeat + 1} of {plan.repeats}, run {number + 1} of {len(wanted)}: {cell.name}")
                runs[cell].append(run(cell, events))
    return [figures_of(cell, run_for[cell].profiles, runs[run_for[cell]]) for cell in cells]
