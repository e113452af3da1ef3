"""When a deferred message comes again: its own visibility timeout, by what it waits for.

SQS would bring all of them back together after the queue's visibility timeout. Spreading them out (any delay from the
shortest to the exponential one is as likely) keeps a herd from hitting the org at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from salesforce_destination.outcome import Wait

SPENT_SECONDS = 360
"""What may be over of the queue's timeout, which counts from the receive: the window and the function's time."""

CLOSE_ENOUGH = 0.1
"""A tenth more or less of the queue's own timeout is not worth a call."""

RANGES: dict[Wait, tuple[int, int]] = {
    Wait.UNKNOWN: (600, 900),
    Wait.DAILY_LIMIT: (1800, 3600),
    Wait.UNTIL_MENDED: (900, 1800),
    Wait.ORG_LIMIT: (900, 1800),
    Wait.COMMON_CAUSE: (900, 1800),
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
        """Seconds until the next delivery; None where the queue's own timeout is close enough to save the call.

        The range is what the wait asks for; within it every delay is as likely.
        """
        shortest, longest = RANGES.get(wait) or (self.base, min(self.longest, self.base << min(receive_count, 20)))
        if wait in RANGES and shortest <= self.visibility - SPENT_SECONDS and self.visibility <= longest:
            return None
        delay = round(shortest + self.random() * (longest - shortest))
        return None if abs(delay - self.visibility) <= self.visibility * CLOSE_ENOUGH else delay
