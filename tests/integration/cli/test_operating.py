"""An operator's day on the local stack: each test uses the commands as a person does, and looks into the org."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from builders import LOYAL, a_profile, an_id
from destination_cli.app import app
from destination_testbench.local.options import StackOptions
from destination_testbench.local.places import ROOT
from destination_testbench.local.stack import LocalStack
from destination_testbench.org import SimulatedOrg, seed
from guarded_org import a_guarded_file
from local_stack import wait_until, waiting
from typer.testing import CliRunner

CONTACTS = 400
CONTACTS_FILE = ROOT / "layers" / "destinations" / "contacts.toml"
QUICK = {"BatchWindowSeconds": 1, "RedeliveryBaseSeconds": 1, "RedeliveryMaxSeconds": 1}

Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def org() -> SimulatedOrg:
    org = SimulatedOrg()
    seed(org, contacts=CONTACTS)
    return org


@pytest.fixture(scope="module")
def stack(org: SimulatedOrg, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    state = tmp_path_factory.mktemp("operating") / "state"
    with LocalStack(StackOptions(state=state, parameters=QUICK), org) as stack:
        yield stack


@pytest.fixture
def run(stack: LocalStack) -> Run:
    """Run a command on the stack; give its exit status and what it printed."""

    def run(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, [*words, "--local", "--state", str(stack.options.state)])
        return result.exit_code, result.output

    return run


def answer(run: Run, *words: str) -> Any:
    return json.loads(run(*words, "--json")[1])


def profiles(file: Path, numbers: range, status: str, **more: Any) -> str:
    """A file with a profile for each contact, all with this status in one audience."""
    lines = (json.dumps(a_profile(number, statuses={LOYAL: status}, **more)) for number in numbers)
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(file)


def held(org: SimulatedOrg, status: str) -> int:
    """How many contacts of the org have this status."""
    return sum(record.values.get("CDP_Loyal__c") == status for record in org.records("Contact"))


def is_empty(stack: LocalStack) -> bool:
    return waiting(stack.sqs, stack.endpoints.queue_url) == (0, 0)


def test_what_is_sent_arrives_and_the_status_agrees_with_what_the_org_holds(
    stack: LocalStack, org: SimulatedOrg, run: Run, tmp_path: Path
) -> None:
    file = profiles(tmp_path / "profiles.jsonl", range(1, 201), "realized")

    code, text = run("send", file)

    assert code == 0, text
    assert "200 profiles are on the queue" in text
    wait_until(lambda: held(org, "realized") == 200, 30)
    wait_until(lambda: is_empty(stack))
    status = answer(run, "status")
    assert status["activity"]["statuses"] == {"CDP_Loyal__c": held(org, "realized")}
    assert status["activity"]["hour"]["RecordsDelivered"] == 200
    assert status["queue"] == {"visible": 0, "in_flight": 0, "delayed": 0}
    assert (status["dead_letters"], status["paused"], status["alarms"], status["findings"]) == (0, False, None, [])
    assert status["org"]["api_calls_used"] == org.usage.used(org.now())
    assert "access_token" not in json.dumps(status)
    assert run("status")[0] == 0


def test_members_are_counted_beside_what_is_expected(org: SimulatedOrg, run: Run) -> None:
    members = held(org, "realized") + held(org, "existing")

    good = run("count", str(CONTACTS_FILE), "--expect", f"Loyal customers={members}")
    code, text = run("count", str(CONTACTS_FILE), "--expect", f"{LOYAL}={members + 1}")

    assert (good[0], code, f"✗ {members + 1}" in text) == (0, 1, True)
    assert max(map(len, text.splitlines())) <= 80
    (line,) = [line for line in answer(run, "count", str(CONTACTS_FILE))["held"] if line["where"] == "CDP_Loyal__c"]
    assert (line["realized"] + line["existing"], line["expected"]) == (members, None)


def test_an_audience_is_compared_with_a_list_and_who_was_missed_exits(
    org: SimulatedOrg, run: Run, tmp_path: Path
) -> None:
    members = [record.id for record in org.records("Contact") if record.values.get("CDP_Loyal__c") == "realized"]
    (tmp_path / "members.csv").write_text("\n".join(["SalesforceId", *members[1:]]))
    now = datetime.now(UTC).isoformat()  # with an older time, what the first test sent would stay
    words = ["reconcile", str(a_guarded_file(tmp_path)), "--audience", LOYAL, "--as-of", now]
    words += ["--members", str(tmp_path / "members.csv"), "--save"]

    code, text = run(*words, str(tmp_path / "dry.csv"))
    found = json.loads(run(*words, str(tmp_path / "old.csv"), "--yes", "--json")[1])

    assert (code, "Nothing was sent. To send it, add --yes." in text) == (1, True), text
    assert max(map(len, text.split("The old values")[0].splitlines())) <= 80
    assert (found["counts"]["exits"], found["counts"]["entries"], found["sent"]) == (1, 0, 1)
    missed = org.records("Contact").records[members[0]]
    wait_until(lambda: missed.values["CDP_Loyal__c"] == "exited", 30)
    missed.values["CDP_Loyal__c"] = "realized"
    assert run(*words[:2], "--audience", LOYAL, "--members", str(tmp_path))[0] == 2


def test_while_it_is_paused_messages_wait_and_when_it_is_resumed_they_arrive(
    stack: LocalStack, org: SimulatedOrg, run: Run, tmp_path: Path
) -> None:
    code, text = run("pause")
    assert (code, "is paused" in text) == (0, True)
    batches = org.log.counts.copy()

    run("send", profiles(tmp_path / "more.jsonl", range(1, 21), "exited"))

    wait_until(lambda: answer(run, "status")["queue"]["visible"] == 20)  # what was just taken comes back
    status = answer(run, "status")
    assert status["paused"]
    assert any("paused" in finding for finding in status["findings"])
    assert org.log.counts["POST /services/data/v66.0/composite"] == batches["POST /services/data/v66.0/composite"]
    assert held(org, "exited") == 0
    assert run("resume")[0] == 0
    wait_until(lambda: held(org, "exited") == 20, 30)


def test_dead_letters_that_are_put_back_once_the_cause_is_mended_all_arrive(
    stack: LocalStack, org: SimulatedOrg, run: Run, tmp_path: Path
) -> None:
    numbers = range(CONTACTS - 9, CONTACTS + 1)  # of the last 20 no more than half: more would be the wrong org
    for number in numbers:
        org.admin.delete("Contact", an_id(number))
    wait_until(lambda: is_empty(stack))
    run("send", profiles(tmp_path / "gone.jsonl", numbers, "existing"), "--as-of", "2026-01-11T21:24:39Z")
    wait_until(lambda: answer(run, "status")["dead_letters"] == len(numbers), 30)

    code, text = run("dead-letters")
    assert code == 1
    assert "Okafor" not in text
    (reason,) = answer(run, "dead-letters")["dead_letters"]
    assert reason["count"] == len(numbers)
    for number in numbers:
        org.admin.undelete("Contact", an_id(number))

    assert answer(run, "dead-letters", "--redrive")["sent"] == len(numbers)

    wait_until(lambda: held(org, "existing") == len(numbers), 30)
    assert run("dead-letters")[0] == 0


def test_a_contact_is_explained_by_what_became_of_its_messages_and_what_the_org_holds(
    stack: LocalStack, org: SimulatedOrg, run: Run, tmp_path: Path
) -> None:
    identity = an_id(300)
    run("send", profiles(tmp_path / "one.jsonl", range(300, 301), "realized"), "--as-of", "2026-01-11T21:24:39Z")
    wait_until(lambda: answer(run, "explain", identity)["events"], 30)
    run("send", profiles(tmp_path / "bad.jsonl", range(300, 301), "realized", last_name="x" * 81))
    wait_until(lambda: len(answer(run, "explain", identity)["events"]) == 2, 30)

    code, text = run("explain", identity[:15])

    assert code == 1
    (delivered, refused) = answer(run, "explain", identity)["events"]
    assert (delivered["outcome"], delivered["event_time"]) == ("delivered", 1768166679000)
    assert (refused["outcome"], refused["code"]) == ("rejected", "VALUE_TOO_LONG")
    (reason,) = answer(run, "dead-letters", "--reason", "VALUE_TOO_LONG")["dead_letters"]
    assert reason["samples"][0]["message_id"].startswith(refused["message_id"])
    assert "destination dead-letters --reason VALUE_TOO_LONG" in text
    assert f"look for message {refused['message_id']}" in text
    assert "CDP_Loyal__c" in text
    assert "realized" in text
    assert identity not in (stack.options.state / "logs" / "deliver.log").read_text(encoding="utf-8")


def test_a_contact_of_whom_nothing_was_sent_is_told_from_one_that_the_org_has_not(run: Run) -> None:
    wait_until(lambda: "NO_ACCESS_TOKEN" not in run("explain", an_id(350))[1])  # the first log-in may be under way
    _, known = run("explain", an_id(350))
    code, unknown = run("explain", an_id(9_999))

    assert code == 1
    assert "No message for this contact" in known
    assert "LastName" in known
    assert "The org has no Contact" in unknown


def test_what_can_be_no_identity_is_said_to_be_none(run: Run) -> None:
    code, text = run("explain", "anna@example.com")

    assert code == 2
    assert "is not a valid Salesforce Id" in text.replace("\n", " ")


def test_a_stack_that_does_not_run_is_a_sentence_and_not_a_traceback(tmp_path: Path) -> None:
    for command in (["status"], ["pause"], ["dead-letters"], ["explain", an_id(1)], ["send", "profiles.jsonl"]):
        result = CliRunner().invoke(app, [*command, "--local", "--state", str(tmp_path)])

        assert result.exit_code == 2
        assert "make local" in result.output


def test_a_person_is_found_and_counted_by_the_command(run: Run) -> None:
    wait_until(lambda: run("erase", an_id(CONTACTS))[0] != 2, 10)  # until the stack has logged in
    status, text = run("erase", an_id(CONTACTS), "--json")
    receipt = json.loads(text)

    assert (status, receipt["found"]["Contact"], receipt["suppressed_at"]) == (1, 1, "")
    assert run("erase", an_id(CONTACTS), "--lift")[0] == 0
    status, text = run("erase", "nobody")
    assert (status, "is not a valid Salesforce Id" in " ".join(text.split())) == (2, True)
