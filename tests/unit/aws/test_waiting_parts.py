"""What a message says is left of it, on its way: in a message of the function's own, in a letter, over a redrive."""

from __future__ import annotations

import json
import random
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import pytest
from builders import SENT_AT, a_message, a_queue
from destination_cli.dead_letters.reader import DeadLetter
from destination_testbench.aws.clients import SimulatedSqs
from destination_testbench.aws.queue import QueueConfig, StandardQueue
from destination_testbench.aws_lambda.event_source import event_of
from salesforce_destination.aws.dead_letters import RESERVED, DeadLetters, OwnMessages
from salesforce_destination.aws.sqs_event import messages_in
from salesforce_destination.aws.sqs_queue import MOST_BYTES
from salesforce_destination.outcome import DELIVERED, Delivery, Message, WaitingParts, deferred, rejected

SENDERS_ID = "2a" * 18
HOUR = 3_600_000
LEFT = WaitingParts({0: ("row 7841ba61", "campaign 701Ab0000000001IAA"), 12: ('row "å"',)}, SENT_AT - HOUR, 3)
Attributes = Mapping[str, Mapping[str, Any]]


def texts(**values: str) -> dict[str, dict[str, Any]]:
    return {name: {"DataType": "String", "StringValue": value} for name, value in values.items()}


def as_is(sent: Attributes) -> dict[str, Any]:
    return {name: attribute for name, attribute in sent.items() if name != "EventTime"}


def renamed(sent: Attributes) -> dict[str, Any]:
    return {f"Producer{name}" if name in RESERVED else name: value for name, value in as_is(sent).items()}


EVENT_TIME = {"EventTime": {"DataType": "Number", "StringValue": str(SENT_AT - 5 * HOUR)}}
RESERVED_NAMES = texts(**{name: f"their {name}" for name in sorted(RESERVED)})
SENDERS: dict[str, Attributes] = {
    "none": {},
    "a time": EVENT_TIME,
    "a time that cannot be read": texts(EventTime="yesterday", Destination="theirs"),
    "ten": texts(**{f"Own{number}": "x" * number for number in range(1, 11)}),
    "ten with a time and bytes": texts(**{f"Own{n}": "å" for n in range(8)})
    | EVENT_TIME
    | {"Hash": {"DataType": "Binary.sha", "BinaryValue": b"\x00\xff"}},
    "all of our names": RESERVED_NAMES,
    "an id that is like SQS's": texts(MessageId=SENDERS_ID, Tenant="acme"),
    "a form of its own": texts(Form="A4", ErrorCode="E1"),
    "the second form": texts(Form="memberships", Tenant="acme"),
    "the second form among ten": texts(Form="memberships", **{f"Own{number}": "x" for number in range(9)}),
    "what was packed by somebody else": texts(ProducerAttributes='{"Parts": {"DataType": "String.Waiting"}}'),
}


class Stage:
    """The queue, and that of dead letters."""

    def __init__(self) -> None:
        self.now, draw = SENT_AT / 1000, random.Random(1)
        self.queues = {name: StandardQueue(name, QueueConfig(30), lambda: self.now, draw) for name in ("queue", "dead")}
        self.sqs = SimulatedSqs(self.queues)
        around = a_queue(self.sqs)[:3]
        self.own, self.letters = OwnMessages(*around, "queue"), DeadLetters(*around, "dead", "contacts")

    def send(self, attributes: Attributes, body: str = '{"å":  1}') -> None:
        self.sqs.send_message(QueueUrl="queue", MessageBody=body, MessageAttributes=attributes)

    def take(self, url: str = "queue") -> dict[str, Any]:
        """The only message of a queue, which is deleted."""
        everything: dict[str, Any] = {"AttributeNames": ["All"], "MessageAttributeNames": ["All"]}
        (message,) = self.sqs.receive_message(QueueUrl=url, **everything)["Messages"]
        self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return dict(message)

    def receive(self) -> Message:
        (message,) = messages_in(event_of([self.take()], "arn"), int(self.now * 1000))
        return message

    def letter_of(self, message: Message, **more: Any) -> DeadLetter:
        assert self.letters.send([Delivery(message, rejected("X", "a text"), SENT_AT - HOUR, (0,), 2, **more)]) == set()
        return DeadLetter.of(self.take("dead"))

    def redrive(self, letter: DeadLetter) -> Message:
        self.now += 86_400
        self.sqs.send_message(QueueUrl="queue", MessageBody=letter.body, MessageAttributes=letter.attributes_to_send())
        return self.receive()


