"""A row or a member that waits: over a message of the function's own, a letter and a redrive, and its person rests."""

from __future__ import annotations

import json
import logging
import random
import time
from dataclasses import replace
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from builders import LOYAL, SENT_AT, a_queue
from deliver_function import DeliverStack
from destination_cli.dead_letters.command import Redriven, redrive
from destination_cli.dead_letters.reader import DeadLetter, DeadLetterReader
from destination_testbench.aws.clients import SimulatedSecrets, SimulatedSqs
from destination_testbench.aws.queue import QueueConfig, StandardQueue, Stored
from destination_testbench.aws_lambda.event_source import EventSource, EventSourceMapping
from destination_testbench.org import Fault, FaultKind
from members_and_rows import CAMPAIGN, MEMBERS, ROWS, WITH_ROWS, a_crm, entered, members, rows
from moto import mock_aws
from people_table import ident
from salesforce_destination.aws.dead_letters import DeadLetters, OwnMessages
from salesforce_destination.aws.outcome_log import OutcomeLog
from salesforce_destination.aws.sqs_event import messages_in, partial_batch_response
from salesforce_destination.aws.sqs_queue import VisibilityTimeouts
from salesforce_destination.delivery.batch import Batch

ROW, MEMBER = f"{ident('C1')}:{LOYAL}", CAMPAIGN
LOCK = Fault(FaultKind.LOCK, records=(ROW, MEMBER))
REFUSAL = Fault(FaultKind.RECORD_ERROR, records=(ROW, MEMBER), code="INVALID_EMAIL_ADDRESS", message="anna@x")
FILES = {"rows": WITH_ROWS, "members": MEMBERS, "both": MEMBERS + ROWS}
HOUR = 3600


class Line:
    """An org, its delivery, and real queues around it, on a clock of their own."""

    def __init__(self, file: str = WITH_ROWS) -> None:
        self.now, draw = SENT_AT / 1000, random.Random(1)
        self.queue, self.dead = (
            StandardQueue(name, QueueConfig(1800, 14 * 24 * HOUR), lambda: self.now, draw) for name in ("queue", "dead")
        )
        self.sqs = SimulatedSqs({"queue": self.queue, "dead": self.dead})
        self.source = EventSource(self.sqs, EventSourceMapping("queue", "arn", 1000, 60, 1, True))
        self.crm, self.log = a_crm(file), OutcomeLog(lambda: SimulatedSecrets({"key": "k"}), "key", lambda: self.now)
        self.crm.put({"C1": {}})
        around = a_queue(self.sqs)[:3]
        deliverer = self.crm.deliverer
        deliverer.dead_letters = DeadLetters(*around, "dead", "people")
        deliverer.own_queue, deliverer.delays = OwnMessages(*around, "queue"), VisibilityTimeouts(*around, "queue")
        self.before = self.writes
        self.logged: list[str] = []
        self.labels: list[list[str]] = []

    def send(self, body: str = "", **more: str) -> str:
        """Send that the person entered the audience; give the id of the message."""
        own = {name: {"DataType": "String", "StringValue": text} for name, text in {"Tenant": "acme", **more}.items()}
        sent = self.sqs.send_message(QueueUrl="queue", MessageBody=body or entered().body, MessageAttributes=own)
        return str(sent["MessageId"])

    def run(self, seconds: int = 0, *, dies: bool = False) -> list[str]:
        """Let time pass, and the function take what is there; a process that dies answers nobody."""
        self.now += seconds
        messages: list[Any] = []
        while some := self.source.receive(10, 0):
            messages += some
        if not messages:
            return []
        batch: Batch = self.crm.deliverer.deliver(
            messages_in(self.source.event_of(messages), int(self.now * 1000)), int(self.now * 1000)
        )
        logger = Logger("test", level=logging.INFO)
        (line,) = self.log.lines(batch, logger)
        self.logged += [entry for told in line.values() for entry in told]
        self.labels.append([f"{label} {len(told)}" for label, told in line.items()])
        if not dies:
            self.source.settle(messages, partial_batch_response(batch.kept))
        return [str(delivery.outcome.kind) for delivery in batch.deliveries]

    @property
    def writes(self) -> int:
        """How often the person was written."""
        return len(self.crm.org.records("Contact").records[ident("C1")].history)

    @property
    def written(self) -> tuple[int, bool, bool]:
        """How often the person was written since, and whether her member and her row are there."""
        return self.writes - self.before, "C1" in members(self.crm), "C1" in rows(self.crm)

    def waiting(self) -> list[Stored]:
        return self.queue.all()

    def letters(self) -> list[DeadLetter]:
        return [DeadLetter.of(letter.received()) for letter in self.dead.all()]

    def redrive(self) -> Redriven:
        result = Redriven()
        with DeadLetterReader(self.sqs, "dead", wait_seconds=0) as reader:
            reader.began_ms = int(self.now * 1000)
            redrive(reader, self.sqs, "queue", (), result)
        return result


