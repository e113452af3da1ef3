from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from destination_cli.dead_letters.command import Redriven, list_dead_letters, put_back, redrive
from destination_cli.dead_letters.reader import DeadLetterReader
from destination_cli.target import TargetError
from moto import mock_aws
from operated_stack import OperatedStack, as_attributes
from rich.console import Console

EMAIL = {
    "ErrorCode": "INVALID_EMAIL_ADDRESS",
    "ErrorMessage": "invalid: anna@",
    "ErrorFields": "Email",
    "Attempts": "1",
}
NO_JSON = {"ErrorCode": "NOT_JSON", "Attempts": "1"}


@pytest.fixture
def stack() -> Iterator[OperatedStack]:
    with mock_aws():
        yield OperatedStack()


def shown(stack: OperatedStack, **options: Any) -> tuple[int, str]:
    console = Console(record=True, width=160)
    given = {"show": False, "samples": 1, "as_json": False, "file": None, "codes": ()}
    status = list_dead_letters(stack.target, console, **{**given, **options})
    return status, console.export_text()


def reader(stack: OperatedStack) -> DeadLetterReader:
    return DeadLetterReader(stack.sqs, stack.dead_letters_url, wait_seconds=0)


def bodies(messages: list[dict[str, Any]]) -> set[str]:
    return {message["Body"] for message in messages}


def test_letters_are_counted_by_reason_without_a_word_of_the_profile(stack: OperatedStack) -> None:
    for number in range(12):
        stack.reject(f"anna-{number}", EMAIL)
    stack.reject("{", NO_JSON)

    status, text = shown(stack)

    assert status == 1
    assert "12 INVALID_EMAIL_ADDRESS Email (12)" in " ".join(text.split())
    assert text.index("INVALID_EMAIL_ADDRESS") < text.index("NOT_JSON")
    assert "anna" not in text


def test_whoever_asks_for_it_sees_the_profile_and_what_salesforce_said(stack: OperatedStack) -> None:
    stack.reject("the profile of anna", EMAIL)

    _, text = shown(stack, show=True)

    assert "invalid: anna@" in text
    assert "the profile of anna" in text


def test_programs_get_the_same_without_profiles(stack: OperatedStack, capsys: pytest.CaptureFixture[str]) -> None:
    stack.reject("anna", EMAIL)

    shown(stack, as_json=True)

    text = capsys.readouterr().out
    (reason,) = json.loads(text)["dead_letters"]
    assert (reason["error_code"], reason["count"]) == ("INVALID_EMAIL_ADDRESS", 1)
    assert "anna" not in text


def test_looking_leaves_every_letter_visible(stack: OperatedStack) -> None:
    for number in range(25):
        stack.reject(str(number))

    shown(stack)

    assert len(stack.dead()) == 25


def test_no_letters_are_a_good_end(stack: OperatedStack) -> None:
    status, text = shown(stack)

    assert status == 0
    assert "no dead letters" in text


def test_a_reason_that_no_letter_has_is_no_all_clear(stack: OperatedStack) -> None:
    stack.reject("{", NO_JSON)
    for number in range(2):
        stack.reject(str(number), EMAIL)

    status, text = shown(stack, codes=["NOPE"])

    assert status == 1
    assert text == "No dead letter has the reason NOPE. There are: INVALID_EMAIL_ADDRESS (2), NOT_JSON (1).\n"


def test_programs_are_told_the_other_reasons_too(stack: OperatedStack, capsys: pytest.CaptureFixture[str]) -> None:
    stack.reject("{", NO_JSON)

    shown(stack, codes=["NOPE"], as_json=True)

    assert json.loads(capsys.readouterr().out) == {"dead_letters": [], "other_reasons": {"NOT_JSON": 1}, "unread": 0}


