"""The event with which Lambda's event source mapping hands over a batch of SQS messages."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any

from salesforce_destination.domain.message import Message

Json = Any


def messages_in(event: Mapping[str, Json]) -> list[Message]:
    """
    Read the messages of an event, in its order ("Using Lambda with Amazon SQS").

    An event without records is an empty batch.
    """
    return [_message(record) for record in event.get("Records") or ()]


def partial_batch_response(message_ids: Sequence[str]) -> dict[str, list[dict[str, str]]]:
    """Name the messages that SQS must keep; Lambda deletes all others of the batch ("Partial batch responses")."""
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in message_ids]}


def _message(record: Mapping[str, Json]) -> Message:
    attributes, own = record.get("attributes") or {}, record.get("messageAttributes") or {}
    return Message(
        id=record["messageId"],
        receipt_handle=record.get("receiptHandle", ""),
        body=record.get("body") or "",
        sent_at=int(attributes.get("SentTimestamp", 0)),
        receive_count=int(attributes.get("ApproximateReceiveCount", 1)),
        event_time=(own.get("EventTime") or {}).get("stringValue"),
        attributes={name: _as_sent(attribute) for name, attribute in own.items()},
    )


def _as_sent(attribute: Mapping[str, Json]) -> dict[str, Json]:
    sent = {"DataType": attribute.get("dataType", "String")}
    if attribute.get("stringValue") is not None:
        return {**sent, "StringValue": attribute["stringValue"]}
    return {**sent, "BinaryValue": b64decode(attribute.get("binaryValue") or "")}
