"""The check-connection function and people as campaign members and in rows: what it names, and what it sweeps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from deliver_function import ROOT, Context, DeliverStack
from destination_testbench.org import AccessLevel, Fault, FaultKind, SimulatedOrg, record_id, seed
from destination_testbench.org.values.moments import from_epoch
from moto import mock_aws
from salesforce_destination.connection.check import check_connection
from salesforce_destination.connection.sweep import swept
from salesforce_destination.record.composite import Collection, CollectionReply
from salesforce_destination.record.guards import guard_formula
from salesforce_destination.salesforce.facts import FactFinder

APP = ROOT / "functions" / "check_connection" / "app.py"
ROWS, PREFIX = "CDP_Membership__c", "a01"
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
    assert "1 rows of 2 KB and 1 campaign members of 1 KB: for a million people 2.9 GiB" in notes
    assert "1,024 of 1,024 MB are left" in notes
    assert "up to 3 requests: at most 21,600 API calls a day" in notes


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


def test_a_campaign_that_the_user_may_not_read_is_named(stack: DeliverStack) -> None:
    stack.org.admin.restrict_object("CampaignMemberStatus", AccessLevel.NONE)

    assert ("audiences[0].campaign", "The integration user sees no campaign Autumn.") in told(check(stack))


def test_a_right_that_the_user_may_not_read_hides_no_other_fact_of_the_user(stack: DeliverStack) -> None:
    user = stack.org.users[0].id
    stack.org.admin.edit("User", user, {"LanguageLocaleKey": "fr", "UserPermissionsMarketingUser": False})
    seen = [problem for _, problem in told(check(stack)) + told(check(stack), "warning")]
    stack.org.admin.restrict_field("User", "UserPermissionsMarketingUser", AccessLevel.NONE)

    warnings = [problem for _, problem in told(check(stack), "warning")]

    assert any("lacks Marketing User" in problem for problem in seen)
    assert any("language is fr" in problem for problem in seen)
    assert "Not proved: Marketing User." in warnings
    assert any("language is fr" in problem for problem in warnings)


def test_one_campaign_by_its_name_and_its_id_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    campaign = record_id("701", 7)
    another = (
        f'[[audiences]]\nid = "vip"\ncampaign = "{campaign}"\nmember_status = {{ realized = "Sent", exited = "Left" }}'
    )
    stack = a_stack(monkeypatch, tmp_path, f"{FILE}\n{another}\n")
    (found,) = stack.org.records("Campaign")
    stack.org.admin.delete("Campaign", found.id)
    stack.org.admin.add_campaign("Autumn", [("Sent", False), ("Left", False)], campaign)

    twice = ("audiences[1].campaign", "The campaign 701Ab0000000007IAA is that of audiences[0] too.")
    assert twice in told(check(stack), "warning")


def test_an_object_that_nobody_made_is_one_finding_and_a_full_org_another(stack: DeliverStack) -> None:
    stack.org.admin.restrict_object(ROWS, AccessLevel.NONE)
    stack.org.config.data_storage_taken_mb = 930

    (row, left) = told(check(stack))
    assert row == ("memberships.object", f"There is no object {ROWS} that the integration user can see.")
    assert left[1].endswith("94 of 1,024 MB are left.")


def day(org: SimulatedOrg, days: float) -> int:
    """A time so many days ago, in milliseconds."""
    return int((org.now() - days * 86_400) * 1000)


def a_row(org: SimulatedOrg, person: str, audience: str = "loyal", **values: Any) -> str:
    """A row of a person, as a delivery wrote it; its Id."""
    number = len(org.records(ROWS)) + 1
    lookup = "Lead__c" if person.startswith("00Q") else "Contact__c"
    usual = {
        "CDP_Key__c": f"{person}:{audience}",
        lookup: person or None,
        "Audience__c": audience,
        "Status__c": "realized",
    }
    return org.insert(ROWS, record_id(PREFIX, number), {**usual, "Since_Ms__c": day(org, 1), **values}).id


def the_rows(org: SimulatedOrg) -> dict[str, tuple[str, str]]:
    """What is there: by Id the key, and the person."""
    rows = [row for row in org.records(ROWS) if not row.get("IsDeleted")]
    return {row.id: (str(row.get("CDP_Key__c")), str(row.get("Contact__c") or row.get("Lead__c"))) for row in rows}


def test_rows_follow_a_converted_lead_and_a_merged_contact(stack: DeliverStack) -> None:
    org = stack.org
    seed(org, contacts=4, leads=2)
    contacts, leads = ([record_id(prefix, n) for n in (1, 2, 3, 4)] for prefix in ("003", "00Q"))
    of_lead, taken = a_row(org, leads[0]), a_row(org, leads[0], "fans")
    of_loser, twice, other = a_row(org, contacts[1]), a_row(org, contacts[1], "fans"), a_row(org, contacts[3])
    kept = [a_row(org, contacts[0], "fans"), a_row(org, contacts[2], "fans")]
    org.admin.convert_lead(leads[0], contacts[0])
    org.admin.merge("Contact", contacts[2], [contacts[1]])

    report = check(stack)
    rows = the_rows(org)

    assert report["rows_swept"] == {"moved": 2, "deleted": 2}
    assert rows == {
        of_lead: (f"{contacts[0]}:loyal", contacts[0]),
        of_loser: (f"{contacts[2]}:loyal", contacts[2]),
        other: (f"{contacts[3]}:loyal", contacts[3]),
        kept[0]: (f"{contacts[0]}:fans", contacts[0]),
        kept[1]: (f"{contacts[2]}:fans", contacts[2]),
    }
    assert not {taken, twice} & rows.keys()
    assert check(stack)["rows_swept"] == {"moved": 0, "deleted": 0}


def test_what_is_newer_in_a_row_of_a_converted_lead_goes_to_the_contact(stack: DeliverStack) -> None:
    org = stack.org
    seed(org, contacts=1, leads=1)
    contact, lead = record_id("003", 1), record_id("00Q", 1)
    older = a_row(org, contact, Since_Ms__c=day(org, 9))
    a_row(org, lead, Status__c="exited", Since_Ms__c=day(org, 2))
    org.admin.convert_lead(lead, contact)

    reports = [check(stack)["rows_swept"] for _ in range(2)]

    assert reports == [{"moved": 1, "deleted": 0}, {"moved": 0, "deleted": 1}]
    (row,) = (row for row in org.records(ROWS) if not row.get("IsDeleted"))
    assert (row.id, row.get("Status__c"), row.get("CDP_Key__c")) == (older, "exited", f"{contact}:loyal")


@pytest.mark.parametrize("when_exited", ["write", "delete"])
def test_old_exits_go_where_the_file_says_so_and_rows_of_nobody_in_any_case(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, when_exited: str
) -> None:
    stack = a_stack(monkeypatch, tmp_path, f'{FILE}when_exited = "{when_exited}"\n')
    org, person = stack.org, record_id("003", 1)
    seed(org, contacts=1)
    old_exit = a_row(org, person, "1", Status__c="exited", Since_Ms__c=day(org, 31))
    stays = {
        a_row(org, person, "2", Status__c="exited", Since_Ms__c=day(org, 29)),
        a_row(org, person, "3", Since_Ms__c=day(org, 400)),
        a_row(org, "", "4"),
    }
    a_row(org, "", "5", SystemModstamp=from_epoch(org.now() - 31 * 86_400))

    report = check(stack)

    assert report["rows_swept"] == {"moved": 0, "deleted": 1 + (when_exited == "delete")}
    assert the_rows(org).keys() - stays == {old_exit} - ({old_exit} if when_exited == "delete" else set())
    assert stays <= the_rows(org).keys()


def test_nothing_is_swept_while_the_rows_do_not_fit(stack: DeliverStack) -> None:
    a_row(stack.org, "", SystemModstamp="2020-01-01T00:00:00.000Z")
    stack.org.admin.restrict_field(ROWS, "Status__c", AccessLevel.READ)

    assert "rows_swept" not in check(stack)
    assert len(the_rows(stack.org)) == 1


def test_a_full_org_is_swept_and_a_sweep_that_is_refused_is_told(stack: DeliverStack) -> None:
    a_row(stack.org, "", SystemModstamp="2020-01-01T00:00:00.000Z")
    stack.org.config.data_storage_taken_mb = 1_000
    stack.org.faults.add(Fault(FaultKind.OUTAGE, path="/composite"))

    refused = check(stack)["rows_swept"]
    stack.org.faults.clear()

    assert refused.keys() == {"not_swept"}
    assert check(stack)["rows_swept"] == {"moved": 0, "deleted": 1}


def test_a_run_changes_2000_rows_and_the_next_one_goes_on(stack: DeliverStack) -> None:
    org = stack.org
    seed(org, contacts=41)
    for number in range(2, 42):  # more than one query asks for
        a_row(org, record_id("003", number), Since_Ms__c=1)
    org.admin.merge("Contact", record_id("003", 1), [record_id("003", number) for number in range(2, 42)])
    a_row(org, record_id("003", 1), CDP_Key__c="no row of ours")
    for number in range(2_001):
        a_row(org, "", str(number), SystemModstamp="2020-01-01T00:00:00.000Z")

    first, second, third = (check(stack)["rows_swept"] for _ in range(3))

    assert first == {"moved": 1, "deleted": 2_000 - 40}  # 39 find the key taken meanwhile
    assert second == {"moved": 0, "deleted": 41 + 39}
    assert third == {"moved": 0, "deleted": 0}
    assert sorted(key for key, _ in the_rows(org).values()) == [f"{record_id('003', 1)}:loyal", "no row of ours"]


class Misled:
    """An org whose answers to queries name a contact too, and that notes what it is to write."""

    def __init__(self) -> None:
        self.written: list[tuple[str, bool]] = []

    def query(self, queries: Sequence[str]) -> list[dict[str, Any]]:
        asked = [soql for soql in queries if "= NULL" in soql and ROWS in soql]
        return [{"Id": record_id(prefix, 1), "IsDeleted": False} for _ in asked for prefix in ("003", PREFIX)]

    def send(self, collections: Sequence[Collection]) -> list[CollectionReply]:
        records = [record for collection in collections for record in collection]
        self.written += [(each.identity, bool(each.address and each.address.deletes)) for each in records]
        return [[() for _ in collection] for collection in collections]


def test_no_record_of_another_object_is_ever_deleted(stack: DeliverStack) -> None:
    destination, misled = stack.app.started().destination, Misled()
    found = check_connection(destination, FactFinder(stack.app.started().client, "66.0"))

    done = swept(found, destination, misled.query, misled.send, stack.org.now())

    assert misled.written == [(record_id(PREFIX, 1), True)]
    assert done.rows == {"moved": 0, "deleted": 1}