def waiting(message: Message, parts: WaitingParts = LEFT) -> Delivery:
    return Delivery(message, DELIVERED, SENT_AT - HOUR, (), 1, parts=parts, parts_outcome=deferred("X"))


def senders(message: Message) -> dict[str, Any]:
    """The sender's attributes of a message that came back, unpacked."""
    theirs = {name: it for name, it in message.attributes.items() if name not in RESERVED | {"EventTime"}}
    packed = theirs.pop("ProducerAttributes", None)
    if not packed or "String.Waiting" in packed["StringValue"]:
        return theirs | ({"ProducerAttributes": packed} if packed else {})
    unpacked: dict[str, Any] = json.loads(packed["StringValue"])
    for attribute in unpacked.values():
        if "BinaryValue" in attribute:
            attribute["BinaryValue"] = b64decode(attribute["BinaryValue"])
    return theirs | unpacked


@pytest.mark.parametrize("sent", SENDERS.values(), ids=SENDERS)
def test_parts_and_all_of_the_sender_come_again_with_the_same_body_and_time(sent: Attributes) -> None:
    stage = Stage()
    stage.send(sent)
    first = stage.receive()

    assert (first.parts, stage.own.send([waiting(first)], [60])) == (None, set())
    stage.now += 61
    own = stage.receive()

    assert (own.body, own.parts, own.original_id) == (first.body, LEFT, first.id)
    assert (own.event_time, own.first_sent_at) == (first.event_time, SENT_AT)
    assert own.is_memberships is first.is_memberships is (sent.get("Form", {}).get("StringValue") == "memberships")
    assert senders(own) == renamed(sent)
    assert (own.attempts, own.waits_since) == (4, SENT_AT - HOUR)


@pytest.mark.parametrize("sent", SENDERS.values(), ids=SENDERS)
def test_a_letter_of_parts_brings_them_back_and_begins_anew(sent: Attributes) -> None:
    stage = Stage()
    stage.send(sent)
    stage.own.send([waiting(stage.receive())], [0])
    own = stage.receive()

    letter = stage.letter_of(own)
    again = stage.redrive(letter)
    of_again = stage.redrive(stage.letter_of(again))

    assert (letter.text_of("Attempts"), letter.code, letter.message_id) == ("4", "X", own.original_id)
    for message in (again, of_again):
        assert (message.body, message.original_id, message.event_time) == (own.body, own.original_id, own.event_time)
        assert (message.first_sent_at, message.is_memberships) == (SENT_AT, own.is_memberships)
        assert message.parts == WaitingParts(LEFT.names, message.sent_at, 0)
        assert senders(message) == renamed(sent)


@pytest.mark.parametrize("sent", SENDERS.values(), ids=SENDERS)
def test_a_letter_of_the_whole_message_has_no_parts_though_the_sender_gives_some(sent: Attributes) -> None:
    stage = Stage()
    stage.send(sent)
    first = stage.receive()

    letter = stage.letter_of(first)
    again = stage.redrive(letter)

    assert (letter.text_of("Parts"), letter.text_of("Attempts"), letter.code) == ("", "1", "X")
    assert letter.message_id == again.original_id == first.id
    assert (again.parts, senders(again)) == (None, renamed(sent))


def test_a_letter_names_fewer_parts_than_its_message_where_some_are_written() -> None:
    stage = Stage()
    stage.send({})
    stage.own.send([waiting(stage.receive())], [0])

    letter = stage.letter_of(stage.receive(), parts=WaitingParts({12: ("row b",)}, SENT_AT, 9))

    assert stage.redrive(letter).parts == WaitingParts({12: ("row b",)}, SENT_AT + 86_400_000, 0)


def test_parts_of_parts_keep_the_id_of_the_first_message() -> None:
    stage = Stage()
    stage.send(texts(ErrorCode="theirs"))
    first = stage.receive()
    stage.own.send([waiting(first)], [0])
    fewer = WaitingParts({12: ("row b",)}, LEFT.sent_at, 4)
    stage.own.send([waiting(stage.receive(), fewer)], [0])

    last = stage.receive()

    assert (last.original_id, last.parts, last.attempts) == (first.id, fewer, 5)
    assert senders(last) == texts(ProducerErrorCode="theirs")


