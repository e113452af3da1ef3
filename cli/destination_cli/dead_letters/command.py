"""What `destination dead-letters` does: they are counted by reason, written to a file, or put back on the queue."""

import json
import os
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from salesforce_destination.aws.sqs_queue import in_calls, size_of_attributes

from destination_cli.dead_letters.reader import HIDDEN_SECONDS, MOST_HIDDEN, DeadLetter, DeadLetterReader
from destination_cli.queues import send_messages
from destination_cli.target import Target, TargetError, explained
from destination_cli.terminal import counted, moment

ONLY_THE_OWNER = 0o600  # the file holds profiles
_MINUTES = HIDDEN_SECONDS // 60
INTERRUPTED = f"Interrupted. What is left can be read again, in {_MINUTES} minutes at most."
WHY_UNREAD = (
    f"They are new, hidden by another command, or above the {MOST_HIDDEN:,} that this one hides at once."
    f" Run it again in {_MINUTES} minutes."
)

LONGEST_BODY = 2_000  # characters of a body that are shown; --export has all of it


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
        self.fields.update(name for name in letter.text_of("ErrorFields").split(",") if name)
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


@contextmanager
def export(file: Path) -> Iterator[Callable[[DeadLetter], None]]:
    """Give what writes a dead letter as a line of JSON. The file appears whole, or not at all, and replaces none."""
    if file.exists():
        raise TargetError(f"{file} exists. Name another file, or delete this one first.")
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        draft.touch(ONLY_THE_OWNER)
        with draft.open("w", encoding="utf-8") as out:
            write = json.JSONEncoder(ensure_ascii=False, default=lambda value: b64encode(value).decode())
            yield lambda letter: print(write.encode(as_json(letter)), file=out)
        if draft.stat().st_size:
            draft.replace(file)
    except OSError as error:
        raise TargetError(f"{file} cannot be written: {error.strerror}.") from None
    finally:
        draft.unlink(missing_ok=True)


def as_json(letter: DeadLetter) -> dict[str, Any]:
    """All that is known of a dead letter; the body as text, byte for byte, and what is binary as bytes."""
    return {
        "message_id": letter.message_id,
        "error_code": letter.code,
        **{f"error_{name.lower()}": letter.text_of(f"Error{name}") for name in ("Message", "Fields", "Indexes")},
        "attempts": letter.text_of("Attempts"),
        "event_time": letter.event_time,
        "sent_at": letter.sent_at,
        "attributes": {k: v.get("BinaryValue", v.get("StringValue")) for k, v in letter.attributes_to_send().items()},
        "body": letter.body,
    }


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
    """Count the dead letters by reason, and write them to a named file. 1 where there are any, of other reasons too."""
    others, bar = Counter[str](), None if as_json else console

    def wanted(reader: DeadLetterReader, write: Callable[[DeadLetter], None]) -> Iterator[DeadLetter]:
        for letter in chain.from_iterable(reader.each(list)):
            if not codes or letter.code in codes:
                write(letter)
                yield letter
            else:
                others[letter.code] += 1

    try:
        with (
            DeadLetterReader(target.client("sqs"), target.dead_letter_queue_url, console=bar) as reader,
            export(file) if file else nullcontext(lambda letter: None) as write,
        ):
            reasons = by_reason(wanted(reader, write), samples)
            unread = reader.unread()
    except KeyboardInterrupt:
        raise TargetError(INTERRUPTED) from None
    if as_json:
        found = {"dead_letters": [_as_json(reason, show) for reason in reasons], "other_reasons": dict(others)}
        print(json.dumps({**found, "unread": unread}, indent=2))
    else:
        _print(reasons, console, show) if reasons else print_none(codes, others, console, unread)
        print_unread(unread, console)
        if reasons and file:
            text = f"\nThis file contains the profiles; keep it private:\n{file}"
            console.print(text, markup=False, highlight=False, soft_wrap=True)
    return 1 if reasons or others or unread else 0


def print_unread(unread: int, console: Console) -> None:
    """Say how many dead letters were not read, if any."""
    if unread:
        console.print(f"SQS counts about {unread:,} more. {WHY_UNREAD}", style="red", highlight=False)


def print_none(codes: Collection[str], others: Mapping[str, int], console: Console, unread: int = 0) -> None:
    """Say that there are none, or none of those asked for."""
    if not others:
        console.print("No dead letter was read." if unread else "[green]✓[/] There are no dead letters.")
        return
    there = ", ".join(f"{code} ({count:,})" for code, count in Counter(others).most_common())
    text = f"No dead letter has the reason {' or '.join(codes)}. There are: {there}."
    console.print(text, markup=False, highlight=False)


