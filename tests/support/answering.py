"""The benchmark's answering org inside of a test, which keeps what it is sent."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from benchmarks.answering.answers import Reply
from benchmarks.answering.server import AnsweringOrg, Request, Speed, listen, serve, stop
from benchmarks.client import Run
from benchmarks.events import Variant, write_events

ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class KeepingOrg(AnsweringOrg):
    """Keeps the calls to the API."""

    speed: Speed = field(default_factory=Speed)
    kept: list[Request] = field(default_factory=list)

    def respond(self, request: Request) -> Reply:
        if request.path.startswith("/services/"):
            self.kept.append(request)
        return AnsweringOrg.respond(self, request)


@contextmanager
def keeping_org() -> Iterator[KeepingOrg]:
    org, listening = KeepingOrg(), listen()
    org.host = "{}:{}".format(*listening.getsockname())
    serving = threading.Thread(target=serve, args=(org, listening), daemon=True)
    serving.start()
    yield org
    stop(listening)
    serving.join()


@cache
def delivered(name: str, profiles: int, variant: Variant = Variant.PLAIN) -> tuple[Run, list[Request]]:
    """
    Let a contender deliver profiles in a process of its own; give what it did, and its calls with the warm-up's.

    Tests that ask for the same share one run.
    """
    with keeping_org() as org, tempfile.TemporaryDirectory() as folder:
        events, result = Path(folder, "events"), Path(folder, "result.json")
        write_events(events, profiles, variant)
        command = [sys.executable, "-m", "benchmarks.client", name, f"http://{org.host}", str(events), variant]
        done = subprocess.run([*command, str(result)], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return Run(**json.loads(result.read_text())), org.kept
