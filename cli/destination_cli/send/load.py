"""One send, from where it starts to its end, with what it says on the way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from destination_cli.message_size import size_of_attributes
from destination_cli.plural import counted
from destination_cli.send.lines import Line, read_lines
from destination_cli.send.progress_file import Position, ProgressFile
from destination_cli.send.queue import QueueUnavailableError, SendingQueue
from destination_cli.send.sending import send_lines
from destination_cli.target import Target, TargetError, explained

SECONDS_BETWEEN_NOTES = 1.0
"""How often the position is written while all goes well: what is sent twice after a kill."""

Show = Callable[[Position], None]


@dataclass
class Load:
    """Sends one source; with a progress file it can be resumed."""

    target: Target
    event_time: int | None
    progress_file: ProgressFile | None = None
    sleep: Callable[[float], None] = time.sleep
    position: Position = field(default_factory=Position)
    _written: float = field(default=0.0, init=False)

    def run(self, source: BinaryIO, show: Show) -> Position:
        """Send all; raise TargetError, with how far it came, where it is interrupted or the queue takes no more."""
        self._write()
        try:
            with explained(self.target.name):
                send_lines(self._lines(source), self._queue(), self.position, lambda reached: self._note(reached, show))
        except KeyboardInterrupt:
            raise TargetError(f"Interrupted. {self._so_far()}") from None
        except QueueUnavailableError:
            raise TargetError(f"The queue takes no more messages. {self._so_far()}") from None
        except TargetError as error:
            raise TargetError(f"{error} {self._so_far()}") from None
        finally:
            self._write()
        return self.position

    def _lines(self, source: BinaryIO) -> Iterator[Line]:
        sqs, url = self.target.client("sqs"), self.target.queue_url
        most = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["MaximumMessageSize"])["Attributes"]
        longest = int(most["MaximumMessageSize"]) - size_of_attributes(self._attributes())
        return read_lines(source, self.position.line, self.position.offset, longest)

    def _queue(self) -> SendingQueue:
        return SendingQueue(self.target.client("sqs"), self.target.queue_url, self._attributes(), self.sleep)

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
