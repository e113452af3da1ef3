"""Putting dead letters back on the queue; none of them is lost, whenever it is interrupted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from botocore.exceptions import ClientError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from destination_cli.dead_letters.reader import DeadLetter, DeadLetterReader
from destination_cli.dead_letters.summary import print_none
from destination_cli.queues import in_calls, size_of_attributes
from destination_cli.target import Target
from destination_cli.terminal import counted


@dataclass(slots=True)
class Redriven:
    """What a redrive did: `left` dead letters have other reasons (`others`), `failed` ones the queue did not take."""

    sent: int = 0
    left: int = 0
    failed: int = 0
    not_deleted: int = 0
    others: dict[str, int] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Whether every dead letter that was meant is back on the queue, and one was meant where there are any."""
        return not self.failed and not self.found_none

    @property
    def found_none(self) -> bool:
        """Whether there are dead letters, but none with a reason that was asked for."""
        return bool(self.left) and not self.sent and not self.failed


def redrive(
    reader: DeadLetterReader,
    sqs: Any,
    queue_url: str,
    codes: Collection[str],
    note: Callable[[Redriven], None] = lambda _: None,
) -> Redriven:
    """
    Send dead letters to the queue and then delete them; without codes all of them.

    Between the two a dead letter lies in both queues. If it ends there, the message comes twice, which does no harm: a
    write is repeated, and guarded by its event time, which a redriven message keeps.
    """
    result, others = Redriven(), Counter[str]()
    for batch in reader.batches():
        wanted = [letter for letter in batch if not codes or letter.code in codes]
        result.left += len(batch) - len(wanted)
        others.update(letter.code for letter in batch if codes and letter.code not in codes)
        for call in in_calls(wanted, _size):
            sent = _send(sqs, queue_url, call)
            result.sent += len(sent)
            result.failed += len(call) - len(sent)
            result.not_deleted += len(reader.delete(sent))
        note(result)
    result.others = dict(others)
    return result


def _size(letter: DeadLetter) -> int:
    return len(letter.body.encode()) + size_of_attributes(letter.attributes_to_send())


def _send(sqs: Any, queue_url: str, letters: Sequence[DeadLetter]) -> list[DeadLetter]:
    """Send these; give those that arrived."""
    entries = [
        {"Id": str(i), "MessageBody": letter.body, "MessageAttributes": letter.attributes_to_send()}
        for i, letter in enumerate(letters)
    ]
    try:
        answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)
    except ClientError as error:
        if (
            not error.response.get("Error", {})
            .get("Code", "")
            .endswith(("BatchRequestTooLong", "InvalidMessageContents"))
        ):
            raise
        # One dead letter that SQS does not take refuses the whole call: alone, the others may pass.
        return [letter for alone in letters for letter in _send(sqs, queue_url, [alone])] if len(letters) > 1 else []
    return [letters[int(entry["Id"])] for entry in answer.get("Successful", ())]


def put_back(target: Target, console: Console, *, codes: Collection[str], as_json: bool) -> int:
    """Redrive, with progress on the console. 1 if a dead letter could not be sent, or none has a reason asked for."""
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
        print_none(codes, result.others, console)
    else:
        _print_redriven(result, console)
    return 0 if result.is_good else 1


def _print_redriven(result: Redriven, console: Console) -> None:
    back, left = counted(result.sent, "dead letter is", "dead letters are"), counted(result.left, "was", "were")
    console.print(f"{back} back on the queue, {left} left.", highlight=False)
    if result.failed:
        failed = counted(result.failed, "was refused by SQS and is", "were refused by SQS and are")
        console.print(f"{failed} still in the dead-letter queue.", style="red")
    if result.not_deleted:
        twice = counted(result.not_deleted, "could not be deleted: it is", "could not be deleted: they are")
        console.print(f"{twice} now in both queues. To deliver a message twice does no harm.")
