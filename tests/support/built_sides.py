"""The functions of the local stack, and beside them the same as they were built: two stacks, two orgs."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from destination_testbench.aws_lambda.invoker import Invoker
from destination_testbench.local.options import StackOptions, find_destination
from destination_testbench.local.places import ROOT
from destination_testbench.local.stack import LocalStack
from destination_testbench.org import SimulatedOrg, seed
from local_stack import wait_until

FUNCTIONS = ("DeliverFunction", "RefreshTokenFunction", "CheckConnectionFunction")
EVENTS_OF = {
    "contacts": {
        "check_connection.json": "CheckConnectionFunction",
        "deliver.json": "DeliverFunction",
        "deliver-adobe.json": "DeliverFunction",
        "deliver-same-record.json": "DeliverFunction",
        "deliver-refused.json": "DeliverFunction",
        "refresh_token.json": "RefreshTokenFunction",
    },
    "leads": {"check_connection.json": "CheckConnectionFunction", "deliver-leads.json": "DeliverFunction"},
    "people": {"check_connection.json": "CheckConnectionFunction", "deliver-people.json": "DeliverFunction"},
}
CLOCKED = {"CreatedDate", "LastModifiedDate", "SystemModstamp"}
DONE: dict[str, list[str]] = {"batchItemFailures": []}


class Runner(Protocol):
    """Whatever runs a function."""

    def invoke(self, event: Any) -> Any: ...


Runners = Callable[[LocalStack, str, ExitStack], Runner]


@dataclass(frozen=True)
class Side:
    """A local stack, and what runs its functions."""

    stack: LocalStack
    org: SimulatedOrg
    runners: dict[str, Runner]

    def invoke(self, function: str, event: dict[str, Any]) -> Any:
        return self.runners[function].invoke(event)

    def dead_letters(self) -> list[Any]:
        """Those there are, each without what only SQS says of it; they are gone then."""
        url, letters = self.stack.endpoints.dead_letter_queue_url, []
        while found := self.stack.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages"):
            for letter in found:
                self.stack.sqs.delete_message(QueueUrl=url, ReceiptHandle=letter["ReceiptHandle"])
                letters.append((letter["Body"], letter["MessageAttributes"]))
        return sorted(letters, key=repr)

    def records(self) -> dict[str, Any]:
        """What each record holds, but for when it was written."""
        objects = [self.org.records(name).records for name in ("Contact", "Lead")]
        return {
            identity: {name: value for name, value in record.values.items() if name not in CLOCKED}
            for records in objects
            for identity, record in records.items()
        }

    def secret(self, name: str) -> str:
        client = self.stack.aws.client("secretsmanager")
        return str(client.get_secret_value(SecretId=self.stack.cloud.attribute(name, "Ref"))["SecretString"])

    def store(self, name: str, text: str) -> None:
        client = self.stack.aws.client("secretsmanager")
        client.put_secret_value(SecretId=self.stack.cloud.attribute(name, "Ref"), SecretString=text)


def a_side(destination: str, state: Path, closing: ExitStack, runners: Runners) -> Side:
    """Start a stack that has logged in; `runners` makes what runs a function of it."""
    org = SimulatedOrg()
    seed(org, contacts=20, leads=5)
    stack = closing.enter_context(LocalStack(StackOptions(destination=find_destination(destination), state=state), org))
    side = Side(stack, org, {name: runners(stack, name, closing) for name in FUNCTIONS})
    wait_until(lambda: "access_token" in side.secret("AccessTokenSecret"), 60)
    return side


def as_the_local_stack_does(stack: LocalStack, name: str, closing: ExitStack) -> Runner:
    """A process of the local stack."""
    invoker = Invoker(stack.function(name))
    closing.callback(invoker.close)
    return invoker


def an_event(name: str) -> dict[str, Any]:
    """One of the sample events."""
    return dict(json.loads((ROOT / "events" / name).read_text(encoding="utf-8")))


def assert_same(local: Side, other: Side, events: dict[str, str]) -> None:
    """Post each event to both sides: answers, dead letters and records must be the same, and something be written."""
    records_at_first = local.records()
    for name, function in events.items():
        answers = [side.invoke(function, an_event(name)) for side in (local, other)]
        assert answers[1] == answers[0], name
        assert answers[0] == DONE or answers[0]["connected"], name
        assert other.dead_letters() == local.dead_letters(), name
    assert other.records() == local.records() != records_at_first
