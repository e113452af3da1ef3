"""Whether a field of the org takes what the file sends to it, and how to say so in a marketer's words."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches

from salesforce_destination.connection.finding import Finding, error, note, warning
from salesforce_destination.destination.destination import Audience, FieldMapping
from salesforce_destination.destination.standard_fields import LENGTHS
from salesforce_destination.profile.source import utf_16_units
from salesforce_destination.record.composite import nested
from salesforce_destination.record.description import NUMBER_TYPES, TEXT_TYPES, FieldDescription, ObjectDescription

LONGEST_SHORT_TEXT = 255  # Text fields have no more; a longer field is a text area whose end few values reach
LIKENESS = 0.78  # CDP_Loyl is that much like CDP_Loyal, and CDP_Trial is not like CDP_Trial_Since or CDP_Loyal

Known = Mapping[str, ObjectDescription]

_WANTED: Mapping[str, str] = {
    "boolean": "true or false",
    "date": "dates such as 2026-01-31",
    "datetime": "times such as 2026-01-31T12:00:00Z",
    "reference": "the Ids of other records",
    **dict.fromkeys(NUMBER_TYPES, "numbers"),
}
"""What a field that is no text takes; what a source holds is not known before the profiles come."""


def mapping_findings(place: int, mapping: FieldMapping, org: ObjectDescription, known: Known) -> Iterator[Finding]:
    """Find what does not fit between a mapping and its field; `known` are the sObjects, parents too, in lower case."""
    key = f"mappings[{place}]"
    if "." in mapping.target:
        yield from _relationship(key, mapping, org, known)
        return
    if (field := org.fields.get(mapping.target)) is None:
        yield not_there(f"{key}.target", mapping.target, org)
        return
    yield from writable(f"{key}.target", field, mapping.write)
    if mapping.write == "if_empty" and field.type == "boolean":
        problem = f"{field.name} is {kind_of(field)}, which is never empty: nothing is written."
        yield warning(f"{key}.write", field.name, problem, 'Write "create" or "always".')
    yield from _fixed_values(key, mapping, field)
    if field.name.endswith(("State", "Country")) and (code := f"{field.name}Code") in org.fields:
        problem = f"The org has State and Country/Territory Picklists: {field.name} accepts only the names in its list."
        cure = f'Map a code to {code} instead, or set when_refused = "omit".'
        yield (note if mapping.may_be_omitted else warning)(f"{key}.target", field.name, problem, cure)
    if mapping.source is not None:
        yield from _any_value(key, mapping, field, org.name)
    if mapping.values and field.active:
        texts = [text for text in mapping.values.values() if isinstance(text, str)]
        yield from _offered(f"{key}.values", texts, field, mapping.default)


def relationship(target: str, description: ObjectDescription) -> tuple[str, str, str]:
    """The field, the parent's sObject and its field behind Account.Key__c or Owner:User.Email; empty where unknown."""
    path, chosen, name = nested(target)
    if target.lower() == "recordtype.developername":
        return "RecordTypeId", "", name
    field, parents = description.relationships.get(path.lower(), ("", ()))
    named = [parent for parent in parents if parent.lower() == chosen.lower()] if chosen else parents
    return field, named[0] if len(named) == 1 else "", name


def _relationship(key: str, mapping: FieldMapping, org: ObjectDescription, known: Known) -> Iterator[Finding]:
    path, place = nested(mapping.target)[0], f"{key}.target"
    name, parent, target = relationship(mapping.target, org)
    if field := org.fields.get(name):
        yield from writable(place, field, mapping.write)
    if name == "RecordTypeId" and not parent:
        yield from _record_types(key, mapping, org)
    elif parent:
        yield from _of_parent(place, parent, target, known)
    elif name:
        parents = org.relationships[path.lower()][1]
        cure = f"Write {' or '.join(f'{path}:{each}.{target}' for each in parents)}."
        problem = f"{name} can hold the Id of {' or '.join(parents) or 'no object'}."
        yield error(place, name, problem, cure if parents else "Map another relationship.")
    else:
        ids = (field for field, _ in org.relationships.values())
        names = [f"{each[:-1]}r" if each.endswith("c") else each.removesuffix("Id") for each in ids]
        close = nearest_name(path, names)
        cure = f"Did you mean {close}?" if close else "The relationship of a lookup X__c is X__r."
        yield error(place, "", f"{org.name} has no relationship {path} that the user can see.", cure)


def _of_parent(key: str, parent: str, name: str, known: Known) -> Iterator[Finding]:
    if (description := known.get(parent.lower())) is None:
        yield note(key, "", f"No describe of {parent} was given, so {name} is not compared.")
        return
    if not description.fields:
        yield error(key, "", f"The integration user cannot see {parent}.", f"Give it the right to read {parent}.")
        return
    fields = {field.name.lower(): field for field in description.fields.values()}
    if (field := fields.get(name.lower())) is None:
        yield not_there(key, name, description)
    elif not (field.external_id or field.id_lookup):
        problem = f"Salesforce cannot find {parent} records by {field.name}."
        yield error(key, field.name, problem, "Make it an external ID in Salesforce, or write another field.")


