from __future__ import annotations

import gzip
import io
import json
import resource
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from destination_cli.send.load import CALLS_AHEAD, send_file, send_stream
from destination_cli.send.source import read_lines
from destination_cli.target import Target, TargetError
from moto import mock_aws
from operated_stack import OperatedStack
from rich.console import Console

QUIET = Console(quiet=True)
PROFILE = b'{"identityMap": {"crmID": [{"id": "003Ab0000000001IAA"}]}, "person": {"name": {"lastName": "Okafor"}}}\n'


class StandInQueue:
    """Takes messages and counts them; `failures_left` entries fail first, and after `interrupt_after` comes Ctrl-C."""

    def __init__(self) -> None:
        self.taken = self.calls = 0
        self.largest = 0
        self.bodies: set[str] = set()
        self.keeps_bodies = True
        self.event_times: set[str] = set()
        self.failures_left = 0
        self.interrupt_after = 10**9
        self.lock = threading.Lock()

    def get_queue_attributes(self, **_: Any) -> dict[str, Any]:
        return {"Attributes": {"MaximumMessageSize": "1044480"}}

    def send_message_batch(self, **call: Any) -> dict[str, Any]:
        entries = call["Entries"]
        with self.lock:
            self.calls += 1
            assert 1 <= len(entries) <= 10
            self.largest = max(self.largest, sum(len(entry["MessageBody"].encode()) for entry in entries))
            failed = entries[: min(self.failures_left, len(entries))]
            self.failures_left -= len(failed)
            taken = entries[len(failed) :]
            self.taken += len(taken)
            for entry in taken if self.keeps_bodies else ():
                self.bodies.add(entry["MessageBody"])
                self.event_times.add(entry.get("MessageAttributes", {}).get("EventTime", {}).get("StringValue", ""))
            if self.taken >= self.interrupt_after:
                raise KeyboardInterrupt
        return {"Failed": [{"Id": entry["Id"], "SenderFault": False, "Code": "InternalError"} for entry in failed]}


def a_target(queue: StandInQueue) -> Target:
    return Target("a-stack", {"QueueUrl": "url"}, {}, lambda service: queue)


def a_file(folder: Path, profiles: int, name: str = "profiles.jsonl") -> Path:
    file = folder / name
    file.write_text("".join(json.dumps({"number": number}) + "\n" for number in range(profiles)), encoding="utf-8")
    return file


def send(queue: StandInQueue, file: Path, *, as_of: str | None = None, resume: bool = False) -> int:
    return send_file(
        a_target(queue), file, QUIET, as_of=as_of, resume=resume, as_json=False, sleep=lambda seconds: None
    )


class ManyProfiles(io.RawIOBase):
    """A file that is made as it is read, and knows how far the reading is ahead of the sending."""

    def __init__(self, count: int, queue: StandInQueue) -> None:
        self._count, self._queue = count, queue
        self.most_ahead = 0

    def __iter__(self) -> Iterator[bytes]:
        for number in range(self._count):
            if not number % 1_000:
                self.most_ahead = max(self.most_ahead, number - self._queue.taken)
            yield PROFILE


def test_a_quarter_of_a_million_profiles_are_sent_while_a_few_hundred_are_held_in_memory() -> None:
    queue = StandInQueue()
    queue.keeps_bodies = False
    source: Any = ManyProfiles(250_000, queue)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    status = send_stream(a_target(queue), source, QUIET, as_of=None, as_json=False)

    grown_kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert (status, queue.taken, queue.calls) == (0, 250_000, 25_000)
    assert source.most_ahead <= (CALLS_AHEAD + 2) * 10
    assert grown_kilobytes < 30_000


def test_profiles_arrive_in_messages_of_one_each(tmp_path: Path) -> None:
    with mock_aws():
        stack = OperatedStack()

        status = send_file(stack.target, a_file(tmp_path, 23), QUIET, as_of=None, resume=False, as_json=False)

        messages = stack.waiting()
    assert status == 0
    assert sorted(json.loads(message["Body"])["number"] for message in messages) == list(range(23))
    assert not any("MessageAttributes" in message for message in messages)
    assert [file.name for file in tmp_path.iterdir()] == ["profiles.jsonl"]


def test_a_snapshot_has_its_own_time(tmp_path: Path) -> None:
    queue = StandInQueue()

    send(queue, a_file(tmp_path, 3), as_of="2026-01-11T21:24:39Z")

    assert queue.event_times == {"1768166679000"}


