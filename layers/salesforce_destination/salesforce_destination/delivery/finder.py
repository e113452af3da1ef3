"""Whose record a person's is: the rules of the file, in their order, asked of the org at once.

Ids and unique keys are written straight. What then has no record, and every field that is not unique, is looked up here
for all rules and all sObjects together, with what the org holds where that decides what is written. Deleted records
are rows too: who was deleted must not come back as a new record, and who was merged is followed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from salesforce_destination.delivery.attempt import PARENTS, Attempt
from salesforce_destination.outcome import Outcome, rejected
from salesforce_destination.profile.source import in_digits
from salesforce_destination.record.description import NUMBER_TYPES
from salesforce_destination.record.record import ID, Address, Record, record_of, to_18
from salesforce_destination.record.successor import Move, queries_by, quoted

if TYPE_CHECKING:
    from salesforce_destination.delivery.ports import Org
    from salesforce_destination.destination.destination import Destination
    from salesforce_destination.record.description import FieldDescription, ObjectDescription

Json = Any
Row = Mapping[str, Json]

VALUES_PER_QUERY = 200
QUERIES_PER_REQUEST = 5
IDS_PER_READ = 2_000

_NOT_UNIQUE = "email"
"""The one field by which files find records without an external ID, where the org has not said what it is."""


@dataclass(frozen=True, slots=True, repr=False)
class Place:
    """The record that a person has, what the org holds there, and how it left its place if it did."""

    sobject: str
    record_id: str
    row: Row
    move: Move | None = None
    beside: str = ""


class Finder:
    """Finds records as one destination file says."""

    def __init__(self, destination: Destination) -> None:
        self._destination, self._files = destination, {file.salesforce_object: file for file in destination.by_object}
        identity = destination.identity
        self._own = Address(destination.salesforce_object, ID if identity.is_id else identity.target)
        self._rules: list[list[tuple[str, str]]] = [
            [(name, ID if rule.is_id else target) for name in destination.objects if (target := _target(rule, name))]
            for rule in destination.rules
        ]
        self._keys = {
            name: [rule.target for rule in file.rules if not rule.is_id] for name, file in self._files.items()
        }
        self.creates = destination.creates
        self.may_follow = bool(self.creates) or len(destination.rules) > 1 or len(destination.objects) > 1
        self._skips, self.has_parts = destination.unchanged == "skip", destination.has_parts
        self._if_empty = {
            name: frozenset(mapping.target for mapping in file.mappings if mapping.write == "if_empty")
            for name, file in self._files.items()
        }
        nested = {mapping.target for file in self._files.values() for mapping in file.mappings if "." in mapping.target}
        self.parents = *PARENTS, *sorted(nested)
        self._descriptions: dict[str, ObjectDescription] = {}
        self._needs_description = bool(nested) or self.may_follow
        self._look_at_keys()

    def use_description(self, description: ObjectDescription) -> frozenset[str]:
        """Follow what the org says of its fields; give those that must be known here, and are not in the org."""
        name = description.name if len(self._files) > 1 else self._destination.salesforce_object
        self._descriptions[name] = description
        self._look_at_keys()
        file = self._files[name]
        nested = {
            each.target
            for each in file.mappings
            if "." in each.target and not description.takes(each.target, is_new=each.write == "create")
        }
        return frozenset(nested | {each for each in self._if_empty[name] if not self._column(file, each)})

    def _look_at_keys(self) -> None:
        self._asked_for = {
            Address(sobject, field)
            for rule in self._rules
            for sobject, field in rule
            if field != ID and not self._is_unique(sobject, field)
        }
        reads = self._skips or any(self._if_empty.values())
        self.asks_none_first = not (reads or self._asked_for or len(self._files) > 1 or self.has_parts)
        needs_description = self._needs_description or not self.asks_none_first
        self.lacks_description = needs_description and self._descriptions.keys() < self._files.keys()

    def lacking(self) -> frozenset[str]:
        """The keys that the org has not, or that the integration user does not see."""
        keys = [(name, key) for name, keys in self._keys.items() for key in keys]
        return frozenset(
            key for name, key in keys if name in self._descriptions and key not in self._descriptions[name].fields
        )

    def _is_unique(self, sobject: str, field: str) -> bool:
        known = self._field(sobject, field)
        return known.unique if known else field.lower() != _NOT_UNIQUE

    def _field(self, sobject: str, field: str) -> FieldDescription | None:
        description = self._descriptions.get(sobject)
        return description.fields.get(field) if description else None

    def asks_first(self, record: Record) -> bool:
        """Whether the org is asked before this record is written: for its place, or for what it holds."""
        address = record.address or self._own
        if not address.sobject or address in self._asked_for or not record.fields:
            return True
        return self._skips or not self._if_empty[address.sobject].isdisjoint(record.fields)

    # What is asked.

    def rows(self, attempts: Sequence[Attempt], org: Org) -> FoundRows:
        """Ask the org for the records that these may be; raises what the org raises.

        Records whose Ids are known are read by them, all others found by the identities of every rule.
        """
        found, by_id = FoundRows(), defaultdict[str, list[str]](list)
        wanted = defaultdict[str, list[tuple[str, str]]](list)
        for attempt in attempts:
            if (sobject := self.known_place(attempt)) is not None:
                by_id[sobject].append(attempt.record.identity)
            else:
                for sobject, field, literal in self._wanted(attempt):
                    wanted[sobject].append((field, literal))
        queries = [
            query
            for sobject, pairs in wanted.items()
            for query in queries_by(sobject, self._columns(sobject), pairs, VALUES_PER_QUERY)
        ]
        for start in range(0, len(queries), QUERIES_PER_REQUEST):
            for row in org.query(queries[start : start + QUERIES_PER_REQUEST]):
                self._take(found, str((row.get("attributes") or {}).get("type", "")), row)
        for sobject, ids in by_id.items():
            for row in self._read(sobject, ids, org):
                self._take(found, sobject, row)
        return found

    def _read(self, sobject: str, ids: Sequence[str], org: Org) -> Iterator[Row]:
        columns = [name for name in self._columns(sobject) if name not in _OF_QUERIES[:2]]
        for start in range(0, len(ids), IDS_PER_READ):
            yield from org.retrieve(sobject, ids[start : start + IDS_PER_READ], columns)

    def _wanted(self, attempt: Attempt) -> Iterator[tuple[str, str, str]]:
        """Where a person is looked for: on which sObject, in which field, and by which value as SOQL writes it."""
        for rule, value in enumerate(self.identities(attempt)):
            for sobject, field in self._rules[rule]:
                known = self._field(sobject, field)
                if value and (field != ID or value[:3] == self._prefix(sobject, value)):
                    yield sobject, field, value if known and known.type in NUMBER_TYPES else quoted(value)

    def known_place(self, attempt: Attempt) -> str | None:
        """The sObject of a record whose Id is known, and that was not refused for it; None for every other."""
        address = attempt.record.address or self._own
        return address.sobject or None if address.field == ID and attempt.not_found is None else None

    def identities(self, attempt: Attempt) -> list[str | None]:
        """The values of all rules, the latest event's first."""
        found: list[str | None] = [None] * len(self._rules)
        for update in attempt.events:
            given = update.follower.identities if update.follower else (update.identity,)
            found[: len(given)] = [new or old for new, old in zip(given, found, strict=False)]
        return found

    def _prefix(self, sobject: str, value: str) -> str:
        description = self._descriptions.get(sobject)
        return description.key_prefix or value[:3] if description else value[:3]

    def _columns(self, sobject: str) -> list[str]:
        file, description = self._files[sobject], self._descriptions.get(sobject)
        told = [name for name in _OF_QUERIES if description is not None and name in description.fields]
        compared = file.written_fields if self._skips else self._if_empty[sobject]
        guards = [each.since_field for each in file.audiences if each.campaign and each.since_field]
        read = [column for name in (*compared, *guards) if (column := self._column(file, name))]
        return list(dict.fromkeys([ID, *told, *self._keys[sobject], *read]))

    def _column(self, file: Destination, name: str) -> str:
        """The field to read for what a mapping writes; empty where the user does not see it."""
        description = self._descriptions.get(file.salesforce_object)
        if description is None:
            return "" if "." in name else name
        relationship = name.partition(".")[0].partition(":")[0].lower()
        field = description.relationships.get(relationship, ("",))[0] if "." in name else name
        return field if field in description.fields else ""

    def _take(self, found: FoundRows, sobject: str, row: Row) -> None:
        row = {name.lower(): value for name, value in row.items()}
        if record_id := to_18(str(row.get("id") or "")):
            found.by_id[sobject, record_id] = row
            for field in self._keys.get(sobject, ()):
                if (value := row.get(field.lower())) is not None:
                    found.by_key[sobject, field, self._folded(sobject, field, value)][record_id] = row

    def _folded(self, sobject: str, field: str, value: Json) -> str:
        known = self._field(sobject, field)
        text = value if isinstance(value, str) else in_digits(value) or str(value)
        return text if known and known.case_sensitive else text.lower()

    # What the answers say.

    def place(self, attempt: Attempt, rows: FoundRows) -> Place | Outcome | None:
        """The record of a person, or why there can be none; None where nobody has these identities."""
        if (sobject := self.known_place(attempt)) is not None:
            record_id = attempt.record.identity
            row = rows.by_id.get((sobject, record_id), {})
            return Place(sobject, record_id, row, Move.CONVERTED if row.get("isconverted") else None)
        identities = self.identities(attempt)
        for rule, value in enumerate(identities):
            if value is None:
                continue
            found = [
                place for sobject, field in self._rules[rule] for place in self._matches(rows, sobject, field, value)
            ]
            if not found:
                continue
            if attempt.not_found and self._rules[rule][0][1] == ID:
                return attempt.not_found  # the record is there: what it was to hold is at fault
            return self._one_of(found, rule, identities[:rule])
        return None

    def _matches(self, rows: FoundRows, sobject: str, field: str, value: str) -> Iterator[Place]:
        if field == ID:
            row = rows.by_id.get((sobject, value))
            found = {} if row is None else {value: row}
        else:
            found = rows.by_key.get((sobject, field, self._folded(sobject, field, value)), {})
        for record_id, row in found.items():
            is_gone = row.get("isdeleted") is True
            yield Place(
                sobject, record_id, row, Move.MERGED if is_gone else Move.CONVERTED if row.get("isconverted") else None
            )

    def _one_of(self, found: Sequence[Place], rule: int, higher: Sequence[str | None]) -> Place | Outcome:
        """The only record of the first sObject that has one: a live one, else the contact of a converted lead."""
        there = [place for place in found if place.move is None]
        converted = {place.row.get("convertedcontactid"): place for place in found if place.move is Move.CONVERTED}
        if there:
            candidates = [place for place in there if place.sobject == there[0].sobject]
        elif converted:
            candidates = list(converted.values())
        else:
            survivors = {place.row.get("masterrecordid"): place for place in found}
            candidates = [place for survivor, place in survivors.items() if survivor] or [found[0]]
        if len(candidates) > 1:
            ids = ", ".join(sorted(place.record_id for place in candidates))
            name = dict(self._rules[rule])[candidates[0].sobject]
            return rejected("DUPLICATE_EXTERNAL_ID", f"Several records have this {name}: {ids}.", (name,))
        (place,) = candidates
        for number, value in enumerate(higher):
            field = dict(self._rules[number]).get(place.sobject, ID)
            held = None if field == ID else place.row.get(field.lower())
            if (
                value
                and held is not None
                and self._folded(place.sobject, field, held) != self._folded(place.sobject, field, value)
            ):
                text = f"The record {place.record_id} has another value in {field}: it is somebody else's."
                return rejected("IDENTITY_CONFLICT", text, (field,))
        beside = next((other.record_id for other in there if other.sobject != place.sobject), "")
        return Place(place.sobject, place.record_id, place.row, place.move, beside)

    def held(self, record: Record, row: Row | None) -> tuple[frozenset[str], bool]:
        """The fields that are only for empty ones and may hold something, and whether the org holds the rest already.

        Without a row it is not known what the org holds.
        """
        sobject = record.sobject or self._own.sobject
        file, of_any = self._files.get(sobject), frozenset[str]().union(*self._if_empty.values())
        filled = self._if_empty.get(sobject, of_any) & record.fields.keys()
        if row is None or file is None:
            return filled, False
        filled = frozenset(name for name in filled if row.get(self._column(file, name).lower()) not in (None, ""))
        left = [name for name in record.fields if name not in filled]
        is_same = self._skips or not left
        return filled, is_same and all(self._is_held(sobject, name, record.fields[name], row) for name in left)

    def _is_held(self, sobject: str, name: str, value: Json, row: Row) -> bool:
        known = self._field(sobject, name)
        return (
            known is not None
            and name.lower() in row
            and _comparable(known, row[name.lower()]) == _comparable(known, value)
        )

    # New records.

    def may_create(self, attempt: Attempt) -> bool:
        """Whether the person gets a record: by a rule that creates, and nobody who has an Id already."""
        identities, rules = self.identities(attempt), self._destination.rules
        given = [rule for rule, value in zip(rules, identities, strict=True) if value]
        return any(rule.create_missing for rule in given) and not any(rule.is_id for rule in given)

    def apart(self, attempt: Attempt) -> list[Attempt]:
        """The events of an attempt, each alone where some differ in an identity: they may be of several records."""
        if len(attempt.events) == 1 or self.known_place(attempt) is not None:
            return [attempt]
        alone = [replace(attempt, record=record_of([update]), later=()) for update in attempt.events]
        pairs = {pair for each in alone for pair in self._by_rule(each).items()}
        return alone if len(pairs) > len(dict(pairs)) else [attempt]

    def _by_rule(self, attempt: Attempt) -> dict[int, str]:
        values = enumerate(self.identities(attempt))
        return {rule: self._folded(*self._rules[rule][0], value) for rule, value in values if value}

    def people(self, attempts: Iterable[Attempt]) -> list[list[Attempt]]:
        """These attempts by person: those who share their first identity, or share one and differ in none."""
        groups: list[tuple[dict[int, str], list[Attempt]]] = []
        known: dict[tuple[int, str], tuple[dict[int, str], list[Attempt]]] = {}
        for attempt in sorted(attempts, key=lambda each: each.events[-1].order, reverse=True):
            mine = self._by_rule(attempt)
            here, first = (mine, [attempt]), next(iter(mine.items()), None)
            for pair in tuple(mine.items()):
                there = known.get(pair, here)
                is_one = pair == first or all(there[0].get(rule, value) == value for rule, value in here[0].items())
                if there is not here and is_one:
                    there[0].update(here[0] | there[0])
                    there[1].extend(here[1])
                    here[1].clear()
                    here = there
            groups.append(here)
            known |= dict.fromkeys(here[0].items(), here)
        return [group for group in {id(group): group for _, group in groups[::-1]}.values() if group]


class FoundRows:
    """What the org answered, by sObject and Id, and by sObject, key field and value."""

    def __init__(self) -> None:
        self.by_id: dict[tuple[str, str], Row] = {}
        self.by_key: defaultdict[tuple[str, str, str], dict[str, Row]] = defaultdict(dict)


_OF_QUERIES = ("IsDeleted", "MasterRecordId", "IsConverted", "ConvertedContactId")
"""What tells of a record that is not there any more where it is; not every sObject has all of them."""


def _target(rule: Any, sobject: str) -> str | None:
    found: str | None = rule.targets.get("", rule.targets.get(sobject))
    return found


def _comparable(field: FieldDescription, value: Json) -> Json:
    """A value in the one form in which those of a file and those of the org are equal."""
    if value is None or value == "":
        return None
    if field.type in NUMBER_TYPES and not isinstance(value, bool):
        return in_digits(value) or value
    if field.type == "datetime" and isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return value
    return value