def _record_types(key: str, mapping: FieldMapping, description: ObjectDescription) -> Iterator[Finding]:
    known, listed = sorted(description.record_types), (mapping.values or {}).values()
    given = (mapping.constant, mapping.default, *listed)
    lacking = [str(text) for text in given if text not in (None, "", *known)]
    problem = f"{description.name} has no active record type {', '.join(lacking)}".rstrip()
    if lacking or not known:
        cure = f"Write one of {', '.join(known)}." if known else "Assign one in its permission set."
        part = "values" if mapping.values else "target" if mapping.constant is None else "constant"
        yield error(f"{key}.{part}", "RecordTypeId", f"{problem} that the integration user may assign.", cure)
    elif not mapping.values and mapping.source is not None:
        yield note(f"{key}.source", "RecordTypeId", f"It must give the name of a record type: {', '.join(known)}.")


def typed_findings(key: str, name: str, kind: str, words: str, description: ObjectDescription) -> Iterator[Finding]:
    """Find what does not fit where only one type of field will do."""
    if (field := description.fields.get(name)) is None:
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


def writable(key: str, field: FieldDescription, write: str = "always") -> Iterator[Finding]:
    """The finding about a field that the integration user may not write when the file writes it."""
    cure = "Give it edit access to the field. Some fields are read-only for everybody."
    if write == "create":
        if not field.createable:
            yield error(key, field.name, f"The integration user may not set {field.name} on a new record.", cure)
    elif field.createable and not field.updateable:
        cure = 'Add write = "create".' if key.endswith(".target") else "Use another field."
        yield error(key, field.name, f"{field.name} can be set on a new record only.", cure)
    elif not field.updateable:
        yield error(key, field.name, f"The integration user may not edit {field.name}.", cure)


def kind_of(field: FieldDescription) -> str:
    """The field's type as Salesforce's pages call it, where they do."""
    names = {"boolean": "a Checkbox", "datetime": "a Date/Time", "date": "a Date", "textarea": "a Text Area"}
    return names.get(field.type, f"of type {field.type}")


def _fixed_values(key: str, mapping: FieldMapping, field: FieldDescription) -> Iterator[Finding]:
    named = {"constant": mapping.constant, "default": mapping.default}
    for name, value in {**named, **{f"values.{name}": text for name, text in (mapping.values or {}).items()}}.items():
        if name.startswith("values.") and (field.active or value == "") and isinstance(value, str):
            continue
        units = utf_16_units(value.strip()) if isinstance(value, str) and field.type in TEXT_TYPES else 0
        if value is not None and (right := _right_for(field, value)):
            yield error(f"{key}.{name}", field.name, f"{field.name} is {kind_of(field)}.", f"Write {right}.")
        elif 0 < field.length < units and mapping.when_too_long == "reject":
            problem = f"{field.name} holds {field.length} characters, but {name} is longer."
            yield error(f"{key}.{name}", field.name, problem, "Shorten it.")
        elif isinstance(value, str) and field.active:
            yield from _not_offered(f"{key}.{name}", _parts([value], field), field)


def _right_for(field: FieldDescription, value: object) -> str:
    """What the field takes in place of this value; empty where it takes the value."""
    is_bool = isinstance(value, bool)
    if field.type == "boolean":
        return "" if is_bool else "true or false"
    if field.type in NUMBER_TYPES:
        return "" if isinstance(value, int | float) and not is_bool else "a number without quotes"
    if isinstance(value, str) and (field.values is None or value in field.values):
        return ""
    return f"one of {', '.join(sorted(field.values))}" if field.values else "text in quotes"


def _offered(key: str, texts: Iterable[str], field: FieldDescription, default: object = None) -> Iterator[Finding]:
    """Find the texts that a picklist does not offer, and what it offers and nothing gives."""
    given = _parts(texts, field)
    yield from _not_offered(key, given, field)
    if left := sorted(field.active - given - {default}):
        yield note(key, field.name, f"{field.name} also offers {', '.join(left)}, which nothing in values gives.")


def _parts(texts: Iterable[str], field: FieldDescription) -> set[str]:
    separator = ";" if field.type == "multipicklist" else "\n"
    return {part.strip() for text in texts for part in text.split(separator) if part.strip()}


def _not_offered(key: str, given: set[str], field: FieldDescription) -> Iterator[Finding]:
    if lacking := sorted(given - field.active):
        names = ", ".join(f"{name} (inactive)" if name in field.inactive else name for name in lacking)
        kind, found = ("restricted picklist", error) if field.restricted else ("picklist", warning)
        cure = f"Write one of {', '.join(sorted(field.active))}, or add these values in Salesforce."
        yield found(key, field.name, f"{field.name} is a {kind} without {names}.", cure)


