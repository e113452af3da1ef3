from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from builders import CONTACTS
from destination_cli.app import app
from typer.testing import CliRunner, Result

ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "layers" / "destinations" / "contacts.toml"

WRONG = """
name = "Contacts"
salesforce_object = "Contact"

[identity]
source = "identityMap.crmID[0].id"
target = "SalesforceId"

[[mappings]]
source = "person.name.lastName"
target = "LastName"
requird = true

[[audiences]]
id = "loyal"
mapping_id = "CDP Loyal__c"
"""

WRONG_MISTAKES = [
    {
        "key": "mappings[0].requird",
        "problem": "is not a known key.",
        "cure": "Did you mean required?",
        "place": "mapping 1, 'LastName', line 9: requird",
        "excerpt": "",
    },
    {
        "key": "audiences[0].mapping_id",
        "problem": 'is "CDP Loyal__c", which contains U+0020 (space).',
        "cure": 'Write "CDP_Loyal__c".',
        "place": "audience 1, 'loyal', line 14: mapping_id",
        "excerpt": "",
    },
]

EVERYTHING = """
name = "Contacts"
salesforce_object = "Contact"

[profiles]
only_if = "consent"

[identity]
source = "customer"
target = "Key__c"
create_missing = true

[[mappings]]
source = "surname"
target = "LastName"
required = true
max_length = 40
when_too_long = "truncate"

[[mappings]]
constant = "Web"
target = "LeadSource"

[[mappings]]
source = "city"
target = "MailingCity"
default = "Unknown"
when_refused = "omit"

[[mappings]]
source = "phone"
target = "Phone"
when_absent = "clear"

[[audiences]]
id = "loyal"
mapping_id = "Loyal__c"
value = "boolean"
existing_as = "realized"
since_field = "Since__c"

[ordering]
field = "Time__c"
"""


def check(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["check", *map(str, arguments)], env={"COLUMNS": "80"})


def a_file(folder: Path, text: str) -> Path:
    file = folder / "destination.toml"
    file.write_text(text)
    return file


def a_describe(folder: Path, *missing: str) -> Path:
    names = {"LastName", "FirstName", "Email", "CDP_Loyal__c"} - set(missing)
    fields = [
        {"name": name, "type": "string", "length": 80, "updateable": True, "createable": True, "filterable": True}
        for name in sorted(names)
    ]
    file = folder / "describe.json"
    file.write_text(json.dumps({"name": "Contact", "createable": True, "updateable": True, "fields": fields}))
    return file


def test_a_good_file_gets_a_tick_and_says_what_will_be_sent_where() -> None:
    result = check(SHIPPED, "--offline")

    assert result.exit_code == 0
    assert result.output.startswith("✓")
    assert "can be used" in result.output
    assert "Updates Contact records found by the record's Id, and never creates any." in result.output
    for words in ("person.name.lastName", "LastName", "required, at most 80", "Loyal customers", "CDP_Loyal__c"):
        assert words in result.output


def test_everything_a_mapping_does_is_said(tmp_path: Path) -> None:
    output = " ".join(check(a_file(tmp_path, EVERYTHING), "--offline").output.split())

    for words in (
        "found by Key__c, and creates missing ones",
        "required, at most 40, cut",
        "'Web' LeadSource constant",
        "else 'Unknown', left out when refused",
        "cleared when absent",
        "audience, boolean",
        "existing as realized",
        "since in Since__c",
        "the event's time Time__c ordering",
    ):
        assert words in output


def test_what_values_become_is_said(tmp_path: Path) -> None:
    text = EVERYTHING.replace('default = "Unknown"', 'other = "leave"\nvalues = { a = "b", c = "d" }')
    text = text.replace('value = "boolean"\nexisting_as = "realized"', 'values = { realized = "Member" }')

    output = " ".join(check(a_file(tmp_path, text), "--offline").output.split())

    assert "by 2 values, others left alone, left out when refused" in output
    assert "audience, status as Member, exited, since in Since__c" in output


