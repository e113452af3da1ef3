"""The dead-letter queue: messages that can never succeed, each with its body untouched and the reason beside it.

SQS allows ten attributes and 1 MiB for body and attributes together ("Amazon SQS message quotas"). Where that does not
suffice, the reason gives way before the body does: the body is what a person repairs and sends again.
"""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from salesforce_destination.aws.sqs_queue import MOST_BYTES, SqsQueue, size_of_attributes
from salesforce_destination.outcome import Delivery, Reason
from salesforce_destination.profile.event_time import is_in_ms

MOST_ATTRIBUTES = 10
LONGEST_TEXT = 2_000  # characters of a reason that are kept: enough for a person to understand it

_NOT_FOR_SQS = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
"""SQS takes the characters of XML 1.0 only (SendMessage in the SQS API reference)."""

OWN = frozenset(
    ("ErrorCode", "ErrorMessage", "ErrorFields", "ErrorIndexes", "EventTime", "Attempts", "Destination", "MessageId")
)
"""The attributes that a dead letter gets here."""

PACKED = "ProducerAttributes"  # where a sender's attributes are packed that find no room beside ours

# SQS takes a label behind the type of an attribute, and leaves it alone ("Amazon SQS message metadata").
_LABEL = re.compile(r"Number\.(Given|Found)\.([0-9]{13})")
_ID = re.compile("[0-9a-fA-F-]{36}")

Attributes = dict[str, dict[str, Any]]  # message attributes in the shape of the SQS API


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
        sent_at = message.first_sent_at or message.sent_at
        event_time = _event_time(message.event_time, delivery.event_time, sent_at)
        least = {"ErrorCode": _text(reason.code or "NO_REASON"), "EventTime": event_time}
        optional = {
            "ErrorMessage": reason.text[:LONGEST_TEXT],
            "ErrorFields": ",".join(reason.fields),
            "ErrorIndexes": ",".join(map(str, delivery.failed_profiles)) if delivery.profiles > 1 else "",
            "Attempts": str(message.receive_count),
            "Destination": self.destination,
            "MessageId": message.original_id or message.id,
        }
        ours = least | {name: _text(value) for name, value in optional.items() if value}
        theirs = _senders(message.attributes)
        shortened = ours | {name: _text("(shortened)") for name in ours if name == "ErrorMessage"}
        ever_smaller = (_together(theirs, ours), _together(theirs, shortened), shortened)
        return next((each for each in ever_smaller if _size(message.body, each) <= MOST_BYTES), least)


def _event_time(given: str | None, found: int | None, first_sent_at: int) -> dict[str, Any]:
    """The attribute EventTime of a dead letter, and of the message that a redrive makes of it.

    A time that was `given` with the message stays what it was; no other takes the place of an unreadable one. What was
    `found` in its profile, or for want of that the first sending, is looked for anew: by then the destination file may
    be mended. `first_sent_at` bounds both times as it did at first: what was in the future then is not written later.
    """
    if given is not None and not is_in_ms(given):
        return _text(given[:40] or "unreadable")
    kind = "Found" if given is None else "Given"
    return {"DataType": f"Number.{kind}.{first_sent_at}", "StringValue": given or str(found or first_sent_at)}


def origin_of(attributes: Mapping[str, Mapping[str, Any]]) -> tuple[str | None, int | None, str]:
    """The event time given with a message; when it was first sent and its id of then, which a redrive tells."""
    attribute, message_id = attributes.get("EventTime", {}), attributes.get("MessageId", {}).get("StringValue", "")
    label = _LABEL.fullmatch(attribute.get("DataType", ""))
    given = None if not attribute or (label and label[1] == "Found") else attribute.get("StringValue", "")
    return given, int(label[2]) if label else None, message_id if _ID.fullmatch(message_id) else ""


def _senders(attributes: Mapping[str, Mapping[str, Any]]) -> Attributes:
    """The attributes that the sender gave; one with the name of our MessageId gets another."""
    theirs = {name: dict(attribute) for name, attribute in attributes.items() if name not in OWN}
    is_theirs = "MessageId" in attributes and not origin_of(attributes)[2]
    return theirs | ({"ProducerMessageId": dict(attributes["MessageId"])} if is_theirs else {})


def redriven(attributes: Attributes, message_id: str, event_time: int, sent_at: int) -> Attributes:
    """The attributes with which a dead letter goes back: the sender's, the event's time and the id of the message.

    A sender who used more of the ten that SQS allows leaves no room for ours: then his are packed.
    """
    given, first_sent_at, _ = origin_of(attributes)
    time = _event_time(given, event_time, first_sent_at or sent_at)
    return _together(_unpacked(_senders(attributes)), {"EventTime": time, "MessageId": _text(message_id)})


def _unpacked(theirs: Attributes) -> Attributes:
    read: Mapping[str, Callable[[Any], Any]] = {"DataType": str, "StringValue": str, "BinaryValue": b64decode}
    try:
        packed = json.loads(theirs[PACKED]["StringValue"]).items()
        unpacked = {name: {key: read[key](it[key]) for key in read if key in {"DataType", *it}} for name, it in packed}
    except (KeyError, ValueError, AttributeError, TypeError):
        return theirs
    return {name: attribute for name, attribute in theirs.items() if name != PACKED} | unpacked


def _together(theirs: Attributes, ours: Attributes) -> Attributes:
    if len(theirs) + len(ours) > MOST_ATTRIBUTES:
        theirs = {PACKED: _text(json.dumps(theirs, default=lambda value: b64encode(value).decode()))}
    return theirs | ours


def _size(body: str, attributes: Attributes) -> int:
    return len(body.encode()) + size_of_attributes(attributes)


def _text(value: str) -> dict[str, Any]:
    return {"DataType": "String", "StringValue": re.sub(_NOT_FOR_SQS, "?", value)}
