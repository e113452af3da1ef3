"""`destination send`: to the queue, ten profiles a call, several calls at once; what SQS refuses first goes again."""

import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from shlex import quote
from typing import Any, BinaryIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from salesforce_destination.aws.sqs_queue import CALLS_AT_ONCE, in_calls, size_of_attributes
from salesforce_destination.profile.event_time import (
    CLOCK_SKEW_MS,
    LATEST_MS,
    EventTimeError,
    check_event_time,
    parse_time,
)

from destination_cli.queues import send_messages
from destination_cli.send.source import Position, ProfileLine, ProgressFile, other_format, read_lines
from destination_cli.target import Target, TargetError, explained
from destination_cli.terminal import counted

Show = Callable[[Position], None]
Sleep = Callable[[float], None]
PAUSES = (0.2, 1.0, 3.0, 10.0)  # seconds before the failed entries of a call are sent again
REFUSED = "was refused by SQS: it contains a character that SQS does not allow, or is too long"

Problems = tuple[tuple[int, str], ...]  # lines that cannot be sent, by their number, with the reason

CALLS_AHEAD = 4 * CALLS_AT_ONCE
"""Calls that are read ahead of the oldest unanswered one: what is held in memory, and sent twice after a kill."""


class QueueUnavailableError(Exception):
    """SQS does not take some messages, tried again and again, and it is not the messages."""


@dataclass(frozen=True, slots=True)
class SendingQueue:
    """A queue, and the attributes that every message gets; several threads may use it."""

    sqs: Any
    url: str
    attributes: Mapping[str, Mapping[str, Any]]
    sleep: Sleep = time.sleep

    def size_of(self, line: ProfileLine) -> int:
        """The bytes that a line takes in a call."""
        return len(line.body.encode()) + size_of_attributes(self.attributes)

    def send(self, lines: Sequence[ProfileLine]) -> Problems:
        """Send up to ten lines; give those that SQS never takes, or raise QueueUnavailableError."""
        problems: Problems = ()
        common = {"MessageAttributes": self.attributes} if self.attributes else {}
        for pause in (*PAUSES, None):
            messages = [{"MessageBody": line.body, **common} for line in lines]
            failed = send_messages(self.sqs, self.url, messages)
            problems += tuple((lines[place].number, REFUSED) for place, never in failed.items() if never)
            if not (lines := [lines[place] for place, never in failed.items() if not never]):
                return problems
            if pause is not None:
                self.sleep(pause)
        raise QueueUnavailableError


def send_lines(
    lines: Iterable[ProfileLine], queue: SendingQueue, start: Position, note: Callable[[Position], None]
) -> Position:
    """Send lines, and tell `note` of each position before which all is answered, also of calls underway at the end."""
    position, pending = start, deque[tuple[list[ProfileLine], Future[Problems]]]()
    pool = ThreadPoolExecutor(CALLS_AT_ONCE)

    def settle_oldest() -> None:
        nonlocal position
        position = _reached(position, *pending[0])
        pending.popleft()
        note(position)

    try:
        for call in in_calls(lines, queue.size_of):
            pending.append((call, pool.submit(queue.send, [line for line in call if line.body])))
            while pending and (len(pending) >= CALLS_AHEAD or pending[0][1].done()):
                settle_oldest()
    finally:
        try:
            while pending:
                settle_oldest()
        finally:
            pool.shutdown(cancel_futures=True)
    return position


def _reached(position: Position, call: Sequence[ProfileLine], answered: Future[Problems]) -> Position:
    refused = answered.result()
    unsendable = tuple((line.number, line.problem) for line in call if line.problem)
    sent = sum(1 for line in call if line.body) - len(refused)
    return position.after(call[-1].end, call[-1].number, sent, tuple(sorted(unsendable + refused)))


SECONDS_BETWEEN_NOTES = 1.0  # how often the position is written while all goes well: what is sent twice after a kill

LINES_SHOWN = 10


