"""Salesforce record ids: 15 case-sensitive characters, or 18 with a checksum over the capitals."""

from __future__ import annotations

import re

CHECKSUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
SHORT_ID = re.compile(r"[A-Za-z0-9]{15}\Z")
LONG_ID = re.compile(r"[A-Za-z0-9]{15}[A-Z0-5]{3}\Z")
BASE = "Ab0000"


def checksum(short: str) -> str:
    """The three characters that make a 15-character id safe where case is lost."""
    bits = "".join("1" if char.isupper() else "0" for char in short)
    return "".join(CHECKSUM[int(bits[start : start + 5][::-1], 2)] for start in (0, 5, 10))


def to_long(short: str) -> str:
    """The 18-character form, the only one that Salesforce ever answers with."""
    return short + checksum(short)


def normalised(text: object) -> str | None:
    """The 18-character form of an id given in either form; None when it is none, or its checksum does not agree."""
    if not isinstance(text, str):
        return None
    if LONG_ID.match(text) and checksum(text[:15]) == text[15:]:
        return text
    return to_long(text) if SHORT_ID.match(text) else None


def record_id(prefix: str, number: int) -> str:
    """The id of the nth record under a prefix: the same one in every run, so that tests and the demo can name it."""
    return to_long(f"{prefix}{BASE}{number:06d}")