def test_mistakes_are_printed_as_a_person_reads_them(tmp_path: Path) -> None:
    file = a_file(tmp_path, WRONG)

    result = check(file, "--offline")

    assert result.exit_code == 1
    assert "has 2 mistakes:" in " ".join(result.output.split())
    assert [line.rstrip() for line in result.output.splitlines() if line.strip()][-4:] == [
        "✗ mapping 1, 'LastName', line 9: requird",
        "    is not a known key. Did you mean required?",
        "✗ audience 1, 'loyal', line 14: mapping_id",
        '    is "CDP Loyal__c", which contains U+0020 (space). Write "CDP_Loyal__c".',
    ]


LONG = (
    CONTACTS
    + f"""
[[mappings]]
source = "{"attributes." * 8}value"
target = "{"Very_Long_Name_" * 2}__c"
default = "Unknown"
max_length = 20
[[audiences]]
id = "https://cdp.example/{"segments/" * 9}x"
name = "{"Many words " * 8}end"
mapping_id = "CDP_Trial__c"
since_field = "CDP_Trial_Since_That_Is_Longer__c"
"""
)


@pytest.mark.parametrize("text", [WRONG, CONTACTS, EVERYTHING, LONG, LONG.replace("default", "defalt")])
def test_no_line_is_wider_than_a_terminal_and_no_word_is_broken(tmp_path: Path, text: str) -> None:
    file = a_file(tmp_path, text)

    output = check(file, "--offline").output

    lines = [line.strip() for line in output.splitlines()]
    assert [line for line in lines if len(line) > 80 and " " in line.removeprefix("✗ ").removeprefix("✓ ")] == []
    assert str(file) in output
    names = re.findall(r"[\w.:/]{20,}", text)
    assert [name for name in names if name in output.replace("\n", "") and name not in output] == []


def test_what_looks_like_an_emoji_or_like_markup_is_shown_as_it_is(tmp_path: Path) -> None:
    text = CONTACTS + '[[audiences]]\nid = "urn:id:key"\nname = "a :lock: [b]c[/b]"\nmapping_id = "X__c"\n'

    assert "a :lock: [b]c[/b]" in check(a_file(tmp_path, text), "--offline").output


def test_findings_name_their_place_as_people_count(tmp_path: Path) -> None:
    text = CONTACTS + '\n[[audiences]]\nid = "a@example.com"\nname = "Trial users"\nmapping_id = "X__c"\n'

    result = check(a_file(tmp_path, text), "--offline")

    assert result.exit_code == 0
    assert "! audience 2, 'Trial users', line 28: id\n    is the address" in result.output


def test_mistakes_are_printed_for_programs(tmp_path: Path) -> None:
    file = a_file(tmp_path, WRONG)

    result = check(file, "--offline", "--json")

    assert result.exit_code == 1
    assert json.loads(result.output) == {
        "file": str(file),
        "good": False,
        "mistakes": WRONG_MISTAKES,
        "findings": [],
    }


def test_a_good_file_is_good_for_programs_too() -> None:
    result = check(SHIPPED, "--offline", "--json")

    assert result.exit_code == 0
    assert json.loads(result.output) == {"file": str(SHIPPED), "good": True, "mistakes": [], "findings": []}


def test_a_file_that_is_no_toml_is_one_mistake(tmp_path: Path) -> None:
    result = check(a_file(tmp_path, "name = Contacts"), "--offline")

    assert result.exit_code == 1
    assert "has 1 mistake:" in " ".join(result.output.split())
    assert result.output.endswith(
        '✗ line 1\n    has a text without quotes. Write: name = "Contacts"\n    name = Contacts\n           ^\n'
    )


def test_a_file_of_windows_is_read(tmp_path: Path) -> None:
    file = tmp_path / "destination.toml"
    file.write_bytes(b"\xef\xbb\xbf" + CONTACTS.replace("\n", "\r\n").encode())

    assert check(file, "--offline").exit_code == 0


