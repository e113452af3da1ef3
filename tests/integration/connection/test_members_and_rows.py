"""The check-connection function and people as campaign members and in rows: what it names, and what it sweeps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from deliver_function import ROOT, Context, DeliverStack
from destination_testbench.org import AccessLevel, SimulatedOrg
from moto import mock_aws
from salesforce_destination.record.guards import guard_formula

APP = ROOT / "functions" / "check_connection" / "app.py"
ROWS = "CDP_Membership__c"
FILE = """
name = "People"
salesforce_object = ["Contact", "Lead"]

[identity]
source = "id"
target = "SalesforceId"

[[mappings]]
source = "surname"
target = "LastName"

[[audiences]]
id = "loyal"
mapping_id = "CDP_Loyal__c"
since_field = "CDP_Loyal_Since__c"
campaign = { name = "Autumn" }
member_status = { realized = "Sent", exited = "Left" }

[memberships]
object = "CDP_Membership__c"
key = "cdp_key__c"
person = { Contact = "Contact__c", Lead = "Lead__c" }
audience = "Audience__c"
status = "Status__c"
since = "Since_Ms__c"
"""
Report = dict[str, Any]


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> DeliverStack:
    return a_stack(monkeypatch, tmp_path)


def a_stack(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str = FILE) -> DeliverStack:
    """A stack with this file, and an org in which everything fits."""
    file = folder / "people.toml"
    file.write_text(text)
    org = SimulatedOrg()
    org.admin.add_campaign("Autumn", [("Sent", False), ("left", False)])
    org.admin.add_memberships(guard_formula("Since_Ms__c"), "Newer. [CDP-STALE:Since_Ms__c]", ROWS)
    return DeliverStack(monkeypatch, file, org, contacts=0, function=APP)


def check(stack: DeliverStack) -> Report:
    answer: Report = json.loads(json.dumps(stack.app.lambda_handler({}, Context(remaining_ms=60_000))))
    return answer


def told(report: Report, level: str = "error") -> list[tuple[str, str]]:
    return [(found["key"], found["problem"]) for found in report["findings"] if found["level"] == level]


def put(org: SimulatedOrg, name: str, **changes: Any) -> None:
    """Change a field of the rows' object."""
    org.schema.put_field(ROWS, replace(org.schema.sobjects[ROWS].fields[name], **changes))


def test_campaigns_and_rows_that_fit_are_told_with_their_storage_and_calls(stack: DeliverStack) -> None:
    report = check(stack)

    notes = " ".join(problem for _, problem in told(report, "note"))
    assert (told(report), told(report, "warning")) == ([], [])
    assert "1 rows of 2 KB and 1 campaign members of 1 KB a person are 2.9 GiB" in notes
    assert "1,024 of 1,024 MB are left" in notes
    assert "up to 3 requests: at most 21,600 API calls a day" in notes
    assert "The campaign Autumn is not active" in notes


def test_what_does_not_fit_is_named_by_its_key_alone(stack: DeliverStack) -> None:
    org = stack.org
    put(org, "CDP_Key__c", case_sensitive=False)
    put(org, "Contact__c", reference_to=("Account",))
    put(org, "Lead__c", nillable=False)
    put(org, "Status__c", length=5)
    put(org, "Since_Ms__c", precision=10)
    org.admin.restrict_field(ROWS, "Audience__c", AccessLevel.NONE)
    org.admin.add_campaign("autumn", [("Sent", False)])

    found = dict(told(check(stack)))
    org.admin.edit("User", org.users[0].id, {"UserPermissionsMarketingUser": False})
    org.admin.restrict_object(ROWS, AccessLevel.READ)
    rights = [problem for _, problem in told(check(stack)) if "lacks" in problem]

    assert {key.rpartition(".")[2] for key in found} == {"campaign", "key", "person", "status", "since", "audience"}
    assert found["audiences[0].campaign"] == "The integration user sees 2 campaigns Autumn."
    lacks = {problem.partition(": ")[0].rpartition("lacks ")[2] for problem in rights}
    assert {"Marketing User", *(f"{right} on {ROWS}" for right in ("Create", "Edit", "Delete"))} <= lacks


def test_a_status_that_the_campaign_lacks_and_a_member_without_a_guard_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = FILE.replace('"Left"', '"Gone"').replace('since_field = "CDP_Loyal_Since__c"', "")

    report = check(a_stack(monkeypatch, tmp_path, text))

    assert told(report) == [("audiences[0].member_status", "The campaign Autumn has no member status Gone.")]
    assert ("audiences[0].campaign", "An older event of loyal can set a campaign member back.") in told(
        report, "warning"
    )


def test_an_object_that_nobody_made_is_one_finding_and_a_full_org_another(stack: DeliverStack) -> None:
    stack.org.admin.restrict_object(ROWS, AccessLevel.NONE)
    stack.org.config.data_storage_taken_mb = 930

    (row, left) = told(check(stack))
    assert row == ("memberships.object", f"There is no object {ROWS} that the integration user can see.")
    assert left[1].endswith("94 of 1,024 MB are left.")
