from __future__ import annotations

from typing import Any

import pytest
from destination_testbench.aws_lambda.event_source import LARGEST_EVENT_BYTES, event_of, failed_ids, in_events

ARN = "arn:aws:sqs:eu-west-1:123456789012:q"


def a_message(number: int = 1, body: str = "{}", **more: Any) -> dict[str, Any]:
    return {
        "MessageId": f"m-{number}",
        "ReceiptHandle": f"r-{number}",
        "Body": body,
        "MD5OfBody": "99914b932bd37a50b983c5e7c90ae93b",
        "Attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1700000000000"},
        **more,
    }


def test_a_message_becomes_a_record_as_lambda_writes_it() -> None:
    attributes = {
        "EventTime": {"StringValue": "1", "DataType": "Number"},
        "B": {"BinaryValue": b"x", "DataType": "Binary"},
    }

    (record,) = event_of([a_message(MessageAttributes=attributes, MD5OfMessageAttributes="m")], ARN)["Records"]

    assert record == {
        "messageId": "m-1",
        "receiptHandle": "r-1",
        "body": "{}",
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1700000000000"},
        "messageAttributes": {
            "EventTime": {"stringValue": "1", "stringListValues": [], "binaryListValues": [], "dataType": "Number"},
            "B": {"binaryValue": "eA==", "stringListValues": [], "binaryListValues": [], "dataType": "Binary"},
        },
        "md5OfBody": "99914b932bd37a50b983c5e7c90ae93b",
        "md5OfMessageAttributes": "m",
        "eventSource": "aws:sqs",
        "eventSourceARN": ARN,
        "awsRegion": "eu-west-1",
    }


def test_a_batch_is_split_where_it_does_not_fit_into_one_event() -> None:
    third = "x" * (LARGEST_EVENT_BYTES // 3)
    messages = [a_message(n, third) for n in range(3)]

    batches = list(in_events(messages))

    assert [[message["MessageId"] for message in batch] for batch in batches] == [["m-0", "m-1"], ["m-2"]]


@pytest.mark.parametrize(
    ("response", "failed"),
    [
        (None, set()),
        ({}, set()),
        ({"batchItemFailures": None}, set()),
        ({"batchItemFailures": []}, set()),
        ({"batchItemFailures": [{"itemIdentifier": "a"}]}, {"a"}),
        ({"batchItemFailures": [{"itemIdentifier": "other"}]}, {"a", "b"}),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, {"a", "b"}),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, {"a", "b"}),
        ({"batchItemFailures": [{"wrongKey": "a"}]}, {"a", "b"}),
        ({"batchItemFailures": ["a"]}, {"a", "b"}),
        ("nonsense", {"a", "b"}),
    ],
)
def test_a_response_names_what_stays_on_the_queue(response: object, failed: set[str]) -> None:
    assert failed_ids(response, ["a", "b"]) == failed
