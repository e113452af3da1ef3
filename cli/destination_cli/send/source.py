"""A file of profiles: its lines, and how far it was sent, so that an interrupted send can go on."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from pydantic_core import from_json
from salesforce_destination.aws.sqs_queue import MOST_BYTES

from destination_cli.target import TargetError

BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # what some programs put before a UTF-8 file

_CSV = (
    "PYTHONIOENCODING=utf-8-sig python3 -c 'import csv, json, sys;"
    ' [print(json.dumps(row)) for row in csv.DictReader(sys.stdin, delimiter="MARK")]\' < FILE'
)
_OTHERS = (
    (rb"\x1f\x8b", "gzip", "gzip -dc FILE"),
    (rb"BZh", "bzip2", "bzip2 -dc FILE"),
    (rb"\x28\xb5\x2f\xfd", "Zstandard", "zstd -dc FILE"),
    (rb"PK\x03\x04", "a ZIP archive or a workbook", "unzip -p FILE"),
    (rb"PAR1", "Parquet", "duckdb -c \"COPY 'FILE' TO '/dev/stdout' (FORMAT json)\""),
    (rb"\xff\xfe\x00\x00|\x00\x00\xfe\xff", "UTF-32", "iconv -f UTF-32 -t UTF-8 FILE"),
    (rb"\xff\xfe|\xfe\xff|\x00|.\x00", "UTF-16", "iconv -f UTF-16 -t UTF-8 FILE"),
    (rb"\s*\[", "a JSON array", "jq -c '.[]' FILE"),
    (rb"\s*\{\s*$", "JSON over several lines", "jq -c . FILE"),
    *((rb"[^{,;\t]*" + mark.encode(), "CSV", _CSV.replace("MARK", repr(mark)[1:-1])) for mark in ",;\t"),
)
"""How a file begins that holds no profile on each line, what it is, and the command that writes such lines."""


def other_format(first_line: bytes) -> str:
    """What a file is that begins like this, and the command that mends it; empty where it may hold profiles."""
    start = first_line.removeprefix(BYTE_ORDER_MARK)
    found = next((row for row in _OTHERS if re.match(row[0], start, re.DOTALL)), None)
    return f"is {found[1]}, not a JSON object on each line. Use: {found[2]} | destination send -" if found else ""


LINES_NAMED = 100  # so many lines that could not be sent are named; the others are counted


@dataclass(frozen=True, slots=True)
class ProfileLine:
    """One line: its number, where the next one begins, and the profile in it or the `problem` why it cannot be sent."""

    number: int
    end: int
    body: str = field(default="", repr=False)
    problem: str = ""


def read_lines(
    source: Iterable[bytes], number: int = 0, offset: int = 0, most_bytes: int = MOST_BYTES
) -> Iterator[ProfileLine]:
    """Read on behind line `number`, which ends at `offset`. One line is held at a time."""
    for text in source:
        number, offset = number + 1, offset + len(text)
        yield _line(number, offset, text.removeprefix(BYTE_ORDER_MARK) if number == 1 else text, most_bytes)


def _line(number: int, end: int, text: bytes, most_bytes: int) -> ProfileLine:
    text = text.strip()
    if len(text) > most_bytes:
        return ProfileLine(number, end, problem=f"is longer than a message may be ({most_bytes:,} bytes)")
    if not text:
        return ProfileLine(number, end)
    try:
        value = from_json(text, allow_inf_nan=False)
    except ValueError:
        return ProfileLine(number, end, problem=_problem(text))
    if not isinstance(value, dict):
        return ProfileLine(number, end, problem="is not a JSON object")
    return ProfileLine(number, end, text.decode())


def _problem(text: bytes) -> str:
    try:
        from_json(text.decode())
    except UnicodeDecodeError:
        return "is not UTF-8; use: iconv -f WINDOWS-1252 -t UTF-8 FILE"
    except ValueError:
        return "is not JSON; write each profile on one line"
    return "has NaN or Infinity, which JSON has not; use: sed -E 's/: *-?(NaN|Infinity)/: null/g' FILE"


@dataclass(frozen=True, slots=True)
class Position:
    """Everything before this place has been sent, or cannot be."""

    offset: int = 0
    line: int = 0
    sent: int = 0
    not_sent: int = 0
    problems: tuple[tuple[int, str], ...] = ()

    def after(self, end: int, line: int, sent: int, problems: tuple[tuple[int, str], ...]) -> Self:
        """The position behind another piece of the file."""
        named = (*self.problems, *problems)[:LINES_NAMED]
        return type(self)(end, line, self.sent + sent, self.not_sent + len(problems), named)


@dataclass(frozen=True, slots=True)
class ProgressFile:
    """The position in one file for one queue; a send of the same file to another queue is another one."""

    path: Path
    queue_url: str
    size: int
    changed_at: int
    event_time: int | None
    position: Position = field(default_factory=Position)

    @classmethod
    def beside(cls, file: Path, queue_url: str, event_time: int | None) -> Self:
        """The file `NAME.sending` beside the one that is sent."""
        status = file.stat()
        path = file.with_name(f"{file.name}.sending")
        return cls(path, queue_url, status.st_size, status.st_mtime_ns, event_time)

    def resumed(self) -> Self:
        """Where the last send stopped; raise TargetError where that was another file, queue or event time."""
        if (before := self.found()) is None:
            raise TargetError(f"There is nothing to resume: {self.path} does not exist. Leave out --resume.")
        given = {"queue_url": self.queue_url, "size": self.size, "changed_at": self.changed_at}
        if any(before.get(name) != value for name, value in given.items()):
            text = f"{self.path} belongs to another version of the file or another queue. Delete it and send all again."
            raise TargetError(text)
        if self.event_time is not None and self.event_time != before.get("event_time"):
            raise TargetError("The send began with another --as-of. Leave it out: a resumed send keeps its time.")
        position = Position(**{**before["position"], "problems": tuple(map(tuple, before["position"]["problems"]))})
        return replace(self, event_time=before.get("event_time"), position=position)

    def found(self) -> Mapping[str, Any] | None:
        """What the last send left behind; None where it ended, or there was none."""
        try:
            before = json.loads(self.path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return before if isinstance(before, dict) and "position" in before else None

    def write(self, position: Position) -> None:
        """Note a position, in one step."""
        content = {**asdict(replace(self, position=position)), "path": str(self.path)}
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        draft.write_text(json.dumps(content), encoding="utf-8")
        draft.replace(self.path)

    def remove(self) -> None:
        """Forget the position: everything has been sent."""
        self.path.unlink(missing_ok=True)
