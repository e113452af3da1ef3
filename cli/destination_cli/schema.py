"""The JSON Schema of the destination file, by which editors complete and check it."""

from __future__ import annotations

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


class _ForToml(GenerateJsonSchema):
    """Leaves out what TOML has not (null) and what only repeats the keys (titles of fields)."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        described = super().default_schema(schema)
        return {key: value for key, value in described.items() if key != "default" or value not in (None, [])}


def destination_schema() -> str:
    """The schema as docs/destination.schema.json holds it."""
    schema = Destination.model_json_schema(ref_template="#/definitions/{model}", schema_generator=_ForToml)
    definitions = schema.pop("$defs")
    definitions["FieldMapping"]["dependencies"] = {"other": ["values"], "values": ["source"]}
    definitions["FieldMapping"]["oneOf"] = [{"required": ["source"]}, {"required": ["constant"]}]
    return json.dumps({"$schema": DIALECT, **schema, **HEADING, "definitions": definitions}, indent=2) + "\n"
