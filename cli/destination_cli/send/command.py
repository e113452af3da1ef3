"""What `destination send` does: from a file or standard input to the queue, with a bar."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from salesforce_destination.profile.event_time import EventTimeError, check_event_time, parse_time

from destination_cli.plural import counted
from destination_cli.send.load import Load, bar
from destination_cli.send.progress_file import Position, ProgressFile
from destination_cli.target import Target, TargetError

LINES_SHOWN = 10

Sleep = Callable[[float], None]


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
        progress_file = _progress_file(target, file, _event_time(as_of), resume=resume)
        load = Load(target, progress_file.event_time, progress_file, sleep, progress_file.position)
        with file.open("rb") as source, bar(console, progress_file.size, load.position, hidden=as_json) as show:
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
    load = Load(target, _event_time(as_of), sleep=sleep)
    with bar(console, None, load.position, hidden=as_json) as show:
        position = load.run(source, show)
    return _finish(position, console, as_json)


def standard_input() -> BinaryIO:
    """What is piped into the command."""
    return sys.stdin.buffer


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
        return 1 if position.not_sent else 0
    sent = counted(position.sent, "profile is", "profiles are")
    console.print(f"[green]✓[/] {sent} on the queue.", highlight=False)
    if position.not_sent:
        not_sent = counted(position.not_sent, "line was", "lines were")
        console.print(f"[red]✗[/] {not_sent} not sent:", highlight=False)
    for number, problem in position.problems[:LINES_SHOWN]:
        console.print(f"    line {number:,} {problem}", markup=False, highlight=False)
    return 1 if position.not_sent else 0


def _event_time(as_of: str | None) -> int | None:
    if as_of is None:
        return None
    try:
        return check_event_time(parse_time(as_of), int(time.time() * 1000))
    except EventTimeError as error:
        raise TargetError(f"--as-of {error}.") from None
