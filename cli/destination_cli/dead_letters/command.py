"""What `destination dead-letters` does, in its three ways: to show, to put back, to export."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from destination_cli.dead_letters.export import export
from destination_cli.dead_letters.letter import DeadLetter
from destination_cli.dead_letters.reading import MOST_HIDDEN, DeadLetterReader
from destination_cli.dead_letters.reasons import Reason, by_reason, moment
from destination_cli.dead_letters.redrive import Redriven, redrive
from destination_cli.plural import counted
from destination_cli.target import Target, TargetError

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
    """
    Count the letters by reason, and write them to a file where one is named. 1 where there are any.

    Letters with other reasons than those asked for count for that too: a mistyped code is not the all-clear.
    """
    others: Counter[str] = Counter()
    with DeadLetterReader(target.client("sqs"), target.dead_letter_queue_url) as reader:
        letters = _wanted(reader, codes, others)
        try:
            reasons = by_reason(export(letters, file) if file else letters, samples)
        except OSError as error:
            raise TargetError(f"{file} cannot be written: {error.strerror}.") from None
    if as_json:
        found = {"dead_letters": [_as_json(reason, show) for reason in reasons], "other_reasons": dict(others)}
        print(json.dumps(found, indent=2))
    else:
        _print(reasons, console, show) if reasons else _print_none(codes, others, console)
        if reader.is_full:
            console.print(f"These are the first {MOST_HIDDEN:,} of about {reader.count:,}.", highlight=False)
        if file and reasons:
            text = f"Written to {file}. The file contains profiles: keep it private."
            console.print(text, markup=False, soft_wrap=True)
    return 1 if reasons or others else 0


def put_back(target: Target, console: Console, *, codes: Collection[str], as_json: bool) -> int:
    """Redrive, with progress on the console. 1 where a letter could not be sent, or none has a reason asked for."""
    sqs = target.client("sqs")
    columns = (TextColumn("Put back"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        DeadLetterReader(sqs, target.dead_letter_queue_url) as reader,
        Progress(*columns, console=console, disable=as_json) as progress,
    ):
        task = progress.add_task("", total=reader.count)

        def note(result: Redriven) -> None:
            tried = result.sent + result.failed
            progress.update(task, completed=tried, total=max(reader.count - result.left, tried))

        result = redrive(reader, sqs, target.queue_url, codes, note)
        progress.update(task, total=result.sent + result.failed)
    if as_json:
        print(json.dumps(asdict(result), indent=2))
    elif result.found_none:
        _print_none(codes, result.others, console)
    else:
        _print_redriven(result, console)
    return 0 if result.is_good else 1


def _wanted(reader: DeadLetterReader, codes: Collection[str], others: Counter[str]) -> Iterator[DeadLetter]:
    """The letters with these codes; those with others are counted."""
    for letter in chain.from_iterable(reader.batches()):
        if not codes or letter.code in codes:
            yield letter
        else:
            others[letter.code] += 1


def _print_none(codes: Collection[str], others: Mapping[str, int], console: Console) -> None:
    """Say that there are none, or none of those asked for."""
    if not others:
        console.print("[green]✓[/] There are no dead letters.")
        return
    there = ", ".join(f"{code} ({count:,})" for code, count in Counter(others).most_common())
    text = f"No dead letter has the reason {' or '.join(codes)}. There are: {there}."
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _print(reasons: Sequence[Reason], console: Console, show: bool) -> None:
    table = Table(
        Column("Reason", no_wrap=True), "Count", "Fields", "First event", "Last event", box=None, pad_edge=False
    )
    for reason in reasons:
        fields = ", ".join(f"{name} ({count})" for name, count in reason.fields.most_common(5))
        table.add_row(reason.code, f"{reason.count:,}", escape(fields), moment(reason.first), moment(reason.last))
    console.print(table)
    for letter in chain.from_iterable(reason.samples for reason in reasons):
        attempts = letter.text_of("Attempts") or "?"
        about = f"event of {moment(letter.event_time)}, message {letter.id}"
        text = f"\n{letter.code}  {about}, {attempts} {'attempt' if attempts == '1' else 'attempts'}"
        console.print(text, markup=False, soft_wrap=True)
        if show:
            console.print(f"  {letter.message}\n  {letter.body[:LONGEST_BODY]}", markup=False, highlight=False)
    if not show:
        console.print("\nAdd --show to see Salesforce's error texts and the profiles.", style="dim")


def _print_redriven(result: Redriven, console: Console) -> None:
    back, left = counted(result.sent, "dead letter is", "dead letters are"), counted(result.left, "was", "were")
    console.print(f"{back} back on the queue, {left} left.", highlight=False)
    if result.failed:
        failed = counted(result.failed, "was refused by SQS and is", "were refused by SQS and are")
        console.print(f"{failed} still in the dead-letter queue.", style="red")
    if result.not_deleted:
        twice = counted(result.not_deleted, "could not be deleted: it is", "could not be deleted: they are")
        console.print(f"{twice} now in both queues. To deliver a message twice does no harm.")


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