@pytest.mark.parametrize(("others", "are_packed"), [(6, False), (7, True)])
def test_the_senders_attributes_are_packed_only_where_ten_do_not_suffice(others: int, are_packed: bool) -> None:
    stage = Stage()
    stage.send(texts(Form="memberships", **{f"Own{number}": "x" for number in range(others)}))
    stage.own.send([waiting(stage.receive())], [0])

    assert ("ProducerAttributes" in stage.receive().attributes) is are_packed


def test_they_come_after_their_delays_which_sqs_limits_to_a_quarter_of_an_hour() -> None:
    stage = Stage()
    stage.own.send([waiting(a_message(number=n)) for n in (1, 2)], [60, 1800])

    seconds = []
    for passed in range(0, 1000, 30):
        stage.now = SENT_AT / 1000 + passed
        come = stage.sqs.receive_message(QueueUrl="queue", VisibilityTimeout=3600).get("Messages", ())
        seconds += [passed for _ in come]

    assert seconds == [60, 900]


@pytest.mark.parametrize(("room", "lost"), [(400, set()), (200, {"message-1"})])
def test_what_is_too_large_with_its_parts_does_not_arrive_and_is_named(room: int, lost: set[str]) -> None:
    stage = Stage()
    near = a_message("x" * (MOST_BYTES - room), number=1)

    assert stage.own.send([waiting(near), waiting(a_message(number=2))], [1, 1]) == lost
    assert len(stage.queues["queue"].all()) == 2 - len(lost)


def ours(**changes: Any) -> dict[str, Any]:
    told = {"names": {"0": ["row a"]}, "sent_at": SENT_AT - HOUR, "attempts": 2} | changes
    return {"DataType": "String.Waiting", "StringValue": json.dumps(told)}


LABELLED = {"EventTime": {"DataType": f"Number.Found.{SENT_AT - HOUR}", "StringValue": str(SENT_AT)}}
MALFORMED: dict[str, Any] = {
    "a sender's": {"DataType": "String", "StringValue": ours()["StringValue"]},
    "another label": ours() | {"DataType": "String.waiting"},
    "a number": {"DataType": "Number.Waiting", "StringValue": "1"},
    "bytes": {"DataType": "String.Waiting", "BinaryValue": b"\x00"},
    "not JSON": {"DataType": "String.Waiting", "StringValue": "row a"},
    "deep": {"DataType": "String.Waiting", "StringValue": "[" * 100_000},
    "a long number": {"DataType": "String.Waiting", "StringValue": '{"names": ' + "9" * 5000 + "}"},
    "a list": {"DataType": "String.Waiting", "StringValue": "[]"},
    "null": {"DataType": "String.Waiting", "StringValue": "null"},
    "other spaces": ours() | {"StringValue": ours()["StringValue"] + " "},
    "one key more": ours(more=1),
    "a key less": {"DataType": "String.Waiting", "StringValue": '{"names": {"0": ["row a"]}}'},
    "no names": ours(names={}),
    "names that are a list": ours(names=["row a"]),
    "none for a profile": ours(names={"0": []}),
    "an empty name": ours(names={"0": ["row a", ""]}),
    "a name that is a number": ours(names={"0": [1]}),
    "a name alone": ours(names={"0": "row a"}),
    "a negative profile": ours(names={"-1": ["row a"]}),
    "a profile twice": ours() | {"StringValue": ours()["StringValue"].replace('{"0"', '{"0": ["row b"], "0"')},
    "a profile of two zeros": ours(names={"00": ["row a"]}),
    "a profile that is no number": ours(names={"first": ["row a"]}),
    "a time that is a text": ours(sent_at=str(SENT_AT)),
    "half a millisecond": ours(sent_at=SENT_AT + 0.5),
    "a whole number as a float": ours(sent_at=float(SENT_AT)),
    "endless": ours(sent_at=float("inf")),
    "no number": ours(sent_at=float("nan")),
    "before 1970": ours(sent_at=-1),
    "attempts below none": ours(attempts=-1),
    "attempts that are true": ours(attempts=True),
    "attempts that are null": ours(attempts=None),
}


