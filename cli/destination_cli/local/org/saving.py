"""Saving records: the checks in Salesforce's order, then the write, with its history and its way back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from destination_cli.local.org.access import Access
from destination_cli.local.org.facts import OrgConfig
from destination_cli.local.org.failure import CONVERTED, DELETED, RecordError, malformed_id, read_only, required
from destination_cli.local.org.field import Field
from destination_cli.local.org.people import User
from destination_cli.local.org.reader import Parsed, Reader
from destination_cli.local.org.record_id import normalised
from destination_cli.local.org.schema import SObject
from destination_cli.local.org.store import Store
from destination_cli.local.org.table import Change, Record
from destination_cli.local.org.transaction import Transaction

Guard = Callable[[Transaction, SObject, Record | None, dict[str, object]], list[RecordError]]
PERMISSION_OBJECTS = {"PermissionSet", "PermissionSetAssignment", "FieldPermissions", "ObjectPermissions"}


class Refused(Exception):
    """One record is not saved, for these reasons."""

    def __init__(self, *errors: RecordError) -> None:
        super().__init__(errors[0].code)
        self.errors = list(errors)


class Saving:
    """
    Inserts, updates and deletes single records.

    `guards` run after the system's own checks and before the write (validation rules, then duplicate rules);
    `row_guards` when the row is fetched (locks, sharing). Each answers with the errors it finds.
    """

    def __init__(self, store: Store, access: Access, config: OrgConfig) -> None:
        self.store, self.access, self.config = store, access, config
        self.guards: list[Guard] = []
        self.row_guards: list[Guard] = []
        self._readers: dict[tuple[str, str], tuple[tuple[int, int], Reader]] = {}

    def reader(self, sobject: SObject, user: User) -> Reader:
        """The reader of an sObject's records for a user, kept until the schema or the rights change."""
        versions = (self.store.schema.version, self.access.version)
        known = self._readers.get((sobject.name, user.id))
        if known is None or known[0] != versions:
            reader = Reader(self.store, self.access, self.config.facts, sobject, user)
            known = self._readers[sobject.name, user.id] = (versions, reader)
        return known[1]

    def fetch(self, call: Transaction, sobject: SObject, text: object) -> Record:
        """The row an id names, if it can be written now."""
        found = normalised(text)
        if found is None or found[:3] != sobject.prefix:
            raise Refused(malformed_id(f"{sobject.label} ID", text))
        record = self.store.table(sobject).records.get(found)
        if record is None:
            raise Refused(RecordError(*self.config.facts.unknown_id))
        if record.deleted:
            raise Refused(DELETED)
        self._check(self.row_guards, call, sobject, record, {})
        if record.values.get("IsConverted") and not call.user.edits_converted_leads:
            raise Refused(CONVERTED)
        return record

    def insert(self, call: Transaction, sobject: SObject, parsed: Parsed) -> Record:
        """Create a record."""
        self._readable(parsed, [slot.field.name for slot in parsed.fields if not slot.create])
        values = {name: value for name, value in parsed.values.items() if value is not None}
        missing = [f.name for f in sobject.fields.values() if f.required and f.name not in values]
        errors = [required(missing)] if missing else []
        self._fail_on(parsed.refused + errors)
        values = self._defaults(call, sobject) | values
        self._references(sobject, values)
        self._unique(sobject, None, values)
        self._check(self.guards, call, sobject, None, values)
        return self._create(call, sobject, values)

    def update(self, call: Transaction, sobject: SObject, record: Record, parsed: Parsed) -> None:
        """Change a record's fields; a field set to what it holds is no change."""
        self._readable(parsed, [slot.field.name for slot in parsed.fields if not slot.update])
        cleared = [name for name, value in parsed.values.items() if value is None and not sobject.fields[name].nillable]
        self._fail_on(parsed.refused + ([required(cleared)] if cleared else []))
        values = parsed.values
        self._references(sobject, values)
        self._unique(sobject, record, values)
        self._check(self.guards, call, sobject, record, values)
        if owner := self._assigned(call, sobject):
            values = {**values, "OwnerId": owner}
        self.write(call, sobject, record, values, "update")

    def delete(self, call: Transaction, sobject: SObject, record: Record) -> None:
        """Put a record into the recycle bin."""
        self.write(call, sobject, record, {"IsDeleted": True}, "delete")

    def write(
        self, call: Transaction, sobject: SObject, record: Record, values: dict[str, object], operation: str
    ) -> None:
        """Write values into a record without asking, remember what they were, and how to put them back."""
        table, old = self.store.table(sobject), record.values
        before, was_deleted = dict(old), record.deleted
        changed = {name: (old.get(name), value) for name, value in values.items() if old.get(name) != value}
        table.unlink(record, changed)
        for name, (_, value) in changed.items():
            if value is None:
                old.pop(name, None)
            else:
                old[name] = value
        old["LastModifiedDate"] = old["SystemModstamp"] = call.stamp
        old["LastModifiedById"] = call.user.id
        record.deleted = old.get("IsDeleted") is True
        if record.deleted and not was_deleted:
            table.unlink(record, old)
        else:
            table.link(record, old if was_deleted else changed)
        record.history.append(Change(call.now, call.user.id, operation, changed))
        call.journal.append(partial(self._restore, sobject, record, before, was_deleted))
        self._permissions(sobject)

    def _create(self, call: Transaction, sobject: SObject, values: dict[str, object]) -> Record:
        table = self.store.table(sobject)
        record = Record(self.store.new_id(sobject.prefix), values)
        record.history.append(Change(call.now, call.user.id, "create", {k: (None, v) for k, v in values.items()}))
        table.records[record.id] = record
        table.link(record, values)
        call.journal.append(partial(self._forget, sobject, record))
        self._permissions(sobject)
        return record

    def _restore(self, sobject: SObject, record: Record, before: dict[str, object], deleted: bool) -> None:
        table = self.store.table(sobject)
        table.unlink(record, record.values)
        record.values, record.deleted = before, deleted
        record.history.pop()
        if not deleted:
            table.link(record, before)

    def _forget(self, sobject: SObject, record: Record) -> None:
        table = self.store.table(sobject)
        table.unlink(record, record.values)
        del table.records[record.id]

    def _readable(self, parsed: Parsed, denied: list[str]) -> None:
        if parsed.unreadable:
            raise Refused(parsed.unreadable)
        if denied:
            raise Refused(read_only(denied))

    def _fail_on(self, errors: list[RecordError]) -> None:
        if errors:
            raise Refused(*(errors if self.config.facts.all_errors_at_once else errors[:1]))

    def _check(
        self,
        guards: list[Guard],
        call: Transaction,
        sobject: SObject,
        record: Record | None,
        values: dict[str, object],
    ) -> None:
        for guard in guards:
            self._fail_on(guard(call, sobject, record, values))

    def _defaults(self, call: Transaction, sobject: SObject) -> dict[str, object]:
        system = {
            "CreatedDate": call.stamp,
            "CreatedById": call.user.id,
            "LastModifiedDate": call.stamp,
            "LastModifiedById": call.user.id,
            "SystemModstamp": call.stamp,
            "OwnerId": self._assigned(call, sobject) or call.user.id,
        }
        known = {name: value for name, value in system.items() if name in sobject.fields}
        return {f.name: f.default for f in sobject.fields.values() if f.default is not None} | known

    def _assigned(self, call: Transaction, sobject: SObject) -> str | None:
        """The owner that the active assignment rule gives a lead, unless Sforce-Auto-Assign is FALSE."""
        return self.config.assignment_rule_owner if sobject.name == "Lead" and call.auto_assign else None

    def _references(self, sobject: SObject, values: dict[str, object]) -> None:
        for name, value in values.items():
            field = sobject.fields[name]
            if field.type == "reference" and value is not None:
                self._reference(field, str(value))

    def _reference(self, field: Field, value: str) -> None:
        targets = [found for name in field.reference_to if (found := self.store.schema.find(name))]
        if not targets:
            return
        target = next((found for found in targets if found.prefix == value[:3]), None)
        if target is None and len(targets) == len(field.reference_to):
            raise Refused(malformed_id(field.label, value, field.name))
        if target and ((record := self.store.table(target).records.get(value)) is None or record.deleted):
            raise Refused(RecordError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", (field.name,)))

    def _unique(self, sobject: SObject, record: Record | None, values: dict[str, object]) -> None:
        for name in values:
            field = sobject.fields[name]
            if field.unique and values[name] is not None:
                for other in self.store.table(sobject).find(field, values[name]):
                    if other is not record:
                        text = f"duplicate value found: {name} duplicates value on record with id: {other.id}"
                        raise Refused(RecordError("DUPLICATE_VALUE", text))

    def _permissions(self, sobject: SObject) -> None:
        if sobject.name in PERMISSION_OBJECTS:
            self.access.refresh()
