"""How Lambda joins a queue and a function: receives, hands over as events, reads the answer, deletes what succeeded."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from destination_testbench.local.places import REGION

MOST_MESSAGES_PER_CALL = 10
"""SQS hands out, and deletes, up to 10 messages a call (ReceiveMessage, DeleteMessageBatch)."""

LARGEST_EVENT_BYTES = 6 * 1024 * 1024
"""Lambda takes 6 MB of payload in one synchronous invocation ("Lambda quotas")."""

BYTES_AROUND_A_BODY = 1_500
"""Lambda adds metadata to each record and counts it ("Using Lambda with Amazon SQS", on the batching window)."""


Message = Mapping[str, Any]
"""A message as boto3 receives it."""


@dataclass(frozen=True, slots=True)
class EventSourceMapping:
    """What the template says about how a function is fed from a queue."""

    queue_url: str
    queue_arn: str
    batch_size: int
    window_seconds: float
    concurrency: int
    partial_responses: bool
    function_name: str = ""


@dataclass(frozen=True, slots=True)
class EventSource:
    """A queue as an event source mapping uses it: the same one for the local stack, for chaos and for the alarms."""

    sqs: Any
    mapping: EventSourceMapping

    def receive(self, wanted: int, wait_seconds: int) -> list[Message]:
        """Take up to ten messages by one call."""
        answer = self.sqs.receive_message(
            QueueUrl=self.mapping.queue_url,
            MaxNumberOfMessages=min(wanted, MOST_MESSAGES_PER_CALL),
            WaitTimeSeconds=wait_seconds,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return list(answer.get("Messages", ()))

    def event_of(self, messages: Sequence[Message]) -> dict[str, Any]:
        """The event for a batch of messages."""
        return event_of(messages, self.mapping.queue_arn)

    def settle(self, messages: Sequence[Message], response: Any) -> list[Message]:
        """Delete what succeeded, by the function's answer; what failed stays hidden until its visibility timeout."""
        message_ids = [message["MessageId"] for message in messages]
        kept = failed_ids(response, message_ids) if self.mapping.partial_responses else set()
        done = [message for message in messages if message["MessageId"] not in kept]
        for start in range(0, len(done), MOST_MESSAGES_PER_CALL):
            entries = [
                {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
                for index, message in enumerate(done[start : start + MOST_MESSAGES_PER_CALL])
            ]
            with suppress(ClientError):  # they come again, as with any at-least-once queue
                self.sqs.delete_message_batch(QueueUrl=self.mapping.queue_url, Entries=entries)
        return done


def event_of(messages: Sequence[Message], queue_arn: str) -> dict[str, Any]:
    """The event for a batch of messages."""
    return {"Records": [_record(message, queue_arn) for message in messages]}


def _record(message: Message, queue_arn: str) -> dict[str, Any]:
    record = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes", {})),
        "messageAttributes": {k: _attribute(v) for k, v in message.get("MessageAttributes", {}).items()},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": REGION,
    }
    if "MD5OfMessageAttributes" in message:
        record["md5OfMessageAttributes"] = message["MD5OfMessageAttributes"]
    return record


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    attribute: dict[str, Any] = {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
    if "StringValue" in value:
        attribute["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        attribute["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode("ascii")
    return attribute


def size_of(message: Message) -> int:
    """About the bytes that a message takes in an event."""
    return len(message["Body"].encode()) + BYTES_AROUND_A_BODY


def in_events(messages: Sequence[Message]) -> Iterator[list[Message]]:
    """Split a batch where it is larger than one event may be."""
    batch: list[Message] = []
    size = 0
    for message in messages:
        size += size_of(message)
        if batch and size > LARGEST_EVENT_BYTES:
            yield batch
            batch, size = [], size_of(message)
        batch.append(message)
    if batch:
        yield batch


def failed_ids(response: Any, message_ids: Sequence[str]) -> set[str]:
    """The messages that stay on the queue, after a response with `batchItemFailures`.

    As Lambda reads it ("Implementing partial batch responses"): nothing, null or an empty list is a success of all; an
    entry without an id, or with an id that is not in the batch, is a failure of all.
    """
    failures = response.get("batchItemFailures") if isinstance(response, Mapping) else response
    if failures is None:
        return set()
    everything = set(message_ids)
    if not isinstance(failures, list):
        return everything
    named = {str(failure.get("itemIdentifier")) if isinstance(failure, Mapping) else "" for failure in failures}
    return named if named <= everything else everything
