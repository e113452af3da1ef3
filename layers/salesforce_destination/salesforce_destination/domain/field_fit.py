"""Whether one field of the org takes what the file sends to it, and how to say so in a marketer's words."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from .audience import Status
from .description import FieldDescription, ObjectDescription
from .destination import Audience, FieldMapping
from .finding import Finding, Level

TEXT_TYPES = frozenset({"string", "textarea", "picklist", "multipicklist", "combobox", "email", "phone", "url"})
NUMBER_TYPES = frozenset({"int", "double", "currency", "percent", "long"})

TAKES: dict[str, frozenset[str]] = {
    "status": frozenset({"string", "textarea", "picklist"}),
    "boolean": frozenset({"boolean"}),
    "timestamp": frozenset({"datetime"}),
    "names": frozenset({"string", "textarea", "multipicklist"}),
}
"""Types of fields that take an audience's `value`."""

SUITS = {
    "status": "a Text(20) or a picklist",
    "boolean": "a Checkbox",
    "timestamp": "a Date/Time",
    "names": "a multi-select picklist or a Text",
}

LONGEST_STATUS = max(len(status) for status in Status)


def mapping_findings(place: int, mapping: FieldMapping, description: ObjectDescription) -> Iterator[Finding]:
    """Find what does not fit between a mapping and its field."""
    key = f"mappings[{place}]"
    field = description.fields.get(mapping.target)
    if field is None:
        yield not_there(f"{key}.target", mapping.target, description)
        return
    yield from _writable(f"{key}.target", field)
    for name in ("constant", "default"):
        value = getattr(mapping, name)
        if value is not None and not _takes(field, value):
            yield error(f"{key}.{name}", field.name, f"{field.name} is {_kind(field)}.", f"Write {_example(field)}.")
    if mapping.max_length and 0 < field.length < mapping.max_length and field.type in TEXT_TYPES:
        cure = f"Write {field.length} or less."
        yield error(f"{key}.max_length", field.name, f"{field.name} holds {field.length} characters.", cure)


def audience_findings(place: int, audience: Audience, description: ObjectDescription) -> Iterator[Finding]:
    """Find what does not fit between an audience and its fields."""
    key = f"audiences[{place}]"
    field = description.fields.get(audience.mapping_id)
    if field is None:
        yield not_there(f"{key}.mapping_id", audience.mapping_id, description)
    else:
        yield from _writable(f"{key}.mapping_id", field)
        yield from _audience_value(key, audience, field)
    if audience.since_field:
        yield from typed_findings(f"{key}.since_field", audience.since_field, "datetime", "a Date/Time", description)


def _audience_value(key: str, audience: Audience, field: FieldDescription) -> Iterator[Finding]:
    if field.type not in TAKES[audience.value]:
        problem = f'{field.name} is {_kind(field)}, which does not take value = "{audience.value}".'
        yield error(f"{key}.value", field.name, problem, f"That needs {SUITS[audience.value]}: {_instead(field)}.")
    elif audience.value == "status" and 0 < field.length < LONGEST_STATUS:
        problem = f"{field.name} holds {field.length} characters, and a status has up to {LONGEST_STATUS}."
        yield error(f"{key}.mapping_id", field.name, problem, f"Make it {LONGEST_STATUS} or longer in Salesforce.")
    elif audience.value == "status" and field.values is not None and (lacking := _written(audience) - field.values):
        problem = f"{field.name} is a restricted picklist without {', '.join(sorted(lacking))}."
        yield error(f"{key}.mapping_id", field.name, problem, "Add these values in Salesforce.")
    elif audience.value == "names" and field.values is not None and (audience.name or "") not in field.values:
        problem = f"{field.name} is a restricted picklist without {audience.name}."
        yield error(f"{key}.name", field.name, problem, "Add this value in Salesforce.")
    elif not field.filterable:
        problem = f"{field.name} cannot be filtered in list views, reports and queries."
        yield Finding(
            Level.NOTE, f"{key}.mapping_id", field.name, problem, f"A field that can: {SUITS[audience.value]}."
        )


def error(key: str, field: str, problem: str, cure: str) -> Finding:
    """A finding that keeps messages from being delivered."""
    return Finding(Level.ERROR, key, field, problem, cure)


def not_there(key: str, name: str, description: ObjectDescription) -> Finding:
    """The finding about a field that the org does not show, with the nearest that it does."""
    close = get_close_matches(name, description.fields, n=1, cutoff=0.6)
    nearest = f"Did you mean {close[0]}? Else create" if close else "Create"
    problem = f"{name} is no field of {description.name} that the integration user can see."
    return error(key, name, problem, f"{nearest} it in Salesforce and give the integration user access to it.")


def _writable(key: str, field: FieldDescription) -> Iterator[Finding]:
    if not field.updateable:
        cure = "Give the integration user edit access to the field; some fields nobody can write."
        yield error(key, field.name, f"{field.name} may not be edited.", cure)


def typed_findings(key: str, name: str, kind: str, words: str, description: ObjectDescription) -> Iterator[Finding]:
    field = description.fields.get(name)
    if field is None:
        yield not_there(key, name, description)
        return
    yield from _writable(key, field)
    if field.type != kind:
        yield error(key, name, f"{name} is {_kind(field)}.", f"It has to be {words}.")


def _takes(field: FieldDescription, value: object) -> bool:
    if field.type == "boolean":
        return isinstance(value, bool)
    if field.type in NUMBER_TYPES:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str) and (field.values is None or value in field.values)


def _kind(field: FieldDescription) -> str:
    names = {"boolean": "a Checkbox", "datetime": "a Date/Time", "date": "a Date", "textarea": "a Text Area"}
    return names.get(field.type, f"of type {field.type}")


def _example(field: FieldDescription) -> str:
    if field.type == "boolean":
        return "true or false"
    if field.type in NUMBER_TYPES:
        return "a number without quotes"
    return f"one of {', '.join(sorted(field.values))}" if field.values else "text in quotes"


def _instead(field: FieldDescription) -> str:
    fitting = [f'"{value}"' for value, types in TAKES.items() if field.type in types]
    return f"another field, or value = {' or '.join(fitting)}" if fitting else "another field"


def _written(audience: Audience) -> set[str]:
    return {Status.REALIZED.value, audience.existing_as, Status.EXITED.value}
