"""What an org must have for one destination file: fields, guards and rights. Pure."""

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from salesforce_destination.connection.comparison import counting
from salesforce_destination.connection.field_fit import TAKES
from salesforce_destination.destination.destination import Audience, Destination, Memberships
from salesforce_destination.record.guards import Guards

from destination_cli.target import TargetError

_MAKEABLE = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*__c")
_CUSTOM = re.compile(r"\w+__c", re.IGNORECASE)
_LONGEST_NAME, _LONGEST_LABEL, _LONGEST_RULE = 43, 40, 40
_WRITTEN = "Written by the customer-data platform:"


class FieldKind(StrEnum):
    """The kinds of fields that are made here, by their words on the command line and elsewhere."""

    words: str  # on Salesforce's pages
    described: str  # in a describe
    metadata: str

    TEXT = "text", "Text", "string", "Text"
    CHECKBOX = "checkbox", "Checkbox", "boolean", "Checkbox"
    DATE_TIME = "date-time", "Date/Time", "datetime", "DateTime"
    MULTI_SELECT = "multi-select", "Picklist (Multi-Select)", "multipicklist", "MultiselectPicklist"
    LONG_TEXT = "long-text", "Text Area (Long), 256", "textarea", "LongTextArea"
    NUMBER = "number", "Number (18, 0)", "double", "Number"
    LOOKUP = "lookup", "Lookup", "reference", "Lookup"

    def __new__(cls, value: str, words: str = "", described: str = "", metadata: str = "") -> Self:
        """Keep what a kind is called beside its value."""
        kind = str.__new__(cls, value)
        kind._value_, kind.words, kind.described, kind.metadata = value, words, described, metadata
        return kind


RIGHTS = {"Read": "read", "Create": "create", "Edit": "edit", "Delete": "delete", "ViewAllRecords": "view all records"}
"""What can be done with records, by the word for it, in the order in which people are told."""

AUDIENCE_KINDS = tuple(kind for kind in FieldKind if kind not in (FieldKind.NUMBER, FieldKind.LOOKUP))


@dataclass(frozen=True, slots=True)
class WantedField:
    """One field; `takes` are a describe's types that do as well. One that `finds_records` is an external ID."""

    key: str
    name: str
    label: str
    kind: FieldKind
    takes: frozenset[str]
    description: str
    length: int = 0
    values: tuple[str, ...] = ()
    finds_records: bool = False
    unique: bool = False
    case_sensitive: bool = False
    parent: str = ""


