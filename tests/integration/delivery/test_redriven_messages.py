"""What was rejected by a wrong file and redriven after it was mended undoes nothing newer, with the real function."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import a_message, a_profile, an_id
from deliver_function import Context, DeliverStack, error_code
from destination_cli.dead_letters.command import Redriven, put_back, redrive
from destination_cli.dead_letters.reader import DeadLetterReader
from destination_cli.send.load import send_file
from destination_cli.target import Target
from destination_testbench.aws_lambda.event_source import event_of
from guarded_org import GUARDED, a_guarded_org
from moto import mock_aws
from operated_stack import impatient
from rich.console import Console

NOW = int(time.time() * 1000)
DAY = 86_400_000
WRONG, RIGHT = '\n[profiles]\nselect = "detail.profile"\n', ""
NOTIFIED = "\n[profiles]\nselect = 'powertools_json(Message)'\n"


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[DeliverStack]:
    with mock_aws():
        yield DeliverStack(monkeypatch, tmp_path / "guarded.toml", a_guarded_org())


def publish(stack: DeliverStack, profiles: str) -> None:
    """Deploy a file that finds the profiles in this way."""
    stack.destination_file.write_text(GUARDED + 'source = "timestamp"\n' + profiles, encoding="utf-8")
    vars(stack).pop("app", None)  # what is deployed starts anew


def target(stack: DeliverStack) -> Target:
    urls = {"QueueUrl": stack.queue_url, "DeadLetterQueueUrl": stack.dead_letters_url}
    return Target("a-stack", urls, {}, impatient)


def take(stack: DeliverStack) -> list[dict[str, Any]]:
    """Let the function take what is on the queue."""
    names = {"AttributeNames": ["All"], "MessageAttributeNames": ["All"], "MaxNumberOfMessages": 10}
    taken: list[dict[str, Any]] = []
    while messages := stack.sqs.receive_message(QueueUrl=stack.queue_url, **names).get("Messages"):
        answer = stack.app.lambda_handler(event_of(messages, "arn"), Context())
        assert answer == {"batchItemFailures": []}
        for message in messages:
            stack.sqs.delete_message(QueueUrl=stack.queue_url, ReceiptHandle=message["ReceiptHandle"])
        taken += messages
    return taken


def letters(stack: DeliverStack) -> list[dict[str, Any]]:
    """The dead letters, which stay visible."""
    found = stack.dead_letters()
    for letter in found:
        handle = {"ReceiptHandle": letter["ReceiptHandle"], "VisibilityTimeout": 0}
        stack.sqs.change_message_visibility(QueueUrl=stack.dead_letters_url, **handle)
    return found


YESTERDAY = a_profile(1, last_name="Yesterday")
IN_ATTRIBUTE = {"EventTime": {"Type": "Number", "Value": str(NOW - DAY)}}
WAYS = {
    "attribute": (YESTERDAY, str(NOW - DAY), RIGHT),
    "own time": ({**YESTERDAY, "timestamp": NOW - DAY}, None, RIGHT),
    "envelope": (
        {"TopicArn": "arn", "Message": json.dumps(YESTERDAY), "MessageAttributes": IN_ATTRIBUTE},
        None,
        NOTIFIED,
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_yesterdays_name_that_a_wrong_select_kept_out_does_not_come_over_todays(stack: DeliverStack, way: str) -> None:
    body, event_time, right = WAYS[way]
    publish(stack, WRONG)
    assert stack.invoke([a_message(body, number=1, sent_at=NOW - 1_000, event_time=event_time)]) == []
    assert [error_code(letter) for letter in letters(stack)] == ["NO_PROFILE"]
    publish(stack, right)
    today = a_profile(1, last_name="Today")
    today_body = today if right == RIGHT else {"TopicArn": "arn", "Message": json.dumps(today)}
    assert stack.invoke([a_message(today_body, number=2, sent_at=NOW - 500, event_time=str(NOW - 60_000))]) == []
    stack.start_cold()

    assert put_back(target(stack), Console(quiet=True), codes=(), as_json=False) == 0

    assert len(take(stack)) == 1
    assert stack.contact(an_id(1))["LastName"] == "Today"
    assert stack.contact(an_id(1))["CDP_Event_Time__c"] == NOW - 60_000
    assert letters(stack) == []


def test_a_snapshot_that_a_wrong_select_kept_out_is_written_as_of_its_time(stack: DeliverStack, tmp_path: Path) -> None:
    publish(stack, WRONG)
    file = tmp_path / "snapshot.jsonl"
    file.write_text("".join(f"{json.dumps(a_profile(n, last_name='Snapshot'))}\n" for n in range(1, 4)))
    assert (
        send_file(target(stack), file, Console(quiet=True), as_of="2026-01-11T21:24:39Z", resume=False, as_json=False)
        == 0
    )
    ids = {message["MessageId"] for message in take(stack)}
    publish(stack, RIGHT)
    newer = a_message(a_profile(2, last_name="Newer"), sent_at=NOW - 1_000, event_time="1768166680000")
    assert stack.invoke([newer]) == []

    assert put_back(target(stack), Console(quiet=True), codes=["NO_PROFILE"], as_json=False) == 0

    again = take(stack)
    assert {message["MessageAttributes"]["MessageId"]["StringValue"] for message in again} == ids
    assert ids.isdisjoint(message["MessageId"] for message in again)
    held = [stack.contact(an_id(number)) for number in (1, 2, 3)]
    assert [contact["LastName"] for contact in held] == ["Snapshot", "Newer", "Snapshot"]
    assert [contact["CDP_Event_Time__c"] for contact in held] == [1768166679000, 1768166680000, 1768166679000]


class AtOnce:
    """A queue whose function has rejected a message again before the call that sent it ends."""

    def __init__(self, stack: DeliverStack) -> None:
        self._stack = stack

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stack.sqs, name)

    def send_message_batch(self, **call: Any) -> Any:
        answer = self._stack.sqs.send_message_batch(**call)
        take(self._stack)
        return answer


def test_a_redrive_sends_each_message_once_though_the_function_rejects_it_again_meanwhile(stack: DeliverStack) -> None:
    publish(stack, WRONG)
    for number in range(12):
        stack.sqs.send_message(QueueUrl=stack.queue_url, MessageBody=json.dumps(a_profile(number + 1)))
    ids = {message["MessageId"] for message in take(stack)}

    with DeadLetterReader(stack.sqs, stack.dead_letters_url, wait_seconds=0) as reader:
        reader.began_ms += 60_000
        redrive(reader, AtOnce(stack), stack.queue_url, (), result := Redriven())

    assert result.sent == 12
    assert {name for _ in range(2) for name in names(stack)} == ids


def names(stack: DeliverStack) -> set[str]:
    """The ids that up to ten dead letters have for their messages."""
    return {letter["MessageAttributes"]["MessageId"]["StringValue"] for letter in stack.dead_letters()}
