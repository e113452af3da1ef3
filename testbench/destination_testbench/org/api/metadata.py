"""Metadata: custom fields as the Tooling API describes them."""

from __future__ import annotations

import re
from typing import Any

from destination_testbench.org.faults.failure import RequestFailure, not_simulated
from destination_testbench.org.schema.schema import Field, SObject

API_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*__c\Z")
NAME_LENGTH = 43
SHORT_TEXT_AREA = 255
TYPES = {
    "Text": "string",
    "TextArea": "textarea",
    "LongTextArea": "textarea",
    "Checkbox": "boolean",
    "DateTime": "datetime",
    "Date": "date",
    "Number": "double",
    "Email": "email",
    "Phone": "phone",
    "Url": "url",
    "Picklist": "picklist",
    "MultiselectPicklist": "multipicklist",
    "Currency": "currency",
    "Lookup": "reference",
    "MasterDetail": "reference",
}
TEXT_LENGTHS = {"email": 80, "phone": 40, "url": 255, "picklist": 255, "multipicklist": 4099}
RELATIONSHIPS = {"Lookup", "MasterDetail"}
NUMBERS = {"Number", "Currency"}
EXTERNAL_ID_TYPES = {"Text", "Number", "Email"}
# Limits of one sObject: characters in all long text areas, external-ID fields, custom fields (by edition 500 to 800).
LONG_TEXT_ALLOWANCE = 1_638_400
EXTERNAL_ID_FIELDS = 25
CUSTOM_FIELDS = 500


def field_from(name: str, metadata: dict[str, Any]) -> Field:
    """The field that a piece of metadata describes."""
    kind = metadata.get("type")
    if kind not in TYPES:
        raise refused("INVALID_TYPE", f"Cannot find a field type named {kind}")
    if not isinstance(label := metadata.get("label"), str) or not label:
        raise refused("REQUIRED_FIELD_MISSING", "Required fields are missing: [MasterLabel]")
    if not API_NAME.match(name) or len(name) > NAME_LENGTH:
        raise refused(
            "INVALID_FIELD", f"The Field Name {name} can only contain underscores and alphanumeric characters."
        )
    external, checkbox = metadata.get("externalId") is True, kind == "Checkbox"
    if external and kind not in EXTERNAL_ID_TYPES:
        raise refused("FIELD_INTEGRITY_EXCEPTION", f"Can not specify 'externalId' for a CustomField of type {kind}")
    related, owner = kind in RELATIONSHIPS, str(metadata.get("referenceTo") or "")
    if related and not (owner and metadata.get("relationshipName")):
        raise refused("REQUIRED_FIELD_MISSING", "Required fields are missing: [ReferenceTo, RelationshipName]")
    if metadata.get("deleteConstraint", "SetNull") != "SetNull":
        raise not_simulated(f"the deleteConstraint {metadata['deleteConstraint']}")
    values = picklist_values(metadata) if kind in ("Picklist", "MultiselectPicklist") else ()
    return Field(
        name,
        label,
        TYPES[kind],
        length_of(kind, metadata),
        nillable=not checkbox and kind != "MasterDetail" and metadata.get("required") is not True,
        createable=True,
        updateable=kind != "MasterDetail" or metadata.get("reparentableMasterDetail") is True,
        cascade=kind == "MasterDetail",
        reference_to=(owner,) if related else (),
        relationship=f"{name.removesuffix('__c')}__r" if related else None,
        defaulted=checkbox,
        unique=metadata.get("unique") is True,
        external_id=external,
        id_lookup=external,
        case_sensitive=metadata.get("caseSensitive") is True,
        restricted=bool(values) and metadata["valueSet"].get("restricted") is True,
        precision=digits(metadata, "precision") if kind in NUMBERS else 0,
        scale=digits(metadata, "scale") if kind in NUMBERS else 0,
        extra="plaintextarea" if TYPES[kind] == "textarea" else None,
        values=values,
        default=str(metadata.get("defaultValue")).lower() == "true" if checkbox else None,
    )


