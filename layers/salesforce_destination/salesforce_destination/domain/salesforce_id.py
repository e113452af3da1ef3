"""Record ids of Salesforce: 15 characters where case counts, or 18 that end in a checksum of the first 15's case."""

from __future__ import annotations

import re

_CHECKSUM_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SHAPE = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?", re.ASCII)


def to_18(record_id: str) -> str | None:
    """
    Give the 18-character form of a 15 or 18 character id, or None where it is no id.

    An 18-character id whose checksum does not match its first 15 characters was damaged on its way (a spreadsheet
    that folded its case): Salesforce would answer MALFORMED_ID.
    """
    if not _SHAPE.fullmatch(record_id):
        return None
    full = record_id[:15] + _checksum(record_id)
    return full if len(record_id) == 15 or record_id == full else None


def _checksum(record_id: str) -> str:
    bits = [char <= "Z" and char >= "A" for char in record_id[:15]]
    return "".join([_CHECKSUM_ALPHABET[_number(bits[start : start + 5])] for start in (0, 5, 10)])


def _number(bits: list[bool]) -> int:
    """The first of five bits counts 1, the last 16."""
    return bits[0] + 2 * bits[1] + 4 * bits[2] + 8 * bits[3] + 16 * bits[4]