def there(file: str, writes: int = 1) -> tuple[int, bool, bool]:
    return writes, file != WITH_ROWS, file != MEMBERS


def named(letter: Any) -> Any:
    return json.loads(letter.attributes["Parts"]["StringValue"])


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_parts_that_are_locked_wait_alone_and_their_person_is_written_once(file: str) -> None:
    line = Line(file)
    number = line.crm.org.faults.add(LOCK)
    message_id = line.send()

    first = line.run()
    (own,) = line.waiting()
    again = [line.run(900) for _ in range(3)]
    line.crm.org.faults.remove(number)
    last = line.run(1800)

    assert (first, again, last) == (["delivered"], [["deferred"]] * 3, ["delivered"])
    assert (own.body, own.id == message_id, own.attributes["Tenant"]["StringValue"]) == (entered().body, False, "acme")
    assert own.attributes["MessageId"]["StringValue"] == message_id
    assert (named(own)["sent_at"], named(own)["attempts"]) == (SENT_AT, 1)
    assert (line.written, line.waiting(), line.letters()) == (there(file), [], [])
    assert {entry.split()[1] for entry in line.logged} == {message_id[:8]}
    assert line.labels == [["deferred UNABLE_TO_LOCK_ROW 1"]] * 4 + [["delivered 1"]]


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_the_letter_of_a_refused_part_is_redriven_once_the_org_is_mended_and_writes_it_alone(file: str) -> None:
    line = Line(file)
    number = line.crm.org.faults.add(REFUSAL)
    message_id = line.send()

    first = line.run()
    (letter,) = line.letters()
    refused_again = [line.redrive().sent, line.run(HOUR)]
    (of_again,) = line.letters()
    line.crm.org.faults.remove(number)
    mended = [line.redrive().sent, line.run(200 * HOUR)]

    assert (first, refused_again, mended) == (["rejected"], [1, ["rejected"]], [1, ["delivered"]])
    assert letter.code == of_again.code == "INVALID_EMAIL_ADDRESS"
    assert letter.message_id == of_again.message_id == message_id
    assert named(letter) == named(of_again)
    assert (line.written, line.waiting(), line.letters()) == (there(file), [], [])
    assert {entry.split()[1] for entry in line.logged} == {message_id[:8]}
    assert line.labels == [["rejected INVALID_EMAIL_ADDRESS 1"]] * 2 + [["delivered 1"]]


def test_of_several_profiles_only_the_parts_that_are_left_are_written_again() -> None:
    line = Line(MEMBERS + ROWS)
    line.crm.put({"C2": {}})
    number = line.crm.org.faults.add(replace(LOCK, records=(ROW,)))
    line.send(json.dumps({"profiles": [json.loads(entered(short).body) for short in ("C2", "C1")]}))

    first = line.run()
    (own,) = line.waiting()
    line.crm.org.faults.remove(number)
    last = line.run(900)

    assert (first, named(own)["names"], last) == (["delivered"], {"1": [f"row {LOYAL}"]}, ["delivered"])
    assert (members(line.crm), rows(line.crm)) == ({"C1": "Sent", "C2": "Sent"}, {"C1": "realized", "C2": "realized"})
    assert line.written == (1, True, True)
    assert line.labels == [["delivered 1", "deferred UNABLE_TO_LOCK_ROW 1"], ["delivered 2"]]


TRIES = {"NOBODY_KNOWS_IT": 4, "FIELD_CUSTOM_VALIDATION_EXCEPTION": 2}