def test_a_letter_is_shown_with_the_time_of_its_event(stack: OperatedStack) -> None:
    stack.reject("a", {**EMAIL, "EventTime": 1_700_000_000_000})

    _, text = shown(stack)

    assert "INVALID_EMAIL_ADDRESS\n  event of 2023-11-14 22:13:20Z, 1 attempt\n  message " in text


def test_a_redrive_of_a_reason_that_no_letter_has_names_those_that_there_are(stack: OperatedStack) -> None:
    for number in range(2):
        stack.reject(str(number), EMAIL)
    console = Console(record=True, width=160, force_terminal=True)

    status = put_back(stack.target, console, codes=["NOPE"], as_json=False)

    text = console.export_text()
    assert status == 1
    assert "No dead letter has the reason NOPE. There are: INVALID_EMAIL_ADDRESS (2)." in text


def test_the_bar_counts_at_the_end_what_is_shown_again(stack: OperatedStack) -> None:
    stack.reject("{", NO_JSON)
    for number in range(2):
        stack.reject(str(number), EMAIL)
    console = Console(record=True, width=160, force_terminal=True)

    status = put_back(stack.target, console, codes=["NOT_JSON"], as_json=False)

    text = console.export_text()
    assert status == 0
    assert "Showing them to others again" in text
    assert "2/2" in text
    assert "1 dead letter is back on the queue, 2 were left." in text


def test_redriven_letters_are_on_the_queue_with_their_time_and_not_among_the_dead(stack: OperatedStack) -> None:
    for number in range(23):
        stack.reject(str(number), {**EMAIL, "EventTime": 1_700_000_000_000 + number, "Source": "adobe"})

    status = put_back(stack.target, Console(quiet=True), codes=(), as_json=False)

    messages = stack.waiting()
    assert status == 0
    assert bodies(messages) == {str(number) for number in range(23)}
    assert {int(m["MessageAttributes"]["EventTime"]["StringValue"]) - int(m["Body"]) for m in messages} == {
        1_700_000_000_000
    }
    assert all(set(message["MessageAttributes"]) == {"EventTime", "MessageId", "Source"} for message in messages)
    assert stack.dead() == []


def test_by_reason_only_those_letters_go_back_and_the_others_stay_visible(stack: OperatedStack) -> None:
    for number in range(12):
        stack.reject(f"email {number}", EMAIL)
        stack.reject(f"json {number}", NO_JSON)

    put_back(stack.target, Console(quiet=True), codes=["NOT_JSON"], as_json=False)

    assert bodies(stack.waiting()) == {f"json {number}" for number in range(12)}
    assert bodies(stack.dead()) == {f"email {number}" for number in range(12)}


class Interrupted:
    """SQS until a call of this name, where the person presses Ctrl-C: before it is made, or after."""

    def __init__(self, sqs: Any, call: str, *, after: bool) -> None:
        self._sqs, self._call, self._after = sqs, call, after

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._sqs, name)
        if name != self._call:
            return method

        def interrupted(**arguments: Any) -> None:
            if self._after:
                method(**arguments)
            raise KeyboardInterrupt

        return interrupted


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", ["send_message_batch", "delete_message_batch"])
def test_none_is_lost_wherever_a_redrive_is_interrupted(stack: OperatedStack, call: str, after: bool) -> None:
    everything = {str(number) for number in range(12)}
    for body in everything:
        stack.reject(body)
    sqs = Interrupted(stack.sqs, call, after=after)

    with pytest.raises(KeyboardInterrupt), DeadLetterReader(sqs, stack.dead_letters_url, wait_seconds=0) as letters:
        redrive(letters, sqs, stack.queue_url, (), Redriven())

    assert bodies(stack.waiting()) | bodies(stack.dead()) == everything


def test_what_comes_back_while_a_redrive_runs_is_not_sent_again(stack: OperatedStack) -> None:
    stack.reject("old")
    with reader(stack) as letters:
        letters.began_ms -= 10_000_000_000

        redrive(letters, stack.sqs, stack.queue_url, (), result := Redriven())

    assert result.sent == 0
    assert bodies(stack.dead()) == {"old"}


