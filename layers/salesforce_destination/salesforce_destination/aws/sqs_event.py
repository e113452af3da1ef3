"""The event with which Lambda's event source mapping hands over a batch of SQS messages."""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any

from salesforce_destination.aws.dead_letters import form_of, origin_of, parts_of
from salesforce_destination.outcome import Message

Json = Any


def messages_in(event: Mapping[str, Json], now_ms: int) -> list[Message]:
    """Read the messages of an event, in its order ("Using Lambda with Amazon SQS").

    An event without records is an empty batch. Events written by hand may lack what SQS always sends: without a time a
    message counts as sent now, without a count as received for the first time.
    """
    return [_message(record, now_ms) for record in event.get("Records") or ()]


def partial_batch_response(message_ids: Sequence[str]) -> dict[str, list[dict[str, str]]]:
    """Name the messages that SQS must keep; Lambda deletes all others of the batch ("Partial batch responses")."""
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in message_ids]}


def _message(record: Mapping[str, Json], now_ms: int) -> Message:
    attributes, own = record.get("attributes") or {}, record.get("messageAttributes")
    sent = {name: _as_sent(attribute) for name, attribute in own.items()} if own else {}
    event_time, first_sent_at, original_id = origin_of(sent) if own else (None, None, "")
    sent_at = _number(attributes.get("SentTimestamp"), now_ms)
    count = attributes.get("ApproximateReceiveCount")
    is_first = count == "1"
    return Message(
        record.get("messageId", ""),
        record.get("receiptHandle", ""),
        record.get("body") or "",
        sent_at,
        1 if is_first else _number(count, 1),
        event_time,
        sent,
        now_ms if is_first else _number(attributes.get("ApproximateFirstReceiveTimestamp"), now_ms),
        original_id,
        first_sent_at and min(first_sent_at, sent_at),
        parts_of(sent, sent_at) if own else None,
        bool(form_of(sent)) if own else False,
    )


def _as_sent(attribute: Mapping[str, Json]) -> dict[str, Json]:
    sent = {"DataType": attribute.get("dataType", "String")}
    if attribute.get("stringValue") is not None:
        return {**sent, "StringValue": attribute["stringValue"]}
    return {**sent, "BinaryValue": b64decode(attribute.get("binaryValue") or "")}


def _number(text: Json, otherwise: int) -> int:
    text = text if type(text) is str else str(text)  # in an event that was written by hand it may be a number
    return int(text) if text.isascii() and text.isdigit() else otherwise