def _any_value(key: str, mapping: FieldMapping, field: FieldDescription, sobject: str) -> Iterator[Finding]:
    if mapping.when_absent == "clear" and not field.nillable:
        problem = f"{field.name} cannot be empty: a profile without a value leaves it alone."
        yield warning(f"{key}.when_absent", field.name, problem, "Remove when_absent, or add a default.")
    if mapping.values and not field.nillable and (mapping.other == "clear" or "" in mapping.values.values()):
        problem = f"{field.name} cannot be empty: a value that would clear it leaves it alone."
        yield warning(f"{key}.values", field.name, problem, "Write a text in place of the empty one.")
    if field.type in TEXT_TYPES:
        yield from _length(key, mapping, field, sobject)
    listed = None if field.values is None else f"one of {', '.join(sorted(field.values))}"
    if not mapping.values and (wanted := listed or _WANTED.get(field.type)):
        yield note(f"{key}.source", field.name, f"{field.name} accepts only {wanted}; Salesforce refuses other values.")


def _length(key: str, mapping: FieldMapping, field: FieldDescription, sobject: str) -> Iterator[Finding]:
    known = mapping.max_length or LENGTHS.get(sobject, {}).get(field.name)
    if mapping.max_length and 0 < field.length < mapping.max_length:
        cure = f"Write {field.length} or less."
        yield error(f"{key}.max_length", field.name, f"{field.name} holds {field.length} characters.", cure)
    elif known is None and not mapping.values and 0 < field.length <= LONGEST_SHORT_TEXT:
        problem = f"{field.name} holds {field.length} characters; longer values are refused. A number becomes text."
        cure = f'Add max_length = {field.length} and when_too_long = "truncate" if a text may be cut.'
        yield note(f"{key}.max_length", field.name, problem, cure)


_VALUES: Mapping[str, tuple[str, str]] = {
    "status": ("string textarea picklist", "a Text(20) or a picklist"),
    "boolean": ("boolean", "a Checkbox"),
    "timestamp": ("datetime", "a Date/Time"),
    "names": ("string textarea multipicklist", "a multi-select picklist or a Text"),
}
TAKES = {value: frozenset(types.split()) for value, (types, _) in _VALUES.items()}
SUITS = {value: words for value, (_, words) in _VALUES.items()}
"""Types of fields that take an audience's `value`, and how a person calls them."""

EMPTIED = frozenset({"timestamp", "names"})  # values that an exit clears


def audience_findings(place: int, audience: Audience, description: ObjectDescription) -> Iterator[Finding]:
    """Find what does not fit between an audience and its fields."""
    key = f"audiences[{place}]"
    if not audience.mapping_id:
        return
    if (field := description.fields.get(audience.mapping_id)) is None:
        yield not_there(f"{key}.mapping_id", audience.mapping_id, description)
    else:
        yield from writable(f"{key}.mapping_id", field)
        yield from _value(key, audience, field)
        if field.type in TAKES[audience.value] and not field.filterable:
            problem = f"{field.name} cannot be filtered in list views, reports and queries."
            yield note(f"{key}.mapping_id", field.name, problem, f"To filter by it, use {SUITS[audience.value]}.")
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
            problem = f"{field.name} holds {field.length} characters; its audiences' names together are longer."
            cure = "Shorten the names, or make the field longer in Salesforce."
            yield warning(f"audiences[{place}].mapping_id", field.name, problem, cure)


def _value(key: str, audience: Audience, field: FieldDescription) -> Iterator[Finding]:
    if field.type not in TAKES[audience.value]:
        problem = f'{field.name} is {kind_of(field)}, which does not accept value = "{audience.value}".'
        fitting = " or ".join(f'"{value}"' for value, types in TAKES.items() if field.type in types)
        instead = f", or set value = {fitting}" if fitting else ""
        yield error(f"{key}.value", field.name, problem, f"Use {SUITS[audience.value]}{instead}.")
    elif audience.value == "status":
        yield from _status(key, audience, field)
    elif audience.value in EMPTIED and not field.nillable:
        problem = f"{field.name} cannot be empty, but an exit from the audience clears it."
        yield error(f"{key}.mapping_id", field.name, problem, "Make it optional in Salesforce.")
    elif audience.value == "names" and field.values is not None and (audience.name or "") not in field.values:
        problem = f"{field.name} is a restricted picklist without {audience.name}."
        yield error(f"{key}.name", field.name, problem, "Add this value in Salesforce.")


def _status(key: str, audience: Audience, field: FieldDescription) -> Iterator[Finding]:
    written = set(audience.texts.values())
    longest = max(map(utf_16_units, written))
    if 0 < field.length < longest:
        problem = f"{field.name} holds {field.length} characters, but a status has up to {longest}."
        yield error(f"{key}.mapping_id", field.name, problem, f"Make it {longest} or longer in Salesforce.")
    elif audience.values and field.active:
        yield from _offered(f"{key}.values", written, field)
    elif field.values is not None and (lacking := written - field.values):
        problem = f"{field.name} is a restricted picklist without {', '.join(sorted(lacking))}."
        yield error(f"{key}.mapping_id", field.name, problem, "Add these values in Salesforce.")
