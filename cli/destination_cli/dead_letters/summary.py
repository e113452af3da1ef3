"""Dead letters counted by reason, shown, or written into a file for whoever corrects them."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from destination_cli.dead_letters.reader import MOST_HIDDEN, DeadLetter, DeadLetterReader
from destination_cli.target import Target, TargetError
from destination_cli.terminal import moment

ONLY_THE_OWNER = 0o600
"""The file holds profiles."""

LONGEST_BODY = 2_000
"""Characters of a body that are shown; --export has all of it."""


@dataclass(slots=True)
class ReasonCount:
    """What the dead letters with one code have in common. `samples` are the first ones."""

    code: str
    count: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    first: int = 0
    last: int = 0
    samples: list[DeadLetter] = field(default_factory=list)

    def note(self, letter: DeadLetter, most_samples: int) -> None:
        """Count a dead letter."""
        self.count += 1
        self.fields.update(name for name in letter.fields.split(",") if name)
        self.first = min(self.first or letter.event_time, letter.event_time)
        self.last = max(self.last, letter.event_time)
        if len(self.samples) < most_samples:
            self.samples.append(letter)


def by_reason(letters: Iterable[DeadLetter], most_samples: int) -> list[ReasonCount]:
    """The reasons, the most frequent first."""
    reasons: dict[str, ReasonCount] = {}
    for letter in letters:
        reasons.setdefault(letter.code, ReasonCount(letter.code)).note(letter, most_samples)
    return sorted(reasons.values(), key=lambda reason: (-reason.count, reason.code))


def export(letters: Iterable[DeadLetter], file: Path) -> Iterator[DeadLetter]:
    """Write one JSON object a line, and pass the dead letters on. The file appears whole, or not at all."""
    letters = iter(letters)
    first = next(letters, None)
    if first is None:
        return
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        with os.fdopen(
            os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, ONLY_THE_OWNER), "w", encoding="utf-8"
        ) as out:
            for letter in chain((first,), letters):
                out.write(json.dumps(as_json(letter), ensure_ascii=False) + "\n")
                yield letter
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def as_json(letter: DeadLetter) -> dict[str, Any]:
    """All that is known of a dead letter; the body as text, byte for byte."""
    return {
        "message_id": letter.id,
        "error_code": letter.code,
        "error_message": letter.message,
        "error_fields": letter.fields,
        "error_indexes": letter.text_of("ErrorIndexes"),
        "attempts": letter.text_of("Attempts"),
        "event_time": letter.event_time,
        "sent_at": letter.sent_at,
        "attributes": {name: _value(attribute) for name, attribute in letter.sender_attributes().items()},
        "body": letter.body,
    }


def _value(attribute: dict[str, Any]) -> str:
    if "BinaryValue" in attribute:
        return b64encode(attribute["BinaryValue"]).decode()
    return str(attribute.get("StringValue", ""))


def list_dead_letters(
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
    Count the dead letters by reason, and write them to a file where one is named. 1 where there are any.

    Dead letters with other reasons than those asked for count for that too: a mistyped code is not the all-clear.
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
        _print(reasons, console, show) if reasons else print_none(codes, others, console)
        if reader.is_full:
            console.print(f"These are the first {MOST_HIDDEN:,} of about {reader.count:,}.", highlight=False)
        if file and reasons:
            text = f"Written to {file}. The file contains profiles: keep it private."
            console.print(text, markup=False, soft_wrap=True)
    return 1 if reasons or others else 0


def _wanted(reader: DeadLetterReader, codes: Collection[str], others: Counter[str]) -> Iterator[DeadLetter]:
    """The dead letters with these codes; those with others are counted."""
    for letter in chain.from_iterable(reader.batches()):
        if not codes or letter.code in codes:
            yield letter
        else:
            others[letter.code] += 1


def print_none(codes: Collection[str], others: Mapping[str, int], console: Console) -> None:
    """Say that there are none, or none of those asked for."""
    if not others:
        console.print("[green]✓[/] There are no dead letters.")
        return
    there = ", ".join(f"{code} ({count:,})" for code, count in Counter(others).most_common())
    text = f"No dead letter has the reason {' or '.join(codes)}. There are: {there}."
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _print(reasons: Sequence[ReasonCount], console: Console, show: bool) -> None:
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


def _as_json(reason: ReasonCount, show: bool) -> dict[str, Any]:
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
