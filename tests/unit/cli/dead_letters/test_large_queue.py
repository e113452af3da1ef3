"""A queue as large ones are: short, empty and repeated answers, counts that are late, calls that take their time."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from destination_cli.dead_letters import reader as reading
from destination_cli.dead_letters.command import list_dead_letters, put_back
from destination_cli.target import Target, TargetError
from destination_testbench.aws.clients import SimulatedSqs
from destination_testbench.aws.queue import QueueConfig, StandardQueue
from operated_stack import as_attributes
from rich.console import Console
from salesforce_destination.aws.sqs_queue import CALLS_AT_ONCE

CALL_SECONDS = 0.07
SHOW = "change_message_visibility_batch"
PUT_BACK = {"QueueUrl": "queue", "DeadLetterQueueUrl": "letters"}


class LargeQueues:
    """
    A client of two queues of SQS, and a clock that each call moves.

    `at_call` is told each call, by name and number, before it is made. With `waits` a call takes its time, not only
    by the clock.
    """

    def __init__(self, letters: int, reasons: int = 1, seed: int = 1, waits: bool = False) -> None:
        self.waits, self.call_seconds = waits, CALL_SECONDS
        self.calls = Counter[str]()
        self.at_call: Callable[[str, int], None] = lambda name, number: None
        self.late_counts: list[int] = []
        self._now, self._draw, self._lock = time.time() - 3600, random.Random(seed), threading.Lock()
        config = QueueConfig(retention_seconds=1_209_600)
        self.queue, self.letters = (StandardQueue(name, config, self.now, self._draw) for name in ("queue", "letters"))
        self._sqs = SimulatedSqs({"queue": self.queue, "letters": self.letters})
        for number in range(letters):
            self.reject(f'{{"number": {number}}}', f"REASON_{number % reasons}")
        self._now = time.time()

    @property
    def target(self) -> Target:
        return Target("a-stack", PUT_BACK, {}, lambda service: self)

    def now(self) -> float:
        return self._now

    def reject(self, body: str, reason: str) -> None:
        self.letters.add(body, as_attributes({"ErrorCode": reason, "ErrorFields": "Email", "Attempts": "1"}))

    def receive_message(self, **call: Any) -> Any:
        self._pass("receive_message")
        with self._lock:
            chance = self._draw.random()
        if chance < 0.05:
            return {}
        return self._sqs.receive_message(**call | {"MaxNumberOfMessages": 10 if chance < 0.8 else int(chance * 10)})

    def get_queue_attributes(self, **call: Any) -> Any:
        self._pass("get_queue_attributes")
        answer = self._sqs.get_queue_attributes(**call)
        if self.late_counts:
            answer["Attributes"]["ApproximateNumberOfMessages"] = str(self.late_counts.pop(0))
        return answer

    def __getattr__(self, name: str) -> Any:
        def call(**arguments: Any) -> Any:
            self._pass(name)
            return getattr(self._sqs, name)(**arguments)

        return call

    def _pass(self, name: str) -> None:
        if self.waits:
            time.sleep(CALL_SECONDS)
        with self._lock:
            self.calls[name] += 1
            number = self.calls[name]
            self._now += self.call_seconds
        self.at_call(name, number)


def on_screen(width: int = 80) -> Console:
    return Console(record=True, width=width)


def listed(queues: LargeQueues, console: Console, file: Path | None = None) -> int:
    options: dict[str, Any] = {"show": False, "samples": 1, "as_json": False, "codes": ()}
    return list_dead_letters(queues.target, console, file=file, **options)


def bodies(queue: StandardQueue) -> set[str]:
    return {message.body for message in queue.all()}


def test_a_list_and_an_export_have_every_dead_letter_and_leave_it_visible(tmp_path: Path) -> None:
    queues, console = LargeQueues(3_000), on_screen()

    status = listed(queues, console, tmp_path / "all.jsonl")

    lines = (tmp_path / "all.jsonl").read_text(encoding="utf-8").splitlines()
    assert status == 1
    assert "3,000  REASON_0" in console.export_text()
    assert {json.loads(line)["body"] for line in lines} == bodies(queues.letters)
    assert len(lines) == 3_000
    assert queues.letters.counts() == (3_000, 0)


def test_a_redrive_puts_back_all_and_each_once() -> None:
    queues, console = LargeQueues(3_000), on_screen()
    meant = bodies(queues.letters)

    status = put_back(queues.target, console, codes=(), as_json=False)

    assert (status, console.export_text()) == (0, "3,000 dead letters are back on the queue, 0 were left.\n")
    assert bodies(queues.queue) == meant
    assert len(queues.queue.all()) == 3_000
    assert queues.letters.all() == []


def test_other_dead_letters_that_come_again_and_again_are_not_taken_for_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Those that are left are visible again before all are read, as they are where the run takes long."""
    monkeypatch.setattr(reading, "CALLS_AT_ONCE", 1)
    queues = LargeQueues(3_000, reasons=3)
    queues.call_seconds = 4.0

    status = put_back(queues.target, on_screen(), codes=["REASON_0", "REASON_1"], as_json=False)

    assert status == 0
    assert len(queues.queue.all()) == 2_000
    assert queues.letters.counts() == (1_000, 0)
    assert max(message.receive_count for message in queues.letters.all()) > 1


def test_what_is_rejected_again_is_left_alone_and_does_not_keep_it_going() -> None:
    queues = LargeQueues(300)

    def reject_again(name: str, _: int) -> None:
        if name == "receive_message":
            queues.reject("again", "REASON_0")

    queues.at_call = reject_again
    put_back(queues.target, on_screen(), codes=(), as_json=False)

    assert len(queues.queue.all()) == 300
    assert bodies(queues.letters) == {"again"}
    assert queues.letters.counts()[1] == 0


