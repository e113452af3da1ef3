"""Sends a scenario through a running stack and finds out what became of it."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from destination_testbench.demo.scenario import Scenario
from destination_testbench.local.stack import LocalStack
from destination_testbench.org import SimulatedOrg

MESSAGES_PER_CALL = 10
"""SQS takes up to 10 messages a call (SendMessageBatch)."""

MOST_WAITING = 500
"""moto's queue slows with its depth."""

SECONDS_BETWEEN_LOOKS = 0.2


class DemoError(Exception):
    """Something that had to happen did not happen in time."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A rejected message's reason."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What became of a scenario."""

    messages: int
    updated: int
    dead_letters: tuple[Rejection, ...]
    redelivered: int
    members: Counter[str]
    kept: int
    calls: int
    campaign_calls: int
    log_ins: int
    seconds: float

    @property
    def codes(self) -> Counter[str]:
        """How many dead letters carry which code."""
        return Counter(letter.code for letter in self.dead_letters)


class ScenarioRun:
    """One scenario on its way through one stack to one org."""

    def __init__(self, stack: LocalStack, org: SimulatedOrg, scenario: Scenario) -> None:
        self._stack, self._org, self._scenario = stack, org, scenario
        self._queue_url = stack.endpoints.queue_url
        self._sent = 0

    def log_in(self, seconds: float = 20.0) -> None:
        """Wait until the refresh function has stored an access token."""
        secrets = self._stack.aws.client("secretsmanager")
        secret = self._stack.cloud.attribute("AccessTokenSecret", "Ref")
        deadline = time.monotonic() + seconds
        while "access_token" not in json.loads(secrets.get_secret_value(SecretId=secret)["SecretString"]):
            if time.monotonic() > deadline:
                log = self._stack.function("RefreshTokenFunction").log
                raise DemoError(f"The refresh-token function stored no access token. Look for the reason in {log}.")
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def run(self, progress: Callable[[int, int], None], seconds: float = 120.0) -> Findings:
        """Send everything and wait until the queue is empty; `progress` hears how many are sent and done."""
        started = time.monotonic()
        self._org.faults.lock(self._scenario.locked, tries=1)
        waiting = 0
        while self._sent < len(self._scenario.bodies) or waiting:
            if time.monotonic() - started > seconds:
                raise DemoError(f"{waiting} messages are still on the queue after {seconds:.0f} seconds.")
            if self._sent < len(self._scenario.bodies) and waiting < MOST_WAITING:
                self._send()
            else:
                time.sleep(SECONDS_BETWEEN_LOOKS)
            waiting = self._waiting(self._queue_url)
            progress(self._sent, self._sent - waiting)
        return self._find(time.monotonic() - started)

    def _send(self) -> None:
        bodies = self._scenario.bodies[self._sent : self._sent + MESSAGES_PER_CALL]
        entries = [{"Id": str(index), "MessageBody": body} for index, body in enumerate(bodies)]
        answer = self._stack.sqs.send_message_batch(QueueUrl=self._queue_url, Entries=entries)
        self._sent += len(answer["Successful"])

    def _waiting(self, queue_url: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        attributes = self._stack.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)["Attributes"]
        return sum(int(attributes[name]) for name in names)

    def _find(self, seconds: float) -> Findings:
        metrics = metric_sums(self._stack.function("DeliverFunction").log)
        records = {record.id: record for record in self._org.records("Contact")}
        calls = [each for each in self._org.log.last if each.path.endswith("/composite")]
        more = sum("Campaign" in call.objects or not call.records for call in calls)
        return Findings(
            messages=self._sent,
            updated=sum(
                all(records[identity].get(name) == value for name, value in fields.items())
                for identity, fields in self._scenario.records.items()
            ),
            dead_letters=tuple(self._dead_letters()),
            redelivered=round(metrics["MessagesDeferred"]),
            members=Counter(str(member.get("Status")) for member in self._org.records("CampaignMember")),
            kept=round(metrics["MembersKept"]),
            calls=len(calls) - more,
            campaign_calls=more,
            log_ins=self._org.log.counts["POST /services/oauth2/token"],
            seconds=seconds,
        )

    def _dead_letters(self) -> list[Rejection]:
        letters: list[Rejection] = []
        while messages := self._stack.sqs.receive_message(
            QueueUrl=self._stack.endpoints.dead_letter_queue_url,
            MaxNumberOfMessages=MESSAGES_PER_CALL,
            MessageAttributeNames=["All"],
            VisibilityTimeout=600,
        ).get("Messages"):
            for message in messages:
                said = {name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()}
                letters.append(Rejection(said.get("ErrorCode", "none"), said.get("ErrorMessage", "")))
        return letters


def metric_sums(log: Path) -> Counter[str]:
    """The sum of each metric in a function's log, whatever its dimensions."""
    sums: Counter[str] = Counter()
    for line in _lines(log):
        for directive in line["_aws"]["CloudWatchMetrics"]:
            for metric in directive["Metrics"]:
                values = line[metric["Name"]]
                sums[metric["Name"]] += sum(values if isinstance(values, list) else [values])
    return sums


def _lines(log: Path) -> Iterator[dict[str, Any]]:
    for text in log.read_text(encoding="utf-8").splitlines():
        if text.startswith("{") and '"_aws"' in text:
            yield json.loads(text)
