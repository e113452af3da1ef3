"""What a comparison of the destination file with the org finds: what does not fit, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    """Messages will be rejected or wait until it is mended."""

    WARNING = "warning"
    """It works, and somebody will miss something."""

    NOTE = "note"
    """Good to know."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: the key of the file, the Salesforce field, what is so, and what to do about it."""

    level: Level
    key: str
    field: str
    problem: str
    cure: str = ""

    def __str__(self) -> str:
        return f"{self.key}: {self.problem}" + (f" {self.cure}" if self.cure else "")


def error(key: str, field: str, problem: str, cure: str) -> Finding:
    """A finding that keeps messages from being delivered."""
    return Finding(Level.ERROR, key, field, problem, cure)


def warning(key: str, field: str, problem: str, cure: str) -> Finding:
    """A finding that lets messages pass, and something be missed."""
    return Finding(Level.WARNING, key, field, problem, cure)


def note(key: str, field: str, problem: str, cure: str = "") -> Finding:
    """A finding that nobody has to act on."""
    return Finding(Level.NOTE, key, field, problem, cure)
