"""A standard queue of SQS: at least once, in any order, hidden while in flight, gone when too old, with its errors."""

from __future__ import annotations

import hashlib
import heapq
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from botocore.exceptions import ClientError


def refused(operation: str, code: str, text: str, status: int = 400) -> ClientError:
    """The error of one call."""
    answer = {"Error": {"Code": code, "Message": text}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)


def unavailable(operation: str) -> ClientError:
    """The service is down for a while."""
    return refused(operation, "ServiceUnavailable", "The request has failed due to a temporary failure.", 503)


class EntryError(Exception):
    """What is wrong with one entry of a batch, or with a single call: its code, and a text."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code)
        self.code, self.text = code, text

    def as_failed(self, entry_id: str) -> dict[str, object]:
        """As it stands in the `Failed` of a batch's answer."""
        return {"Id": entry_id, "SenderFault": True, "Code": self.code, "Message": self.text}


Attributes = Mapping[str, Mapping[str, Any]]


@dataclass(slots=True, eq=False)
class Stored:
    """One message, or one more copy of it (`number` tells copies apart, `id` does not).

    Times are seconds since 1970. `is_hidden` is true in flight, which ends at `visible_at`; `sent_at` stays what
    it was when SQS moves a message to the dead-letter queue ("Dead-letter queues", message retention).
    """

    number: int
    id: str
    body: str
    attributes: Attributes
    sent_at: float
    receive_count: int = 0
    first_received_at: float = 0.0
    received_at: float = 0.0
    visible_at: float = 0.0
    is_hidden: bool = False
    handle: str = ""
    group: str = ""
    sequence: str = ""
    moved_from: str = ""

    def received(self) -> dict[str, Any]:
        """The message as ReceiveMessage answers it, all attributes asked for."""
        system = {
            "SentTimestamp": str(int(self.sent_at * 1000)),
            "ApproximateReceiveCount": str(self.receive_count),
            "ApproximateFirstReceiveTimestamp": str(int(self.first_received_at * 1000)),
        }
        if self.group:
            system |= {"MessageGroupId": self.group, "SequenceNumber": self.sequence}
        if self.moved_from:
            system["DeadLetterQueueSourceArn"] = self.moved_from
        message = {
            "MessageId": self.id,
            "ReceiptHandle": self.handle,
            "MD5OfBody": md5(self.body),
            "Body": self.body,
            "Attributes": system,
        }
        return {**message, "MessageAttributes": dict(self.attributes)} if self.attributes else message


def md5(text: str) -> str:
    """The digest that SQS puts beside a body, to find damage and not for safety."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def size_of(body: str, attributes: Attributes) -> int:
    """What counts towards SQS's limit: the body, and the names, types and values of its attributes."""
    size = len(body.encode())
    for name, attribute in attributes.items():
        value = attribute.get("StringValue") or attribute.get("BinaryValue") or ""
        size += len(name) + len(attribute["DataType"]) + len(value.encode() if isinstance(value, str) else value)
    return size


IN_FLIGHT_LIMIT = 120_000
"""Messages in flight of a standard queue; then a long poll finds nothing ("Amazon SQS standard queue quotas")."""

LONGEST_INVISIBLE_SECONDS = 43_200
"""A message is hidden for 12 hours at the most, counted from when it was received (ChangeMessageVisibility)."""


@dataclass(frozen=True, slots=True)
class QueueConfig:
    """What a queue is set to, and how badly it behaves.

    `duplicates` is the share of deliveries after which one more copy of the message is about: SQS delivers at least
    once, and again when a server missed the delete ("At-least-once delivery").
    """

    visibility_seconds: int = 30
    retention_seconds: int = 345_600
    max_receive_count: int | None = None
    in_flight_limit: int = IN_FLIGHT_LIMIT
    duplicates: float = 0.0
    duplicate_within_seconds: float = 600.0


