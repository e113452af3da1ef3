from __future__ import annotations

import pytest
from salesforce_destination.aws.sqs_event import messages_in, partial_batch_response

NOW = 1_800_000_000_000

RECORD = {
    "messageId": "m-1",
    "receiptHandle": "handle",
    "body": "{}",
    "attributes": {"ApproximateReceiveCount": "3", "SentTimestamp": "1700000000000"},
    "messageAttributes": {
        "EventTime": {"stringValue": "1690000000000", "dataType": "Number"},
        "Blob": {"binaryValue": "AAE=", "dataType": "Binary"},
    },
    "eventSource": "aws:sqs",
}


def test_a_record_of_lambdas_event_becomes_a_message() -> None:
    (message,) = messages_in({"Records": [RECORD]}, NOW)

    assert (message.id, message.receipt_handle, message.body) == ("m-1", "handle", "{}")
    assert (message.sent_at, message.receive_count) == (1_700_000_000_000, 3)
    assert message.event_time == "1690000000000"


def test_attributes_get_the_shape_in_which_they_can_be_sent_again() -> None:
    (message,) = messages_in({"Records": [RECORD]}, NOW)

    assert message.attributes == {
        "EventTime": {"DataType": "Number", "StringValue": "1690000000000"},
        "Blob": {"DataType": "Binary", "BinaryValue": b"\x00\x01"},
    }


def test_an_event_without_records_is_an_empty_batch() -> None:
    assert messages_in({}, NOW) == []


def test_the_answer_names_the_messages_to_keep() -> None:
    assert partial_batch_response(["a"]) == {"batchItemFailures": [{"itemIdentifier": "a"}]}


def test_what_a_hand_written_event_lacks_is_taken_as_a_first_delivery_now() -> None:
    (message,) = messages_in(
        {"Records": [{"messageId": "m-1", "body": "{}", "attributes": {"SentTimestamp": "?"}}]}, NOW
    )

    assert (message.sent_at, message.receive_count, message.event_time) == (NOW, 1, None)


def test_what_a_redrive_tells_of_the_first_sending_is_read() -> None:
    first = {"stringValue": "2a" * 18, "dataType": "String"}
    event_time = {"stringValue": "1690000000000", "dataType": "Number.Given.1695000000000"}

    (message,) = messages_in(
        {"Records": [{**RECORD, "messageAttributes": {"EventTime": event_time, "MessageId": first}}]}, NOW
    )

    assert (message.id, message.original_id) == ("m-1", "2a" * 18)
    assert (message.sent_at, message.first_sent_at) == (1_700_000_000_000, 1_695_000_000_000)
    assert message.event_time == "1690000000000"


@pytest.mark.parametrize("own", ["2a" * 17, "2a" * 19, "anna@example.com", ""])
def test_a_message_id_that_is_not_of_sqs_is_the_senders(own: str) -> None:
    record = {**RECORD, "messageAttributes": {"MessageId": {"stringValue": own, "dataType": "String"}}}

    assert messages_in({"Records": [record]}, NOW)[0].original_id == ""


def test_an_event_time_that_is_no_text_is_there_and_unreadable() -> None:
    record = {**RECORD, "messageAttributes": {"EventTime": {"binaryValue": "AAE=", "dataType": "Binary"}}}

    (message,) = messages_in({"Records": [record]}, NOW)

    assert message.event_time == ""
