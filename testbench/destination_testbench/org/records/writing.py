"""Writing records without asking: values, indexes, history, and the way back."""

from __future__ import annotations

from functools import partial

from destination_testbench.org.records.access import Access
from destination_testbench.org.records.store import Store
from destination_testbench.org.records.table import Change, Record
from destination_testbench.org.records.transaction import Transaction
from destination_testbench.org.schema.schema import SObject

PERMISSION_OBJECTS = {"PermissionSet", "PermissionSetAssignment", "FieldPermissions", "ObjectPermissions"}


class Writing:
    """Puts records into their tables and takes them out again when a transaction is rolled back."""

    def __init__(self, store: Store, access: Access) -> None:
        self._store, self._access = store, access

    def create(self, call: Transaction, sobject: SObject, values: dict[str, object]) -> Record:
        """Make a record of these values."""
        table = self._store.table(sobject)
        record = Record(self._store.new_id(sobject.prefix), values)
        if sobject.custom:
            # A custom object's record without a name is called by its id.
            values.setdefault("Name", record.id)
        changes: dict[str, tuple[object, object]] = {name: (None, value) for name, value in values.items()}
        record.history.append(Change(call.now, call.user.id, "create", changes))
        table.records[record.id] = record
        table.link(record, values)
        call.journal.append(partial(self._forget, sobject, record))
        self._permissions(sobject)
        return record

    def write(
        self, call: Transaction, sobject: SObject, record: Record, values: dict[str, object], operation: str = "update"
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

    def _restore(self, sobject: SObject, record: Record, before: dict[str, object], was_deleted: bool) -> None:
        table = self._store.table(sobject)
        table.unlink(record, record.values)
        record.values, record.deleted = before, was_deleted
        record.history.pop()
        if not was_deleted:
            table.link(record, before)
        self._permissions(sobject)

    def _forget(self, sobject: SObject, record: Record) -> None:
        table = self._store.table(sobject)
        table.unlink(record, record.values)
        del table.records[record.id]
        self._permissions(sobject)

    def _permissions(self, sobject: SObject) -> None:
        if sobject.name in PERMISSION_OBJECTS:
            self._access.refresh()
