from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from builders import CONTACTS, a_destination, an_id
from destination_cli.explain import (
    Explanation,
    LoggedOutcome,
    events_of,
    identities_in,
    records_of,
    seconds_of,
    show,
)
from destination_cli.target import TargetError
from destination_testbench.org import SimulatedOrg, record_id, serve
from guarded_org import PEOPLE
from moto import mock_aws
from operated_stack import OperatedStack
from org_target import a_target
from rich.console import Console
from salesforce_destination.aws.outcome_log import IN_LINE, hasher
from salesforce_destination.destination.destination import read_destination
from salesforce_destination.mapping.mapper import Mapper
from salesforce_destination.outcome import ProfileRefusedError, Reason

NOW = int(time.time() * 1000)
HASH = hasher(b"key")(an_id(1))
DELIVERED = LoggedOutcome(NOW, "delivered", "", NOW, "0123abcd")
EXTERNAL = CONTACTS.replace('target = "SalesforceId"', 'target = "CDP_Customer_Id__c"')


@pytest.fixture
def stack() -> Iterator[OperatedStack]:
    with mock_aws():
        stack = OperatedStack()
        boto3.client("logs").create_log_stream(logGroupName=stack.log_group, logStreamName="s")
        yield stack


def logged(stack: OperatedStack, outcomes: dict[str, list[str]], hours_ago: float = 0.0) -> None:
    at = NOW - int(hours_ago * 3_600_000)
    timestamp = datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S,%f")[:-3] + "+0000"
    line = {"level": "INFO", "message": "batch delivered", "timestamp": timestamp, IN_LINE: outcomes}
    boto3.client("logs").put_log_events(
        logGroupName=stack.log_group,
        logStreamName="s",
        logEvents=[{"timestamp": at, "message": json.dumps(line)}, {"timestamp": at, "message": "REPORT"}],
    )


def test_the_log_of_a_deployed_stack_tells_what_became_of_a_contact(stack: OperatedStack) -> None:
    logged(stack, {"delivered": [f"{HASH} 0123abcd {NOW}", f"ffffffffffffffff 99999999 {NOW}"]}, hours_ago=2)
    logged(stack, {"rejected INVALID_EMAIL_ADDRESS": [f"{HASH} 4567abcd -"]}, hours_ago=1)

    first, second = events_of(stack.target, [HASH], 86_400)

    assert (first.outcome, first.code, first.event_time, first.message_id) == ("delivered", "", NOW, "0123abcd")
    assert (second.outcome, second.code, second.event_time) == ("rejected", "INVALID_EMAIL_ADDRESS", None)


def test_only_what_is_asked_for_is_looked_back_at(stack: OperatedStack) -> None:
    logged(stack, {"delivered": [f"{HASH} 0123abcd {NOW}"]}, hours_ago=30)

    assert events_of(stack.target, [HASH], 86_400) == []


def test_an_identity_is_known_in_every_form_in_which_the_org_takes_it() -> None:
    by_id = a_destination()
    by_external_id = a_destination(EXTERNAL)

    assert identities_in(by_id, an_id(1)[:15]) == {an_id(1): (an_id(1), {"Contact": "Id"})}
    assert identities_in(by_id, an_id(1)[:15]) == identities_in(by_id, f" {an_id(1)} ")
    assert identities_in(by_external_id, "AbC").keys() == identities_in(by_external_id, "abc").keys()
    with pytest.raises(ProfileRefusedError):
        identities_in(by_id, "00Q000000000001")


def test_the_fields_of_a_record_are_those_that_the_file_names_audiences_first() -> None:
    destination = a_destination(CONTACTS, '\n[ordering]\nfield = "CDP_Event_Time__c"\n')

    assert destination.written_fields == ["CDP_Loyal__c", "CDP_Event_Time__c", "LastName", "FirstName", "Email"]


@pytest.mark.parametrize(
    ("events", "records", "good"),
    [
        ([DELIVERED], [{"sObject": "Contact", "Id": "1"}], True),
        ([LoggedOutcome(NOW, "rejected", "NOT_JSON", None, "1"), DELIVERED], [{"sObject": "Contact", "Id": "1"}], True),
        (
            [DELIVERED, LoggedOutcome(NOW, "deferred", "UNABLE_TO_LOCK_ROW", None, "1")],
            [{"sObject": "Contact", "Id": "1"}],
            False,
        ),
        ([DELIVERED], [], False),
        ([], [{"sObject": "Contact", "Id": "1"}], False),
    ],
)
def test_all_is_well_where_the_last_message_was_carried_out_on_a_record_that_is_there(
    events: list[LoggedOutcome], records: list[dict[str, str]], good: bool
) -> None:
    assert Explanation(["Contact"], "14d", events, records).is_good is good


def said(*events: LoggedOutcome) -> str:
    console = Console(record=True, width=160)
    show(Explanation(["Contact"], "14d", events, [{"sObject": "Contact", "Id": "1"}]), console)
    return console.export_text()