@pytest.mark.parametrize(
    ("as_of", "said"),
    [
        ("yesterday", ""),
        ("2199-01-01T00:00:00Z", " is in the future"),
        ("2999-01-01T00:00:00Z", " is outside 2001 to 2286"),
        ("1700000000", ""),
        ("1700000000000000", " is outside 2001 to 2286"),
    ],
)
def test_a_time_that_cannot_be_is_refused_before_anything_is_sent(tmp_path: Path, as_of: str, said: str) -> None:
    queue = StandInQueue()

    with pytest.raises(TargetError, match=f"--as-of{said}"):
        send(queue, a_file(tmp_path, 3), as_of=as_of)

    assert queue.calls == 0


def test_failed_entries_are_sent_again_and_only_those(tmp_path: Path) -> None:
    queue = StandInQueue()
    queue.failures_left = 25

    status = send(queue, a_file(tmp_path, 100))

    assert (status, queue.taken, len(queue.bodies)) == (0, 100, 100)


def test_a_call_holds_at_most_a_mebibyte(tmp_path: Path) -> None:
    file = tmp_path / "large.jsonl"
    file.write_text("".join(json.dumps({"text": "x" * 300_000, "n": n}) + "\n" for n in range(8)), encoding="utf-8")
    queue = StandInQueue()

    send(queue, file)

    assert queue.taken == 8
    assert 600_000 < queue.largest <= 1_048_576


def test_an_interrupted_send_goes_on_where_it_was(tmp_path: Path) -> None:
    file = a_file(tmp_path, 5_000)
    queue = StandInQueue()
    queue.interrupt_after = 2_000
    with pytest.raises(TargetError, match=r"Interrupted.*--resume"):
        send(queue, file, as_of="2026-01-11T21:24:39Z")
    queue.interrupt_after = 10**9

    status = send(queue, file, resume=True)

    assert status == 0
    assert len(queue.bodies) == 5_000
    assert queue.event_times == {"1768166679000"}
    assert queue.taken <= 5_000 + (CALLS_AHEAD + 1) * 10
    assert [found.name for found in tmp_path.iterdir()] == ["profiles.jsonl"]


def test_a_queue_that_takes_nothing_ends_the_send_with_how_to_go_on(tmp_path: Path) -> None:
    queue = StandInQueue()
    queue.failures_left = 10**9

    with pytest.raises(TargetError, match=r"takes no more messages\. 0 profiles were sent.*--resume"):
        send(queue, a_file(tmp_path, 30))

    queue.failures_left = 0
    assert send(queue, tmp_path / "profiles.jsonl", resume=True) == 0
    assert queue.taken == 30


def test_an_interrupted_send_is_not_begun_anew_by_mistake(tmp_path: Path) -> None:
    file, queue = a_file(tmp_path, 50), StandInQueue()
    queue.failures_left = 10**9
    with pytest.raises(TargetError):
        send(queue, file)

    with pytest.raises(TargetError, match=r"was interrupted\. Add --resume to continue, or delete"):
        send(queue, file)


def test_a_changed_file_is_not_resumed(tmp_path: Path) -> None:
    file, queue = a_file(tmp_path, 50), StandInQueue()
    queue.failures_left = 10**9
    with pytest.raises(TargetError):
        send(queue, file)
    a_file(tmp_path, 60)

    with pytest.raises(TargetError, match="another version of the file"):
        send(queue, file, resume=True)


def test_there_is_nothing_to_resume_where_no_send_was_interrupted(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="nothing to resume"):
        send(StandInQueue(), a_file(tmp_path, 3), resume=True)


def test_lines_that_are_no_profiles_are_named_and_the_others_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mixed.jsonl"
    file.write_bytes(b'\xef\xbb\xbf{"a": 1}\n\n{"a": \n[1]\n{"a": 2}\n')
    queue = StandInQueue()

    status = send_file(a_target(queue), file, QUIET, as_of=None, resume=False, as_json=True)

    assert status == 1
    assert queue.bodies == {'{"a": 1}', '{"a": 2}'}
    assert json.loads(capsys.readouterr().out) == {
        "sent": 2,
        "not_sent": 2,
        "problems": [[3, "is not JSON; write each profile on one line"], [4, "is not a JSON object"]],
    }