def test_a_file_that_is_not_there_is_not_a_mistake_in_it(tmp_path: Path) -> None:
    result = check(tmp_path / "nowhere.toml", "--offline")

    assert result.exit_code == 2
    assert "does not exist" in " ".join(result.output.split())


def test_without_an_org_and_without_offline_it_says_what_to_add() -> None:
    result = check(SHIPPED)

    assert result.exit_code == 2
    assert "--offline" in result.output


@pytest.mark.parametrize("option", [("--offline",), ("--describe", str(SHIPPED))])
def test_what_asks_no_stack_is_refused_beside_a_stack(option: tuple[str, ...]) -> None:
    result = check(SHIPPED, *option, "--local")

    assert result.exit_code == 2
    assert f"With {option[0]} no stack is asked." in result.output


def test_a_describe_that_fits_is_good(tmp_path: Path) -> None:
    assert check(a_file(tmp_path, CONTACTS), "--describe", a_describe(tmp_path)).exit_code == 0


def test_a_field_that_the_org_does_not_have_is_found(tmp_path: Path) -> None:
    file, describe = a_file(tmp_path, CONTACTS), a_describe(tmp_path, "CDP_Loyal__c")

    result = check(file, "--describe", describe)
    report: dict[str, Any] = json.loads(check(file, "--describe", describe, "--json").output)

    assert result.exit_code == 1
    assert "does not fit the org" in " ".join(result.output.split())
    assert (report["good"], report["mistakes"]) == (False, [])
    assert [(found["level"], found["key"], found["field"]) for found in report["findings"]] == [
        ("error", "audiences[0].mapping_id", "CDP_Loyal__c"),
        ("note", "max_audience_fields", ""),
    ]


def test_the_page_for_the_administrator_says_where_no_rule_of_the_org_matters() -> None:
    page = check(SHIPPED, "--offline", "--document")

    assert page.exit_code == 0
    assert "## Rules of the org\n\n- The file has no guards, and creates no records.\n" in page.output
    assert "- A batch takes one request: at most 7,200 API calls a day" in page.output
    assert "- No record is created.\n" in page.output


def test_the_page_for_the_administrator_has_campaigns_and_rows(tmp_path: Path) -> None:
    rows = "".join(f'{key} = "{key}__c"\n' for key in ("object", "key", "person", "audience", "status", "since"))
    members = 'campaign = { name = "Autumn" }\nmember_status = { realized = "Sent", exited = "Left" }\n'
    text = CONTACTS.replace('mapping_id = "CDP_Loyal__c"\n', members) + f"\n[memberships]\n{rows}"

    page = check(a_file(tmp_path, text), "--offline", "--document")

    output = " ".join(page.output.split())
    assert "campaign Autumn from `" in output
    assert "(audience, member status Sent, Left)" in output
    assert "object__c from `mapped audiences` (rows by key__c, since in since__c)" in output
    for right in ("Marketing User", "Edit on CampaignMember", "Delete on object__c"):
        assert f"{right}, or " in output
    assert "for a million people 2.9 GiB of storage, for 1,000 at once 3 requests" in output
    assert "up to 3 requests" in output


def test_a_file_of_two_objects_is_compared_with_two_describes(tmp_path: Path) -> None:
    text = SHIPPED.read_text().replace('salesforce_object = "Contact"', 'salesforce_object = ["Contact", "Lead"]')
    contact = a_describe(tmp_path)
    lead = tmp_path / "lead.json"
    lead.write_text(contact.read_text().replace('"Contact"', '"Lead"'))

    one = check(a_file(tmp_path, text), "--describe", contact)
    both = check(a_file(tmp_path, text), "--describe", contact, "--describe", lead, "--json")

    assert "No describe of Lead was given." in one.output
    assert "No describe" not in both.output
    assert "Updates Contact and Lead records found by the record's Id" in " ".join(one.output.split())