def test_a_dead_letter_can_be_found_by_its_reason_and_the_id_of_its_message() -> None:
    text = said(LoggedOutcome(NOW, "rejected", "NOT_JSON", 1_700_000_000_000, "0123abcd"))

    assert (
        "Run `destination dead-letters --reason NOT_JSON --show --samples 1000` and look for message 0123abcd." in text
    )


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("delivered", "written as exited: only_if was not true"),
        ("skipped", "skipped: only_if was not true"),
        ("superseded", "superseded: only_if was not true"),
    ],
)
def test_who_was_kept_out_is_told_so(outcome: str, words: str) -> None:
    event = LoggedOutcome(NOW, outcome, "NOT_PERMITTED", NOW, "0123abcd")

    assert f"  {words}  (event of" in said(event)
    assert Explanation(["Contact"], "14d", [event], [{"sObject": "Contact", "Id": "1"}]).is_good


def test_on_a_terminal_no_line_is_left_for_the_terminal_to_break() -> None:
    console = Console(record=True, width=80, force_terminal=True)
    rejected = LoggedOutcome(NOW, "rejected", "INVALID_EMAIL_ADDRESS", NOW, "0123abcd")

    show(Explanation(["Contact"], "14d", [rejected], []), console)

    assert max(map(len, console.export_text().splitlines())) <= 80


def test_where_nothing_was_found_no_message_was_handled() -> None:
    text = " ".join(said().split())

    assert "No message for this contact was processed in the last 14d." in text
    assert "malformed (see `destination dead-letters`)" in text
    assert "a later rule" not in text


def test_what_a_later_rule_found_is_to_be_looked_up_by_it() -> None:
    console = Console(record=True, width=160)
    show(Explanation(["Contact"], "14d", [LoggedOutcome(NOW, "delivered", "", NOW, "0123abcd")], []), console)
    text = " ".join(console.export_text().split())

    assert "If a later rule of the file found the record, look it up by that rule's value." in text


@pytest.mark.parametrize(("since", "seconds"), [("90m", 5_400), ("24h", 86_400), ("14d", 1_209_600)])
def test_a_span_is_written_with_its_unit(since: str, seconds: int) -> None:
    assert seconds_of(since) == seconds


@pytest.mark.parametrize("since", ["", "24", "1w", "0h", "-1d"])
def test_any_other_span_is_refused(since: str) -> None:
    with pytest.raises(TargetError, match="90m, 24h or 14d"):
        seconds_of(since)


def test_what_waits_for_a_common_cause_is_explained_with_salesforces_own_words() -> None:
    console = Console(record=True, width=160)
    waiting = LoggedOutcome(NOW, "deferred", "CANNOT_EXECUTE_FLOW_TRIGGER", None, "1")
    found = Explanation(
        ["Contact"], "14d", [waiting], [], refusal=Reason("CANNOT_EXECUTE_FLOW_TRIGGER", "Flow says no")
    )

    show(found, console)

    assert "It said to one of them: Flow says no" in console.export_text()
    assert "Flow says" not in repr(found)


PEOPLE_FILE = read_destination(PEOPLE)


def test_a_text_is_tried_by_every_rule_for_which_it_can_be_an_identity() -> None:
    lead = record_id("00Q", 1)

    assert identities_in(PEOPLE_FILE, "A-7") == {
        f"{name}:a-7": ("A-7", dict.fromkeys(("Contact", "Lead"), name))
        for name in ("CDP_Loyalty_Number__c", "CDP_Email_Key__c")
    }
    assert identities_in(PEOPLE_FILE, lead)[lead] == (lead, {"Lead": "Id"})


def test_the_log_knows_people_by_the_keys_of_the_deliver_function() -> None:
    mapper = Mapper(PEOPLE_FILE)
    profiles: tuple[dict[str, Any], ...] = (
        {"identityMap": {"crmID": [{"id": an_id(1)}]}},
        {"loyalty": {"number": "A-7"}},
        {"personalEmail": {"address": "Ada@example.com"}},
    )
    told = (an_id(1), "A-7", "ada@example.com")

    keys = [identities_in(PEOPLE_FILE, text) for text in told]

    assert all(mapper.key(profile) in known for profile, known in zip(profiles, keys, strict=True))


def test_records_of_both_objects_are_shown_and_a_lead_beside_a_contact_is_named() -> None:
    org, lead, key = SimulatedOrg(), record_id("00Q", 1), {"CDP_Customer_Id__c": "ada@example.com"}
    org.insert("Contact", an_id(1), {"LastName": "Ada", **key})
    org.insert("Lead", lead, {"LastName": "Ada", **key})
    file = read_destination(PEOPLE.replace("CDP_Email_Key__c", "cdp_customer_ID__c"))
    with serve(org) as server:
        client = a_target(server).salesforce()
        records, by_id = (records_of(client.get, file, text) for text in ("Ada@example.com", lead))
    console = Console(record=True, width=160)

    show(Explanation(["Contact", "Lead"], "14d", [DELIVERED], records), console)

    assert [(each["sObject"], each["Id"]) for each in records] == [("Contact", an_id(1)), ("Lead", lead)]
    assert [each["sObject"] for each in by_id] == ["Lead"]
    assert "A Lead stands beside the Contact: messages are written to the Contact." in console.export_text()