@pytest.mark.parametrize(
    ("content", "words", "command"),
    [
        (gzip.compress(b'{"a": 1}', mtime=0), "gzip", "gzip -dc 'my profiles' | destination send -"),
        ('{"a": 1}'.encode("utf-16"), "UTF-16", "iconv -f UTF-16 -t UTF-8 'my profiles' |"),
        ('{"a": 1}'.encode("utf-16-le"), "UTF-16", "iconv"),
        (b'[{"a": 1}]', "a JSON array", "jq -c '.[]' 'my profiles' |"),
        (b'{\n  "a": 1\n}\n', "JSON over several lines", "jq -c . 'my profiles' |"),
        ('{"a": 1}'.encode("utf-32"), "UTF-32", "iconv -f UTF-32 -t UTF-8"),
        (b"PK\x03\x04...", "a ZIP archive or a workbook", "unzip -p"),
    ],
)
def test_a_file_in_another_format_is_named_with_the_command_that_mends_it(
    tmp_path: Path, content: bytes, words: str, command: str
) -> None:
    file, queue = tmp_path / "my profiles", StandInQueue()
    file.write_bytes(content)

    with pytest.raises(TargetError) as error:
        send_file(a_target(queue), file, QUIET, as_of=None, resume=False, as_json=False)
    with pytest.raises(TargetError) as piped:
        send_stream(a_target(queue), io.BytesIO(content), QUIET, as_of=None, as_json=False)

    for problem in (str(error.value), str(piped.value)):
        assert f" is {words}, not a JSON object on each line. Use: " in problem
    assert command in str(error.value).replace(f"{tmp_path}/", "")
    assert queue.bodies == set()
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize("mark", [";", "\t", ","])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_the_command_for_csv_reads_it(tmp_path: Path, mark: str, start: bytes) -> None:
    file = tmp_path / "my profiles"
    file.write_bytes(start + f"id{mark}name\n1{mark}Ok\u00e1for\n".encode())

    with pytest.raises(TargetError) as error:
        send_file(a_target(StandInQueue()), file, QUIET, as_of=None, resume=False, as_json=False)
    command = str(error.value).partition("Use: ")[2].partition(" | ")[0]

    lines = subprocess.run(["sh", "-c", command], check=True, capture_output=True).stdout.splitlines()
    assert [line.body for line in read_lines(lines)] == ['{"id": "1", "name": "Ok\\u00e1for"}']


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{"a": NaN}', "has NaN or Infinity, which JSON has not; use: sed -E 's/: *-?(NaN|Infinity)/: null/g' FILE"),
        (b'{"a": "\xfc"}', "is not UTF-8; use: iconv -f WINDOWS-1252 -t UTF-8 FILE"),
        (b'{"a": 1,}', "is not JSON; write each profile on one line"),
        (b"", ""),
    ],
)
def test_where_nothing_was_sent_there_is_no_tick(tmp_path: Path, content: bytes, problem: str) -> None:
    file, console = tmp_path / "bad.jsonl", Console(record=True, width=160)
    file.write_bytes(content)

    assert send_file(a_target(StandInQueue()), file, console, as_of=None, resume=False, as_json=False) == 1

    text = console.export_text()
    assert "✗ 0 profiles are on the queue." in text
    assert "✓" not in text
    assert problem in text


def test_one_line_is_spoken_of_as_one(tmp_path: Path) -> None:
    file, console = tmp_path / "two.jsonl", Console(record=True, width=120)
    file.write_text('{"a": 1}\n[1]\n', encoding="utf-8")

    send_file(a_target(StandInQueue()), file, console, as_of=None, resume=False, as_json=False)

    text = console.export_text()
    assert "1 profile is on the queue." in text
    assert "1 line was not sent:" in text


def test_a_line_longer_than_a_message_is_not_sent() -> None:
    (line,) = read_lines([b'{"a": "' + b"x" * 100 + b'"}'], most_bytes=50)

    assert line.body == ""
    assert "longer than a message" in line.problem


def test_a_line_that_sqs_refuses_does_not_stop_its_neighbours(tmp_path: Path) -> None:
    file = tmp_path / "odd.jsonl"
    file.write_text('{"a": 1}\n{"a": "\ufffe"}\n{"a": 2}\n', encoding="utf-8")
    with mock_aws():
        stack = OperatedStack()
        stack.target.make_client = lambda service: Strict(boto3.client(service))

        status = send_file(stack.target, file, QUIET, as_of=None, resume=False, as_json=False)

        assert status == 1
        assert {message["Body"] for message in stack.waiting()} == {'{"a": 1}', '{"a": 2}'}


class Strict:
    """SQS with its rule for characters, which moto has for single messages only."""

    def __init__(self, sqs: Any) -> None:
        self._sqs = sqs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sqs, name)

    def send_message_batch(self, **call: Any) -> Any:
        if any("\ufffe" in entry["MessageBody"] for entry in call["Entries"]):
            error = {"Error": {"Code": "InvalidMessageContents"}}
            raise self._sqs.exceptions.ClientError(error, "SendMessageBatch")
        return self._sqs.send_message_batch(**call)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"none\.jsonl: No such file"):
        send(StandInQueue(), tmp_path / "none.jsonl")


def test_a_person_sees_a_bar_with_the_rate_and_the_time_left(tmp_path: Path) -> None:
    console = Console(record=True, width=120, force_terminal=True)

    send_file(a_target(StandInQueue()), a_file(tmp_path, 40), console, as_of=None, resume=False, as_json=False)

    text = console.export_text()
    assert "100%" in text
    assert "40 sent" in text
    assert "/s" in text
    assert "40 profiles are on the queue" in text
