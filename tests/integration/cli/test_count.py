"""`destination count` with an org whose fields, campaigns and rows hold what is known here."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import CONTACTS, a_destination
from destination_cli.count import Count, count_in, expectations
from destination_cli.org_api import OrgApi, OrgError
from destination_cli.target import TargetError
from destination_testbench.org import OrgServer, SimulatedOrg, record_id, seed, serve
from org_target import a_target
from rich.console import Console
from salesforce_destination.destination.destination import Destination

CAMPAIGN = record_id("701", 1)

BOTH = f"""
name = "Everything"
salesforce_object = ["Contact", "Lead"]

[[identity]]
source = "id"
target = "CDP_Customer_Id__c"

[[audiences]]
id = "text"
name = "Newsletter readers"
mapping_id = "cdp_newsletter__c"
values = {{ realized = "In", exited = "Out" }}

[[audiences]]
id = "long"
mapping_id = "CDP_Loyal__c"

[[audiences]]
id = "box"
mapping_id = "CDP_Vip__c"
value = "boolean"
objects = ["Contact"]

[[audiences]]
id = "time"
mapping_id = "CDP_Trial_Since__c"
value = "timestamp"

[[audiences]]
id = "autumn"
campaign = "{CAMPAIGN}"
member_status = {{ realized = "Sent", exited = "Left" }}

[[audiences]]
id = "by name"
campaign = {{ name = "Winter" }}
member_status = {{ realized = "Sent", exited = "Left" }}

