# ruff: noqa: N803  # the parameters have the names of boto3's
"""Clients of a simulated AWS with the methods of boto3's: SQS over the model of its queues, and Secrets Manager.

Only what the project calls is here. What is called wrongly is refused as SQS refuses it ("SQS API reference").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from destination_testbench.aws.fifo import FifoQueue
from destination_testbench.aws.queue import (
    LONGEST_INVISIBLE_SECONDS,
    Attributes,
    EntryError,
    StandardQueue,
    md5,
    refused,
    size_of,
)

MOST_ENTRIES = 10
MOST_ATTRIBUTES = 10
MOST_BYTES = 1_048_576
"""Of a message, and of all messages of one call ("Amazon SQS message quotas")."""

_NOT_ALLOWED = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
Answer = dict[str, Any]
Entries = Sequence[Mapping[str, Any]]
AnyQueue = StandardQueue | FifoQueue
FaultHook = Callable[[str, str], None]
"""Told the operation and the queue's name before each call; raises ClientError where the call fails."""


class SimulatedSqs:
    """A client for these queues, by their names, which are their URLs too."""

    def __init__(self, queues: Mapping[str, AnyQueue], on_call: FaultHook = lambda operation, queue: None) -> None:
        self._queues, self._on_call = queues, on_call

    def send_message(
        self,
        *,
        QueueUrl: str,
        MessageBody: str,
        MessageAttributes: Attributes | None = None,
        MessageGroupId: str = "",
        MessageDeduplicationId: str = "",
    ) -> Answer:
        """Send one message."""
        queue = self._queue("SendMessage", QueueUrl)
        fifo = {"MessageGroupId": MessageGroupId, "MessageDeduplicationId": MessageDeduplicationId}
        entry = {"MessageBody": MessageBody, "MessageAttributes": MessageAttributes or {}, **fifo}
        return self._single("SendMessage", lambda: _sent(queue, entry))

    def send_message_batch(self, *, QueueUrl: str, Entries: Entries) -> Answer:
        """Send up to ten messages; what is wrong with one of them stands in the answer."""
        queue = self._queue("SendMessageBatch", QueueUrl)
        if sum(size_of(entry["MessageBody"], entry.get("MessageAttributes", {})) for entry in Entries) > MOST_BYTES:
            text = f"Batch requests cannot be longer than {MOST_BYTES} bytes."
            raise refused("SendMessageBatch", "AWS.SimpleQueueService.BatchRequestTooLong", text)
        return self._batch("SendMessageBatch", Entries, lambda entry: _sent(queue, entry))

    def receive_message(
        self,
        *,
        QueueUrl: str,
        MaxNumberOfMessages: int = 1,
        VisibilityTimeout: int | None = None,
        WaitTimeSeconds: int = 0,
        AttributeNames: Sequence[str] = (),
        MessageSystemAttributeNames: Sequence[str] = (),
        MessageAttributeNames: Sequence[str] = (),
    ) -> Answer:
        """Receive up to ten messages. A long poll ends at once where nothing is there: the caller's clock waits."""
        queue = self._queue("ReceiveMessage", QueueUrl)
        if not 1 <= MaxNumberOfMessages <= MOST_ENTRIES:
            text = f"Value {MaxNumberOfMessages} for parameter MaxNumberOfMessages is invalid. Reason: Must be 1 to 10."
            raise refused("ReceiveMessage", "InvalidParameterValue", text)
        messages = queue.receive(MaxNumberOfMessages, VisibilityTimeout)
        if not messages and not WaitTimeSeconds and isinstance(queue, StandardQueue) and queue.is_full:
            raise refused("ReceiveMessage", "OverLimit", "Too many messages in flight.", 403)
        wanted = bool(AttributeNames or MessageSystemAttributeNames), bool(MessageAttributeNames)
        received = [_shown(message.received(), *wanted) for message in messages]
        return {"Messages": received} if received else {}

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> Answer:
        """Delete one message."""
        queue = self._queue("DeleteMessage", QueueUrl)
        return self._single("DeleteMessage", lambda: _deleted(queue, ReceiptHandle))

    def delete_message_batch(self, *, QueueUrl: str, Entries: Entries) -> Answer:
        """Delete up to ten messages."""
        queue = self._queue("DeleteMessageBatch", QueueUrl)
        return self._batch("DeleteMessageBatch", Entries, lambda entry: _deleted(queue, entry["ReceiptHandle"]))

    def change_message_visibility(self, *, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int) -> Answer:
        """Hide one message for so long from now."""
        queue = self._queue("ChangeMessageVisibility", QueueUrl)
        return self._single("ChangeMessageVisibility", lambda: _hidden(queue, ReceiptHandle, VisibilityTimeout))

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: Entries) -> Answer:
        """Hide up to ten messages, each for its own time."""
        queue = self._queue("ChangeMessageVisibilityBatch", QueueUrl)
        return self._batch(
            "ChangeMessageVisibilityBatch",
            Entries,
            lambda entry: _hidden(queue, entry["ReceiptHandle"], entry["VisibilityTimeout"]),
        )

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: Sequence[str] = ("All",)) -> Answer:
        """How many messages are visible, and how many in flight: the only attributes here."""
        visible, in_flight = self._queue("GetQueueAttributes", QueueUrl).counts()
        counts = {
            "ApproximateNumberOfMessages": str(visible),
            "ApproximateNumberOfMessagesNotVisible": str(in_flight),
        }
        return {"Attributes": {k: v for k, v in counts.items() if "All" in AttributeNames or k in AttributeNames}}

    def _queue(self, operation: str, url: str) -> AnyQueue:
        queue = self._queues.get(url)
        if queue is None:
            text = "The specified queue does not exist."
            raise refused(operation, "AWS.SimpleQueueService.NonExistentQueue", text)
        self._on_call(operation, queue.name)
        return queue

    def _single(self, operation: str, work: Callable[[], Answer]) -> Answer:
        try:
            return work()
        except EntryError as error:
            raise refused(operation, error.code, error.text) from None

    def _batch(self, operation: str, entries: Entries, work: Callable[[Mapping[str, Any]], Answer]) -> Answer:
        ids = [entry["Id"] for entry in entries]
        for wrong, code in (
            (not ids, "EmptyBatchRequest"),
            (len(ids) > MOST_ENTRIES, "TooManyEntriesInBatchRequest"),
            (len(set(ids)) < len(ids), "BatchEntryIdsNotDistinct"),
        ):
            if wrong:
                raise refused(operation, f"AWS.SimpleQueueService.{code}", f"{len(ids)} entries.")
        answer: Answer = {"Successful": [], "Failed": []}
        for entry in entries:
            try:
                answer["Successful"].append({"Id": entry["Id"], **work(entry)})
            except EntryError as error:
                answer["Failed"].append(error.as_failed(entry["Id"]))
        return {key: listed for key, listed in answer.items() if listed}


