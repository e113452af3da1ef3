"""What the function sends by itself, with bodies untouched: dead letters with their reasons, and parts that wait.

SQS allows ten attributes and 1 MiB for body and attributes together ("Amazon SQS message quotas"). Where that does not
suffice, the reason gives way before the body does: the body is what a person repairs and sends again.
"""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from salesforce_destination.aws.sqs_queue import MOST_BYTES, SqsQueue, size_of_attributes
from salesforce_destination.outcome import Delivery, Reason, WaitingParts
from salesforce_destination.profile.event_time import is_in_ms

MOST_ATTRIBUTES = 10
LONGEST_DELAY = 900  # seconds that SQS keeps a new message back ("SendMessage", DelaySeconds)
LONGEST_TEXT = 2_000  # characters of a reason that are kept: enough for a person to understand it

_NOT_FOR_SQS = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
"""SQS takes the characters of XML 1.0 only (SendMessage in the SQS API reference)."""

RESERVED = frozenset(
    ("ErrorCode", "ErrorMessage", "ErrorFields", "ErrorIndexes", "Attempts", "Destination", "MessageId", "Parts")
)
"""The attributes that messages get here, beside EventTime. A sender's with these names get others."""

MEMBERSHIPS = "memberships"  # the attribute Form of what a command sends
PACKED = "ProducerAttributes"  # where a sender's attributes are packed that find no room beside ours

# SQS takes a label behind the type of an attribute, and leaves it alone ("Amazon SQS message metadata").
_LABEL = re.compile(r"(?:Number|String)\.(Given|Found)\.([0-9]{13})")
_PARTS = "String.Waiting"
_ID = re.compile("[0-9a-fA-F-]{36}")

Attributes = dict[str, dict[str, Any]]  # message attributes in the shape of the SQS API


@dataclass(frozen=True, slots=True)
class DeadLetters(SqsQueue):
    """Sends rejected messages to a dead-letter queue."""

    destination: str

    def send(self, deliveries: Sequence[Delivery]) -> set[str]:
        """Send these messages; give the ids of those that did not arrive, which have to be deferred."""
        return _lost(self, deliveries, [{"MessageAttributes": self._attributes(each)} for each in deliveries])

    def _attributes(self, delivery: Delivery) -> Attributes:
        message, reason = delivery.message, delivery.outcome.reason or Reason("NO_REASON")
        least = {"ErrorCode": _text(reason.code or "NO_REASON"), **_never_lost(delivery)}
        optional = {
            "ErrorMessage": reason.text[:LONGEST_TEXT],
            "ErrorFields": ",".join(reason.fields),
            "ErrorIndexes": ",".join(map(str, delivery.failed_profiles)) if delivery.profiles > 1 else "",
            "Attempts": str(message.attempts),
            "Destination": self.destination,
            "MessageId": message.original_id or message.id,
        }
        ours = least | {name: _text(value) for name, value in optional.items() if value}
        if parts := delivery.parts or message.parts:
            ours["Parts"] = _of_parts(replace(parts, sent_at=0, attempts=0))  # who redrives it begins anew
        theirs = _senders(message.attributes, origin_of(message.attributes)[1])
        shortened = ours | {name: _text("(shortened)") for name in ours if name == "ErrorMessage"}
        ever_smaller = (_together(theirs, ours), _together(theirs, shortened), shortened)
        return next((each for each in ever_smaller if _size(message.body, each) <= MOST_BYTES), least)


class OwnMessages(SqsQueue):
    """Sends messages of the function's own to the queue that it reads."""

    def send(self, deliveries: Sequence[Delivery], delays: Sequence[int]) -> set[str]:
        """Send what is left of these messages, to come after such delays; give the ids of those that did not arrive."""
        late = [{"DelaySeconds": min(seconds, LONGEST_DELAY)} for seconds in delays]
        own = [
            {"MessageAttributes": self._attributes(each)} | delay for each, delay in zip(deliveries, late, strict=True)
        ]
        return _lost(self, deliveries, own)

    def _attributes(self, delivery: Delivery) -> Attributes:
        message, parts = delivery.message, delivery.parts or WaitingParts({}, 0, 0)
        ours = {"MessageId": _text(message.original_id or message.id), "Parts": _of_parts(parts)}
        return _together(_senders(message.attributes, origin_of(message.attributes)[1]), _never_lost(delivery) | ours)


def _lost(queue: SqsQueue, deliveries: Sequence[Delivery], entries: Sequence[dict[str, Any]]) -> set[str]:
    whole = [{"MessageBody": each.message.body, **entry} for each, entry in zip(deliveries, entries, strict=True)]
    sizes = [_size(entry["MessageBody"], entry["MessageAttributes"]) for entry in whole]
    return {deliveries[position].message.id for position in queue.refused("send_message_batch", whole, sizes)}


def _never_lost(delivery: Delivery) -> Attributes:
    message = delivery.message
    time = _event_time(message.event_time, delivery.event_time, message.first_sent_at or message.sent_at)
    return {"EventTime": time, **form_of(message.attributes)}


def _of_parts(parts: WaitingParts) -> dict[str, Any]:
    told = {"names": parts.names, "sent_at": parts.sent_at, "attempts": parts.attempts}
    return {"DataType": _PARTS, "StringValue": json.dumps(told)}


