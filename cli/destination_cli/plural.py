"""Numbers with the words that agree with them."""

from __future__ import annotations


def counted(count: int, one: str, many: str) -> str:
    """A count before the words for one, or for any other number."""
    return f"{count:,} {one if count == 1 else many}"
