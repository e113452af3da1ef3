"""The JSON Schema of the destination file, by which editors complete and check it."""

import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema
from salesforce_destination.destination.destination import Destination

DIALECT = "http://json-schema.org/draft-07/schema#"
"""Editors' TOML plug-ins know this draft best."""

HEADING = {
    "title": "Destination file",
    "description": "What one destination sends where in Salesforce. docs/destination-file.md explains every key.",
}


MEANINGS = """
converted_leads | reject: The message is rejected. | contact: The lead's contact is updated.
merged_records | reject: The message is rejected. | follow: The survivor is updated.
duplicate_rules | obey: The record is rejected. | allow: The record is saved, unless the rule blocks.
assignment_rules | never: New records keep their owner. | created: The rule gives new leads or cases their owner.
unchanged | write: It is written. | skip: It is read first, and not written.
when_skipped | exit: Its audiences in the message are written as exited. | leave: Nothing is written.
memberships | changed: Perhaps those that changed alone: an absent audience stays as it is.
memberships | all: All of them: an absent audience counts as exited.
write | always: Over any value. | create: Only on a new record. | if_empty: Only where the field is empty in Salesforce.
other | reject: The profile is rejected. | leave: The field stays as it is. | clear: The field is cleared.
when_too_long | reject: The profile is rejected. | truncate: The text is cut.
when_absent | leave: The field stays as it is. | clear: The field is cleared.
when_refused | reject: The message is rejected. | omit: The record is written without the field.
value | status: The text realized, existing or exited. | boolean: True, or false after an exit.
value | timestamp: The time of the membership, or nothing after an exit. | names: All audiences by name.
values | realized: Its text for who came into the audience. | existing: For who was in it. | exited: For who left it.
member_status | realized: Of who came into the audience. | existing: Of who was in it; else as realized.
member_status | exited: Of who left it; "delete" removes the member.
audiences | mapped: Those of this file. | all: All that a profile has.
when_exited | write: They say exited. | delete: They are deleted 30 days after the exit.
existing_as | realized: As realized. | existing: As existing.
"""
"""What each value of a key does; editors show it beside the value."""


class _ForToml(GenerateJsonSchema):
    """Leaves out what TOML has not (null) and what only repeats the keys (titles of fields)."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        described = super().default_schema(schema)
        return {key: value for key, value in described.items() if key != "default" or value not in (None, [], "")}


def destination_schema() -> str:
    """The schema as docs/destination.schema.json holds it."""
    schema = Destination.model_json_schema(ref_template="#/definitions/{model}", schema_generator=_ForToml)
    definitions = schema.pop("$defs")
    for table in (schema, *definitions.values()):
        _explain(table["properties"])
    schema["properties"]["salesforce_object"]["anyOf"][1] |= {"minItems": 1, "maxItems": 2}
    schema["properties"]["identity"]["anyOf"][1]["minItems"] = 1
    definitions["Audience"]["dependencies"] = {"campaign": ["member_status"], "member_status": ["campaign"]}
    definitions["Memberships"]["dependencies"] = {key: ["audiences"] for key in ("at_most", "only", "except")}
    definitions["FieldMapping"]["dependencies"] = {"other": ["values"], "values": ["source"]}
    definitions["FieldMapping"]["oneOf"] = [{"required": ["source"]}, {"required": ["constant"]}]
    return json.dumps({"$schema": DIALECT, **schema, **HEADING, "definitions": definitions}, indent=2) + "\n"


def _explain(keys: dict[str, Any]) -> None:
    """Say what each value does, in the words that VS Code reads and in those of Taplo, which most TOML plug-ins use."""
    rows = (line.split(" | ") for line in MEANINGS.strip().splitlines())
    meanings = dict(f"{key} {meaning}".split(": ", 1) for key, *meanings in rows for meaning in meanings)
    for key, described in keys.items():
        choice = described.get("propertyNames", described)
        if texts := [meanings[f"{key} {value}"] for value in choice.get("enum", ())]:
            choice |= {"enumDescriptions": texts, "x-taplo": {"docs": {"enumValues": texts}}}