@dataclass(frozen=True, slots=True)
class WantedSet:
    """A permission set: rights on the records of the sObject, to read those of others, and on fields of it."""

    name: str
    label: str
    description: str
    rights: frozenset[str]
    fields: tuple[str, ...]
    edit: bool
    reads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Everything that an org has to have on one sObject; `given` are fields that the file writes and nobody makes."""

    sobject: str
    api_version: str
    fields: tuple[WantedField, ...]
    given: tuple[tuple[str, str], ...]
    guards: tuple[str, ...]  # fields of times, each with a rule that refuses an older one
    integration: WantedSet
    sales: WantedSet
    is_made: bool = False  # whether the sObject itself is made, too
    by_hand: tuple[str, ...] = ()

    @property
    def sets(self) -> tuple[WantedSet, WantedSet]:
        """Both permission sets."""
        return self.integration, self.sales

    def name_cure(self, name: str, has_persons: bool) -> str:
        """What to do about a name that no custom field may get; empty where it is good."""
        home, own = home_of(self.sobject, name)
        if not _MAKEABLE.fullmatch(own) or len(own) > _LONGEST_NAME:
            return "Use a name with letters, digits and single underscores that ends with __c."
        is_strange = home != self.sobject and not has_persons
        return "The org has no person accounts: use a name that ends with __c." if is_strange else ""


KIND_OF_VALUE = {"status": FieldKind.TEXT, "boolean": FieldKind.CHECKBOX}
KIND_OF_VALUE |= {"timestamp": FieldKind.DATE_TIME, "names": FieldKind.MULTI_SELECT}


def wanted_by(destination: Destination, kind: FieldKind | None = None) -> tuple[Wanted, ...]:
    """What a file needs on each sObject; TargetError where the `kind` for its audience fields does not take a value."""
    people = (_wanted_on(sobject, destination, kind) for sobject in destination.objects)
    return *people, *([_wanted_rows(destination, destination.memberships)] if destination.memberships else [])


def _wanted_on(sobject: str, destination: Destination, kind: FieldKind | None) -> Wanted:
    own = destination.of(sobject)
    audiences = list(counting(destination, "audiences", sobject))
    keys, given = _keys(destination, sobject)
    fields = [*_audience_fields(audiences, kind), *_time_fields(own, audiences), *keys]
    mappings = counting(destination, "mappings", sobject)
    given += [(f"mappings[{place}].target", mapping.target) for place, mapping in mappings]
    unique = tuple({field.name: field for field in reversed(fields)}.values())[::-1]
    has_campaigns = any(audience.campaign for _, audience in audiences)
    more = {"Create": own.creates, "ViewAllRecords": destination.creates}
    rights = {"Read", "Edit", *(right for right, is_needed in more.items() if is_needed)}
    label, parents = f"CDP destination: write {sobject}"[:80], ("Campaign",) if has_campaigns else ()
    about = "Only for the integration user: edits what the customer-data platform delivers."
    names = tuple(dict.fromkeys([field.name for field in unique] + [name for _, name in given]))
    guards, version = tuple(dict.fromkeys(Guards.of(own).guard_of.values())), destination.api_version
    writer = WantedSet(set_name(sobject, "Integration"), label, about, frozenset(rights), names, True, parents)
    shown = [each.mapping_id for each in own.audiences]
    shown += [each.since_field for each in own.audiences if each.since_field]
    label = f"CDP destination: read audiences of {sobject}"[:80]
    about = "For the sales team: shows the audiences. It gives no access to records."
    reader = WantedSet(set_name(sobject, "Sales"), label, about, frozenset(), tuple(dict.fromkeys(shown)), edit=False)
    by_hand = tuple(_by_hand(own))
    return Wanted(sobject, version, unique, tuple(given), guards, writer, reader, by_hand=by_hand)


def _wanted_rows(destination: Destination, rows: Memberships) -> Wanted:
    home, fields, texts = rows.object, [], ("key", "audience", "audience_name", "status")
    parts = [("person", rows.lookup(name), FieldKind.LOOKUP, 0, name) for name in destination.objects]
    parts += [(part, getattr(rows, part), FieldKind.TEXT, 255, "") for part in texts if getattr(rows, part)]
    for part, name, kind, length, parent in (*parts, ("since", rows.since, FieldKind.NUMBER, 0, "")):
        takes, about, key = frozenset({kind.described, "picklist"}), f"{_WRITTEN} {part}.", f"memberships.{part}"
        label, is_key = parent or f"CDP {part}".replace("_", " "), part == "key"
        fields.append(WantedField(key, name, label, kind, takes, about, length, (), is_key, is_key, is_key, parent))
    names = tuple(field.name for field in fields)
    writer, reader = (
        WantedSet(set_name(home, end), f"CDP rows: {verb} {home}"[:80], about, frozenset(rights.split()), names, edit)
        for end, verb, about, rights, edit in (
            ("Integration", "write", "Only for the integration user.", "Read Create Edit Delete", True),
            ("Sales", "read", "For who may see the audiences of everybody.", "Read ViewAllRecords", False),
        )
    )
    return Wanted(home, destination.api_version, tuple(fields), (), (rows.since,), writer, reader, is_made=True)


def _by_hand(destination: Destination) -> Iterator[str]:
    for audience in destination.audiences:
        if audience.campaign:
            statuses = ", ".join(sorted({*(audience.member_status or {}).values()} - {"delete"}))
            yield "Setup > Users > the integration user > Edit: tick Marketing User."
            yield f"Campaign {audience.campaign} > Campaign Member Statuses: see that it has {statuses}."


def handed_on(destination: Destination) -> dict[str, str]:
    """The custom fields without which a lead's contact is not found or not guarded: the contact's by the lead's."""
    if not {"Contact", "Lead"} <= {*destination.objects}:
        return {}
    pairs = [(destination.ordering.field, destination.ordering.field)] if destination.ordering else []
    for tables in ("rules", "mappings", "audiences"):
        leads, contacts = (dict(counting(destination, tables, sobject)) for sobject in ("Lead", "Contact"))
        pairs += [
            (getattr(leads[place], key, None) or "", getattr(contacts[place], key, None) or "")
            for key in ("target", "mapping_id", "since_field")
            for place in leads
            if place in contacts
        ]
    return {lead: contact for lead, contact in pairs if all(map(_CUSTOM.fullmatch, (lead, contact)))}


