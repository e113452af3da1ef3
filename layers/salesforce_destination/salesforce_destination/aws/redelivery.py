"""
When a deferred message comes again: its own visibility timeout, by what it waits for.

SQS would bring all of them back together after the queue's visibility timeout. Spreading them out (full jitter: any
delay up to the exponential one is as likely) keeps a herd from hitting the org at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from salesforce_destination.domain.message import Message
from salesforce_destination.domain.outcome import Wait

ENTRIES_PER_CALL = 10
"""ChangeMessageVisibilityBatch takes up to 10 entries (SQS API reference)."""

CALLS_AT_ONCE = 8

RANGES: dict[Wait, tuple[int, int]] = {
    Wait.UNKNOWN: (600, 900),
    Wait.DAILY_LIMIT: (1800, 3600),
    Wait.MISFIT: (900, 1800),
}
"""Shortest and longest delay in seconds, for what does not wait exponentially longer each time."""


def delay_seconds(wait: Wait, receive_count: int, base: int, longest: int, random: Callable[[], float]) -> int:
    """Give the delay before the next delivery; `random` gives numbers from 0 to 1."""
    if wait in RANGES:
        shortest, most = RANGES[wait]
        return round(shortest + random() * (most - shortest))
    ceiling = min(longest, base << min(receive_count, 20))
    return round(base + random() * (ceiling - base))


class RedeliveryDelays:
    """Sets visibility timeouts on one queue, ten to a call and several calls at once."""

    def __init__(self, sqs: Any, queue_url: str) -> None:
        self._sqs, self._queue_url = sqs, queue_url

    def set(self, delays: Sequence[tuple[Message, int]]) -> int:
        """
        Delay these messages; give the number of those that SQS did not take.

        Those come again after the queue's own visibility timeout: later than meant, and nothing is lost.
        """
        calls = [delays[start : start + ENTRIES_PER_CALL] for start in range(0, len(delays), ENTRIES_PER_CALL)]
        if len(calls) == 1:
            return self._set_some(calls[0])
        with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
            return sum(pool.map(self._set_some, calls))

    def _set_some(self, delays: Sequence[tuple[Message, int]]) -> int:
        entries = [
            {"Id": str(number), "ReceiptHandle": message.receipt_handle, "VisibilityTimeout": seconds}
            for number, (message, seconds) in enumerate(delays)
        ]
        try:
            answer = self._sqs.change_message_visibility_batch(QueueUrl=self._queue_url, Entries=entries)
        except (BotoCoreError, ClientError):
            return len(entries)
        return len(answer.get("Failed", ()))
