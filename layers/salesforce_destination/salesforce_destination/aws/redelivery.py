"""
When a deferred message comes again: its own visibility timeout, by what it waits for.

SQS would bring all of them back together after the queue's visibility timeout. Spreading them out (full jitter: any
delay up to the exponential one is as likely) keeps a herd from hitting the org at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from salesforce_destination.outcome import Message, Wait

ENTRIES_PER_CALL = 10
"""ChangeMessageVisibilityBatch takes up to 10 entries (SQS API reference)."""

CALLS_AT_ONCE = 8
SPENT_SECONDS = 360
"""What may be over of the queue's timeout, which counts from the receive: the window and the function's time."""

CLOSE_ENOUGH = 0.1
"""A tenth more or less of the queue's own timeout is not worth a call."""

RANGES: dict[Wait, tuple[int, int]] = {
    Wait.UNKNOWN: (600, 900),
    Wait.DAILY_LIMIT: (1800, 3600),
    Wait.UNTIL_MENDED: (900, 1800),
}
"""Shortest and longest delay in seconds, for what does not wait exponentially longer each time."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays from `base` to `longest` seconds, on a queue that brings a message back after `visibility` anyway."""

    base: int
    longest: int
    visibility: int
    random: Callable[[], float]

    def delay_of(self, wait: Wait, receive_count: int) -> int | None:
        """
        Seconds until the next delivery; None where the queue's own timeout is close enough to save the call.

        The range is what the wait asks for; within it every delay is as likely.
        """
        shortest, longest = RANGES.get(wait) or (self.base, min(self.longest, self.base << min(receive_count, 20)))
        if wait in RANGES and shortest <= self.visibility - SPENT_SECONDS and self.visibility <= longest:
            return None
        delay = round(shortest + self.random() * (longest - shortest))
        return None if abs(delay - self.visibility) <= self.visibility * CLOSE_ENOUGH else delay


class RedeliveryDelays:
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