def metadata_of(field: Field) -> dict[str, Any]:
    """The piece of metadata that describes a field which was there from the start."""
    long = field.type == "textarea" and field.length > SHORT_TEXT_AREA
    kinds = [name for name, type_ in TYPES.items() if type_ == field.type]
    kind = "LongTextArea" if long else kinds[-1 if field.cascade else 0]
    metadata: dict[str, Any] = {"label": field.label, "type": kind, "required": field.required}
    if kind in ("Text", "LongTextArea"):
        metadata["length"] = field.length
    if kind in ("LongTextArea", "MultiselectPicklist"):
        metadata["visibleLines"] = field.precision or 3
    if field.reference_to:
        metadata |= {"referenceTo": field.reference_to[0], "relationshipName": f"{field.label.replace(' ', '_')}s"}
    if kind in NUMBERS:
        metadata |= {"precision": field.precision, "scale": field.scale}
    if kind == "Checkbox":
        metadata["defaultValue"] = "false"
    if field.external_id:
        metadata |= {"externalId": True, "unique": field.unique, "caseSensitive": field.case_sensitive}
    if field.values:
        values = [{"valueName": value, "label": label, "default": False} for value, label in field.values]
        metadata["valueSet"] = {
            "restricted": field.restricted,
            "valueSetDefinition": {"sorted": False, "value": values},
        }
    return metadata


def length_of(kind: str, metadata: dict[str, Any]) -> int:
    """The field's length: given for texts, fixed for most others."""
    if kind == "Text":
        return between(metadata, "length", 1, 255)
    if kind == "TextArea":
        return 255
    if kind == "LongTextArea":
        between(metadata, "visibleLines", 1, 50)
        return between(metadata, "length", 256, 131_072)
    if kind == "MultiselectPicklist":
        between(metadata, "visibleLines", 3, 10)
    return TEXT_LENGTHS.get(TYPES[kind], 0)


def digits(metadata: dict[str, Any], name: str) -> int:
    """Precision or scale of a number: together at most 18 digits."""
    if name == "scale":
        return between(metadata, name, 0, between(metadata, "precision", 1, 18))
    return between(metadata, name, 1, 18)


def between(metadata: dict[str, Any], name: str, least: int, most: int) -> int:
    """A whole number within Salesforce's bounds."""
    value = metadata.get(name)
    if value is None:
        raise refused(
            "FIELD_INTEGRITY_EXCEPTION", f"Must specify '{name}' for a CustomField of type {metadata['type']}"
        )
    if not isinstance(value, int) or not least <= value <= most:
        raise refused("FIELD_INTEGRITY_EXCEPTION", f"Value for {name} must be between {least} and {most}")
    return value


def picklist_values(metadata: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """The values of a new picklist, with their labels."""
    definition = (metadata.get("valueSet") or {}).get("valueSetDefinition") or {}
    given = definition.get("value") or ()
    values = [(str(v["valueName"]), str(v.get("label") or v["valueName"])) for v in given if v.get("valueName")]
    if not values:
        raise refused("FIELD_INTEGRITY_EXCEPTION", "Must specify 'valueSet' for a CustomField of this type")
    return tuple(values)


def check_limits(sobject: SObject, field: Field) -> None:
    """Refuse a field beyond the custom fields, external ids or long text that an sObject may have."""
    others = [other for other in sobject.fields.values() if other.custom and other.name != field.name]
    if len(others) >= CUSTOM_FIELDS:
        raise refused("LIMIT_EXCEEDED", f"You have reached the maximum number of custom fields for {sobject.label}.")
    if field.external_id and sum(other.external_id for other in others) >= EXTERNAL_ID_FIELDS:
        raise refused("LIMIT_EXCEEDED", "You have reached the maximum number of external ID fields.")
    long = [other.length for other in (*others, field) if other.type == "textarea" and other.length > 255]
    if field.length > 255 and field.type == "textarea" and sum(long) > LONG_TEXT_ALLOWANCE:
        raise refused("LIMIT_EXCEEDED", "You have exceeded the maximum number of characters in long text fields.")


def refused(code: str, message: str) -> RequestFailure:
    """The refusal of a piece of metadata."""
    return RequestFailure(400, code, message)
