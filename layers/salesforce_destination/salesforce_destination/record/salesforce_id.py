"""Record ids of Salesforce: 15 characters where case counts, or 18 that end in a checksum of the first 15's case."""

from __future__ import annotations

from string import ascii_lowercase, ascii_uppercase, digits

_CHECKSUM_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
# Of five characters the first counts 1 and the last 16 where they are capitals. Of a number it would be the other way.
_CHECK = [_CHECKSUM_ALPHABET[int(f"{number:05b}"[::-1], 2)] for number in range(32)]
_CHECKS = [first + second for first in _CHECK for second in _CHECK]
_CASE = bytes(
    ord("1" if chr(byte) in ascii_uppercase else "0" if chr(byte) in ascii_lowercase + digits else "x")
    for byte in range(256)
)


def to_18(record_id: str) -> str | None:
    """Give the 18-character form of a 15 or 18 character id, or None where it is no id.

    An 18-character id whose checksum does not match its first 15 characters was damaged on its way (a spreadsheet
    that folded its case): Salesforce would answer MALFORMED_ID.
    """
    start = record_id[:15]
    try:
        case = int(start.encode().translate(_CASE), 2)
    except ValueError:
        return None
    full = start + _CHECKS[case >> 5] + _CHECK[case & 31]
    return full if record_id == full or len(record_id) == 15 else None
