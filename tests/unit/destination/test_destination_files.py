from __future__ import annotations

from pathlib import Path

import pytest
from salesforce_destination.settings import HASH_LENGTH, file_hash, load_destination

FOLDER = Path(__file__).parents[3] / "layers" / "destinations"
FILES = sorted(FOLDER.glob("*.toml"))


def test_contacts_and_leads_are_there() -> None:
    assert {"contacts.toml", "leads.toml"} <= {file.name for file in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_destination_file_can_be_used(file: Path) -> None:
    destination = load_destination(file)

    assert destination.identity.source == "identityMap.crmID[0].id"
    assert destination.updates_by_id
    assert destination.audiences


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