def _print(reasons: Sequence[ReasonCount], console: Console, show: bool) -> None:
    table = Table(Column("Count", justify="right"), "Reason, fields, time of the events", box=None, pad_edge=False)
    for reason in reasons:
        fields = ", ".join(f"{name} ({count:,})" for name, count in reason.fields.most_common(5))
        times = " to ".join(dict.fromkeys((moment(reason.first), moment(reason.last))))
        table.add_row(f"{reason.count:,}", escape("\n".join(filter(None, (reason.code, fields, times)))))
    console.print(table)
    for letter in chain.from_iterable(reason.samples for reason in reasons):
        attempts = letter.text_of("Attempts") or "?"
        about = f"event of {moment(letter.event_time)}, {attempts} {'attempt' if attempts == '1' else 'attempts'}"
        console.print(f"\n{letter.code}\n  {about}\n  message {letter.message_id}", markup=False)
        if show:
            text = f"  {letter.text_of('ErrorMessage')}\n  {letter.body[:LONGEST_BODY]}"
            console.print(text, markup=False, highlight=False)
    if not show:
        console.print("\nAdd --show to see Salesforce's error texts and the profiles.", style="dim")


def _as_json(reason: ReasonCount, show: bool) -> dict[str, Any]:
    shown = {"message_id", "attempts", "event_time"} | ({"error_message", "body"} if show else set())
    return {
        "error_code": reason.code,
        "count": reason.count,
        "fields": dict(reason.fields),
        "first_event": reason.first,
        "last_event": reason.last,
        "samples": [{key: value for key, value in as_json(one).items() if key in shown} for one in reason.samples],
    }


@dataclass(slots=True)
class Redriven:
    """What a redrive did: `left` have other reasons (`others`) or came back; `not_deleted` are in both queues."""

    sent: int = 0
    left: int = 0
    failed: int = 0
    not_deleted: int = 0
    unread: int = 0
    others: dict[str, int] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Whether no dead letter that was meant is left, and one was meant where there are any."""
        return not (self.failed or self.not_deleted or self.unread or (self.left and not self.sent))


def redrive(reader: DeadLetterReader, sqs: Any, queue_url: str, codes: Collection[str], result: Redriven) -> None:
    """Send dead letters to the queue and then delete them; without codes all of them.

    If it ends between the two, the message comes twice, which does no harm: its event time guards it. What comes back
    while this runs is known by its message's id, and left.
    """
    lock, back = Lock(), set[tuple[str, int]]()

    def put_some_back(batch: list[DeadLetter]) -> None:
        with lock:
            names = {one.id: (one.message_id, hash(one.body)) for one in batch}
            wanted = [one for one in batch if (not codes or one.code in codes) and names[one.id] not in back]
            back.update(names[one.id] for one in wanted)
            result.left += len(batch) - len(wanted)
            others = Counter(letter.code for letter in batch) - Counter(letter.code for letter in wanted)
            result.others = dict(others + Counter(result.others))
        for call in in_calls(wanted, lambda one: len(one.body.encode()) + size_of_attributes(one.attributes_to_send())):
            messages = [{"MessageBody": one.body, "MessageAttributes": one.attributes_to_send()} for one in call]
            failed = send_messages(sqs, queue_url, messages)
            sent = [letter for place, letter in enumerate(call) if place not in failed]
            with lock:
                result.sent += len(sent)
                result.failed += len(failed)
            not_deleted = reader.delete(sent)
            with lock:
                result.not_deleted += not_deleted

    for _ in reader.each(put_some_back):
        pass
    result.unread = reader.unread()


def put_back(target: Target, console: Console, *, codes: Collection[str], as_json: bool) -> int:
    """Redrive, with a bar. 1 if a dead letter that was meant is left, or none has a reason asked for."""
    result, sqs, bar = Redriven(), target.client("sqs"), None if as_json else console
    try:
        with explained(target.name), DeadLetterReader(sqs, target.dead_letter_queue_url, console=bar) as reader:
            redrive(reader, sqs, target.queue_url, codes, result)
    except (KeyboardInterrupt, TargetError) as error:
        raise TargetError(f"{str(error) or INTERRUPTED} {_back(result)}.") from None
    if as_json:
        print(json.dumps(asdict(result), indent=2))
    else:
        _print_redriven(result, codes, console)
    return 0 if result.is_good else 1


def _back(result: Redriven) -> str:
    return f"{counted(result.sent, 'dead letter is', 'dead letters are')} back on the queue"


def _print_redriven(result: Redriven, codes: Collection[str], console: Console) -> None:
    if result.left and not result.sent and not result.failed:
        print_none(codes, result.others, console, result.unread)
    else:
        console.print(f"{_back(result)}, {counted(result.left, 'was', 'were')} left.", highlight=False)
    if result.failed:
        failed = counted(result.failed, "was refused by SQS and is", "were refused by SQS and are")
        console.print(f"{failed} still in the dead-letter queue.", style="red")
    if result.not_deleted:
        twice = counted(result.not_deleted, "could not be deleted: it is", "could not be deleted: they are")
        console.print(f"{twice} now in both queues. To deliver a message twice does no harm.")
    print_unread(result.unread, console)
