from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from salesforce_destination.destination.checks import doubts
from salesforce_destination.destination.destination import read_destination
from salesforce_destination.settings import HASH_LENGTH, file_hash, load_destination

FOLDER = Path(__file__).parents[3] / "layers" / "destinations"
FILES = sorted(FOLDER.glob("*.toml"))


OFF = re.compile(r"^# (?=\w+ = |\[)", re.MULTILINE)
"""What the files switch off by a comment sign."""


def test_a_file_for_each_object_and_one_for_both_is_there() -> None:
    assert {"contacts.toml", "leads.toml", "people.toml"} <= {file.name for file in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_destination_file_can_be_used(file: Path) -> None:
    destination = load_destination(file)

    assert destination.identity.source == "identityMap.crmID[0].id"
    assert destination.updates_by_id
    assert destination.audiences
    assert not destination.creates
    assert [mapping.when_refused for mapping in destination.mappings if mapping.target == "Email"] == ["omit"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_without_its_comment_signs_a_file_guards_everything_and_says_what_makes_the_fields(file: Path) -> None:
    text = file.read_text(encoding="utf-8")

    destination = read_destination(OFF.sub("", text))

    assert OFF.search(text)
    assert f"destination create-fields layers/destinations/{file.name} " in text
    assert destination.ordering
    assert all(audience.since_field for audience in destination.audiences)
    assert list(doubts(tomllib.loads(OFF.sub("", text)))) == []


def test_people_are_found_by_three_rules_and_created_as_leads_once_that_is_switched_on() -> None:
    text = (FOLDER / "people.toml").read_text(encoding="utf-8")

    shipped, switched_on = read_destination(text), read_destination(OFF.sub("", text))

    assert shipped.objects == ("Contact", "Lead")
    assert [rule.target for rule in shipped.rules] == ["SalesforceId", "CDP_Customer_Id__c", "Email"]
    assert (shipped.creates, switched_on.creates) == ("", "Lead")
    assert [m.write for m in switched_on.mappings if m.target == "Company"] == ["create"]


def test_contacts_go_where_adobes_guide_sends_them() -> None:
    destination = load_destination(FOLDER / "contacts.toml")
    mappings = {mapping.target: (mapping.source, mapping.required) for mapping in destination.mappings}

    assert destination.salesforce_object == "Contact"
    assert mappings == {
        "LastName": ("person.name.lastName", True),
        "FirstName": ("person.name.firstName", False),
        "Email": ("personalEmail.address", False),
    }


def test_leads_go_where_adobes_guide_sends_them() -> None:
    destination = load_destination(FOLDER / "leads.toml")
    mappings = {mapping.target: (mapping.source, mapping.required) for mapping in destination.mappings}

    assert destination.salesforce_object == "Lead"
    assert mappings == {
        "LastName": ("person.name.lastName", True),
        "Company": ("b2b.companyName", True),
        "Email": ("personalEmail.address", False),
    }


def test_a_version_of_a_file_has_a_short_name_whatever_its_line_endings(tmp_path: Path) -> None:
    file, elsewhere, changed = (tmp_path / name for name in ("a.toml", "b.toml", "c.toml"))
    file.write_bytes(b"name = 1\n")
    elsewhere.write_bytes(b"name = 1\r\n")
    changed.write_bytes(b"name = 2\n")

    assert len(file_hash(file)) == HASH_LENGTH
    assert file_hash(file) == file_hash(elsewhere) != file_hash(changed)
    assert file_hash(tmp_path / "nowhere.toml") == ""
