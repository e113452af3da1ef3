from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from destination_testbench.org import SimulatedOrg, record_id, seed, serve
from local_stack import wait_until

Run = Callable[..., "subprocess.Popen[str]"]


@dataclass(frozen=True, slots=True)
class Running:
    """A stack that runs for the whole module, and the org that it was given."""

    process: subprocess.Popen[str]
    endpoints: Any
    org: SimulatedOrg


def started(state: Path, **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "destination_testbench", "local", "--state", str(state)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """It finds the endpoints of one that was killed."""
    state, org = tmp_path_factory.mktemp("running") / "state", SimulatedOrg()
    state.mkdir()
    (state / "endpoints.json").write_text('{"pid": 1}', encoding="utf-8")
    seed(org, contacts=1)
    with serve(org) as server:
        process = started(state, SALESFORCE_URL=server.url, BATCH_WINDOW_SECONDS="1")
        try:
            wait_until(lambda: (endpoints(state) or {"pid": 1})["pid"] != 1)
            yield Running(process, endpoints(state), org)
        finally:
            process.kill()
            process.communicate()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def run(state: Path) -> Iterator[Run]:
    with ExitStack() as ending:

        def run(**environ: str) -> subprocess.Popen[str]:
            process = started(state, **environ)
            ending.callback(process.communicate)
            ending.callback(process.kill)
            return process

        yield run


def endpoints(state: Path) -> Any:
    file = state / "endpoints.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def processes() -> dict[int, int]:
    """The parent of every process that runs, from /proc where there is one: a small machine may have no `ps`."""
    if Path("/proc/self/stat").exists():
        stats = [text for folder in Path("/proc").glob("[0-9]*") if (text := stat_of(folder))]
        listed = [(text.split(" ", 1)[0], *text.rpartition(") ")[2].split()[:2]) for text in stats]
    else:
        ran = subprocess.run(["ps", "-axo", "pid=,stat=,ppid="], capture_output=True, text=True, check=True)
        listed = [(fields[0], fields[1], fields[2]) for fields in map(str.split, ran.stdout.splitlines())]
    return {int(pid): int(parent) for pid, state, parent in listed if not state.startswith("Z")}


def stat_of(folder: Path) -> str:
    try:
        return (folder / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""  # it has just ended


def children_of(pid: int) -> set[int]:
    return {child for child, parent in processes().items() if parent == pid}


def test_endpoints_say_where_everything_is_and_not_what_one_that_was_killed_left(running: Running) -> None:
    found = running.endpoints

    assert set(found) == {
        "aws_endpoint_url",
        "region",
        "queue_url",
        "dead_letter_queue_url",
        "salesforce_url",
        "pid",
    }
    assert found["pid"] == running.process.pid
    assert found["queue_url"].startswith(found["aws_endpoint_url"])


def test_anyone_may_send_a_message_and_it_goes_to_the_org_that_was_named(running: Running) -> None:
    found, identity = running.endpoints, record_id("003", 1)
    sqs = boto3.client("sqs", endpoint_url=found["aws_endpoint_url"], region_name=found["region"])

    body = {"person": {"name": {"lastName": "Hopper"}}, "identityMap": {"crmID": [{"id": identity}]}}
    sqs.send_message(QueueUrl=found["queue_url"], MessageBody=json.dumps(body))

    wait_until(lambda: [r.get("LastName") for r in running.org.records("Contact")] == ["Hopper"])


def test_it_ends_cleanly_and_nothing_remains(run: Run, state: Path) -> None:
    process = run()
    found = wait_until(lambda: endpoints(state))
    children = children_of(process.pid)

    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=15)

    assert process.returncode == 0, output
    assert f"Records in the org: {found['salesforce_url']}/\n" in output
    assert endpoints(state) is None
    assert len(children) >= 3
    wait_until(lambda: not children & set(processes()))


def test_nothing_remains_either_if_it_is_killed(run: Run, state: Path) -> None:
    process = run()
    wait_until(lambda: endpoints(state))
    children = children_of(process.pid)

    process.kill()

    assert len(children) >= 3
    wait_until(lambda: not children & set(processes()))


def test_a_setting_that_cannot_be_is_answered_in_words(run: Run) -> None:
    process = run(BATCH_WINDOW_SECONDS="soon")

    output, _ = process.communicate(timeout=30)

    assert process.returncode == 2
    assert "BATCH_WINDOW_SECONDS is 'soon'" in output
    assert "Traceback" not in output


def test_mistakes_in_a_destination_file_are_all_named(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('name = "Mine"\nsalesforce_object = "Contact"\nfoo = 1\n', encoding="utf-8")

    output, _ = run(DESTINATION=str(file)).communicate(timeout=30)

    assert "identity" in output
    assert "foo" in output
    assert "Traceback" not in output


def test_a_destination_that_is_not_there_is_answered_with_those_that_are(run: Run) -> None:
    process = run(DESTINATION="nobody")

    output, _ = process.communicate(timeout=30)

    assert process.returncode == 2
    assert "contacts, leads" in output
