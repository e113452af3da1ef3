"""The profiles of a file or of standard input, one JSON object a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pydantic_core import from_json

from destination_cli.message_size import MOST_BYTES

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""What some programs put before a UTF-8 file."""


@dataclass(frozen=True, slots=True)
class Line:
    """
    One line: its number, where the next one begins, and the profile in it.

    `problem` says why a line cannot be sent; an empty line has neither body nor problem.
    """

    number: int
    end: int
    body: str = field(default="", repr=False)
    problem: str = ""


def read_lines(
    source: Iterable[bytes], number: int = 0, offset: int = 0, most_bytes: int = MOST_BYTES
) -> Iterator[Line]:
    """Read on behind line `number`, which ends at `offset`. One line is held at a time."""
    for text in source:
        number, offset = number + 1, offset + len(text)
        yield _line(number, offset, text.removeprefix(BYTE_ORDER_MARK) if number == 1 else text, most_bytes)


def _line(number: int, end: int, text: bytes, most_bytes: int) -> Line:
    text = text.strip()
    if len(text) > most_bytes:
        return Line(number, end, problem=f"is longer than a message may be ({most_bytes:,} bytes)")
    if not text:
        return Line(number, end)
    try:
        value = from_json(text, allow_inf_nan=False)
    except ValueError:
        return Line(number, end, problem="is not JSON; write each profile on one line")
    if not isinstance(value, dict):
        return Line(number, end, problem="is not a JSON object")
    return Line(number, end, text.decode())
