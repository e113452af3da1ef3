from __future__ import annotations

import json
from typing import Any

import pytest
from builders import SENT_AT, a_queue
from destination_cli.dead_letters.reader import DeadLetter
from operated_stack import as_attributes
from salesforce_destination.aws.dead_letters import DeadLetters
from salesforce_destination.outcome import Delivery, Message, rejected

EVENT_TIME = SENT_AT - 5_000
MESSAGE_ID, LETTER_ID = "2a" * 18, "3b" * 18


def ours(event_time: int, kind: str, message_id: str = MESSAGE_ID) -> dict[str, Any]:
    """What a redrive adds."""
    time = {"DataType": f"Number.{kind}.{SENT_AT}", "StringValue": str(event_time)}
    return {"EventTime": time, **as_attributes({"MessageId": message_id})}


class RecordingQueue:
    def __init__(self) -> None:
        self.entries: list[Any] = []

    def send_message_batch(self, **call: Any) -> dict[str, Any]:
        self.entries += call["Entries"]
        return {}


def rejected_with(attributes: dict[str, Any]) -> DeadLetter:
    """A letter as the deliver function writes it for a message with these attributes."""
    queue = RecordingQueue()
    message = Message(MESSAGE_ID, "handle", "a body", SENT_AT, attributes=as_attributes(attributes))
    outcome = rejected("INVALID_EMAIL_ADDRESS", "Email: invalid email address: a", ("Email",))
    DeadLetters(*a_queue(queue), "contacts").send([Delivery(message, outcome, EVENT_TIME)])
    (entry,) = queue.entries
    return a_letter(entry["MessageAttributes"])


def a_letter(attributes: dict[str, Any]) -> DeadLetter:
    return DeadLetter.of(
        {
            "MessageId": LETTER_ID,
            "ReceiptHandle": "h",
            "Body": "a body",
            "Attributes": {"SentTimestamp": str(SENT_AT)},
            "MessageAttributes": attributes,
        }
    )


def test_a_letter_goes_back_with_its_event_time_and_what_the_sender_gave() -> None:
    letter = rejected_with({"Source": "adobe", "Weight": 7})

    sent = as_attributes({"Source": "adobe", "Weight": 7})
    assert letter.attributes_to_send() == {**sent, **ours(EVENT_TIME, "Found")}
    assert (letter.code, letter.text_of("ErrorFields")) == ("INVALID_EMAIL_ADDRESS", "Email")


def test_what_was_packed_for_lack_of_room_is_unpacked_bytes_too() -> None:
    sent = {f"Number{n}": n for n in range(7)} | {"Checksum": b"\x00\xff"}
    letter = rejected_with(sent)
    assert "ProducerAttributes" in letter.attributes

    assert letter.attributes_to_send() == {**as_attributes(sent), **ours(EVENT_TIME, "Found")}


def test_ten_attributes_of_the_sender_stay_packed_beside_the_event_time() -> None:
    letter = rejected_with({f"Number{n}": n for n in range(10)})

    attributes = letter.attributes_to_send()

    assert set(attributes) == {"ProducerAttributes", "EventTime", "MessageId"}
    assert set(json.loads(attributes["ProducerAttributes"]["StringValue"])) == {f"Number{n}" for n in range(10)}
    assert a_letter(attributes).attributes_to_send() == attributes


def test_a_sender_that_named_an_attribute_as_ours_keeps_what_is_not_ours() -> None:
    letter = a_letter(as_attributes({"ProducerAttributes": "not JSON", "EventTime": EVENT_TIME, "ErrorCode": "X"}))

    sent = as_attributes({"ProducerAttributes": "not JSON"})
    assert letter.attributes_to_send() == {**sent, **ours(EVENT_TIME, "Given", LETTER_ID)}


def test_what_sqs_moved_itself_goes_back_with_the_time_of_its_first_sending() -> None:
    letter = a_letter({})

    assert letter.code == "MOVED_BY_SQS"
    assert letter.attributes_to_send() == ours(SENT_AT, "Found", LETTER_ID)


@pytest.mark.parametrize("text", ["yesterday", "17", "9" * 20])
def test_a_time_that_cannot_be_is_shown_as_that_of_the_letter(text: str) -> None:
    assert a_letter(as_attributes({"EventTime": text})).event_time == SENT_AT


def test_a_letter_does_not_show_what_it_holds() -> None:
    assert "a body" not in repr(rejected_with({"Source": "adobe"}))
