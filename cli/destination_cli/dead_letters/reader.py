"""Dead letters: what the sender sent and why it was rejected, each read once and left as it was."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

from destination_cli.queues import ENTRIES_PER_CALL

Attributes = dict[str, dict[str, Any]]
"""Message attributes in the shape of the SQS API."""

OURS = frozenset({"ErrorCode", "ErrorMessage", "ErrorFields", "ErrorIndexes", "Attempts", "Destination"})

PACKED = "ProducerAttributes"
"""Where the deliver function packs a sender's attributes that found no room beside its own."""

MOST_ATTRIBUTES = 10

NO_REASON = "MOVED_BY_SQS"
"""The code of a dead letter without one: SQS moved it after maxReceiveCount deliveries, and says no reason."""

HIDDEN_SECONDS = 600
"""How long a dead letter is hidden while it is looked at: longer than a run needs between two looks at the same one."""

MOST_HIDDEN = 100_000
"""SQS lets about 120,000 messages of a queue be hidden at one time ("Message quotas")."""

EMPTY_ANSWERS = 2
"""So many empty answers in a row are the end: one alone may come from a part of the queue (ReceiveMessage)."""


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


class DeadLetterReader:
    """
    Reads the dead letters that lay in the queue when it was made.

    Newer ones are left alone: what is put back on the queue may be rejected again, and would be read for ever. What was
    read and not deleted is shown to others again by `release`.
    """

    def __init__(self, sqs: Any, queue_url: str, wait_seconds: int = 1) -> None:
        self._sqs, self._queue_url, self._wait_seconds = sqs, queue_url, wait_seconds
        self._hidden: dict[str, str] = {}
        answer = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["ApproximateNumberOfMessages"])
        self.count = int(answer["Attributes"]["ApproximateNumberOfMessages"])
        self.began_ms = _clock_of(answer)

    @property
    def is_full(self) -> bool:
        """Whether so many dead letters are hidden by this reader that it stops."""
        return len(self._hidden) >= MOST_HIDDEN

    def batches(self) -> Iterator[list[DeadLetter]]:
        """The dead letters, up to ten at a time, until no more come."""
        empty = 0
        while empty < EMPTY_ANSWERS and not self.is_full:
            received = self._receive()
            fresh = [letter for letter in received if letter.id not in self._hidden]
            self._hidden.update({letter.id: letter.receipt_handle for letter in received})
            empty = 0 if fresh else empty + 1
            if old := [letter for letter in fresh if letter.sent_at <= self.began_ms]:
                yield old

    def delete(self, letters: list[DeadLetter]) -> list[DeadLetter]:
        """Delete dead letters; give those that SQS did not delete."""
        if not letters:
            return []
        entries = [{"Id": str(i), "ReceiptHandle": letter.receipt_handle} for i, letter in enumerate(letters)]
        answer = self._sqs.delete_message_batch(QueueUrl=self._queue_url, Entries=entries)
        failed = {int(entry["Id"]) for entry in answer.get("Failed", ())}
        for letter in letters:
            self._hidden.pop(letter.id, None)
        return [letter for i, letter in enumerate(letters) if i in failed]

    def release(self) -> None:
        """Show what was read and is still there."""
        handles = list(self._hidden.values())
        self._hidden.clear()
        for start in range(0, len(handles), ENTRIES_PER_CALL):
            entries = [
                {"Id": str(i), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                for i, handle in enumerate(handles[start : start + ENTRIES_PER_CALL])
            ]
            self._sqs.change_message_visibility_batch(QueueUrl=self._queue_url, Entries=entries)

    def __enter__(self) -> DeadLetterReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _receive(self) -> list[DeadLetter]:
        answer = self._sqs.receive_message(
            QueueUrl=self._queue_url,
            MaxNumberOfMessages=ENTRIES_PER_CALL,
            VisibilityTimeout=HIDDEN_SECONDS,
            WaitTimeSeconds=self._wait_seconds,
            AttributeNames=["SentTimestamp"],
            MessageAttributeNames=["All"],
        )
        return [DeadLetter.of(message) for message in answer.get("Messages", ())]


def _clock_of(answer: Any) -> int:
    """The time in ms by AWS's clock, as the times of dead letters; by this machine's where there is no header."""
    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
    try:
        return int(parsedate_to_datetime(date).timestamp() * 1000) + 1000
    except (TypeError, ValueError):
        return int(time() * 1000)
