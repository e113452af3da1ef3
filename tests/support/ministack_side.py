"""The stack in MiniStack as tests see it, beside the org that it delivers to."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from deployed import Deployed
from destination_testbench.org import SimulatedOrg
from local_stack import wait_until, waiting
from ministack import MiniStack, Package
from rich.console import Console
from rich.table import Table
from trusted_org import MY_DOMAIN

CONTACTS = 1_100
CREDENTIALS = {
    "grant_type": "client_credentials",
    "domain": MY_DOMAIN,
    "client_id": "local-client-id",
    "client_secret": "local-client-secret",
}


@dataclass
class Side:
    """The stack, the org that it delivers to, and what the run is to print."""

    aws: MiniStack
    org: SimulatedOrg
    stack: Deployed
    package: Package
    rows: list[tuple[str, str, float]] = field(default_factory=list)
    taken: int = 0

    def contacts(self, count: int) -> list[str]:
        """So many Ids that no other test has."""
        self.taken += count
        return list(self.org.records("Contact").records)[self.taken - count : self.taken]

    def held(self, ids: list[str]) -> list[Any]:
        """The last names of these contacts."""
        return [self.org.records("Contact").records[identity].values.get("LastName") for identity in ids]

    def run(self, *words: str, typed: str = "", status: int = 0) -> str:
        """What a command prints that ends with this status."""
        ran = self.aws.command(*words, "--stack", self.stack.name, typed=typed)
        assert ran.returncode == status, ran.stdout + ran.stderr
        return ran.stdout

    def send(self, bodies: list[str], attributes: dict[str, Any] | None = None) -> None:
        """Put messages on the queue as a platform does."""
        sqs = self.aws.client("sqs")
        for body in bodies:
            sqs.send_message(
                QueueUrl=self.stack.outputs["QueueUrl"], MessageBody=body, MessageAttributes=attributes or {}
            )

    def drained(self, seconds: float = 60) -> None:
        """Wait until nothing is on the queue, nor with a function."""
        sqs, url = self.aws.client("sqs"), self.stack.outputs["QueueUrl"]
        wait_until(lambda: waiting(sqs, url) == (0, 0), seconds)

    def letters(self, keep: bool = False) -> list[dict[str, Any]]:
        """Up to ten dead letters, which are then gone, or visible again."""
        sqs, url = self.aws.client("sqs"), self.stack.outputs["DeadLetterQueueUrl"]
        hidden = {"VisibilityTimeout": 0} if keep else {}
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], **hidden)
        letters: list[dict[str, Any]] = found.get("Messages", [])
        for letter in letters if not keep else ():
            sqs.delete_message(QueueUrl=url, ReceiptHandle=letter["ReceiptHandle"])
        return letters

    @contextmanager
    def measured(self, what: str) -> Iterator[list[str]]:
        """A row of the table: what was done, what came of it (to be put into the list), and the seconds."""
        said: list[str] = []
        start = time.monotonic()
        yield said
        self.rows.append((what, " ".join(said), time.monotonic() - start))


def a_body(identity: str, last_name: str = "Okafor", **person: Any) -> str:
    """A profile."""
    name = {"lastName": last_name, **person}
    return json.dumps({"identityMap": {"crmID": [{"id": identity}]}, "person": {"name": name}})


def show(rows: list[tuple[str, str, float]]) -> None:
    table = Table("what was tried", "what came of it", "seconds", title="MiniStack")
    for what, said, seconds in rows:
        table.add_row(what, said, f"{seconds:.1f}")
    console = Console()
    console.print()
    console.print(table)
