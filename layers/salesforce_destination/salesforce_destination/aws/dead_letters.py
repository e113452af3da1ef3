"""
The dead-letter queue: messages that can never succeed, each with its body untouched and the reason beside it.

SQS allows ten attributes and 1 MiB for body and attributes together ("Amazon SQS message quotas"). Where that does not
suffice, the reason gives way before the body does: the body is what a person repairs and sends again.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from salesforce_destination.aws.sqs_queue import MOST_BYTES, SqsQueue, size_of_attributes
from salesforce_destination.outcome import Delivery, Reason

MOST_ATTRIBUTES = 10
LONGEST_TEXT = 2_000
"""Characters of a reason that are kept: enough for a person to understand it."""

_NOT_FOR_SQS = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
"""SQS takes the characters of XML 1.0 only (SendMessage in the SQS API reference)."""

OWN = frozenset(("ErrorCode", "ErrorMessage", "ErrorFields", "ErrorIndexes", "EventTime", "Attempts", "Destination"))
"""The attributes that a dead letter gets here."""

Attributes = dict[str, dict[str, Any]]
"""Message attributes in the shape of the SQS API."""


@dataclass(frozen=True, slots=True)
class DeadLetters(SqsQueue):
    """Sends rejected messages to a dead-letter queue."""

    destination: str

    def send(self, deliveries: Sequence[Delivery]) -> set[str]:
        """Send these messages; give the ids of those that did not arrive, which have to be deferred."""
        letters = [(each.message.body, self._attributes(each)) for each in deliveries]
        entries = [{"MessageBody": body, "MessageAttributes": attributes} for body, attributes in letters]
        lost = self.refused("send_message_batch", entries, [_size(*letter) for letter in letters])
        return {deliveries[position].message.id for position in lost}

    def _attributes(self, delivery: Delivery) -> Attributes:
        message, reason = delivery.message, delivery.outcome.reason or Reason("NO_REASON")
        event_time = {"DataType": "Number", "StringValue": str(delivery.event_time or message.sent_at)}
        least = {"ErrorCode": _text(reason.code or "NO_REASON"), "EventTime": event_time}
        optional = {
            "ErrorMessage": reason.text[:LONGEST_TEXT],
            "ErrorFields": ",".join(reason.fields),
            "ErrorIndexes": ",".join(map(str, delivery.failed_profiles)) if delivery.profiles > 1 else "",
            "Attempts": str(message.receive_count),
            "Destination": self.destination,
        }
        ours = least | {name: _text(value) for name, value in optional.items() if value}
        producers = {name: dict(attribute) for name, attribute in message.attributes.items() if name not in OWN}
        for attributes in _ever_smaller(ours, least, producers):
            if _size(message.body, attributes) <= MOST_BYTES:
                return attributes
        return least


def _ever_smaller(ours: Attributes, least: Attributes, producers: Attributes) -> Iterator[Attributes]:
    if len(ours) + len(producers) <= MOST_ATTRIBUTES:
        yield producers | ours
    elif producers:
        packed = json.dumps(producers, default=lambda value: b64encode(value).decode())
        yield ours | {"ProducerAttributes": _text(packed)}
    shortened = {**ours, "ErrorMessage": _text("(shortened)")} if "ErrorMessage" in ours else ours
    yield shortened
    yield least


def _size(body: str, attributes: Attributes) -> int:
    return len(body.encode()) + size_of_attributes(attributes)


def _text(value: str) -> dict[str, Any]:
    return {"DataType": "String", "StringValue": re.sub(_NOT_FOR_SQS, "?", value)}