def _sent(queue: AnyQueue, entry: Mapping[str, Any]) -> Answer:
    body, attributes = entry["MessageBody"], entry.get("MessageAttributes") or {}
    texts = [body, *(attribute.get("StringValue", "") for attribute in attributes.values())]
    for wrong, code, text in (
        (not body, "MissingParameter", "The request must contain the parameter MessageBody."),
        (len(attributes) > MOST_ATTRIBUTES, "InvalidParameterValue", "Number of message attributes [11] exceeds 10."),
        (size_of(body, attributes) > MOST_BYTES, "InvalidParameterValue", "One or more parameters are invalid."),
        (not all(map(_has_value, attributes.values())), "InvalidParameterValue", "An attribute is empty or no number."),
        (not 0 <= entry.get("DelaySeconds", 0) <= 900, "InvalidParameterValue", "DelaySeconds must be 0 to 900."),
        (any(map(_NOT_ALLOWED.search, texts)), "InvalidMessageContents", "Invalid characters found."),
    ):
        if wrong:
            raise EntryError(code, text)
    if isinstance(queue, FifoQueue):
        message = queue.add(body, attributes, entry["MessageGroupId"], entry["MessageDeduplicationId"])
        return {"MessageId": message.id, "MD5OfMessageBody": md5(body), "SequenceNumber": message.sequence}
    message = queue.add(body, attributes, entry.get("DelaySeconds", 0))
    return {"MessageId": message.id, "MD5OfMessageBody": md5(body)}


def _has_value(attribute: Mapping[str, Any]) -> bool:
    value = attribute.get("StringValue") or attribute.get("BinaryValue")
    return bool(value and (not attribute["DataType"].startswith("Number") or _NUMBER.fullmatch(value)))


def _deleted(queue: AnyQueue, handle: str) -> Answer:
    queue.delete(handle)
    return {}


def _hidden(queue: AnyQueue, handle: str, seconds: int) -> Answer:
    if not 0 <= seconds <= LONGEST_INVISIBLE_SECONDS:
        text = f"Value {seconds} for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and 43200."
        raise EntryError("InvalidParameterValue", text)
    queue.change_visibility(handle, seconds)
    return {}


def _shown(message: Answer, system: bool, own: bool) -> Answer:
    hidden = {name for name, wanted in (("Attributes", system), ("MessageAttributes", own)) if not wanted}
    return {name: value for name, value in message.items() if name not in hidden} if hidden else message


class SimulatedSecrets:
    """A client for secrets by their ids; `on_call` is told the operation and the secret, and raises where it fails."""

    def __init__(
        self, values: dict[str, str], on_call: Callable[[str, str], None] = lambda operation, secret: None
    ) -> None:
        self.values, self._on_call = values, on_call
        self.writes = 0

    def get_secret_value(self, *, SecretId: str) -> dict[str, Any]:
        """The current value."""
        self._on_call("GetSecretValue", SecretId)
        if SecretId not in self.values:
            raise refused("GetSecretValue", "ResourceNotFoundException", "Secrets Manager can't find the secret.")
        return {"SecretString": self.values[SecretId]}

    def put_secret_value(self, *, SecretId: str, SecretString: str) -> dict[str, Any]:
        """A new value."""
        self._on_call("PutSecretValue", SecretId)
        self.values[SecretId] = SecretString
        self.writes += 1
        return {}
