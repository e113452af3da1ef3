"""One dead letter: what the sender sent, and why it was rejected."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Attributes = dict[str, dict[str, Any]]
"""Message attributes in the shape of the SQS API."""

OURS = frozenset({"ErrorCode", "ErrorMessage", "ErrorFields", "ErrorIndexes", "Attempts", "Destination"})
PACKED = "ProducerAttributes"
"""Where the deliver function packs a sender's attributes that found no room beside its own."""

MOST_ATTRIBUTES = 10

NO_REASON = "MOVED_BY_SQS"
"""The code of a letter without one: SQS moved it after maxReceiveCount deliveries, and says no reason."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message of the dead-letter queue, as it was received."""

    id: str
    receipt_handle: str = field(repr=False)
    body: str = field(repr=False)
    sent_at: int
    attributes: Attributes = field(repr=False)

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> DeadLetter:
        """Read what ReceiveMessage gives."""
        attributes = {name: _plain(attribute) for name, attribute in message.get("MessageAttributes", {}).items()}
        return cls(
            id=message["MessageId"],
            receipt_handle=message["ReceiptHandle"],
            body=message["Body"],
            sent_at=int(message.get("Attributes", {}).get("SentTimestamp", 0)),
            attributes=attributes,
        )

    @property
    def code(self) -> str:
        """Why it was rejected, in one word."""
        return self.text_of("ErrorCode") or NO_REASON

    @property
    def fields(self) -> str:
        """The names of the fields that the reason is about."""
        return self.text_of("ErrorFields")

    @property
    def message(self) -> str:
        """The reason as a sentence. It may repeat values of the profile."""
        return self.text_of("ErrorMessage")

    @property
    def event_time(self) -> int:
        """When the event happened, in ms; for what SQS moved itself, when it was first sent."""
        text = self.text_of("EventTime")
        return int(text) if text.isascii() and text.isdigit() else self.sent_at

    def text_of(self, name: str) -> str:
        """The text of an attribute, empty where there is none."""
        return str(self.attributes.get(name, {}).get("StringValue", ""))

    def sender_attributes(self) -> Attributes:
        """The attributes that the sender gave, unpacked where they were packed; ours are left out."""
        packed = self._unpacked() or ({PACKED: self.attributes[PACKED]} if PACKED in self.attributes else {})
        own = {name: value for name, value in self.attributes.items() if name not in OURS and name != PACKED}
        return {**own, **packed}

    def attributes_to_send(self) -> Attributes:
        """
        The attributes with which it goes back on the queue: the sender's, and the event's time.

        A sender who used all ten that SQS allows without EventTime leaves no room for it: then his stay packed.
        """
        event_time = {"EventTime": {"DataType": "Number", "StringValue": str(self.event_time)}}
        everything = {**self.sender_attributes(), **event_time}
        if len(everything) <= MOST_ATTRIBUTES:
            return everything
        if PACKED in self.attributes:
            return {PACKED: self.attributes[PACKED], **event_time}
        return self.sender_attributes()

    def _unpacked(self) -> Attributes:
        try:
            packed = json.loads(self.text_of(PACKED))
            return {name: _unpacked(attribute) for name, attribute in packed.items()}
        except (ValueError, AttributeError, TypeError):
            return {}


def _plain(attribute: Mapping[str, Any]) -> dict[str, Any]:
    return {key: attribute[key] for key in ("DataType", "StringValue", "BinaryValue") if key in attribute}


def _unpacked(attribute: Mapping[str, Any]) -> dict[str, Any]:
    plain = _plain(attribute)
    if "BinaryValue" in plain:
        plain["BinaryValue"] = b64decode(plain["BinaryValue"])
    return plain
