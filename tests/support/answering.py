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
from benchmarks.answering.server import AnsweringOrg, Request, listen, serve, stop
from benchmarks.client import Run, measure
from benchmarks.contenders import contender
from benchmarks.events import Variant, write_events

ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class KeepingOrg(AnsweringOrg):
    """Keeps the calls to the API."""

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
    Let a contender deliver profiles; give what it did, and its calls with the warm-up's.

    The function has a process of its own, as it takes the environment. Tests that ask for the same share one run.
    """
    with keeping_org() as org, tempfile.TemporaryDirectory() as folder:
        url, events, result = f"http://{org.host}", Path(folder, "events"), Path(folder, "result.json")
        write_events(events, profiles, variant)
        if name != "deliver":
            return measure(contender(name, url, variant), events, url), org.kept
        command = [sys.executable, "-m", "benchmarks.client", name, url, str(events), variant, str(result)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return Run(**json.loads(result.read_text())), org.kept
