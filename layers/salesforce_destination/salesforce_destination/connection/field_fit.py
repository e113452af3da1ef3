"""Whether one field of the org takes what the file sends to it, and how to say so in a marketer's words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING

from salesforce_destination.connection.finding import Finding, error, note, warning
from salesforce_destination.destination.standard_fields import LENGTHS
from salesforce_destination.record.description import FieldDescription, ObjectDescription

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import FieldMapping

TEXT_TYPES = frozenset({"string", "textarea", "picklist", "multipicklist", "combobox", "email", "phone", "url"})
NUMBER_TYPES = frozenset({"int", "double", "currency", "percent", "long"})

LONGEST_SHORT_TEXT = 255
"""A longer field is a text area whose end few values reach; Text fields have up to 255 characters."""

LIKENESS = 0.78
"""CDP_Loyl is that much like CDP_Loyal, and CDP_Trial is not like CDP_Trial_Since or CDP_Loyal."""

_WANTED: Mapping[str, str] = {
    "boolean": "true or false",
    "date": "dates such as 2026-01-31",
    "datetime": "times such as 2026-01-31T12:00:00Z",
    "reference": "the Ids of other records",
    **dict.fromkeys(NUMBER_TYPES, "numbers"),
}
"""What a field that is no text takes; what a source holds is not known before the profiles come."""


def mapping_findings(place: int, mapping: FieldMapping, description: ObjectDescription) -> Iterator[Finding]:
    """Find what does not fit between a mapping and its field."""
    key = f"mappings[{place}]"
    field = description.fields.get(mapping.target)
    if field is None:
        yield not_there(f"{key}.target", mapping.target, description)
        return
    yield from writable(f"{key}.target", field)
    yield from _fixed_values(key, mapping, field)
    if mapping.source is not None:
        yield from _any_value(key, mapping, field, description)


def typed_findings(key: str, name: str, kind: str, words: str, description: ObjectDescription) -> Iterator[Finding]:
    """Find what does not fit where only one type of field will do."""
    field = description.fields.get(name)
    if field is None:
        yield not_there(key, name, description)
        return
    yield from writable(key, field)
    if field.type != kind:
        yield error(key, name, f"{name} is {kind_of(field)}.", f"It must be {words}.")


def not_there(key: str, name: str, description: ObjectDescription) -> Finding:
    """The finding about a field that the org does not show, with the nearest that it does."""
    problem = f"{description.name} has no field {name} that the integration user can see."
    on_person_account = f"{name.removesuffix('__c')}__pc"
    if name.endswith("__c") and on_person_account in description.fields:
        cure = f"Write {on_person_account}, the name of the contact's field on a person account."
        return error(key, name, problem, cure)
    if name.endswith("__pc") and not description.has_person_accounts:
        cure = "The org has no person accounts: use the contact's own field, with salesforce_object Contact."
        return error(key, name, problem, cure)
    close = nearest_name(name, description.fields)
    nearest = f"Did you mean {close}? Otherwise create" if close else "Create"
    return error(key, name, problem, f"{nearest} it in Salesforce and give the integration user access to it.")


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """The name that a person may have meant: the same but for its case, its ending or a letter or two."""
    by_stem = {_stem(candidate): candidate for candidate in known}
    close = get_close_matches(_stem(name), by_stem, n=1, cutoff=LIKENESS)
    return by_stem[close[0]] if close else None


def _stem(name: str) -> str:
    return name.casefold().removesuffix("__c")


def writable(key: str, field: FieldDescription) -> Iterator[Finding]:
    """The finding about a field that the integration user may not edit."""
    if not field.updateable:
        cure = "Give it edit access to the field. Some fields are read-only for everybody."
        yield error(key, field.name, f"The integration user may not edit {field.name}.", cure)


def kind_of(field: FieldDescription) -> str:
    """The field's type as Salesforce's pages call it, where they do."""
    names = {"boolean": "a Checkbox", "datetime": "a Date/Time", "date": "a Date", "textarea": "a Text Area"}
    return names.get(field.type, f"of type {field.type}")


def _fixed_values(key: str, mapping: FieldMapping, field: FieldDescription) -> Iterator[Finding]:
    for name in ("constant", "default"):
        value = getattr(mapping, name)
        if value is not None and not _takes(field, value):
            yield error(f"{key}.{name}", field.name, f"{field.name} is {kind_of(field)}.", f"Write {_example(field)}.")
        elif _is_too_long(value, field) and mapping.when_too_long == "reject":
            problem = f"{field.name} holds {field.length} characters, but the {name} is longer."
            yield error(f"{key}.{name}", field.name, problem, "Shorten it.")


def _any_value(
    key: str, mapping: FieldMapping, field: FieldDescription, description: ObjectDescription
) -> Iterator[Finding]:
    if mapping.when_absent == "clear" and not field.nillable:
        problem = f"{field.name} cannot be empty, but a profile without a value would clear it."
        yield warning(f"{key}.when_absent", field.name, problem, "Remove when_absent, or add a default.")
    if field.type in TEXT_TYPES:
        yield from _length(key, mapping, field, description)
    if (wanted := _wanted(field)) is not None:
        yield note(f"{key}.source", field.name, f"{field.name} accepts only {wanted}; Salesforce refuses other values.")


def _length(
    key: str, mapping: FieldMapping, field: FieldDescription, description: ObjectDescription
) -> Iterator[Finding]:
    known = mapping.max_length or LENGTHS.get(description.name, {}).get(field.name)
    if mapping.max_length and 0 < field.length < mapping.max_length:
        cure = f"Write {field.length} or less."
        yield error(f"{key}.max_length", field.name, f"{field.name} holds {field.length} characters.", cure)
    elif known is None and 0 < field.length <= LONGEST_SHORT_TEXT:
        problem = f"{field.name} holds {field.length} characters; Salesforce refuses longer values."
        cure = f'Add max_length = {field.length} and when_too_long = "truncate" if a text may be cut.'
        yield note(f"{key}.max_length", field.name, problem, cure)


def _wanted(field: FieldDescription) -> str | None:
    if field.values is not None:
        return f"one of {', '.join(sorted(field.values))}"
    return _WANTED.get(field.type)


def _takes(field: FieldDescription, value: object) -> bool:
    if field.type == "boolean":
        return isinstance(value, bool)
    if field.type in NUMBER_TYPES:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, str) and (field.values is None or value in field.values)


def _is_too_long(value: object, field: FieldDescription) -> bool:
    return isinstance(value, str) and field.type in TEXT_TYPES and 0 < field.length < len(value.strip())


def _example(field: FieldDescription) -> str:
    if field.type == "boolean":
        return "true or false"
    if field.type in NUMBER_TYPES:
        return "a number without quotes"
    return f"one of {', '.join(sorted(field.values))}" if field.values else "text in quotes"
