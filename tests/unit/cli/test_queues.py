from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from destination_cli.check import report_on
from destination_cli.queues import contradictions, is_paused, show, switch
from destination_testbench.local.places import ROOT
from moto import mock_aws
from operated_stack import OperatedStack
from rich.console import Console
from salesforce_destination.settings import DELIVER_NEEDS

CONTACTS = ROOT / "layers" / "destinations" / "contacts.toml"


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


def redrive(stack: OperatedStack, count: int) -> str:
    attributes = stack.sqs.get_queue_attributes(QueueUrl=stack.queue_url, AttributeNames=["All"])["Attributes"]
    return json.dumps({**json.loads(attributes["RedrivePolicy"]), "maxReceiveCount": count})


def changed(stack: OperatedStack, url: str, **attributes: str) -> None:
    stack.sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)


def reconfigured(**configuration: Any) -> None:
    boto3.client("lambda").update_function_configuration(FunctionName="deliver", **configuration)


def with_variable(name: str, value: str) -> dict[str, Any]:
    return {"Environment": {"Variables": {**dict.fromkeys(DELIVER_NEEDS, "there"), name: value}}}


BY_HAND: list[tuple[str, Callable[[OperatedStack], None]]] = [
    ("RETENTION_SECONDS", lambda stack: changed(stack, stack.queue_url, MessageRetentionPeriod="60")),
    ("RETENTION_SECONDS", lambda stack: changed(stack, stack.dead_letters_url, MessageRetentionPeriod="60")),
    ("MAX_RECEIVE_COUNT", lambda stack: changed(stack, stack.queue_url, RedrivePolicy=redrive(stack, 1))),
    ("VISIBILITY_TIMEOUT_SECONDS", lambda stack: changed(stack, stack.queue_url, VisibilityTimeout="30")),
    ("VISIBILITY_TIMEOUT_SECONDS", lambda stack: reconfigured(Timeout=900)),
    ("GIVE_UP_AFTER_SECONDS", lambda stack: reconfigured(**with_variable("GIVE_UP_AFTER_SECONDS", "1209600"))),
    ("REDELIVERY_MAX_SECONDS", lambda stack: reconfigured(**with_variable("REDELIVERY_MAX_SECONDS", "1"))),
]


@pytest.mark.parametrize(("name", "change"), BY_HAND)
def test_what_somebody_changed_in_the_console_so_that_messages_are_lost_is_named(
    stack: OperatedStack, name: str, change: Callable[[OperatedStack], None]
) -> None:
    before = contradictions(stack.target)

    change(stack)

    assert before == []
    assert {mistake.key for mistake in contradictions(stack.target)} == {name}


class Checking:
    """Functions, of which the check-connection function has nothing to say."""

    def get_function_configuration(self, **call: str) -> Any:
        return boto3.client("lambda").get_function_configuration(**call)

    def invoke(self, **call: Any) -> dict[str, Any]:
        return {"Payload": io.BytesIO(b"{}")}


def test_check_names_it_too(stack: OperatedStack) -> None:
    changed(stack, stack.queue_url, RedrivePolicy=redrive(stack, 1))
    more = {"RefreshQueueUrl": stack.dead_letters_url, "CheckConnectionFunctionName": "check"}
    more["RefreshTokenLogGroupName"] = stack.log_group
    make = stack.target.make_client
    clients: Callable[[str], Any] = lambda service: Checking() if service == "lambda" else make(service)  # noqa: E731
    target = replace(stack.target, outputs={**stack.target.outputs, **more}, make_client=clients, wait=0.01)

    found = [str(finding) for finding in report_on(CONTACTS, target=target).findings]

    assert "MAX_RECEIVE_COUNT: is 1: SQS rejects messages before they are given up. Set at least 600." in found


def test_variables_that_are_all_gone_are_named(stack: OperatedStack) -> None:
    reconfigured(Environment={"Variables": {}})

    assert {mistake.key for mistake in contradictions(stack.target)} == set(DELIVER_NEEDS)


class Encrypted:
    """A function whose variables only others may decrypt, as Lambda shows it."""

    def get_function_configuration(self, **call: str) -> Any:
        return {"Timeout": 300, "Environment": {"Error": {"ErrorCode": "AccessDeniedException"}}}


class Denied:
    """Functions that this person may not look at."""

    def get_function_configuration(self, **call: str) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "GetFunctionConfiguration")


@pytest.mark.parametrize("functions", [Denied(), Encrypted()])
def test_nothing_is_named_to_a_person_who_may_not_look(stack: OperatedStack, functions: Any) -> None:
    changed(stack, stack.queue_url, RedrivePolicy=redrive(stack, 1))
    target = replace(stack.target, make_client=lambda service: functions if service == "lambda" else stack.sqs)

    assert contradictions(target) == []
