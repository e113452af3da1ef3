"""Going through the dead-letter queue, each letter once, and leaving it as it was."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

from destination_cli.dead_letters.letter import DeadLetter
from destination_cli.message_size import ENTRIES_PER_CALL

HIDDEN_SECONDS = 600
"""How long a letter is hidden while it is looked at: longer than any run needs between two looks at the same one."""

MOST_HIDDEN = 100_000
"""SQS lets about 120,000 messages of a queue be hidden at one time ("Message quotas")."""

EMPTY_ANSWERS = 2
"""So many empty answers in a row are the end: one alone may come from a part of the queue (ReceiveMessage)."""


class DeadLetterReader:
    """
    Reads the letters that lay in the queue when it was made.

    Newer ones are left alone: what is put back on the queue may be rejected again, and would be read for ever. What was
    read and not deleted is shown to others again by `release`.
    """

    def __init__(self, sqs: Any, queue_url: str, wait_seconds: int = 1) -> None:
        self._sqs, self._queue_url, self._wait_seconds = sqs, queue_url, wait_seconds
        self._hidden: dict[str, str] = {}
        answer = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["ApproximateNumberOfMessages"])
        self.count = int(answer["Attributes"]["ApproximateNumberOfMessages"])
        self.began_ms = _clock_of(answer)

    @property
    def is_full(self) -> bool:
        """Whether so many letters are hidden by this reader that it stops."""
        return len(self._hidden) >= MOST_HIDDEN

    def batches(self) -> Iterator[list[DeadLetter]]:
        """The letters, up to ten at a time, until no more come."""
        empty = 0
        while empty < EMPTY_ANSWERS and not self.is_full:
            received = self._receive()
            fresh = [letter for letter in received if letter.id not in self._hidden]
            self._hidden.update({letter.id: letter.receipt_handle for letter in received})
            empty = 0 if fresh else empty + 1
            if old := [letter for letter in fresh if letter.sent_at <= self.began_ms]:
                yield old

    def delete(self, letters: list[DeadLetter]) -> list[DeadLetter]:
        """Delete letters; give those that SQS did not delete."""
        if not letters:
            return []
        entries = [{"Id": str(i), "ReceiptHandle": letter.receipt_handle} for i, letter in enumerate(letters)]
        answer = self._sqs.delete_message_batch(QueueUrl=self._queue_url, Entries=entries)
        failed = {int(entry["Id"]) for entry in answer.get("Failed", ())}
        for letter in letters:
            self._hidden.pop(letter.id, None)
        return [letter for i, letter in enumerate(letters) if i in failed]

    def release(self) -> None:
        """Show what was read and is still there."""
        handles = list(self._hidden.values())
        self._hidden.clear()
        for start in range(0, len(handles), ENTRIES_PER_CALL):
            entries = [
                {"Id": str(i), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                for i, handle in enumerate(handles[start : start + ENTRIES_PER_CALL])
            ]
            self._sqs.change_message_visibility_batch(QueueUrl=self._queue_url, Entries=entries)

    def __enter__(self) -> DeadLetterReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _receive(self) -> list[DeadLetter]:
        answer = self._sqs.receive_message(
            QueueUrl=self._queue_url,
            MaxNumberOfMessages=ENTRIES_PER_CALL,
            VisibilityTimeout=HIDDEN_SECONDS,
            WaitTimeSeconds=self._wait_seconds,
            AttributeNames=["SentTimestamp"],
            MessageAttributeNames=["All"],
        )
        return [DeadLetter.of(message) for message in answer.get("Messages", ())]


def _clock_of(answer: Any) -> int:
    """The time in ms by AWS's clock, which a letter's time is from too; by this machine's where there is no header."""
    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
    try:
        return int(parsedate_to_datetime(date).timestamp() * 1000) + 1000
    except (TypeError, ValueError):
        return int(time() * 1000)
