"""
Scripts of calls to SQS, told as what was answered: so that two clients can be held against each other.

The model is the measure: where another AWS answers otherwise, its `Differences` say so.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from destination_testbench.aws.clients import SimulatedSqs
from destination_testbench.aws.fifo import FifoQueue
from destination_testbench.aws.queue import QueueConfig, StandardQueue
from destination_testbench.chaos.clock import SimulatedClock

Seen = list[Any]
Differences = Mapping[tuple[str, int], Any]
"""What another AWS answers, by the script and the place in what it saw."""

MAX_RECEIVE_COUNT = 3
EVERYTHING: Mapping[str, Any] = {"AttributeNames": ["All"], "MessageAttributeNames": ["All"]}
A_NUMBER = {"DataType": "Number", "StringValue": "1767571200000"}


@dataclass(frozen=True)
class Place:
    """A client, its queues (`queue` is redriven to `letters` after three deliveries), and a way to let time pass."""

    sqs: Any
    queue: str
    letters: str
    fifo: str
    wait: Callable[[float], None]

    def receive(self, url: str = "", **options: Any) -> list[dict[str, Any]]:
        answer = self.sqs.receive_message(QueueUrl=url or self.queue, **{**EVERYTHING, **options})
        return list(answer.get("Messages", []))

    def send(self, body: str, **more: Any) -> Any:
        return self.sqs.send_message(QueueUrl=self.queue, MessageBody=body, **more)

    def counts(self, url: str = "") -> dict[str, str]:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.sqs.get_queue_attributes(QueueUrl=url or self.queue, AttributeNames=names)
        return dict(answer["Attributes"])


def place_on(sqs: Any, late: float = 0.0) -> Place:
    """New queues of another AWS, where messages come back up to so many seconds late."""
    letters = sqs.create_queue(QueueName="letters")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=letters, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": MAX_RECEIVE_COUNT})
    queue = sqs.create_queue(QueueName="queue", Attributes={"RedrivePolicy": policy})["QueueUrl"]
    fifo = sqs.create_queue(QueueName="refresh.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    return Place(sqs, queue, letters, fifo, lambda seconds: time.sleep(seconds + late))


def place_in_simulation(**config: Any) -> Place:
    clock, draw = SimulatedClock(1_767_571_200.0), random.Random(1)
    queue = StandardQueue("queue", QueueConfig(max_receive_count=MAX_RECEIVE_COUNT, **config), clock.now, draw)
    queue.dead_letters = StandardQueue("letters", QueueConfig(), clock.now, draw)
    fifo = FifoQueue("refresh.fifo", QueueConfig(), clock.now, draw)
    sqs = SimulatedSqs({"queue": queue, "letters": queue.dead_letters, "refresh.fifo": fifo})
    return Place(sqs, "queue", "letters", "refresh.fifo", clock.sleep)


def told(message: Mapping[str, Any]) -> Any:
    """What of a message does not hang on the clock or on chance."""
    count = message["Attributes"]["ApproximateReceiveCount"]
    attributes = message.get("MessageAttributes", {})
    values = {name: (value["DataType"], value.get("StringValue")) for name, value in attributes.items()}
    return message["Body"], message["MD5OfBody"], count, values


def failed(answer: Mapping[str, Any]) -> list[tuple[str, bool]]:
    return [(entry["Id"], entry["SenderFault"]) for entry in answer.get("Failed", [])]


def code_of(call: Callable[[], Any]) -> str:
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"]).rpartition(".")[2]
    return "none"


def a_life(place: Place) -> Seen:
    """Sent, hidden, visible again by and by, deleted."""
    place.send("first", MessageAttributes={"EventTime": A_NUMBER})
    seen: Seen = [place.counts()]
    (message,) = place.receive(VisibilityTimeout=1)
    seen += [told(message), place.receive(), place.counts()]
    place.wait(1.1)
    (again,) = place.receive()
    seen += [
        told(again),
        again["MessageId"] == message["MessageId"],
        again["ReceiptHandle"] == message["ReceiptHandle"],
    ]
    sent = again["Attributes"]["SentTimestamp"], again["Attributes"]["ApproximateFirstReceiveTimestamp"]
    seen += [sent[0] == message["Attributes"]["SentTimestamp"], len(sent[0]), sent[0] <= sent[1]]
    place.sqs.delete_message(QueueUrl=place.queue, ReceiptHandle=again["ReceiptHandle"])
    return [
        *seen,
        place.counts(),
        code_of(lambda: place.sqs.delete_message(QueueUrl=place.queue, ReceiptHandle=again["ReceiptHandle"])),
    ]


def visibility(place: Place) -> Seen:
    """Hidden for longer, and for no time at all."""
    for number in range(3):
        place.send(f"body {number}")
    messages = {m["Body"]: m for _ in range(3) for m in place.receive(VisibilityTimeout=1)}
    entries = [
        {"Id": str(index), "ReceiptHandle": messages[body]["ReceiptHandle"], "VisibilityTimeout": seconds}
        for index, (body, seconds) in enumerate({"body 0": 0, "body 1": 60}.items())
    ]
    answer = place.sqs.change_message_visibility_batch(QueueUrl=place.queue, Entries=entries)
    seen: Seen = [sorted(messages), sorted(entry["Id"] for entry in answer["Successful"]), failed(answer)]
    seen += [[told(m) for m in place.receive(MaxNumberOfMessages=10)]]
    place.wait(1.1)
    seen += [[told(m) for m in place.receive(MaxNumberOfMessages=10)]]
    return [*seen, place.counts()]


def refused_visibility(place: Place) -> Seen:
    """What cannot be hidden, and for how long nothing can."""
    place.send("body")
    (message,) = place.receive()
    handle = message["ReceiptHandle"]

    def change(entries: list[tuple[str, int]]) -> Any:
        listed = [
            {"Id": str(index), "ReceiptHandle": of, "VisibilityTimeout": seconds}
            for index, (of, seconds) in enumerate(entries)
        ]
        return place.sqs.change_message_visibility_batch(QueueUrl=place.queue, Entries=listed)

    return [failed(change([("nonsense", 30), (handle, 43_201), (handle, 30)]))]


def redrive(place: Place) -> Seen:
    """After three deliveries SQS itself moves a message, with its attributes and its id."""
    place.send("stubborn", MessageAttributes={"EventTime": A_NUMBER})
    ids = set()
    for _ in range(3):
        (message,) = place.receive(VisibilityTimeout=0)
        ids.add(message["MessageId"])
        place.wait(0.01)
    seen: Seen = [place.receive(), place.counts(), place.counts(place.letters)]
    (letter,) = place.receive(place.letters)
    same_time = letter["Attributes"]["SentTimestamp"] == message["Attributes"]["SentTimestamp"]
    return [*seen, told(letter), ids == {letter["MessageId"]}, same_time]


def batches(place: Place) -> Seen:
    """Ten entries, one size, one id each; what is wrong with one stands in the answer."""

    def send(*bodies: str, ids: list[str] | None = None, **more: Any) -> Any:
        names = ids or [str(index) for index in range(len(bodies))]
        entries = [{"Id": name, "MessageBody": body, **more} for name, body in zip(names, bodies, strict=True)]
        return place.sqs.send_message_batch(QueueUrl=place.queue, Entries=entries)

    answer = send(*"abc")
    received = {m["Body"]: m["ReceiptHandle"] for _ in range(3) for m in place.receive(MaxNumberOfMessages=10)}
    entries = [{"Id": body, "ReceiptHandle": handle} for body, handle in received.items()]
    entries.append({"Id": "x", "ReceiptHandle": "nonsense"})
    deleted = place.sqs.delete_message_batch(QueueUrl=place.queue, Entries=entries)
    return [
        sorted((entry["Id"], entry["MD5OfMessageBody"]) for entry in answer["Successful"]),
        sorted(entry["Id"] for entry in deleted["Successful"]),
        failed(deleted),
        place.counts(),
        code_of(lambda: send()),
        code_of(lambda: send(*("body",) * 11)),
        code_of(lambda: send("a", "b", ids=["1", "1"])),
        code_of(lambda: send("x" * 600_000, "x" * 600_000)),
        code_of(lambda: place.sqs.send_message(QueueUrl=f"{place.queue}-not", MessageBody="body")),
        code_of(lambda: place.receive(MaxNumberOfMessages=11)),
    ]


def fifo(place: Place) -> Seen:
    """One of a group at a time, in order; the same id within five minutes is the same message."""

    def send(body: str, group: str, deduplication_id: str) -> str:
        return str(
            place.sqs.send_message(
                QueueUrl=place.fifo, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=deduplication_id
            )["MessageId"]
        )

    ids = [send("one", "refresh", "1"), send("two", "refresh", "2"), send("one", "refresh", "1")]
    seen: Seen = [ids[0] == ids[1], place.counts(place.fifo)]
    (first,) = place.receive(place.fifo, VisibilityTimeout=1)
    seen += [told(first), place.receive(place.fifo)]
    place.wait(1.1)
    (again,) = place.receive(place.fifo)
    seen += [told(again), again["MessageId"] == first["MessageId"]]
    place.sqs.delete_message(QueueUrl=place.fifo, ReceiptHandle=again["ReceiptHandle"])
    return [*seen, [told(message) for message in place.receive(place.fifo)]]


def attributes(place: Place) -> Seen:
    """An attribute is not empty, and a Number is one; what is wrong with an entry of a batch stands in the answer."""

    def send(**attribute: Any) -> str:
        return code_of(lambda: place.send("body", MessageAttributes={"Name": attribute}))

    wrong = {"Name": {"DataType": "Number", "StringValue": "ten"}}
    right = {"Name": {"DataType": "Number.ms", "StringValue": "-1.5e3"}}
    entries = [
        {"Id": str(index), "MessageBody": "body", "MessageAttributes": attributes}
        for index, attributes in enumerate((wrong, right))
    ]
    answer = place.sqs.send_message_batch(QueueUrl=place.queue, Entries=entries)
    return [
        send(DataType="String", StringValue=""),
        send(DataType="String"),
        send(DataType="Binary", BinaryValue=b""),
        send(DataType="Number", StringValue=""),
        send(DataType="Number", StringValue="ten"),
        send(DataType="Number", StringValue="NaN"),
        failed(answer),
        [entry["Id"] for entry in answer["Successful"]],
    ]


def delayed(place: Place) -> Seen:
    """Sent to be received a second later."""
    entries = [{"Id": "0", "MessageBody": "later", "DelaySeconds": 1}, {"Id": "1", "MessageBody": "now"}]
    answer = place.sqs.send_message_batch(QueueUrl=place.queue, Entries=entries)
    seen: Seen = [failed(answer), [told(message) for message in place.receive(MaxNumberOfMessages=10)]]
    seen += [place.counts()]
    place.wait(1.1)
    return [*seen, [told(message) for message in place.receive(MaxNumberOfMessages=10)], place.counts()]


SCRIPTS = (a_life, delayed, visibility, refused_visibility, redrive, batches, fifo, attributes)


def expected(script: Callable[[Place], Seen], differences: Differences) -> Seen:
    """What the script sees in the model, but for what the other AWS answers otherwise."""
    return [differences.get((script.__name__, at), answer) for at, answer in enumerate(script(place_in_simulation()))]
