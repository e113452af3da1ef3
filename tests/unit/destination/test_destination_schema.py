from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from builders import CONTACTS
from destination_cli.schema import MEANINGS, destination_schema
from jsonschema import Draft7Validator
from typer.testing import CliRunner

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / "docs" / "destination.schema.json"
FILES = sorted((ROOT / "layers" / "destinations").glob("*.toml"))
DIRECTIVE = "#:schema "


def problems(text: str) -> list[str]:
    validator = Draft7Validator(json.loads(SCHEMA.read_text()))
    return [".".join(map(str, error.absolute_path)) for error in validator.iter_errors(tomllib.loads(text))]


def test_the_schema_in_the_repository_is_that_of_the_models() -> None:
    assert SCHEMA.read_text() == destination_schema(), (
        "run: .venv/bin/destination schema > docs/destination.schema.json"
    )


def test_the_command_prints_it() -> None:
    from destination_cli.app import app

    assert CliRunner().invoke(app, ["schema"]).output == SCHEMA.read_text()


def test_it_is_a_schema() -> None:
    Draft7Validator.check_schema(json.loads(SCHEMA.read_text()))


def test_every_key_is_described_and_no_other_is_allowed() -> None:
    schema = json.loads(SCHEMA.read_text())
    tables = [schema, *schema["definitions"].values()]
    keys = [(table, key, value) for table in tables for key, value in table["properties"].items()]

    assert len(keys) > 30
    assert {table.get("additionalProperties") for table in tables} == {False}
    assert [key for _, key, value in keys if not value.get("description")] == []
    assert all(table["description"] for table in tables)


def test_every_value_of_a_choice_is_described() -> None:
    schema = json.loads(SCHEMA.read_text())
    keys = [key for table in [schema, *schema["definitions"].values()] for key in table["properties"].values()]
    choices = [choice for key in keys if "enum" in (choice := key.get("propertyNames", key))]

    assert len(choices) >= 15
    for choice in choices:
        assert len(choice["enum"]) == len(list(filter(None, choice["enumDescriptions"])))
        assert choice["x-taplo"]["docs"]["enumValues"] == choice["enumDescriptions"]
    assert MEANINGS.count(" | ") == sum(len(choice["enum"]) for choice in choices)


def test_nothing_in_it_is_null_since_toml_has_no_null() -> None:
    assert '"null"' not in SCHEMA.read_text()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_destination_file_passes_and_names_the_schema(file: Path) -> None:
    first = file.read_text().splitlines()[0]

    assert problems(file.read_text()) == []
    assert first.startswith(DIRECTIVE)
    assert (file.parent / first.removeprefix(DIRECTIVE)).resolve() == SCHEMA


def test_there_are_destination_files() -> None:
    assert len(FILES) >= 2


STATUSES = "member_status = { realized = 'Sent', exited = 'Left' }"
ROW_KEYS = ("object", "key", "person", "audience", "status", "since")
ROWS = "[memberships]\n" + "".join(f"{name} = '{name}__c'\n" for name in ROW_KEYS)
MISTAKES: list[tuple[str, Any, list[str]]] = [
    ('name = "Contacts"\n', "", [""]),
    ('name = "Contacts"', "name = 5", ["name"]),
    ("required = true", 'required = "yes"', ["mappings.0.required"]),
    ("required = true", "requird = true", ["mappings.0"]),
    ("max_length = 80", "max_length = 0", ["mappings.0.max_length"]),
    ('source = "person.name.lastName"\n', "", ["mappings.0"]),
    ("required = true", 'constant = "x"', ["mappings.0"]),
    ('mapping_id = "CDP_Loyal__c"', 'mapping_id = "CDP Loyal__c"', ["audiences.0.mapping_id"]),
    ('mapping_id = "CDP_Loyal__c"', 'mapping_id = "X__c"\nvalue = "flag"', ["audiences.0.value"]),
    ('salesforce_object = "Contact"', "salesforce_object = 5", ["salesforce_object"]),
    ('salesforce_object = "Contact"', "salesforce_object = []", ["salesforce_object"]),
    ('salesforce_object = "Contact"', 'salesforce_object = ["Contact", "Lead"]', []),
    ('target = "SalesforceId"', 'target = { Contact = "A__c", Lead = "B__c" }\ncreate_missing = "Lead"', []),
    ('target = "LastName"', 'target = "Account.Key__c"\nwrite = "if_empty"\nobjects = ["Contact"]', []),
    ('target = "LastName"', 'target = "Account.Owner.Key__c"', ["mappings.0.target"]),
    ('target = "LastName"', 'target = "LastName"\nobjects = []', ["mappings.0.objects"]),
    ('mapping_id = "CDP_Loyal__c"', f"campaign = '701Ab0000000001IAA'\n{STATUSES}", []),
    ('mapping_id = "CDP_Loyal__c"', f"campaign = {{ name = 'x' }}\n{STATUSES}", []),
    ('mapping_id = "CDP_Loyal__c"', "campaign = '701Ab0000000001IAA'", ["audiences.0"]),
    ('mapping_id = "CDP_Loyal__c"', f"campaign = 'Summer'\n{STATUSES}", ["audiences.0.campaign"]),
    ('mapping_id = "CDP_Loyal__c"', f"campaign = {{ id = 'x' }}\n{STATUSES}", ["audiences.0.campaign"]),
    ("[identity]", f"{ROWS}[identity]", []),
    ("[identity]", f"{ROWS}audiences = 'all'\nat_most = 50\nonly = ['a']\n[identity]", []),
    ("[identity]", f"{ROWS}at_most = 50\n[identity]", ["memberships"]),
    ("[identity]", f"{ROWS}audiences = 'some'\n[identity]", ["memberships.audiences"]),
    ("[identity]", "[[identity]]", []),
    ("[[mappings]]", "[[mapings]]", [""]),
]


@pytest.mark.parametrize(("right", "wrong", "places"), MISTAKES)
def test_a_mistake_fails_at_its_place(right: str, wrong: str, places: list[str]) -> None:
    assert right in CONTACTS
    assert problems(CONTACTS) == []

    assert problems(CONTACTS.replace(right, wrong)) == places
