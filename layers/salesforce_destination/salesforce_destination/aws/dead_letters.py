"""
The dead-letter queue: messages that can never succeed, each with its body untouched and the reason beside it.

SQS allows ten attributes and 1 MiB for body and attributes together ("Amazon SQS message quotas"). Where that does not
suffice, the reason gives way before the body does: the body is what a person repairs and sends again.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from salesforce_destination.outcome import Delivery, Message, Reason

ENTRIES_PER_CALL = 10
MOST_BYTES = 1_048_576
MOST_ATTRIBUTES = 10
LONGEST_TEXT = 2_000
"""Characters of a reason that are kept: enough for a person to understand it."""

_NOT_FOR_SQS = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
"""SQS takes the characters of XML 1.0 only (SendMessage in the SQS API reference)."""

Attributes = dict[str, dict[str, Any]]


class DeadLetters:
    """Sends rejected messages to one dead-letter queue; `sqs` makes or gives the client when there is one to send."""

    def __init__(self, sqs: Callable[[], Any], queue_url: str, destination: str) -> None:
        self._sqs, self._queue_url, self._destination = sqs, queue_url, destination

    def send(self, deliveries: Sequence[Delivery]) -> set[str]:
        """Send these messages; give the ids of those that did not arrive, which have to be deferred."""
        dead_letters = [(delivery.message.id, *self._dead_letter(delivery)) for delivery in deliveries]
        lost: set[str] = set()
        for call in _calls(dead_letters):
            lost |= self._send_some(call)
        return lost

    def _send_some(self, dead_letters: Sequence[tuple[str, str, Attributes]]) -> set[str]:
        entries = [
            {"Id": str(number), "MessageBody": body, "MessageAttributes": attributes}
            for number, (_, body, attributes) in enumerate(dead_letters)
        ]
        try:
            answer = self._sqs().send_message_batch(QueueUrl=self._queue_url, Entries=entries)
        except (BotoCoreError, ClientError):
            # One dead letter that SQS does not take refuses the whole call: alone, the others may pass.
            alone = [self._send_some([dead_letter]) for dead_letter in dead_letters] if len(dead_letters) > 1 else []
            return set().union(*alone) if alone else {dead_letters[0][0]}
        return {dead_letters[int(failed["Id"])][0] for failed in answer.get("Failed", ())}

    def _dead_letter(self, delivery: Delivery) -> tuple[str, Attributes]:
        message, reason = delivery.message, delivery.outcome.reason or Reason("NO_REASON")
        event_time = delivery.event_time or message.sent_at
        least = {"ErrorCode": _text(reason.code or "NO_REASON"), "EventTime": _number(event_time)}
        optional = {
            "ErrorMessage": reason.text[:LONGEST_TEXT],
            "ErrorFields": ",".join(reason.fields),
            "ErrorIndexes": ",".join(map(str, delivery.failed_profiles)) if delivery.profiles > 1 else "",
            "Attempts": str(message.receive_count),
            "Destination": self._destination,
        }
        ours = least | {name: _text(value) for name, value in optional.items() if value}
        for attributes in _ever_smaller(ours, least, _producers(message)):
            if _size(message.body, attributes) <= MOST_BYTES:
                return message.body, attributes
        return message.body, least


def _ever_smaller(ours: Attributes, least: Attributes, producers: Attributes) -> Iterator[Attributes]:
    if len(ours) + len(producers) <= MOST_ATTRIBUTES:
        yield producers | ours
    elif producers:
        yield ours | {"ProducerAttributes": _text(json.dumps(producers, default=_as_text))}
    shortened = {**ours, "ErrorMessage": _text("(shortened)")} if "ErrorMessage" in ours else ours
    yield shortened
    yield least


def _producers(message: Message) -> Attributes:
    own = {"ErrorCode", "ErrorMessage", "ErrorFields", "ErrorIndexes", "EventTime", "Attempts", "Destination"}
    return {name: dict(attribute) for name, attribute in message.attributes.items() if name not in own}


def _calls(dead_letters: Sequence[tuple[str, str, Attributes]]) -> Iterator[list[tuple[str, str, Attributes]]]:
    call: list[tuple[str, str, Attributes]] = []
    size = 0
    for dead_letter in dead_letters:
        bytes_more = _size(dead_letter[1], dead_letter[2])
        if call and (len(call) == ENTRIES_PER_CALL or size + bytes_more > MOST_BYTES):
            yield call
            call, size = [], 0
        call.append(dead_letter)
        size += bytes_more
    if call:
        yield call


def _size(body: str, attributes: Mapping[str, Mapping[str, Any]]) -> int:
    values = (attribute.get("StringValue") or attribute.get("BinaryValue") or "" for attribute in attributes.values())
    names = sum(len(name) + len(attribute["DataType"]) for name, attribute in attributes.items())
    return (
        len(body.encode()) + names + sum(len(value.encode() if isinstance(value, str) else value) for value in values)
    )


def _as_text(value: bytes) -> str:
    return b64encode(value).decode()


def _text(value: str) -> dict[str, Any]:
    return {"DataType": "String", "StringValue": re.sub(_NOT_FOR_SQS, "?", value)}


def _number(value: int) -> dict[str, Any]:
    return {"DataType": "Number", "StringValue": str(value)}