class Refusing:
    """A queue behind which a function rejects every message again, before the redrive goes on."""

    def __init__(self, stack: OperatedStack) -> None:
        self._stack, self._sqs = stack, stack.sqs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sqs, name)

    def send_message_batch(self, **call: Any) -> Any:
        answer = self._sqs.send_message_batch(**call)
        for message in self._stack.waiting():
            attributes = {**message["MessageAttributes"], **as_attributes(NO_JSON)}
            letter = {"MessageBody": message["Body"], "MessageAttributes": attributes}
            self._sqs.send_message(QueueUrl=self._stack.dead_letters_url, **letter)
        return answer


def test_what_is_rejected_again_at_once_is_left_though_no_clock_tells_it_from_the_old(stack: OperatedStack) -> None:
    for number in range(12):
        stack.reject(str(number % 11), NO_JSON)
    with reader(stack) as letters:
        letters.began_ms += 60_000

        redrive(letters, Refusing(stack), stack.queue_url, (), result := Redriven())

    assert (result.sent, result.is_good) == (12, True)
    assert len(stack.dead()) == 12


class Choosy:
    """A queue that does not take some of the entries."""

    def __init__(self, sqs: Any) -> None:
        self._sqs = sqs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sqs, name)

    def send_message_batch(self, **call: Any) -> Any:
        taken = [entry for entry in call["Entries"] if entry["MessageBody"] != "refused"]
        failed = [{"Id": entry["Id"], "SenderFault": True} for entry in call["Entries"] if entry not in taken]
        return {**self._sqs.send_message_batch(**{**call, "Entries": taken}), "Failed": failed}


def test_a_letter_that_the_queue_does_not_take_stays_a_dead_letter(stack: OperatedStack) -> None:
    for body in ("taken", "refused"):
        stack.reject(body)

    with reader(stack) as letters:
        redrive(letters, Choosy(stack.sqs), stack.queue_url, (), result := Redriven())

    assert (result.sent, result.failed, result.is_good) == (1, 1, False)
    assert bodies(stack.dead()) == {"refused"}


def test_letters_too_large_for_one_call_go_in_several(stack: OperatedStack) -> None:
    for letter in "abc":
        stack.reject(letter * 700_000)

    with reader(stack) as letters:
        redrive(letters, stack.sqs, stack.queue_url, (), result := Redriven())

    assert result.sent == 3


def test_an_exported_letter_holds_everything_and_only_its_owner_reads_the_file(
    stack: OperatedStack, tmp_path: Path
) -> None:
    stack.reject('{"name": "Zoë"}', {**EMAIL, "EventTime": 1_700_000_000_000, "Source": "adobe", "Sum": b"\x00\xff"})
    file = tmp_path / "letters.jsonl"

    shown(stack, file=file)

    (letter,) = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert letter["body"] == '{"name": "Zoë"}'
    assert (letter["error_code"], letter["error_message"]) == ("INVALID_EMAIL_ADDRESS", "invalid: anna@")
    own = {"EventTime": "1700000000000", "MessageId": letter["message_id"]}
    assert letter["attributes"] == {**own, "Source": "adobe", "Sum": "AP8="}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(stack.dead()) == 1


def test_of_no_letters_no_file_is_written(stack: OperatedStack, tmp_path: Path) -> None:
    status, text = shown(stack, file=tmp_path / "letters.jsonl")

    assert (status, list(tmp_path.iterdir())) == (0, [])
    assert "Written" not in text


def test_a_file_that_cannot_be_written_is_named(stack: OperatedStack, tmp_path: Path) -> None:
    stack.reject("a")

    with pytest.raises(TargetError, match="cannot be written"):
        shown(stack, file=tmp_path / "nowhere" / "letters.jsonl")
