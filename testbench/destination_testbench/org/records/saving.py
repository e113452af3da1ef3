"""Saving records: the checks in Salesforce's order, then the write."""

from __future__ import annotations

from collections.abc import Callable

from destination_testbench.org.facts import OrgConfig
from destination_testbench.org.faults.failure import (
    CONVERTED,
    DELETED,
    ID_GIVEN,
    NO_ACCESS,
    RecordError,
    malformed_id,
    read_only,
    required,
)
from destination_testbench.org.faults.refusal import Refused
from destination_testbench.org.login.people import User
from destination_testbench.org.records.access import Access
from destination_testbench.org.records.integrity import check_integrity
from destination_testbench.org.records.person_account import kind_of, missing_fields, person_errors
from destination_testbench.org.records.reader import Parsed, Reader
from destination_testbench.org.records.record_id import normalised
from destination_testbench.org.records.store import Store
from destination_testbench.org.records.table import Record
from destination_testbench.org.records.transaction import Transaction
from destination_testbench.org.records.writing import Writing
from destination_testbench.org.schema.schema import SObject

Guard = Callable[[Transaction, SObject, Record | None, dict[str, object]], list[RecordError]]


class Saving:
    """
    Inserts, updates and deletes single records.

    `row_guards` run when a row is fetched (locks, sharing), `guards` after the system's own checks and before the write
    (validation rules, then duplicate rules). Each answers with the errors it finds.
    """

    def __init__(self, store: Store, access: Access, config: OrgConfig) -> None:
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

    def fetch(self, call: Transaction, sobject: SObject, text: object, right: str = "Edit") -> Record:
        """The row an id names, if it can be written (or deleted) now."""
        records = self.store.table(sobject).records
        # An id that is there needs no checking.
        if not isinstance(text, str) or (record := records.get(text)) is None:
            found = normalised(text)
            if found is None or found[:3] != sobject.prefix:
                raise Refused(malformed_id(f"{sobject.label} ID", text))
            if (record := records.get(found)) is None:
                raise Refused(RecordError(*self.config.facts.unknown_id))
        if record.deleted:
            raise Refused(DELETED)
        if right not in self.access.rights(call.user, sobject.name):
            raise Refused(NO_ACCESS)
        self._ask(self.row_guards, call, sobject, record, {})
        if record.values.get("IsConverted") and not call.user.edits_converted_leads:
            raise Refused(CONVERTED)
        return record

    def insert(self, call: Transaction, sobject: SObject, parsed: Parsed) -> Record:
        """Create a record."""
        self._allow(parsed, [slot.field.name for slot in parsed.fields if not slot.create])
        if parsed.id is not None:
            raise Refused(ID_GIVEN)
        given = {name: value for name, value in parsed.values.items() if value is not None}
        self._fail_on(person_errors(sobject, None, given, self.config.facts))
        missing = missing_fields(sobject, given)
        self._fail_on(parsed.refused + ([required(missing)] if missing else []))
        if "Create" not in self.access.rights(call.user, sobject.name):
            text = f"entity type cannot be inserted: {sobject.label}"
            raise Refused(RecordError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", text))
        self._ask(self.row_guards, call, sobject, None, given)
        values = self._defaults(call, sobject) | given | kind_of(sobject, given)
        check_integrity(self.store, sobject, None, given)
        self._ask(self.guards, call, sobject, None, values)
        return self.writing.create(call, sobject, values)

    def update(self, call: Transaction, sobject: SObject, record: Record, parsed: Parsed) -> None:
        """Change a record's fields; a field set to what it holds is no change."""
        self._allow(parsed, [slot.field.name for slot in parsed.fields if not slot.update])
        values = parsed.values
        self._fail_on(person_errors(sobject, record, values, self.config.facts))
        cleared = [name for name, value in values.items() if value is None and not sobject.fields[name].nillable]
        self._fail_on(parsed.refused + ([required(cleared)] if cleared else []))
        if owner := self._assigned(call, sobject):
            values = {**values, "OwnerId": owner}
        check_integrity(self.store, sobject, record, values)
        self._ask(self.guards, call, sobject, record, values)
        self.writing.write(call, sobject, record, values)

    def delete(self, call: Transaction, sobject: SObject, record: Record) -> None:
        """Put a record into the recycle bin."""
        self.writing.write(call, sobject, record, {"IsDeleted": True}, "delete")

    def _allow(self, parsed: Parsed, denied: list[str]) -> None:
        if parsed.unreadable:
            raise Refused(parsed.unreadable)
        if denied:
            raise Refused(read_only(denied))

    def _fail_on(self, errors: list[RecordError]) -> None:
        if errors:
            raise Refused(*(errors if self.config.facts.all_errors_at_once else errors[:1]))

    def _ask(
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
