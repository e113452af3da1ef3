from __future__ import annotations

from pathlib import Path

import pytest
from salesforce_destination.destination_file import load_destination

FOLDER = Path(__file__).parents[2] / "layers" / "destinations"
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
