"""Reading a record of a request: which field each key means, whether its value fits, and which parent it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from destination_testbench.org.facts import Facts
from destination_testbench.org.faults.failure import RequestFailure, SaveError, both_forms, unknown_field
from destination_testbench.org.login.people import User
from destination_testbench.org.records.access import Access, AccessLevel
from destination_testbench.org.records.store import RecordStore, StoredRecord
from destination_testbench.org.schema.schema import Field, SObject
from destination_testbench.org.values.values import Check, ValueRefusedError, check_of, unreadable

UNKNOWN_RELATIONSHIP = (
    "Cannot deserialize instance of <unknown> from FIELD_NAME or request may be missing a required field at"
    " [line:1, column:1]"
)


@dataclass(frozen=True, slots=True)
class Slot:
    """Where the value of one key goes, and whether this user may put it there."""

    field: Field
    check: Check
    create: bool
    update: bool


@dataclass(slots=True)
class Parsed:
    """One record as it was read. `values` holds None for a field to be cleared.

    `unreadable` is the error that ended the reading; `refused` are values that were read and cannot be stored.
    """

    values: dict[str, object] = field(default_factory=dict)
    fields: list[Slot] = field(default_factory=list)
    refused: list[SaveError] = field(default_factory=list)
    unreadable: SaveError | None = None
    id: object = None
    has_id: bool = False


class Reader:
    """Reads records of one sObject for one user; made anew when the schema or the user's rights change."""

    def __init__(self, store: RecordStore, access: Access, facts: Facts, sobject: SObject, user: User) -> None:
        self.sobject = sobject
        self._store, self._access, self._facts, self._user = store, access, facts, user
        self._slots: dict[str, Slot | None] = {}

    def read(self, raw: Mapping[str, Any]) -> Parsed:
        """One record; the first key that cannot be read ends it."""
        parsed = Parsed()
        values, slots = parsed.values, self._slots
        for key, value in raw.items():
            try:
                slot = slots[key]
            except KeyError:
                slot = slots[key] = self._slot(key)
            if slot is None:
                if key != "attributes":
                    parsed.unreadable = self._unknown(key, value)
                    return parsed
            elif slot.field.type == "id":
                parsed.id, parsed.has_id = value, True
            else:
                try:
                    values[slot.field.name] = slot.check(value)
                except ValueRefusedError as refusal:
                    if refusal.unreadable:
                        parsed.unreadable = refusal.error
                        return parsed
                    parsed.refused.append(refusal.error)
                parsed.fields.append(slot)
        self._refuse_both(parsed)
        return parsed

    def _unknown(self, key: str, value: object) -> SaveError:
        """The refusal of a key that no field has: of a relationship, with the whole request."""
        if isinstance(value, dict) and self._facts.unknown_relationship_scope == "request":
            raise RequestFailure(400, "JSON_PARSER_ERROR", UNKNOWN_RELATIONSHIP)
        return unknown_field(key, self.sobject.name)

    def _refuse_both(self, parsed: Parsed) -> None:
        """Refuse one field under two names: a relationship and its Id field."""
        references = [slot.field for slot in parsed.fields if slot.field.type == "reference"]
        twice = next((field for field in references if references.count(field) > 1), None)
        if twice:
            parsed.unreadable = both_forms(twice)

    def _slot(self, key: str) -> Slot | None:
        field, check = self.sobject.by_relationship(key), None
        if field:
            check = self._relationship_check(field)
        elif key == "attributes" or (field := self.sobject.asked(key)) is None:
            return None
        level = self._access.level(self._user, self.sobject.name, field.name)
        if level is AccessLevel.NONE:
            return None
        edit = level is AccessLevel.EDIT
        return Slot(field, check or check_of(field, self._facts), edit and field.createable, edit and field.updateable)

    def _relationship_check(self, field: Field) -> Check:
        """Turns the external id of a parent into its record id."""

        def check(value: object) -> object:
            if value is None:
                return None
            keys = [key for key in value if key != "attributes"] if isinstance(value, dict) else []
            if not isinstance(value, dict) or not keys:
                raise unreadable(field, value)
            given = value.get("attributes")
            kind = given.get("type") if isinstance(given, dict) else None
            if len(keys) > 1:
                entity = field.reference_to[0]
                text = f"More than 1 field provided in an external foreign key reference in entity: {entity}"
                raise ValueRefusedError(SaveError("INVALID_FIELD", text, dml=False))
            if kind is None and len(field.reference_to) > 1:
                raise ValueRefusedError(SaveError(*self._facts.parent_without_type, dml=False))
            return self._parent(field, keys[0], value[keys[0]], kind or field.reference_to[0]).id

        return check

    def _parent(self, field: Field, key: str, value: object, kind: object) -> StoredRecord:
        """The one record of this kind that the external id names, among those that the user may see."""
        sobject = self._store.schema.find(kind if kind in field.reference_to else None)
        target = sobject.find(key) if sobject else None
        if sobject is None or target is None or not self._access.level(self._user, sobject.name, target.name):
            text = f"No such column '{key}' on sobject of type {kind}"
            raise ValueRefusedError(SaveError("INVALID_FIELD", text, dml=False))
        if not target.keyed:
            text = (
                f"Field name provided, {key} does not match an External ID, Salesforce Id, or indexed field for {kind}"
            )
            raise ValueRefusedError(SaveError("INVALID_FIELD", text, dml=False))
        found = self._store.table(sobject).find(target, value)
        seen = [record for record in found if self._access.sees(self._user, sobject.name, record)]
        if len(seen) == 1:
            return seen[0]
        text = f"Foreign key external ID: {value} not found for field {target.name} in entity {sobject.name}"
        if self._facts.missing_parent_scope == "request":
            raise RequestFailure(400, "INVALID_FIELD", text)
        raise ValueRefusedError(SaveError("INVALID_FIELD", text, dml=False))
