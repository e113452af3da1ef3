"""Whether an audience's fields take what its `value` writes to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from salesforce_destination.connection.field_fit import kind_of, not_there, typed_findings, writable
from salesforce_destination.connection.finding import Finding, error, note, warning
from salesforce_destination.profile.membership import Status
from salesforce_destination.record.description import FieldDescription, ObjectDescription

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import Audience

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

EMPTIED = frozenset({"timestamp", "names"})
"""Values that an exit clears."""


def audience_findings(place: int, audience: Audience, description: ObjectDescription) -> Iterator[Finding]:
    """Find what does not fit between an audience and its fields."""
    key = f"audiences[{place}]"
    field = description.fields.get(audience.mapping_id)
    if field is None:
        yield not_there(f"{key}.mapping_id", audience.mapping_id, description)
    else:
        yield from writable(f"{key}.mapping_id", field)
        yield from _value(key, audience, field)
        yield from _filterable(key, audience, field)
    if audience.since_field:
        yield from typed_findings(f"{key}.since_field", audience.since_field, "datetime", "a Date/Time", description)


def names_findings(audiences: Sequence[Audience], description: ObjectDescription) -> Iterator[Finding]:
    """Find the fields that cannot hold the names of all their audiences at once."""
    names: dict[str, list[str]] = {}
    for audience in audiences:
        if audience.value == "names":
            names.setdefault(audience.mapping_id, []).append(audience.name or "")
    for place, audience in enumerate(audiences):
        field, held = description.fields.get(audience.mapping_id), names.pop(audience.mapping_id, [])
        if field and held and 0 < field.length < len(";".join(held)):
            problem = (
                f"{field.name} holds {field.length} characters, but the names of its audiences together are longer."
            )
            cure = "Shorten the names, or make the field longer in Salesforce."
            yield warning(f"audiences[{place}].mapping_id", field.name, problem, cure)


def _value(key: str, audience: Audience, field: FieldDescription) -> Iterator[Finding]:
    if field.type not in TAKES[audience.value]:
        problem = f'{field.name} is {kind_of(field)}, which does not accept value = "{audience.value}".'
        yield error(f"{key}.value", field.name, problem, f"Use {SUITS[audience.value]}{_instead(field)}.")
    elif audience.value == "status":
        yield from _status(key, audience, field)
    elif audience.value in EMPTIED and not field.nillable:
        problem = f"{field.name} cannot be empty, but an exit from the audience clears it."
        yield error(f"{key}.mapping_id", field.name, problem, "Make it optional in Salesforce.")
    elif audience.value == "names" and field.values is not None and (audience.name or "") not in field.values:
        problem = f"{field.name} is a restricted picklist without {audience.name}."
        yield error(f"{key}.name", field.name, problem, "Add this value in Salesforce.")


def _status(key: str, audience: Audience, field: FieldDescription) -> Iterator[Finding]:
    if 0 < field.length < LONGEST_STATUS:
        problem = f"{field.name} holds {field.length} characters, but a status has up to {LONGEST_STATUS}."
        yield error(f"{key}.mapping_id", field.name, problem, f"Make it {LONGEST_STATUS} or longer in Salesforce.")
    elif field.values is not None and (lacking := _written(audience) - field.values):
        problem = f"{field.name} is a restricted picklist without {', '.join(sorted(lacking))}."
        yield error(f"{key}.mapping_id", field.name, problem, "Add these values in Salesforce.")


def _filterable(key: str, audience: Audience, field: FieldDescription) -> Iterator[Finding]:
    if field.type in TAKES[audience.value] and not field.filterable:
        problem = f"{field.name} cannot be filtered in list views, reports and queries."
        yield note(f"{key}.mapping_id", field.name, problem, f"To filter by it, use {SUITS[audience.value]}.")


def _instead(field: FieldDescription) -> str:
    fitting = [f'"{value}"' for value, types in TAKES.items() if field.type in types]
    return f", or set value = {' or '.join(fitting)}" if fitting else ""


def _written(audience: Audience) -> set[str]:
    return {Status.REALIZED.value, audience.existing_as, Status.EXITED.value}