@dataclass
class Load:
    """Sends one source; with a progress file it can be resumed."""

    target: Target
    event_time: int | None
    progress_file: ProgressFile | None = None
    sleep: Sleep = time.sleep
    position: Position = field(default_factory=Position)
    _written: float = field(default=0.0, init=False)

    def run(self, source: Iterable[bytes], show: Show) -> Position:
        """Send all; raise TargetError, with how far it came, where it is interrupted or the queue takes no more."""
        self._write()
        try:
            with explained(self.target.name):
                queue = SendingQueue(self.target.client("sqs"), self.target.queue_url, self._attributes(), self.sleep)
                send_lines(self._lines(source), queue, self.position, lambda reached: self._note(reached, show))
        except KeyboardInterrupt:
            raise TargetError(f"Interrupted. {self._so_far()}") from None
        except QueueUnavailableError:
            raise TargetError(f"The queue takes no more messages. {self._so_far()}") from None
        except TargetError as error:
            raise TargetError(f"{error} {self._so_far()}") from None
        finally:
            self._write()
        return self.position

    def _lines(self, source: Iterable[bytes]) -> Iterator[ProfileLine]:
        sqs, url = self.target.client("sqs"), self.target.queue_url
        most = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["MaximumMessageSize"])["Attributes"]
        longest = int(most["MaximumMessageSize"]) - size_of_attributes(self._attributes())
        return read_lines(source, self.position.line, self.position.offset, longest)

    def _attributes(self) -> dict[str, dict[str, str]]:
        if self.event_time is None:
            return {}
        return {"EventTime": {"DataType": "Number", "StringValue": str(self.event_time)}}

    def _note(self, reached: Position, show: Show) -> None:
        self.position = reached
        show(reached)
        if time.monotonic() - self._written >= SECONDS_BETWEEN_NOTES:
            self._write()

    def _write(self) -> None:
        self._written = time.monotonic()
        if self.progress_file:
            self.progress_file.write(self.position)

    def _so_far(self) -> str:
        sent = counted(self.position.sent, "profile was", "profiles were")
        so_far = f"{sent} sent, up to line {self.position.line:,}."
        return f"{so_far} Add --resume to continue." if self.progress_file else so_far


@contextmanager
def bar(console: Console, size: int | None, start: Position, *, hidden: bool) -> Iterator[Show]:
    """A bar of the bytes that are sent, with the rate in profiles; without an end where the size is not known."""
    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=hidden) as progress:
        task, began = progress.add_task("", total=size), time.monotonic()

        def show(position: Position) -> None:
            rate = (position.sent - start.sent) / max(time.monotonic() - began, 0.001)
            text = f"{position.sent:,} sent, {rate:,.0f}/s"
            progress.update(task, completed=position.offset, description=text)

        yield show


def send_file(
    target: Target,
    file: Path,
    console: Console,
    *,
    as_of: str | None,
    resume: bool,
    as_json: bool,
    sleep: Sleep = time.sleep,
) -> int:
    """Send a file; 1 where some lines could not be sent. Its position is kept beside it until it ends."""
    try:
        with file.open("rb") as source:
            if problem := other_format(source.readline()):
                raise TargetError(f"{file} {problem}".replace("FILE", quote(str(file))))
            progress_file = _progress_file(target, file, event_time_of(as_of), resume=resume)
            load = Load(target, progress_file.event_time, progress_file, sleep, progress_file.position)
            with bar(console, progress_file.size, load.position, hidden=as_json) as show:
                source.seek(load.position.offset)
                position = load.run(source, show)
        progress_file.remove()
    except OSError as error:
        raise TargetError(f"{error.filename or file}: {error.strerror}.") from None
    return _finish(position, console, as_json)


def send_stream(
    target: Target, source: BinaryIO, console: Console, *, as_of: str | None, as_json: bool, sleep: Sleep = time.sleep
) -> int:
    """Send what comes in; it cannot be resumed."""
    lines = iter(source)
    first = next(lines, b"")
    if problem := other_format(first):
        raise TargetError(f"Standard input {problem}")
    load = Load(target, event_time_of(as_of), sleep=sleep)
    with bar(console, None, load.position, hidden=as_json) as show:
        position = load.run(chain([first], lines), show)
    return _finish(position, console, as_json)


def _progress_file(target: Target, file: Path, event_time: int | None, *, resume: bool) -> ProgressFile:
    progress_file = ProgressFile.beside(file, target.queue_url, event_time)
    if resume:
        return progress_file.resumed()
    if progress_file.found():
        raise TargetError(
            f"Sending {file} was interrupted. Add --resume to continue, or delete {progress_file.path} to start again."
        )
    return progress_file


def _finish(position: Position, console: Console, as_json: bool) -> int:
    if as_json:
        content = asdict(position)
        print(json.dumps({name: content[name] for name in ("sent", "not_sent", "problems")}, indent=2))
        return 1 if position.not_sent or not position.sent else 0
    sent = counted(position.sent, "profile is", "profiles are")
    mark = "[green]✓[/]" if position.sent else "[red]✗[/]"
    console.print(f"{mark} {sent} on the queue.", highlight=False)
    if position.not_sent:
        not_sent = counted(position.not_sent, "line was", "lines were")
        console.print(f"[red]✗[/] {not_sent} not sent:", highlight=False)
    for number, problem in position.problems[:LINES_SHOWN]:
        console.print(f"    line {number:,} {problem}", markup=False, highlight=False)
    return 1 if position.not_sent or not position.sent else 0


def event_time_of(as_of: str | None) -> int | None:
    """The time in --as-of, in ms; raise TargetError for one that is to come."""
    if as_of is None:
        return None
    now_ms = int(time.time() * 1000)
    try:
        event_time = parse_time(as_of)
        if now_ms + CLOCK_SKEW_MS < event_time < LATEST_MS:
            raise TargetError("--as-of is in the future. Give the time at which the file was made.")
        return check_event_time(event_time, now_ms)
    except EventTimeError as error:
        raise TargetError(f"--as-of {error}.") from None
