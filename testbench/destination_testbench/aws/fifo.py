"""A FIFO queue of SQS, as the refresh queue is one: deduplicated for five minutes, one group in order."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import count

from destination_testbench.aws.queue import Attributes, EntryError, QueueConfig, Stored

DEDUPLICATED_FOR_SECONDS = 300
"""The deduplication interval ("Exactly-once processing in Amazon SQS")."""


class FifoQueue:
    """The messages of one queue, in the order of their groups: while one of a group is in flight, the others wait."""

    def __init__(self, name: str, config: QueueConfig, now: Callable[[], float], draw: random.Random) -> None:
        self.name, self.config, self.now = name, config, now
        self._draw = draw
        self._numbers = count(1)
        self._messages: list[Stored] = []
        self._known: dict[str, tuple[float, Stored]] = {}

    def add(self, body: str, attributes: Attributes, group: str, deduplication_id: str) -> Stored:
        """Take a message, or answer with the one that had the same id within five minutes."""
        known = self._known.get(deduplication_id)
        if known and self.now() - known[0] < DEDUPLICATED_FOR_SECONDS:
            return known[1]
        number = next(self._numbers)
        message_id = f"{self.name}-{number}-{self._draw.getrandbits(64):016x}"
        message = Stored(number, message_id, body, attributes, self.now())
        message.group, message.sequence = group, f"{number:020d}"
        self._messages.append(message)
        self._known[deduplication_id] = (self.now(), message)
        return message

    @property
    def is_empty(self) -> bool:
        """Whether there is no message, neither visible nor in flight."""
        return not self._messages

    def receive(self, most: int, visibility_seconds: int | None = None) -> list[Stored]:
        """Hand out up to so many messages: in order, and none of a group that has one in flight."""
        seconds = self.config.visibility_seconds if visibility_seconds is None else visibility_seconds
        now, oldest = self.now(), self.now() - self.config.retention_seconds
        self._messages = [message for message in self._messages if message.sent_at > oldest]
        held_up = {message.group for message in self._messages if message.visible_at > now}
        taken = [message for message in self._messages if message.group not in held_up][:most]
        for message in taken:
            message.receive_count += 1
            message.first_received_at = message.first_received_at or now
            message.visible_at = now + seconds
            message.handle = f"{self.name}-{message.number}-{message.receive_count}"
        return taken

    def delete(self, handle: str) -> None:
        """Delete by the latest receipt handle, while the message is in flight (DeleteMessage, FIFO queues)."""
        if not handle.startswith(f"{self.name}-"):
            raise EntryError("ReceiptHandleIsInvalid", f'The input receipt handle "{handle}" is not a valid one.')
        self._messages = [m for m in self._messages if m.handle != handle or m.visible_at <= self.now()]

    def change_visibility(self, handle: str, seconds: int) -> None:
        """Hide a message in flight for so many seconds from now."""
        for message in self._messages:
            if message.handle == handle and message.visible_at > self.now():
                message.visible_at = self.now() + seconds
                return
        raise EntryError("InvalidParameterValue", "The message is not available for visibility timeout change.")

    def counts(self) -> tuple[int, int]:
        """How many messages are visible, and how many in flight."""
        in_flight = sum(message.visible_at > self.now() for message in self._messages)
        return len(self._messages) - in_flight, in_flight

    def all(self) -> list[Stored]:
        """Every message that is still here."""
        return list(self._messages)
