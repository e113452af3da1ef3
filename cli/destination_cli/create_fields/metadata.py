"""
The pieces of metadata that Salesforce is given, as its Tooling API takes them.

The export writes the same pieces as XML, so that a field made by hand of the export is the field made here.
"""

from __future__ import annotations

from typing import Any

from salesforce_destination.record.guards import GUARD_EXEMPT

from destination_cli.create_fields.needs import FieldKind, WantedField, WantedRule

Json = dict[str, Any]

TYPES = {
    FieldKind.TEXT: "Text",
    FieldKind.CHECKBOX: "Checkbox",
    FieldKind.DATE_TIME: "DateTime",
    FieldKind.MULTI_SELECT: "MultiselectPicklist",
    FieldKind.LONG_TEXT: "LongTextArea",
    FieldKind.NUMBER: "Number",
}
"""Each kind by the name of its type in metadata."""

DESCRIBED_TYPES = {
    "Text": "string",
    "Checkbox": "boolean",
    "DateTime": "datetime",
    "MultiselectPicklist": "multipicklist",
    "LongTextArea": "textarea",
    "TextArea": "textarea",
    "Html": "textarea",
    "Number": "double",
    "Email": "email",
    "Picklist": "picklist",
}
"""Types in metadata by the names that a describe has for them, as far as a field here could be one."""


def field_metadata(field: WantedField) -> Json:
    """A new custom field. Nothing is required of anyone, and nothing is tracked."""
    metadata: Json = {"description": field.description, "label": field.label, "type": TYPES[field.kind]}
    match field.kind:
        case FieldKind.CHECKBOX:
            metadata["defaultValue"] = "false"
        case FieldKind.TEXT | FieldKind.LONG_TEXT:
            metadata["length"] = field.length
        case FieldKind.NUMBER:
            metadata |= {"precision": 18, "scale": 0}
    if field.kind is FieldKind.LONG_TEXT:
        metadata["visibleLines"] = 3
    if field.kind is FieldKind.MULTI_SELECT:
        metadata |= {"valueSet": _value_set(field.values), "visibleLines": max(3, min(10, len(field.values)))}
    if field.kind is not FieldKind.CHECKBOX:
        metadata["required"] = False
    if field.finds_records:
        metadata |= {"caseSensitive": field.case_sensitive, "externalId": True, "unique": True}
    return metadata


def with_values(metadata: Json, values: tuple[str, ...]) -> Json | None:
    """The metadata of a picklist with more values; None where its values are those of a global value set."""
    value_set = metadata.get("valueSet") or {}
    definition = value_set.get("valueSetDefinition")
    if not definition:
        return None
    more = [*definition.get("value", ()), *map(_value, values)]
    return {**metadata, "valueSet": {**value_set, "valueSetDefinition": {**definition, "value": more}}}


def rule_metadata(rule: WantedRule) -> Json:
    """A guard. No field is named for the message: deliveries look for the marker only, and people see it on top."""
    return {
        "active": True,
        "description": f"Keeps an older event of the customer-data platform off a newer {rule.field}.",
        "errorConditionFormula": rule.formula,
        "errorMessage": rule.message,
    }


def permission_metadata() -> Json:
    """The custom permission that the guards let pass."""
    return {
        "description": "The guards of the customer-data platform's fields let its holders pass, for repairs by hand.",
        "isLicensed": False,
        "label": GUARD_EXEMPT.replace("_", " "),
    }


def _value_set(values: tuple[str, ...]) -> Json:
    # Unrestricted: an audience that is new in the file is delivered even before its value is in the list.
    return {"restricted": False, "valueSetDefinition": {"sorted": False, "value": list(map(_value, values))}}


def _value(name: str) -> Json:
    return {"default": False, "label": name, "valueName": name}
