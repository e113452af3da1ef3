"""Sets visibility timeouts on the queue, so that a deferred message comes again at its own time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from salesforce_destination.outcome import Message

ENTRIES_PER_CALL = 10
"""ChangeMessageVisibilityBatch takes up to 10 entries (SQS API reference)."""

CALLS_AT_ONCE = 8


class VisibilityTimeouts:
    """Sets visibility timeouts on one queue, ten to a call and several calls at once; `sqs` gives the client."""

    def __init__(self, sqs: Callable[[], Any], queue_url: str) -> None:
        self._sqs, self._queue_url = sqs, queue_url

    def set(self, delays: Sequence[tuple[Message, int]]) -> int:
        """
        Delay these messages; give the number of those that SQS did not take.

        Those come again after the queue's own visibility timeout: later than meant, and nothing is lost.
        """
        calls = [delays[start : start + ENTRIES_PER_CALL] for start in range(0, len(delays), ENTRIES_PER_CALL)]
        if len(calls) == 1:
            return self._set_some(calls[0])
        self._sqs()  # made once, before the threads: making a client is not safe among them (boto3, "Multithreading")
        with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
            return sum(pool.map(self._set_some, calls))

    def _set_some(self, delays: Sequence[tuple[Message, int]]) -> int:
        entries = [
            {"Id": str(number), "ReceiptHandle": message.receipt_handle, "VisibilityTimeout": seconds}
            for number, (message, seconds) in enumerate(delays)
        ]
        try:
            answer = self._sqs().change_message_visibility_batch(QueueUrl=self._queue_url, Entries=entries)
        except (BotoCoreError, ClientError):
            return len(entries)
        return len(answer.get("Failed", ()))