def home_of(sobject: str, name: str) -> tuple[str, str]:
    """The sObject and the name that set a field up: of PersonEmail Contact.Email, of Loyal__pc Contact.Loyal__c."""
    if sobject == "Account" and name.lower().endswith("__pc"):
        return "Contact", f"{name[:-4]}__c"
    if sobject == "Account" and re.fullmatch("person[a-z]+", name, re.IGNORECASE):
        return "Contact", name[len("Person") :]
    return sobject, name


def rule_name(field: str) -> str:
    """A name for the rule of a field: at most 40 characters, and no two underscores together."""
    name = "Guard_" + re.sub(r"_+", "_", re.sub(r"__p?c$", "", field)).strip("_")
    return name if len(name) <= _LONGEST_RULE else f"{name[:31].rstrip('_')}_{zlib.crc32(field.encode()):08x}"


def _audience_fields(audiences: Sequence[tuple[int, Audience]], kind: FieldKind | None) -> Iterator[WantedField]:
    names: dict[str, list[str]] = {}
    for _, audience in audiences:
        names.setdefault(audience.mapping_id, []).append(audience.name or audience.id)
    for place, audience in ((place, each) for place, each in audiences if each.mapping_id):
        takes, chosen = TAKES[audience.value], kind or KIND_OF_VALUE[audience.value]
        if chosen.described not in takes:
            fitting = " or ".join(other for other in AUDIENCE_KINDS if other.described in takes)
            said = f'{audience.mapping_id} has value = "{audience.value}", which does not fit {chosen}.'
            raise TargetError(f"{said} Use {fitting}.")
        several, own = audience.value == "names", tuple(names[audience.mapping_id])
        label = _label("Audiences" if several else own[0], "")
        description = f"{_WRITTEN} {'audiences' if several else 'audience'} of the person."
        longest = 255 if several else max(20, *map(len, audience.texts.values()))
        length = {FieldKind.LONG_TEXT: 256, FieldKind.TEXT: longest}.get(chosen, 0)
        values, key = own if chosen is FieldKind.MULTI_SELECT else (), f"audiences[{place}].mapping_id"
        yield WantedField(key, audience.mapping_id, label, chosen, takes, description, length, values)


def _time_fields(destination: Destination, audiences: Sequence[tuple[int, Audience]]) -> list[WantedField]:
    fields, takes, description = [], frozenset({"datetime"}), f"{_WRITTEN} when the status last changed."
    for place, audience in audiences:
        if name := audience.since_field:
            key, label = f"audiences[{place}].since_field", _label(audience.name or audience.id, " since")
            fields.append(WantedField(key, name, label, FieldKind.DATE_TIME, takes, description))
    if destination.ordering:
        description = f"{_WRITTEN} time of the newest event, in milliseconds since 1970."
        name, takes = destination.ordering.field, frozenset({"double"})
        fields.append(WantedField("ordering.field", name, "CDP event time", FieldKind.NUMBER, takes, description))
    return fields


def _keys(destination: Destination, sobject: str) -> tuple[list[WantedField], list[tuple[str, str]]]:
    """The fields that records are found by: those made here, all where any record is created, and those to be there."""
    made, given, several = [], [], len(destination.rules) > 1
    for place, rule in counting(destination, "rules", sobject):
        key, name = f"identity[{place}].target" if several else "identity.target", rule.target
        creates = bool(destination.rules[place].create_missing)
        if not rule.is_id and destination.creates and (creates or _CUSTOM.fullmatch(name)):
            label = _label(name[:-3].replace("_", " "), "") if several else "CDP customer id"
            takes, description = frozenset({"string", "double", "email"}), f"{_WRITTEN} identifies the person's record."
            field = WantedField(key, name, label, FieldKind.TEXT, takes, description, 255, finds_records=True)
            made.append(replace(field, unique=creates, case_sensitive=rule.case_sensitive))
        elif not rule.is_id:
            given.append((key, name))
    return made, given


def _label(name: str, end: str) -> str:
    return name[: _LONGEST_LABEL - len(end)].strip() + end


def set_name(sobject: str, end: str) -> str:
    """The permission set for what files of this sObject write ("Integration"), or for who reads it ("Sales")."""
    return f"CDP_{re.sub(r'_+', '_', sobject.removesuffix('__c'))}_{end}"
