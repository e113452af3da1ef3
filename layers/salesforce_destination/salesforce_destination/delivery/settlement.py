"""
What follows a delivery: dead letters for what was rejected, a delay for what was deferred.

A dead letter that cannot be sent makes its message deferred, so that it is never lost between the two queues.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Protocol

from salesforce_destination.outcome import Delivery, Message, OutcomeKind, Wait, deferred


class DeadLetterQueue(Protocol):
    """Where rejected messages go."""

    def send(self, deliveries: Sequence[Delivery]) -> AbstractSet[str]:
        """Send these; give the ids of the messages that did not arrive."""
        ...


class Delays(Protocol):
    """Where a deferred message is told when to come again."""

    def set(self, delays: Sequence[tuple[Message, int]]) -> int:
        """Delay these by so many seconds; give the number of those that were not."""
        ...


DelayOf = Callable[[Wait, int], int | None]
"""Seconds until the next try, by what it waits for and how often it came; None where the queue's own time will do."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A batch at its end: what became of each message, which of them SQS must keep, and what AWS did not take."""

    deliveries: Sequence[Delivery]
    kept: Sequence[str]
    dead_letters_refused: int
    delays_refused: int


def settle(deliveries: Sequence[Delivery], dead_letters: DeadLetterQueue, delays: Delays, delay_of: DelayOf) -> Settled:
    """Send the dead letters, set the delays, and name the messages to keep."""
    refused = [delivery for delivery in deliveries if delivery.outcome.kind is OutcomeKind.REJECTED]
    lost = dead_letters.send(refused) if refused else frozenset[str]()
    again = deferred("DEAD_LETTER_QUEUE_UNAVAILABLE")
    settled = [replace(d, outcome=again) if d.message.id in lost else d for d in deliveries]
    kept = [delivery for delivery in settled if delivery.outcome.kind is OutcomeKind.DEFERRED]
    wanted = ((d.message, delay_of(d.outcome.wait, d.message.receive_count)) for d in kept)
    set_delays = [(message, seconds) for message, seconds in wanted if seconds is not None]
    delays_refused = delays.set(set_delays) if set_delays else 0
    return Settled(settled, [delivery.message.id for delivery in kept], len(lost), delays_refused)
