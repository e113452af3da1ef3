"""Putting dead letters back on the queue, none of them lost, whenever it is interrupted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from destination_cli.dead_letters.letter import DeadLetter
from destination_cli.dead_letters.reading import DeadLetterReader
from destination_cli.message_size import in_calls, size_of_attributes


@dataclass(slots=True)
class Redriven:
    """What a redrive came to: `left` letters have other reasons (`others`), `failed` ones the queue did not take."""

    sent: int = 0
    left: int = 0
    failed: int = 0
    not_deleted: int = 0
    others: dict[str, int] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Whether every letter that was meant is back on the queue, and one was meant where there are any."""
        return not self.failed and not self.found_none

    @property
    def found_none(self) -> bool:
        """Whether there are letters, but none with a reason that was asked for."""
        return bool(self.left) and not self.sent and not self.failed


def redrive(
    reader: DeadLetterReader,
    sqs: Any,
    queue_url: str,
    codes: Collection[str],
    note: Callable[[Redriven], None] = lambda _: None,
) -> Redriven:
    """
    Send letters to the queue and then delete them; without codes all of them.

    Between the two a letter lies in both queues. If that is where it ends, the message comes twice, which does no harm:
    a write is repeated, and guarded by its event time, which a redriven message keeps.
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
        # One letter that SQS does not take refuses the whole call: alone, the others may pass.
        return [letter for alone in letters for letter in _send(sqs, queue_url, [alone])] if len(letters) > 1 else []
    return [letters[int(entry["Id"])] for entry in answer.get("Successful", ())]
