"""What `destination dead-letters` does, in its three ways: to show, to put back, to export."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from destination_cli.target import Target, TargetError

from .export import export
from .letter import DeadLetter
from .reading import MOST_HIDDEN, DeadLetterReader
from .reasons import Reason, by_reason, moment
from .redrive import Redriven, redrive

LONGEST_BODY = 2_000
"""Characters of a body that are shown; --export has all of it."""


def list_letters(
    target: Target,
    console: Console,
    *,
    show: bool,
    samples: int,
    as_json: bool,
    file: Path | None,
    codes: Sequence[str],
) -> int:
    """Count the letters by reason, and write them to a file where one is named. 1 where there are any."""
    with DeadLetterReader(target.client("sqs"), target.dead_letter_queue_url) as reader:
        letters = _wanted(reader, codes)
        try:
            reasons = by_reason(export(letters, file) if file else letters, samples)
        except OSError as error:
            raise TargetError(f"{file} cannot be written: {error.strerror}.") from None
    if as_json:
        print(json.dumps({"dead_letters": [_as_json(reason, show) for reason in reasons]}, indent=2))
    else:
        _print(reasons, console, show)
        if reader.is_full:
            console.print(f"These are the first {MOST_HIDDEN:,}; there are about {reader.count:,}.", highlight=False)
        if file:
            console.print(f"Written to {file}. It holds profiles: keep it where only you can read it.", markup=False)
    return 1 if reasons else 0


def put_back(target: Target, console: Console, *, codes: Collection[str], as_json: bool) -> int:
    """Redrive, with progress on the console. 1 where a letter could not be sent."""
    sqs = target.client("sqs")
    columns = (TextColumn("Put back"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        DeadLetterReader(sqs, target.dead_letter_queue_url) as reader,
        Progress(*columns, console=console, disable=as_json) as progress,
    ):
        task = progress.add_task("", total=reader.count)

        def note(result: Redriven) -> None:
            progress.update(task, completed=result.sent + result.left + result.failed)

        result = redrive(reader, sqs, target.queue_url, codes, note)
        progress.update(task, total=result.sent + result.left + result.failed)
    print(json.dumps(asdict(result), indent=2)) if as_json else _print_redriven(result, console)
    return 0 if result.is_good else 1


def _wanted(reader: DeadLetterReader, codes: Sequence[str]) -> Iterator[DeadLetter]:
    letters = chain.from_iterable(reader.batches())
    return (letter for letter in letters if not codes or letter.code in codes)


def _print(reasons: Sequence[Reason], console: Console, show: bool) -> None:
    if not reasons:
        console.print("[green]✓[/] There are no dead letters.")
        return
    table = Table(
        Column("Reason", no_wrap=True), "Letters", "Fields", "First event", "Last event", box=None, pad_edge=False
    )
    for reason in reasons:
        fields = ", ".join(f"{name} ({count})" for name, count in reason.fields.most_common(5))
        table.add_row(reason.code, f"{reason.count:,}", escape(fields), moment(reason.first), moment(reason.last))
    console.print(table)
    for letter in chain.from_iterable(reason.samples for reason in reasons):
        console.print(
            f"\n{letter.code}  message {letter.id}, {letter.text_of('Attempts') or '?'} attempts", markup=False
        )
        if show:
            console.print(f"  {letter.message}\n  {letter.body[:LONGEST_BODY]}", markup=False, highlight=False)
    if not show:
        console.print("\n--show adds what Salesforce said and the profile itself.", style="dim")


def _print_redriven(result: Redriven, console: Console) -> None:
    console.print(f"{result.sent:,} are back on the queue, {result.left:,} were left.", highlight=False)
    if result.failed:
        console.print(f"{result.failed:,} were not taken by the queue, and are still dead letters.", style="red")
    if result.not_deleted:
        console.print(f"{result.not_deleted:,} could not be deleted: they come twice, which does no harm.")


def _as_json(reason: Reason, show: bool) -> dict[str, Any]:
    shown = [
        {"message_id": letter.id, "attempts": letter.text_of("Attempts"), "event_time": letter.event_time}
        | ({"error_message": letter.message, "body": letter.body} if show else {})
        for letter in reason.samples
    ]
    return {
        "error_code": reason.code,
        "count": reason.count,
        "fields": dict(reason.fields),
        "first_event": reason.first,
        "last_event": reason.last,
        "samples": shown,
    }