def test_it_looks_again_while_the_queues_count_is_late() -> None:
    queues = LargeQueues(30)
    queues.late_counts = [30, 7, 7]

    assert put_back(queues.target, on_screen(), codes=(), as_json=False) == 0
    assert queues.late_counts == []


def test_what_another_command_hides_is_told_and_not_the_all_clear() -> None:
    queues, console = LargeQueues(30), on_screen()
    queues.letters.receive(10, 3_600)

    assert put_back(queues.target, console, codes=(), as_json=False) == 1
    assert listed(queues, console) == 1
    text = " ".join(console.export_text().split())
    assert text.startswith("20 dead letters are back on the queue, 0 were left. SQS counts about 10 more.")
    assert text.count("SQS counts about 10 more.") == 2
    assert "no dead letters" not in text


def test_a_list_stops_before_sqs_hides_no_more_and_a_redrive_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_HIDDEN", 1_000)
    queues, console = LargeQueues(2_000), on_screen(300)

    assert listed(queues, console) == 1
    assert "SQS counts about" in console.export_text()
    assert queues.letters.most_in_flight <= 1_000 + 10 * CALLS_AT_ONCE
    assert queues.letters.counts() == (2_000, 0)
    assert put_back(queues.target, console, codes=(), as_json=False) == 0
    assert len(queues.queue.all()) == 2_000


class Keyboard:
    """Where Ctrl-C is pressed, by any thread; a press has an effect before the next one comes."""

    def __init__(self) -> None:
        self._seen = threading.Semaphore(0)

    def interrupt(self, *_: object) -> None:
        self._seen.release()
        raise KeyboardInterrupt

    def press(self) -> None:
        """Again where Python was just about to wait for a lock: then it notices a signal with the next one."""
        for _ in range(10):
            os.kill(os.getpid(), signal.SIGINT)
            if self._seen.acquire(timeout=1):
                return
        raise AssertionError

    def press_at(self, queues: LargeQueues, name: str, number: int) -> None:
        """Press while such a call is on its way."""

        def press(called: str, count: int) -> None:
            if (called, count) == (name, number):
                self.press()

        queues.at_call = press


@pytest.fixture
def keyboard() -> Iterator[Keyboard]:
    keyboard = Keyboard()
    before = signal.signal(signal.SIGINT, keyboard.interrupt)
    yield keyboard
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("name", ["receive_message", "send_message_batch", "delete_message_batch"])
def test_a_redrive_that_is_interrupted_loses_none_and_says_how_far_it_came(keyboard: Keyboard, name: str) -> None:
    queues = LargeQueues(1_000)
    meant = bodies(queues.letters)
    keyboard.press_at(queues, name, 20)

    with pytest.raises(TargetError, match="Interrupted") as interrupted:
        put_back(queues.target, on_screen(), codes=(), as_json=False)

    sent, left = len(queues.queue.all()), len(queues.letters.all())
    assert f"{sent} dead letters are back on the queue." in str(interrupted.value)
    assert (sent + left, queues.letters.counts()) == (1_000, (left, 0))
    assert bodies(queues.queue) | bodies(queues.letters) == meant
    assert 0 < sent < 1_000


def test_an_export_that_is_interrupted_shows_all_again_and_leaves_no_file(keyboard: Keyboard, tmp_path: Path) -> None:
    queues = LargeQueues(1_000)
    keyboard.press_at(queues, "receive_message", 50)

    with pytest.raises(TargetError, match="Interrupted"):
        listed(queues, on_screen(), tmp_path / "all.jsonl")

    assert queues.letters.counts() == (1_000, 0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("presses", "shown"), [(1, True), (2, True), (3, False)])
def test_ctrl_c_once_more_is_patient_and_twice_more_leaves_the_rest_to_sqs(
    keyboard: Keyboard, presses: int, shown: bool
) -> None:
    """The first ends the list; then the calls that show all again are on their way."""
    queues, is_over = LargeQueues(1_000), threading.Event()
    at = [("receive_message", 80), (SHOW, 2), (SHOW, 20)][:presses]

    def press(called: str, number: int) -> None:
        if called == SHOW:
            time.sleep(0.01)
        if (called, number) in at:
            keyboard.press()
        if called == SHOW and number >= 20 and not shown:
            is_over.wait(10)

    queues.at_call = press
    with pytest.raises(TargetError, match="in 15 minutes at most"):
        listed(queues, on_screen())

    is_over.set()
    assert (queues.letters.counts() == (1_000, 0)) is shown


def test_an_export_replaces_no_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("mine", encoding="utf-8")
    queues = LargeQueues(1)

    with pytest.raises(TargetError, match=r"mine\.txt exists\. Name another file, or delete this one first\."):
        listed(queues, on_screen(), file)

    assert file.read_text(encoding="utf-8") == "mine"


def test_no_line_breaks_inside_a_word() -> None:
    queues, console = LargeQueues(0), on_screen(80)
    fields = [f"CDP_Membership_Of_A_Long_Name_{number}__c" for number in range(5)]
    long = "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
    for reason in (long, "NOT_JSON"):
        attributes = {"ErrorCode": reason, "ErrorFields": ",".join(fields), "Attempts": "12"}
        queues.letters.add("{}", as_attributes(attributes))
    ids = {message.id for message in queues.letters.all()}

    listed(queues, console)

    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= 80
    assert {long, *fields, *ids} <= set(" ".join(lines).split())
