"""Saving records: the checks in Salesforce's order, then the write."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from destination_testbench.org.facts import OrgConfig
from destination_testbench.org.faults.failure import (
    CONVERTED,
    DELETED,
    ID_GIVEN,
    MAINTENANCE,
    NO_ACCESS,
    STORAGE_FULL,
    Refused,
    RequestFailure,
    SaveError,
    malformed_id,
    read_only,
    required,
)
from destination_testbench.org.login.people import User
from destination_testbench.org.records.access import Access
from destination_testbench.org.records.campaigns import add_statuses
from destination_testbench.org.records.person_account import kind_of, missing_fields, person_errors
from destination_testbench.org.records.reader import Parsed, Reader
from destination_testbench.org.records.record_id import normalised
from destination_testbench.org.records.store import Change, RecordStore, StoredRecord, Transaction
from destination_testbench.org.schema.schema import Field, SObject

CONVERTED_LEADS = "AllowViewEditConvertedLeads"
Guard = Callable[[Transaction, SObject, StoredRecord | None, dict[str, object]], list[SaveError]]


class Saving:
    """Inserts, updates and deletes single records.

    `row_guards` run when a row is fetched (locks, sharing), `guards` after the system's own checks and before the write
    (validation rules, then duplicate rules). Each answers with the errors it finds.
    """

    def __init__(self, store: RecordStore, access: Access, config: OrgConfig) -> None:
        self.store, self.access, self.config = store, access, config
        self.writing = Writing(store, access)
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

    def fetch(self, call: Transaction, sobject: SObject, text: object, right: str = "Edit") -> StoredRecord:
        """The row an id names, if it can be written (or deleted) now."""
        records = self.store.table(sobject).records
        # An id that is there needs no checking.
        if not isinstance(text, str) or (record := records.get(text)) is None:
            found = normalised(text)
            if found is None or found[:3] != sobject.prefix:
                raise Refused(malformed_id(f"{sobject.label} ID", text))
            if (record := records.get(found)) is None:
                raise Refused(SaveError(*self.config.facts.unknown_id))
        if record.deleted:
            raise Refused(DELETED)
        if right not in self.access.rights(call.user, sobject.name):
            raise Refused(NO_ACCESS)
        if not self.access.sees(call.user, sobject.name, record):
            raise Refused(SaveError(*self.config.facts.hidden_record))
        self._ask(self.row_guards, call, sobject, record, {})
        if right == "Edit" and record.values.get("IsConverted") and not self.access.may(call.user, CONVERTED_LEADS):
            raise Refused(CONVERTED)
        return record

    def insert(self, call: Transaction, sobject: SObject, parsed: Parsed) -> StoredRecord:
        """Create a record."""
        self._writable()
        self._allow(parsed, [slot.field.name for slot in parsed.fields if not slot.create])
        if parsed.id is not None:
            raise Refused(ID_GIVEN)
        given = {name: value for name, value in parsed.values.items() if value is not None}
        self._fail_on(person_errors(sobject, None, given, self.config.facts))
        missing = missing_fields(sobject, given)
        self._fail_on(parsed.refused + ([required(missing)] if missing else []))
        if "Create" not in self.access.rights(call.user, sobject.name):
            text = f"entity type cannot be inserted: {sobject.label}"
            raise Refused(SaveError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", text))
        taken_mb, most = self.config.data_storage_taken_mb, self.config.data_storage_mb
        if taken_mb and not sobject.setup and taken_mb + self.store.storage_kb() / 1024 >= most:
            raise Refused(STORAGE_FULL)
        self._ask(self.row_guards, call, sobject, None, given)
        values = self._defaults(call, sobject) | given | kind_of(sobject, given)
        self._check_integrity(call, sobject, None, given)
        self._ask(self.guards, call, sobject, None, values)
        return self.writing.create(call, sobject, values)

    def update(self, call: Transaction, sobject: SObject, record: StoredRecord, parsed: Parsed) -> None:
        """Change a record's fields; a field set to what it holds is no change."""
        self._writable()
        self._allow(parsed, [slot.field.name for slot in parsed.fields if not slot.update])
        values = parsed.values
        self._fail_on(person_errors(sobject, record, values, self.config.facts))
        cleared = [name for name, value in values.items() if value is None and not sobject.fields[name].nillable]
        self._fail_on(parsed.refused + ([required(cleared)] if cleared else []))
        if owner := self._assigned(call, sobject):
            values = {**values, "OwnerId": owner}
        self._check_integrity(call, sobject, record, values)
        self._ask(self.guards, call, sobject, record, values)
        self.writing.write(call, sobject, record, values)

    def delete(self, call: Transaction, sobject: SObject, record: StoredRecord) -> None:
        """Put a record into the recycle bin."""
        self._writable()
        self.writing.write(call, sobject, record, {"IsDeleted": True}, "delete")

    def _writable(self) -> None:
        """Refuse every write while the instance is upgraded."""
        if self.config.read_only and (status := self.config.facts.read_only_status):
            raise RequestFailure(status, MAINTENANCE.code, MAINTENANCE.message)
        if self.config.read_only:
            raise Refused(MAINTENANCE)

    def _allow(self, parsed: Parsed, denied: list[str]) -> None:
        if parsed.unreadable:
            raise Refused(parsed.unreadable)
        if denied:
            raise Refused(read_only(denied))

    def _fail_on(self, errors: list[SaveError]) -> None:
        if errors:
            raise Refused(*(errors if self.config.facts.all_errors_at_once else errors[:1]))

    def _ask(
        self,
        guards: list[Guard],
        call: Transaction,
        sobject: SObject,
        record: StoredRecord | None,
        values: dict[str, object],
    ) -> None:
        for guard in guards:
            self._fail_on(guard(call, sobject, record, values))

    def _check_integrity(
        self, call: Transaction, sobject: SObject, record: StoredRecord | None, values: dict[str, object]
    ) -> None:
        """Refuse references that lead nowhere, and values that another record holds in a unique field."""
        for name, value in values.items():
            field = sobject.fields[name]
            if value is None:
                continue
            if field.type == "reference":
                self._check_reference(call, sobject, field, str(value))
            if field.unique:
                self._check_unique(call, sobject, record, field, value)

    def _check_reference(self, call: Transaction, sobject: SObject, field: Field, value: str) -> None:
        """Refuse an id of the wrong sObject, or of no record. What this org does not hold at all is not looked up.

        A wrong owner is refused without a field: the very answer to an update of a record that is not there.
        """
        targets = [found for name in field.reference_to if (found := self.store.schema.find(name))]
        target = next((found for found in targets if found.prefix == value[:3]), None)
        if target is None and len(targets) == len(field.reference_to):
            raise Refused(malformed_id(field.label, value, field.name))
        if target is None:
            return
        record, fields = self.store.table(target).records.get(value), (field.name,) if field.name != "OwnerId" else ()
        seen = record is not None and self.access.sees(call.user, target.name, record)
        if record is None or (field.name == "CampaignId" and (record.deleted or not seen)):
            raise Refused(SaveError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", fields))
        self._check_alive(call, record)
        if not seen:
            text = f"insufficient access rights on cross-reference id: {value[:15]}"
            raise Refused(SaveError("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", text))
        if field.name == "OwnerId" and record.get("IsActive") is False:
            text = f"operation performed with inactive user [{value}] as owner of {sobject.name.lower()}"
            raise Refused(SaveError("INACTIVE_OWNER_OR_USER", text))
        of_another = record.get("SobjectType") != sobject.name or not self.access.may_give(record)
        if target.name == "RecordType" and of_another:
            text = f"Record Type ID: this ID value isn't valid for the user: {value}"
            raise Refused(SaveError("INVALID_CROSS_REFERENCE_KEY", text, fields))

    def _check_alive(self, call: Transaction, parent: StoredRecord) -> None:
        """Refuse a parent in the recycle bin, and a converted lead."""
        facts = self.config.facts
        if parent.deleted:
            raise Refused(SaveError(*facts.deleted_parent))
        if parent.get("IsConverted") and not (facts.converted_parents or self.access.may(call.user, CONVERTED_LEADS)):
            raise Refused(CONVERTED)

    def _check_unique(
        self, call: Transaction, sobject: SObject, record: StoredRecord | None, field: Field, value: object
    ) -> None:
        """Refuse a value that another record holds. Salesforce names the field in the text and not in `fields`."""
        facts = self.config.facts
        for other in self.store.table(sobject).find(field, value):
            if other is not record:
                seen = facts.names_hidden_duplicates or self.access.sees(call.user, sobject.name, other)
                named = seen and not facts.hides_duplicates
                name, held_by = (field.name, other.id) if named else ("<unknown>", "<unknown>")
                text = f"duplicate value found: {name} duplicates value on record with id: {held_by}"
                raise Refused(SaveError("DUPLICATE_VALUE", text))

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


PERMISSION_OBJECTS = {"PermissionSet", "PermissionSetAssignment", "FieldPermissions", "ObjectPermissions"}


class Writing:
    """Puts records into their tables and takes them out again when a transaction is rolled back."""

    def __init__(self, store: RecordStore, access: Access) -> None:
        self._store, self._access = store, access

    def create(self, call: Transaction, sobject: SObject, values: dict[str, object]) -> StoredRecord:
        """Make a record of these values."""
        table = self._store.table(sobject)
        record = StoredRecord(self._store.new_id(sobject.prefix), values)
        if sobject.custom:
            # A custom object's record without a name is called by its id.
            values.setdefault("Name", record.id)
        changes: dict[str, tuple[object, object]] = {name: (None, value) for name, value in values.items()}
        record.history.append(Change(call.now, call.user.id, "create", changes))
        table.records[record.id] = record
        table.link(record, values)
        call.journal.append(partial(self._forget, sobject, record))
        if sobject.name == "Campaign":
            add_statuses(self._store, record.id)
        self._permissions(sobject)
        return record

    def write(
        self,
        call: Transaction,
        sobject: SObject,
        record: StoredRecord,
        values: dict[str, object],
        operation: str = "update",
    ) -> None:
        """Write values into a record; None clears a field, `IsDeleted` deletes or undeletes."""
        table, old = self._store.table(sobject), record.values
        before, was_deleted = dict(old), record.deleted
        changed = {name: (old.get(name), value) for name, value in values.items() if old.get(name) != value}
        table.unlink(record, old if "IsDeleted" in changed else changed)
        for name, (_, value) in changed.items():
            if value is None:
                old.pop(name, None)
            else:
                old[name] = value
        old["LastModifiedDate"] = old["SystemModstamp"] = call.stamp
        old["LastModifiedById"] = call.user.id
        record.deleted = old.get("IsDeleted") is True
        if not record.deleted:
            table.link(record, old if was_deleted else changed)
        record.history.append(Change(call.now, call.user.id, operation, changed))
        call.journal.append(partial(self._restore, sobject, record, before, was_deleted))
        self._permissions(sobject)
        if record.deleted and not was_deleted and operation != "merge":
            for child, field, row in self._store.children(sobject, record.id):
                self.write(call, child, row, {"IsDeleted": True} if field.cascade else {field.name: None}, "delete")

    def _restore(self, sobject: SObject, record: StoredRecord, before: dict[str, object], was_deleted: bool) -> None:
        table = self._store.table(sobject)
        table.unlink(record, record.values)
        record.values, record.deleted = before, was_deleted
        record.history.pop()
        if not was_deleted:
            table.link(record, before)
        self._permissions(sobject)

    def _forget(self, sobject: SObject, record: StoredRecord) -> None:
        table = self._store.table(sobject)
        table.unlink(record, record.values)
        del table.records[record.id]
        self._permissions(sobject)

    def _permissions(self, sobject: SObject) -> None:
        if sobject.name in PERMISSION_OBJECTS:
            self._access.refresh()