@pytest.mark.parametrize("code", TRIES)
def test_the_tries_of_a_part_are_counted_with_those_of_its_first_message(code: str) -> None:
    line = Line()
    for short in ("C2", "C3", "C4"):
        line.crm.put({short: {}})
        line.send(entered(short).body)
    line.run()  # others are written, so that no cause is common
    line.crm.org.faults.add(replace(REFUSAL, code=code))
    line.send()

    outcomes = [line.run(seconds) for seconds in (0, 1000, HOUR, HOUR)]

    assert outcomes[:2] == [["delivered"], ["deferred" if TRIES[code] > 2 else "rejected"]]
    assert [letter.text_of("Attempts") for letter in line.letters()] == [str(TRIES[code])]


def test_what_a_command_says_of_a_person_waits_in_its_own_form_and_is_redriven_in_it() -> None:
    line = Line()
    numbers = [line.crm.org.faults.add(fault) for fault in (LOCK, REFUSAL)]
    told = {LOYAL: {"status": "realized", "lastQualificationTime": "2023-11-14T22:11:40Z"}}
    line.send(json.dumps({"identity": {"SalesforceId": ident("C1")}, "memberships": told}), Form="memberships")

    first = line.run()
    line.crm.org.faults.remove(numbers[0])
    refused = line.run(900)
    line.crm.org.faults.remove(numbers[1])
    sent = line.redrive().sent

    assert (first, refused, sent, line.run(HOUR)) == (["delivered"], ["rejected"], 1, ["delivered"])
    assert (line.written[2], line.waiting(), line.letters()) == (True, [], [])


def test_a_process_that_dies_between_the_two_messages_loses_nothing() -> None:
    line = Line()
    number = line.crm.org.faults.add(LOCK)
    line.send()

    died = line.run(dies=True)
    assert len(line.waiting()) == 2
    line.crm.org.faults.remove(number)
    outcomes = line.run(1800)

    assert (died, outcomes) == (["delivered"], ["delivered"] * 2)
    assert (line.written, line.waiting(), line.letters()) == (there(WITH_ROWS, writes=2), [], [])


def test_a_queue_that_does_not_take_the_parts_makes_the_message_wait_whole() -> None:
    line = Line()
    number = line.crm.org.faults.add(LOCK)
    line.crm.deliverer.own_queue = OwnMessages(*a_queue(line.sqs)[:3], "no such queue")
    message_id = line.send()

    first = line.run()
    assert (first, [each.id for each in line.waiting()]) == (["deferred"], [message_id])
    line.crm.org.faults.remove(number)

    assert line.run(1800) == ["delivered"]
    assert (line.written, line.waiting(), line.letters()) == (there(WITH_ROWS, writes=2), [], [])


def test_parts_are_given_up_five_days_after_the_message_was_sent_and_begin_anew_by_a_redrive() -> None:
    line = Line()
    number = line.crm.org.faults.add(LOCK)
    message_id = line.send()
    hours = 0
    while not line.letters() and hours < 200:
        line.run(HOUR)
        hours += 1
    (letter,) = line.letters()

    assert line.labels[-1] == ["rejected UNABLE_TO_LOCK_ROW 1"]
    assert (hours, letter.code, letter.message_id) == (120, "UNABLE_TO_LOCK_ROW", message_id)
    assert letter.text_of("ErrorMessage").startswith(f"Given up after {letter.text_of('Attempts')} tries.")
    assert letter.text_of("Attempts") == "120"
    line.redrive()
    assert line.run(HOUR) == ["deferred"]
    line.crm.org.faults.remove(number)
    assert line.run(HOUR) == ["delivered"]
    assert (line.written, line.waiting(), line.letters()) == (there(WITH_ROWS), [], [])


def test_the_deployed_function_puts_what_is_left_on_its_own_queue(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    file = tmp_path / "people.toml"
    file.write_text(WITH_ROWS.replace("{audience}", LOYAL), encoding="utf-8")
    org = a_crm(WITH_ROWS).org
    org.faults.add(LOCK)
    with mock_aws():
        stack = DeliverStack(monkeypatch, file, org)

        kept = stack.invoke([replace(entered(), sent_at=int(time.time() * 1000))])

        names = ["ApproximateNumberOfMessagesDelayed"]
        delayed = stack.sqs.get_queue_attributes(QueueUrl=stack.queue_url, AttributeNames=names)["Attributes"]
        assert (kept, delayed, stack.dead_letters()) == ([], {names[0]: "1"}, [])
