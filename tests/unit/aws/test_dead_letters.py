from __future__ import annotations

import json
from itertools import count
from threading import Barrier
from typing import Any

import pytest
from botocore.exceptions import ClientError
from builders import SENT_AT, a_message, a_queue
from salesforce_destination.aws.dead_letters import MOST_ATTRIBUTES, RESERVED, DeadLetters, redriven
from salesforce_destination.aws.sqs_queue import CALLS_AT_ONCE, MOST_BYTES
from salesforce_destination.outcome import Delivery, Message, rejected

OF_A_LETTER = RESERVED - {"ErrorIndexes", "Parts"} | {"EventTime"}


class Queue:
    """The one call of SQS's that sends dead letters, with SQS's limits on count and size."""

    def __init__(self) -> None:
        self.calls: list[list[dict[str, Any]]] = []

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803  # SQS's own names
        if len(Entries) > 10 or sum(map(size, Entries)) > MOST_BYTES:
            raise ClientError({"Error": {"Code": "BatchRequestTooLong"}}, "SendMessageBatch")
        self.calls.append(Entries)
        return {"Failed": [{"Id": entry["Id"]} for entry in Entries if "unlucky" in entry["MessageBody"]]}

    @property
    def letters(self) -> list[dict[str, Any]]:
        return [entry for call in self.calls for entry in call]


def size(entry: dict[str, Any]) -> int:
    attributes = entry["MessageAttributes"].items()
    named = sum(len(name) + len(value["DataType"]) + len(value["StringValue"].encode()) for name, value in attributes)
    return len(entry["MessageBody"].encode()) + named


def a_delivery(message: Message, text: str = "Email: invalid email address: x", **more: Any) -> Delivery:
    return Delivery(message, rejected("INVALID_EMAIL_ADDRESS", text, ("Email",)), **more)


def send(*deliveries: Delivery) -> tuple[Queue, set[str]]:
    queue = Queue()
    return queue, DeadLetters(*a_queue(queue), "contacts").send(deliveries)


def attributes(queue: Queue) -> dict[str, str]:
    (letter,) = queue.letters
    return {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}


def test_a_letter_holds_the_body_untouched_and_the_reason_beside_it() -> None:
    body = '{"å": 1,  "b": [ ] }'

    queue, lost = send(
        a_delivery(a_message(body, receive_count=3), event_time=SENT_AT - 1, failed_profiles=(0,), profiles=1)
    )

    assert lost == set()
    assert queue.letters[0]["MessageBody"] == body
    assert attributes(queue) == {
        "ErrorCode": "INVALID_EMAIL_ADDRESS",
        "ErrorMessage": "Email: invalid email address: x",
        "ErrorFields": "Email",
        "EventTime": str(SENT_AT - 1),
        "Attempts": "3",
        "Destination": "contacts",
        "MessageId": "message-1",
    }
    assert queue.letters[0]["MessageAttributes"]["EventTime"]["DataType"] == f"Number.Found.{SENT_AT}"


def test_of_a_message_with_several_profiles_the_failed_ones_are_named() -> None:
    queue, _ = send(a_delivery(a_message(), failed_profiles=(0, 4), profiles=7))

    assert attributes(queue)["ErrorIndexes"] == "0,4"


def test_the_producers_own_attributes_are_kept() -> None:
    own = {
        "Tenant": {"DataType": "String", "StringValue": "acme"},
        "ErrorCode": {"DataType": "String", "StringValue": "old"},
    }

    queue, _ = send(a_delivery(a_message(attributes=own)))

    assert attributes(queue)["Tenant"] == "acme"
    assert attributes(queue)["ErrorCode"] == "INVALID_EMAIL_ADDRESS"


def test_more_attributes_than_sqs_allows_are_packed_into_one() -> None:
    own = {f"Own{number}": {"DataType": "String", "StringValue": str(number)} for number in range(9)}

    queue, _ = send(a_delivery(a_message(attributes=own)))

    found = attributes(queue)
    assert len(found) <= MOST_ATTRIBUTES
    assert json.loads(found["ProducerAttributes"])["Own8"]["StringValue"] == "8"
    assert found["ErrorCode"] == "INVALID_EMAIL_ADDRESS"


@pytest.mark.parametrize("text", ['{"a": {}}', '{"a": {"b": 1}}', '{"a": "x"}', '{"a": 1}', "[1]", "no JSON"])
def test_what_a_sender_calls_by_the_name_of_what_is_packed_goes_back_as_it_came(text: str) -> None:
    own = {"ProducerAttributes": {"DataType": "String", "StringValue": text}}

    back = redriven(own, "an-id", SENT_AT, SENT_AT)

    assert back["ProducerAttributes"] == own["ProducerAttributes"]
    assert all("DataType" in attribute for attribute in back.values())


@pytest.mark.parametrize(
    ("room", "kept"),
    [
        (5000, OF_A_LETTER | {"Tenant"}),
        (450, OF_A_LETTER | {"Tenant"}),
        (300, OF_A_LETTER),
        (90, {"ErrorCode", "EventTime"}),
    ],
)
def test_where_there_is_no_room_the_reason_gives_way_and_never_the_body(room: int, kept: set[str]) -> None:
    body = "x" * (MOST_BYTES - room)
    own = {"Tenant": {"DataType": "String", "StringValue": "a" * 200}}

    queue, lost = send(a_delivery(a_message(body, attributes=own), text="long " * 300))

    assert lost == set()
    assert queue.letters[0]["MessageBody"] == body
    assert set(attributes(queue)) == kept


def test_letters_go_out_ten_to_a_call_and_never_too_large_a_call() -> None:
    many, _ = send(*(a_delivery(a_message(number=number)) for number in range(23)))
    large, lost = send(*(a_delivery(a_message("x" * 600_000, number=number)) for number in range(3)))

    assert sorted(len(call) for call in many.calls) == [3, 10, 10]
    assert [len(call) for call in large.calls] == [1, 1, 1]
    assert lost == set()


class CrowdedQueue(Queue):
    """The first calls wait for each other: as many as may be made at once have to be."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers, self._all_here = count(), Barrier(CALLS_AT_ONCE)

    def send_message_batch(self, **call: Any) -> dict[str, Any]:
        if next(self._numbers) < CALLS_AT_ONCE:
            self._all_here.wait(10)
        return super().send_message_batch(**call)


def test_the_largest_batch_refused_whole_goes_out_in_calls_at_once_and_each_message_once() -> None:
    queue = CrowdedQueue()
    bodies = ["x" * 300_000 if number % 500 < 5 else f'"{number}"' for number in range(10_000)]

    lost = DeadLetters(*a_queue(queue), "contacts").send(
        [a_delivery(a_message(body, number=number)) for number, body in enumerate(bodies)]
    )

    assert lost == set()
    assert sorted(letter["MessageBody"] for letter in queue.letters) == sorted(bodies)
    assert 1_000 <= len(queue.calls) <= 1_000 + 20 * 2


def test_a_letter_that_does_not_arrive_is_named_and_the_others_go_out() -> None:
    huge = a_message("x" * (MOST_BYTES + 1), number=2)

    queue, lost = send(*(a_delivery(m) for m in (a_message(number=1), huge, a_message('"unlucky"', number=3))))

    assert lost == {"message-2", "message-3"}
    assert len(queue.letters) == 2


def test_a_character_that_sqs_refuses_does_not_cost_the_reason() -> None:
    queue, _ = send(a_delivery(a_message(), text="bad \x00 \x1b \ufffe text"))

    assert attributes(queue)["ErrorMessage"] == "bad ? ? ? text"