def parts_of(attributes: Mapping[str, Mapping[str, Any]], sent_at: int = 0) -> WaitingParts | None:
    """The parts that are left of a message sent at this time, where it says so in the very words of this module."""
    attribute = attributes.get("Parts")
    if not attribute or origin_of(attributes)[1] is None:
        return None
    try:
        told = json.loads(attribute.get("StringValue", ""))
        names = {int(number): tuple(map(str, names)) for number, names in told["names"].items()}
        parts = WaitingParts(names, int(told["sent_at"]), int(told["attempts"]))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError):
        return None
    is_ours = names and min(*names, parts.sent_at, parts.attempts) >= 0 and _of_parts(parts) == attribute
    if not is_ours or not all(texts and all(texts) for texts in names.values()):
        return None
    return replace(parts, sent_at=min(parts.sent_at or sent_at, sent_at))


def form_of(attributes: Mapping[str, Mapping[str, Any]]) -> Attributes:
    """The attribute Form, where a message has the second form."""
    form = attributes.get("Form", {})
    return {"Form": dict(form)} if form.get("StringValue") == MEMBERSHIPS else {}


def _event_time(given: str | None, found: int | None, first_sent_at: int) -> dict[str, Any]:
    """The attribute EventTime of a dead letter, and of the message that a redrive makes of it.

    A time that was `given` with the message stays what it was; no other takes the place of an unreadable one. What was
    `found` in its profile, or for want of that the first sending, is looked for anew: by then the destination file may
    be mended. `first_sent_at` bounds both times as it did at first: what was in the future then is not written later.
    """
    if given is not None and not is_in_ms(given):
        return {**_text(given[:40] or "unreadable"), "DataType": f"String.Given.{first_sent_at}"}
    kind = "Found" if given is None else "Given"
    return {"DataType": f"Number.{kind}.{first_sent_at}", "StringValue": given or str(found or first_sent_at)}


def origin_of(attributes: Mapping[str, Mapping[str, Any]]) -> tuple[str | None, int | None, str]:
    """The event time given with a message; when it was first sent and its id of then, which a redrive tells."""
    attribute, message_id = attributes.get("EventTime", {}), attributes.get("MessageId", {}).get("StringValue", "")
    label = _LABEL.fullmatch(attribute.get("DataType", ""))
    given = None if not attribute or (label and label[1] == "Found") else attribute.get("StringValue", "")
    return given, int(label[2]) if label else None, message_id if label and _ID.fullmatch(message_id) else ""


def _senders(attributes: Mapping[str, Mapping[str, Any]], are_ours: object) -> Attributes:
    """The attributes that the sender gave, in the shape of the SQS API; where reserved ones are not ours, renamed."""
    ours = {"MessageId": origin_of(attributes)[2], "Parts": are_ours and parts_of(attributes)}
    theirs = {name: dict(it) for name, it in attributes.items() if name not in RESERVED and name != "EventTime"}
    for name in sorted(RESERVED.intersection(attributes)):
        if not ours.get(name, are_ours):
            new = f"Producer{name}"
            while new in attributes:
                new = f"Producer{new}"
            theirs[new] = dict(attributes[name])
    return theirs


def as_moved(attributes: Attributes) -> Attributes:
    """The attributes of a message that SQS moved: what looks like a reason or parts in them is its sender's."""
    ours = ("EventTime", "MessageId") if origin_of(attributes)[2] else ("EventTime",)
    return {name: attributes[name] for name in ours if name in attributes} | _senders(attributes, are_ours=False)


def redriven(attributes: Attributes, message_id: str, event_time: int, sent_at: int) -> Attributes:
    """The attributes with which a dead letter goes back: the sender's, the event's time, the message's id and parts.

    A sender who used more of the ten that SQS allows leaves no room for ours: then his are packed.
    """
    given, first_sent_at, _ = origin_of(attributes)
    time = _event_time(given, event_time, first_sent_at or sent_at)
    ours = {"EventTime": time, "MessageId": _text(message_id), **form_of(attributes)}
    ours |= {"Parts": attributes["Parts"]} if parts_of(attributes) else {}
    return _together(_unpacked(_senders(attributes, are_ours=True)), ours)


def _unpacked(theirs: Attributes) -> Attributes:
    read: Mapping[str, Callable[[Any], Any]] = {"DataType": str, "StringValue": str, "BinaryValue": b64decode}
    try:
        packed = json.loads(theirs[PACKED]["StringValue"]).items()
        unpacked = {name: {key: read[key](it[key]) for key in read if key in {"DataType", *it}} for name, it in packed}
    except (KeyError, ValueError, AttributeError, TypeError):
        return theirs
    others = {name: attribute for name, attribute in theirs.items() if name != PACKED}
    return others | unpacked if RESERVED.isdisjoint(unpacked) else theirs  # what is packed here was renamed before


def _together(theirs: Attributes, ours: Attributes) -> Attributes:
    theirs = {name: attribute for name, attribute in theirs.items() if name not in ours}
    if len(theirs) + len(ours) > MOST_ATTRIBUTES:
        theirs = {PACKED: _text(json.dumps(theirs, default=lambda value: b64encode(value).decode()))}
    return theirs | ours


def _size(body: str, attributes: Attributes) -> int:
    return len(body.encode()) + size_of_attributes(attributes)


def _text(value: str) -> dict[str, Any]:
    return {"DataType": "String", "StringValue": re.sub(_NOT_FOR_SQS, "?", value)}