class StandardQueue:
    """The messages of one queue.

    Which of the visible messages comes next is drawn, so that order means nothing. May be called from several threads:
    what changes visibility does so in no particular order, and the outcome does not depend on it.
    """

    def __init__(self, name: str, config: QueueConfig, now: Callable[[], float], draw: random.Random) -> None:
        self.name, self.config, self.now = name, config, now
        self.dead_letters: StandardQueue | None = None
        self.expired: list[Stored] = []
        self.moved = 0
        self.copies = 0
        self.most_in_flight = 0
        self.lock = threading.RLock()
        self._draw = draw
        self._numbers = count(1)
        self._by_handle: dict[str, Stored] = {}
        self._messages: dict[int, Stored] = {}
        self._visible: list[Stored] = []
        self._hidden: list[tuple[float, int]] = []
        self._in_flight = 0

    def add(self, body: str, attributes: Attributes, delay: int = 0) -> Stored:
        """Take a message, to be received after so many seconds."""
        message = Stored(next(self._numbers), self._new_id(), body, attributes, self.now())
        if not delay:
            return self._put(message)
        with self.lock:
            self._messages[message.number] = message
            self._hide(message, delay)
        return message

    def receive(self, most: int, visibility_seconds: int | None = None) -> list[Stored]:
        """Hand out up to so many messages; none where too many are in flight already."""
        seconds = self.config.visibility_seconds if visibility_seconds is None else visibility_seconds
        with self.lock:
            self._reveal()
            taken: list[Stored] = []
            while self._visible and len(taken) < most and self._in_flight < self.config.in_flight_limit:
                message = self._take_one()
                if message and not self._sent_away(message):
                    self._hand_out(message, seconds)
                    taken.append(message)
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
            return taken

    def delete(self, handle: str) -> None:
        """Delete by the latest receipt handle; an older one is accepted, and the message stays (DeleteMessage)."""
        with self.lock:
            self._reveal()
            message = self._of(handle)
            if message is None or message.number not in self._messages:
                return
            if message.is_hidden:
                self._in_flight -= 1
            else:
                self._visible.remove(message)
            del self._messages[message.number]

    def change_visibility(self, handle: str, seconds: int) -> None:
        """Hide a message in flight for so many seconds from now; EntryError where that cannot be."""
        with self.lock:
            self._reveal()
            message = self._of(handle)
            if message is None or message.number not in self._messages or not message.is_hidden:
                text = "The message does not exist or is not available for visibility timeout change."
                raise EntryError("InvalidParameterValue", text)
            if self.now() + seconds - message.received_at > LONGEST_INVISIBLE_SECONDS:
                text = "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]"
                raise EntryError("InvalidParameterValue", text)
            self._hide(message, seconds)

    def counts(self) -> tuple[int, int]:
        """How many messages are visible, and how many in flight."""
        with self.lock:
            self._reveal()
            return len(self._visible), self._in_flight

    @property
    def is_full(self) -> bool:
        """Whether as many messages are in flight as there may be."""
        return self._in_flight >= self.config.in_flight_limit

    def all(self) -> list[Stored]:
        """Every message that is still here."""
        return list(self._messages.values())

    def _put(self, message: Stored) -> Stored:
        with self.lock:
            self._messages[message.number] = message
            self._visible.append(message)
        return message

    def _new_id(self) -> str:
        bits = f"{self._draw.getrandbits(128):032x}"
        return "-".join((bits[:8], bits[8:12], bits[12:16], bits[16:20], bits[20:]))

    def _of(self, handle: str) -> Stored | None:
        if not handle.startswith(f"{self.name}-"):
            raise EntryError("ReceiptHandleIsInvalid", f'The input receipt handle "{handle}" is not a valid one.')
        return self._by_handle.get(handle)

    def _take_one(self) -> Stored | None:
        place = self._draw.randrange(len(self._visible))
        self._visible[place], self._visible[-1] = self._visible[-1], self._visible[place]
        message = self._visible.pop()
        if self.now() - message.sent_at < self.config.retention_seconds:
            return message
        del self._messages[message.number]
        self.expired.append(message)
        return None

    def _sent_away(self, message: Stored) -> bool:
        limit = self.config.max_receive_count
        if self.dead_letters is None or limit is None or message.receive_count < limit:
            return False
        del self._messages[message.number]
        self.moved += 1
        moved = Stored(next(self.dead_letters._numbers), message.id, message.body, message.attributes, message.sent_at)
        moved.receive_count, moved.first_received_at = message.receive_count, message.first_received_at
        moved.moved_from = f"arn:aws:sqs:::{self.name}"
        self.dead_letters._put(moved)
        return True

    def _hand_out(self, message: Stored, seconds: int) -> None:
        now = self.now()
        message.receive_count += 1
        message.first_received_at = message.first_received_at or now
        message.received_at = now
        self._by_handle.pop(message.handle, None)
        message.handle = f"{self.name}-{message.number}-{message.receive_count}"
        self._by_handle[message.handle] = message
        self._in_flight += 1
        self._hide(message, seconds)
        if self.config.duplicates and self._draw.random() < self.config.duplicates:
            self._copy(message)

    def _copy(self, message: Stored) -> None:
        copy = Stored(next(self._numbers), message.id, message.body, message.attributes, message.sent_at)
        copy.receive_count, copy.first_received_at = message.receive_count, message.first_received_at
        self._messages[copy.number] = copy
        self.copies += 1
        self._in_flight += 1
        self._hide(copy, self._draw.random() * self.config.duplicate_within_seconds)

    def _hide(self, message: Stored, seconds: float) -> None:
        message.visible_at, message.is_hidden = self.now() + seconds, True
        heapq.heappush(self._hidden, (message.visible_at, message.number))

    def _reveal(self) -> None:
        now = self.now()
        while self._hidden and self._hidden[0][0] <= now:
            visible_at, number = heapq.heappop(self._hidden)
            message = self._messages.get(number)
            if message and message.is_hidden and message.visible_at == visible_at:
                message.is_hidden = False
                self._in_flight -= message.receive_count > 0  # else it was delayed
                self._visible.append(message)
