"""The model of SQS is held to moto's queue by the same scripts of calls, and to the documents where moto differs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from moto import mock_aws
from queue_scripts import SCRIPTS, Differences, Place, Seen, code_of, expected, failed, place_in_simulation, place_on

MOTO_TAKES_ANY_ATTRIBUTE: Differences = {
    **{("attributes", place): "none" for place in range(6)},
    ("attributes", 6): [],
    ("attributes", 7): ["0", "1"],
}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_the_model_answers_as_motos_queue_does(script: Callable[[Place], Seen]) -> None:
    with mock_aws():
        seen = script(place_on(boto3.client("sqs", region_name="eu-west-1")))

    assert seen == expected(script, MOTO_TAKES_ANY_ATTRIBUTE)


def test_a_refused_attribute_has_the_code_of_aws_and_its_message_is_not_there() -> None:
    place = place_in_simulation()
    entry = {
        "Id": "1",
        "MessageBody": "body",
        "MessageAttributes": {"Name": {"DataType": "Number", "StringValue": "ten"}},
    }

    (refused,) = place.sqs.send_message_batch(QueueUrl=place.queue, Entries=[entry])["Failed"]

    assert (refused["Code"], refused["SenderFault"]) == ("InvalidParameterValue", True)
    assert place.counts()["ApproximateNumberOfMessages"] == "0"


def change(place: Place, handles: list[str], seconds: int = 30) -> Any:
    entries = [
        {"Id": str(index), "ReceiptHandle": handle, "VisibilityTimeout": seconds}
        for index, handle in enumerate(handles)
    ]
    return place.sqs.change_message_visibility_batch(QueueUrl=place.queue, Entries=entries)


@pytest.mark.parametrize(("entries", "code"), [(0, "EmptyBatchRequest"), (11, "TooManyEntriesInBatchRequest")])
def test_a_batch_of_visibilities_has_one_to_ten_entries_which_moto_does_not_mind(entries: int, code: str) -> None:
    place = place_in_simulation()

    assert code_of(lambda: change(place, ["queue-1-1"] * entries)) == code


def test_twelve_hours_count_from_the_receipt_and_not_from_the_sending_as_with_moto() -> None:
    place = place_in_simulation()
    place.send("waited")
    place.wait(40_000)
    (message,) = place.receive(VisibilityTimeout=1_800)

    assert failed(change(place, [message["ReceiptHandle"]], 43_200)) == []
    place.wait(1_000)
    assert failed(change(place, [message["ReceiptHandle"]], 42_200)) == []
    assert failed(change(place, [message["ReceiptHandle"]], 42_201)) == [("0", True)]


def test_what_is_visible_again_cannot_be_hidden_which_moto_would_do() -> None:
    place = place_in_simulation()
    place.send("body")
    (message,) = place.receive(VisibilityTimeout=10)
    place.wait(11)

    assert failed(change(place, [message["ReceiptHandle"]])) == [("0", True)]


def test_an_older_receipt_handle_deletes_nothing_and_moto_deletes() -> None:
    place = place_in_simulation()
    place.send("body")
    (old,) = place.receive(VisibilityTimeout=10)
    place.wait(11)
    (new,) = place.receive()

    place.sqs.delete_message(QueueUrl=place.queue, ReceiptHandle=old["ReceiptHandle"])
    assert place.counts()["ApproximateNumberOfMessagesNotVisible"] == "1"
    place.sqs.delete_message(QueueUrl=place.queue, ReceiptHandle=new["ReceiptHandle"])
    assert place.counts()["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_a_message_that_is_visible_again_and_was_not_taken_yet_can_still_be_deleted() -> None:
    place = place_in_simulation()
    place.send("body")
    (message,) = place.receive(VisibilityTimeout=10)
    place.wait(11)

    place.sqs.delete_message(QueueUrl=place.queue, ReceiptHandle=message["ReceiptHandle"])

    assert place.receive() == []


def test_above_the_limit_in_flight_a_long_poll_finds_nothing_and_a_short_one_is_refused_which_moto_does_not_know() -> (
    None
):
    place = place_in_simulation(in_flight_limit=2)
    for number in range(3):
        place.send(f"body {number}")
    first = place.receive(MaxNumberOfMessages=10)

    assert len(first) == 2
    assert place.receive(WaitTimeSeconds=20) == []
    assert code_of(place.receive) == "OverLimit"
    place.sqs.delete_message(QueueUrl=place.queue, ReceiptHandle=first[0]["ReceiptHandle"])
    assert len(place.receive()) == 1


def test_a_message_can_be_delayed_for_a_quarter_of_an_hour_and_not_longer() -> None:
    place = place_in_simulation()
    entries = [{"Id": str(delay), "MessageBody": "x", "DelaySeconds": delay} for delay in (900, 901)]

    assert failed(place.sqs.send_message_batch(QueueUrl=place.queue, Entries=entries)) == [("901", True)]
    place.wait(899)
    assert place.receive() == []
    place.wait(2)
    assert len(place.receive()) == 1


def test_what_sqs_moves_says_which_queue_it_comes_from_which_moto_leaves_out() -> None:
    place = place_in_simulation()
    place.send("body")
    for _ in range(4):
        place.receive(VisibilityTimeout=0)

    (letter,) = place.receive(place.letters)
    assert letter["Attributes"]["DeadLetterQueueSourceArn"].endswith(":queue")


def test_a_message_is_gone_after_the_retention() -> None:
    place = place_in_simulation(retention_seconds=3_600)
    place.send("old")
    place.wait(3_601)

    assert place.receive() == []
    assert place.counts()["ApproximateNumberOfMessages"] == "0"


def test_more_than_one_mebibyte_or_ten_attributes_or_a_strange_character_is_refused() -> None:
    place = place_in_simulation()
    attributes = {f"Name{number}": {"DataType": "String", "StringValue": "x"} for number in range(11)}

    assert code_of(lambda: place.send("x" * 1_048_577)) == "InvalidParameterValue"
    assert code_of(lambda: place.send("body", MessageAttributes=attributes)) == "InvalidParameterValue"
    assert code_of(lambda: place.send("\x00")) == "InvalidMessageContents"
    assert code_of(lambda: place.send("x" * 1_048_576)) == "none"


def test_some_messages_come_twice_with_one_id_and_order_means_nothing() -> None:
    place = place_in_simulation(duplicates=0.5, duplicate_within_seconds=60.0)
    for number in range(100):
        place.send(str(number))
    received = [message for _ in range(10) for message in place.receive(MaxNumberOfMessages=10)]
    place.wait(1_000)
    again = [message for _ in range(30) for message in place.receive(MaxNumberOfMessages=10)]

    assert [int(message["Body"]) for message in received] != sorted(int(message["Body"]) for message in received)
    assert len(again) > 100
    assert {message["MessageId"] for message in again} <= {message["MessageId"] for message in received}
