"""
The way of one good profile through the package: from the event that the handler gets to the request to Salesforce.

Run as a program it prints the way, with the modules in the order in which they are entered.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import boto3
import pytest
from builders import LOYAL, a_message, a_profile
from deliver_function import ROOT, DeliverStack
from moto import mock_aws

PACKAGE = str(ROOT / "layers" / "salesforce_destination" / "salesforce_destination")
HANDLER = str(ROOT / "functions" / "deliver" / "app.py")
REQUEST = "requests.sessions"


@dataclass
class Way:
    """The modules of the package that are entered, how many calls it takes, and how deep they lie in each other."""

    modules: list[str] = field(default_factory=list)
    calls: int = 0
    depth: int = 0
    deepest: list[str] = field(default_factory=list)
    is_over: bool = False

    def note(self, frame: FrameType, event: str, _: Any) -> None:
        """Take in what the interpreter tells of a call; the first call of a session's method is the end."""
        if self.is_over or event != "call":
            return
        if frame.f_globals.get("__name__") == REQUEST:
            self.is_over = True
        elif is_ours(frame):
            self.calls += 1
            if (module := module_of(frame)) and module not in self.modules:
                self.modules.append(module)
            stack = list(ours_below(frame))
            if len(stack) > self.depth:
                self.depth, self.deepest = len(stack), [each.f_code.co_qualname for each in reversed(stack)]


def is_ours(frame: FrameType) -> bool:
    """Whether this is a call of a named function; some Pythons run comprehensions in frames of their own."""
    code = frame.f_code
    return not code.co_name.startswith("<") and code.co_filename.startswith((PACKAGE, HANDLER))


def module_of(frame: FrameType) -> str:
    """The module of the package; empty for the handler's own."""
    path = Path(frame.f_code.co_filename)
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts) if path.is_relative_to(PACKAGE) else ""


def ours_below(frame: FrameType | None) -> Iterator[FrameType]:
    """The calls of ours that this one lies in, itself first."""
    while frame is not None:
        if is_ours(frame):
            yield frame
        frame = frame.f_back


def way_of_a_good_profile(stack: DeliverStack) -> Way:
    """Deliver two profiles, one after the other, and follow the second: by then everything is made.

    Nobody is suppressed, as on most days of most stacks; the list is looked at all the same.
    """
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="suppressed")
    stack.environment(SUPPRESSION_BUCKET="suppressed")
    for person in (1, 2):
        profile = a_profile(person, last_name="Doe", email="john@acme.com", statuses={LOYAL: "realized"})
        way, message = Way(), a_message(profile, sent_at=int(time.time() * 1000))
        sys.setprofile(way.note)
        try:
            kept = stack.invoke([message])
        finally:
            sys.setprofile(None)
        assert (kept, way.is_over) == ([], True)
    return way


@contextmanager
def a_stack() -> Iterator[DeliverStack]:
    """A stack for a program, which has no fixtures."""
    with mock_aws(), pytest.MonkeyPatch.context() as monkeypatch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        yield DeliverStack(monkeypatch)


if __name__ == "__main__":
    with redirect_stdout(sys.stderr), a_stack() as stack_here:
        found = way_of_a_good_profile(stack_here)
    print(json.dumps(asdict(found), indent=2))  # noqa: T201 -- for .ci/size.py and for people