@pytest.mark.parametrize("parts", MALFORMED.values(), ids=MALFORMED)
def test_parts_that_this_function_did_not_write_are_none_and_the_message_is_whole(parts: dict[str, Any]) -> None:
    stage = Stage()
    stage.send(LABELLED | {"Parts": parts})

    message = stage.receive()

    assert (message.parts, message.attempts, message.waits_since) == (None, 1, SENT_AT)


def test_parts_need_the_label_of_the_first_sending_beside_them() -> None:
    stage = Stage()
    stage.send(EVENT_TIME | {"Parts": ours()})
    assert stage.receive().parts is None

    stage.send(LABELLED | {"Parts": ours()})
    assert stage.receive().parts == WaitingParts({0: ("row a",)}, SENT_AT - HOUR, 2)


def test_a_time_ahead_of_the_message_is_that_of_the_message() -> None:
    stage = Stage()
    stage.send(LABELLED | {"Parts": ours(sent_at=SENT_AT + HOUR)})

    assert stage.receive().waits_since == SENT_AT


@pytest.mark.parametrize("form", ["", "Memberships", "memberships ", "A4"])
def test_another_form_is_none(form: str) -> None:
    stage = Stage()
    stage.send(texts(Form=form) if form else {"Form": {"DataType": "Binary", "BinaryValue": b"memberships"}})

    assert not stage.receive().is_memberships


def moved_by_sqs(stage: Stage) -> DeadLetter:
    """What lies in the dead-letter queue after one delivery too many."""
    queue = stage.queues["queue"]
    queue.config, queue.dead_letters = QueueConfig(0, max_receive_count=1), stage.queues["dead"]
    for _ in range(2):
        stage.sqs.receive_message(QueueUrl="queue")
    return DeadLetter.of(stage.take("dead"))


@pytest.mark.parametrize("sent", SENDERS.values(), ids=SENDERS)
def test_what_sqs_moved_has_no_reason_of_ours_whatever_its_sender_calls_one(sent: Attributes) -> None:
    stage = Stage()
    stage.send(sent)

    letter = moved_by_sqs(stage)
    stage.queues["queue"].config = QueueConfig(30)
    again = stage.redrive(letter)

    assert (letter.code, letter.text_of("ErrorMessage"), letter.text_of("Attempts")) == ("MOVED_BY_SQS", "", "")
    assert (letter.message_id, again.original_id) == (letter.id, letter.id)
    assert (senders(again), again.parts) == (renamed(sent), None)


def test_parts_that_sqs_moved_are_not_believed_but_their_first_id_and_time_are() -> None:
    stage = Stage()
    stage.send(EVENT_TIME)
    first = stage.receive()
    stage.own.send([waiting(first)], [0])

    letter = moved_by_sqs(stage)
    stage.queues["queue"].config = QueueConfig(30)
    again = stage.redrive(letter)

    assert (letter.code, letter.message_id, again.original_id) == ("MOVED_BY_SQS", first.id, first.id)
    assert (again.parts, again.event_time, again.first_sent_at) == (None, first.event_time, SENT_AT)
    assert again.attributes["ProducerParts"]["DataType"] == "String.Waiting"


def test_a_renamed_attribute_takes_the_place_of_no_other() -> None:
    sent = texts(Parts="mine", ProducerParts="mine too", ProducerProducerParts="and this")
    stage = Stage()
    stage.send(sent)

    letter = stage.letter_of(stage.receive())

    kept = {name: it["StringValue"] for name, it in letter.attributes.items() if name.endswith("Parts")}
    assert sorted(kept.values()) == ["and this", "mine", "mine too"]


@pytest.mark.parametrize("room", [5_000, 600, 150])
def test_a_letter_without_room_keeps_its_form(room: int) -> None:
    stage = Stage()
    stage.send(texts(Form="memberships", Own="y" * 50), "x" * (MOST_BYTES - room))

    letter = stage.letter_of(stage.receive(), parts=WaitingParts({0: ("row " + "z" * 400,)}, 0, 0))

    assert stage.redrive(letter).is_memberships
    assert ("Parts" in letter.attributes) is (room == 5_000)