[memberships]
object = "CDP_Membership__c"
key = "CDP_Key__c"
person = {{ Contact = "Contact__c", Lead = "Lead__c" }}
audience = "Audience__c"
status = "Status__c"
since = "Since_Ms__c"
"""


@pytest.fixture(scope="module")
def server() -> Iterator[OrgServer]:
    org = SimulatedOrg()
    seed(org, contacts=20, leads=6, campaigns=["Autumn", "Winter"])
    org.config.bulk_query_page, org.config.bulk_query_runs = 7, False
    fill(org)
    with serve(org) as server:
        yield server


def fill(org: SimulatedOrg) -> None:
    contacts, leads = (list(org.records(name)) for name in ("Contact", "Lead"))
    for number, record in enumerate([*contacts, *leads]):
        record.values["CDP_Newsletter__c"] = ["In", "in", "Out", "Perhaps", None][number % 5]
        record.values["CDP_Loyal__c"] = ["realized", "existing", "exited", 'a, "long"\ntext', None][number % 5]
    for record in contacts[:4]:
        record.values |= {"CDP_Vip__c": True, "CDP_Trial_Since__c": "2026-01-11T21:24:39.000+0000"}
    leads[0].values |= {"IsConverted": True, "CDP_Newsletter__c": "In"}
    for number, status in enumerate(("Sent", "Sent", "Left", "Attended")):
        org.insert("CampaignMember", record_id("00v", number), member(contacts[number].id, status))
    for number, (person, audience, status) in enumerate(
        [
            (contacts[0].id, "text", "realized"),
            (contacts[1].id, "text", "exited"),
            (contacts[2].id, "of another file", "existing"),
            (leads[1].id, "text", "realized"),
        ]
    ):
        org.insert("CDP_Membership__c", record_id("a01", number), row(person, audience, status))
    merged = row(contacts[3].id, "text", "realized") | {"Contact__c": contacts[0].id}
    org.insert("CDP_Membership__c", record_id("a01", 9), merged)


def member(contact: str, status: str) -> dict[str, object]:
    return {"CampaignId": CAMPAIGN, "ContactId": contact, "Status": status}


def row(person: str, audience: str, status: str) -> dict[str, object]:
    lookup = "Contact__c" if person.startswith("003") else "Lead__c"
    return {"CDP_Key__c": f"{person}:{audience}", lookup: person, "Audience__c": audience, "Status__c": status}


def counted(server: OrgServer, destination: Destination, **expected: int) -> Count:
    return count_in(OrgApi.of(a_target(server), "66.0"), destination, expected)


def told(found: Count) -> dict[tuple[str, str], tuple[Any, ...]]:
    names = ("realized", "existing", "exited", "other", "empty", "expected", "differs")
    return {(line["audience"], line["where"]): tuple(line[name] for name in names) for line in found.lines}


def test_every_audience_is_counted_wherever_the_org_holds_it(server: OrgServer) -> None:
    found = counted(server, a_destination(BOTH), text=11, long=12)

    # 20 contacts and 5 leads: one of 6 is converted.
    assert told(found) == {
        ("Newsletter readers", "CDP_Newsletter__c"): (10, 0, 5, 5, 5, 11, True),
        ("long", "CDP_Loyal__c"): (5, 5, 5, 5, 5, 12, True),
        ("box", "CDP_Vip__c"): (4, 0, 0, 0, 16, None, False),
        ("time", "CDP_Trial_Since__c"): (4, 0, 0, 0, 21, None, False),
        ("autumn", f"campaign {CAMPAIGN}"): (2, 0, 1, 1, 0, None, False),
        ("by name", "campaign Winter"): (0, 0, 0, 0, 0, None, False),
        ("Newsletter readers", "CDP_Membership__c"): (2, 0, 1, 0, 0, 11, True),
        **{(name, "CDP_Membership__c"): NOBODY for name in ("box", "time", "autumn", "by name")},
        ("long", "CDP_Membership__c"): (0, 0, 0, 0, 0, 12, True),
        ("of another file", "CDP_Membership__c"): (0, 1, 0, 0, 0, None, False),
        ("rows left over from merges", "CDP_Membership__c"): (1, 0, 0, 0, 0, None, False),
    }
    assert not found.is_good


NOBODY = (0, 0, 0, 0, 0, None, False)


def test_names_in_one_field_are_told_apart(server: OrgServer) -> None:
    contacts = list(server.org.records("Contact"))
    contacts[0].values["CDP_Audiences__c"], contacts[1].values["CDP_Audiences__c"] = "VIP;Trial", "Trial"
    named = '[[audiences]]\nid = "{0}"\nname = "{1}"\nmapping_id = "CDP_Audiences__c"\nvalue = "names"\n'
    head = CONTACTS.partition("[[audiences]]")[0] + '[profiles]\nmemberships = "all"\n'

    found = counted(server, a_destination(head + named.format("v", "VIP") + named.format("t", "Trial")), v=1, t=2)

    assert [line["realized"] for line in found.lines] == [1, 2]
    assert found.is_good


def test_what_can_be_grouped_is_not_read(server: OrgServer) -> None:
    server.org.log.last.clear()
    file = CONTACTS.replace("CDP_Loyal__c", "CDP_Newsletter__c")

    counted(server, a_destination(file))

    assert [entry.path.rpartition("/")[2] for entry in server.org.log.last] == ["describe", "query"]


def test_a_field_that_the_org_lacks_is_named(server: OrgServer) -> None:
    with pytest.raises(OrgError, match="Contact has no field Nowhere__c that this user may see"):
        counted(server, a_destination(CONTACTS.replace("CDP_Loyal__c", "Nowhere__c")))


def test_the_table_fits_a_terminal_of_80_columns_with_numbers_of_a_million(server: OrgServer) -> None:
    numbers = dict.fromkeys(("realized", "existing", "exited", "other", "empty", "expected"), 1_234_567)
    line = {"audience": "Customers who are loyal", "where": "CDP_Loyal_Customers__c", **numbers, "differs": True}
    console = Console(file=io.StringIO(), width=80)

    Count([line]).show(console)

    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("1,234,567") == 6
    assert "✗ 1,234,567" in text
    assert json.loads(Count([line]).as_json())["good"] is False


def test_numbers_are_expected_by_id_or_name_and_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "numbers.csv"
    file.write_text('\ufeffaudience,number\n"Newsletter readers",12034\n\nbox,3\n')

    assert expectations([str(file), "long=5", "by name=0"], a_destination(BOTH)) == {
        "text": 12_034,
        "box": 3,
        "long": 5,
        "by name": 0,
    }


@pytest.mark.parametrize("text", ["", "audience,number\n", "Sumer,5\n", "audience,number\nSumer,5\n"])
def test_a_file_from_which_nothing_would_be_compared_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "numbers.csv"
    file.write_text(text)

    with pytest.raises(TargetError, match="how many members it has"):
        expectations([str(file)], a_destination(BOTH))


@pytest.mark.parametrize("given", ["nobody=3", "long=many", "long", "="])
def test_what_cannot_be_expected_is_refused(given: str) -> None:
    with pytest.raises(TargetError, match=f"--expect {given}: name an audience"):
        expectations([given], a_destination(BOTH))
