"""One measurement: an org and a contender, each in a process of its own, and what the contender wrote down."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.client import Run
from benchmarks.events import Variant

ROOT = Path(__file__).parents[1]
LONGEST_SECONDS = 600


class ContenderFailedError(Exception):
    """A contender ended with an error, or did not write every profile."""


@contextmanager
def answering_org(seconds_per_call: float = 0.0, seconds_per_record: float = 0.0) -> Iterator[str]:
    """Start an org that takes so long, and give its address."""
    command = [sys.executable, "-m", "benchmarks.answering", str(seconds_per_call), str(seconds_per_record)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        if process.stdout is None or not (port := process.stdout.readline().strip()):
            raise ContenderFailedError("the answering org did not start")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.communicate()


def run(name: str, events: Path, variant: Variant, profiles: int, org: tuple[float, float] = (0.0, 0.0)) -> Run:
    """Let one contender deliver the events of a file to an org; whatever it does not write is an error."""
    with answering_org(*org) as url, tempfile.TemporaryDirectory() as folder:
        result, log = Path(folder, "result.json"), Path(folder, "stdout")
        command = [sys.executable, "-m", "benchmarks.client", name, url, str(events), variant, str(result)]
        with log.open("wb") as stdout:
            done = subprocess.run(
                command,
                cwd=ROOT,
                stdout=stdout,
                stderr=subprocess.PIPE,
                text=True,
                timeout=LONGEST_SECONDS,
                check=False,
            )
        if done.returncode:
            raise ContenderFailedError(f"{name} ended with {done.returncode}:\n{done.stderr[-2000:]}")
        found = Run(**json.loads(result.read_text(encoding="utf-8")))
    if found.written != profiles:
        raise ContenderFailedError(f"{name} wrote {found.written} of {profiles} profiles")
    return found
