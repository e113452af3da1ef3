"""Record ids of Salesforce: 15 characters where case counts, or 18 that end in a checksum of the first 15's case."""

from __future__ import annotations

import re
from string import ascii_letters, ascii_uppercase, digits

_CHECKSUM_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_CASE = str.maketrans({**dict.fromkeys(ascii_letters + digits, "0"), **dict.fromkeys(ascii_uppercase, "1")})
# Of five characters the first counts 1 and the last 16 where they are capitals.
_CHECK = {f"{number:05b}"[::-1]: character for number, character in enumerate(_CHECKSUM_ALPHABET)}
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
    case = record_id.translate(_CASE)
    return _CHECK[case[:5]] + _CHECK[case[5:10]] + _CHECK[case[10:15]]
