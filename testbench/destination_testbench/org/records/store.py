"""The data of an org: its schema, and a table for each sObject."""

from __future__ import annotations

from destination_testbench.org.records.record_id import BASE, to_long
from destination_testbench.org.records.table import Record, Table
from destination_testbench.org.schema.schema import Schema, SObject

FIRST_MADE = 500_000


class Store:
    """The tables, kept in step with the schema's indexed fields."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._tables: dict[str, Table] = {}
        self._counters: dict[str, int] = {}
        self._indexed_at: dict[str, int] = {}

    def table(self, sobject: SObject) -> Table:
        """The table of an sObject, with an index for each field that needs one by now."""
        table = self._tables.setdefault(sobject.name, Table())
        if self._indexed_at.get(sobject.name) != self.schema.version:
            table.reindex([field for field in sobject.fields.values() if field.indexed])
            self._indexed_at[sobject.name] = self.schema.version
        return table

    def find(self, record_id: str) -> tuple[SObject, Record] | None:
        """The record with this id, deleted or not, whatever its sObject."""
        for sobject in self.schema.sobjects.values():
            if sobject.prefix == record_id[:3] and (record := self.table(sobject).records.get(record_id)):
                return sobject, record
        return None

    def new_id(self, prefix: str) -> str:
        """An id that no record has: made ones are numbered apart from seeded ones."""
        self._counters[prefix] = number = self._counters.get(prefix, FIRST_MADE) + 1
        return to_long(f"{prefix}{BASE}{number:06d}")
