from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from destination_cli.queues import is_paused, show, switch
from moto import mock_aws
from operated_stack import OperatedStack
from rich.console import Console


@pytest.fixture
def stack() -> Iterator[OperatedStack]:
    with mock_aws():
        stack = OperatedStack()
        for number in range(3):
            stack.sqs.send_message(QueueUrl=stack.queue_url, MessageBody=str(number))
        stack.feed()
        yield stack


def test_a_paused_destination_says_what_waits(stack: OperatedStack) -> None:
    paused = switch(stack.target, on=False)

    assert is_paused(stack.target)
    assert (paused.state, paused.changed, paused.waiting.visible) == ("paused", True, 3)


def test_pausing_twice_changes_nothing_the_second_time(stack: OperatedStack) -> None:
    switch(stack.target, on=False)

    again = switch(stack.target, on=False)

    assert (again.state, again.changed) == ("paused", False)


def test_a_resumed_destination_is_not_paused(stack: OperatedStack) -> None:
    switch(stack.target, on=False)

    resumed = switch(stack.target, on=True)

    assert not is_paused(stack.target)
    assert json.loads(resumed.as_json())["state"] == "running"


def test_a_person_reads_what_is_so_now(stack: OperatedStack) -> None:
    console = Console(record=True, width=120)

    show(switch(stack.target, on=False), console)

    assert "The destination is paused. 3 messages are ready, 0 in flight or waiting" in console.export_text()
