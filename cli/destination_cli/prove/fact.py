"""One fact about Salesforce that this software rests on, and what came of trying it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from destination_cli.prove.stage import Stage


class Standing(StrEnum):
    """What came of a try."""

    HOLDS = "holds"
    FAILS = "does not hold"
    UNTRIED = "not tried"
    """The file does not rest on it, the org has nothing to try it with, or this user may not."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a try, and what was seen: our words and Salesforce's codes, never its texts."""

    standing: Standing
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact in one sentence, how it is tried, and what follows for the operator where it does not hold."""

    name: str
    sentence: str
    otherwise: str
    attempt: Callable[[Stage], Trial]


def holds(seen: str = "") -> Trial:
    """The fact holds here."""
    return Trial(Standing.HOLDS, seen)


def fails(seen: str) -> Trial:
    """The fact does not hold here."""
    return Trial(Standing.FAILS, seen)


def untried(why: str) -> Trial:
    """There was nothing to try it with."""
    return Trial(Standing.UNTRIED, why)


def judged(good: bool, seen: str) -> Trial:
    """The fact holds if this is so."""
    return holds(seen) if good else fails(seen)
