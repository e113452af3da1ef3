"""A message as SQS keeps it, and as it is handed out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Attributes = Mapping[str, Mapping[str, Any]]


@dataclass(slots=True, eq=False)
class Stored:
    """
    One message, or one more copy of it (`number` tells copies apart, `id` does not).

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

    def received(self) -> dict[str, Any]:
        """The message as ReceiveMessage answers it, all attributes asked for."""
        system = {
            "SentTimestamp": str(int(self.sent_at * 1000)),
            "ApproximateReceiveCount": str(self.receive_count),
            "ApproximateFirstReceiveTimestamp": str(int(self.first_received_at * 1000)),
        }
        if self.group:
            system |= {"MessageGroupId": self.group, "SequenceNumber": self.sequence}
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
