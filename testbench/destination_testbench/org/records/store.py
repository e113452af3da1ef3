"""The data of an org: its schema, a table of records for each sObject, and the frame in which a request writes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from destination_testbench.org.login.people import User
from destination_testbench.org.records.record_id import BASE, to_long
from destination_testbench.org.schema.schema import Field, Schema, SObject
from destination_testbench.org.values.moments import from_epoch


@dataclass(frozen=True, slots=True)
class Change:
    """What one write did to a record: each changed field with the value before and after."""

    at: float
    by: str
    operation: str
    fields: dict[str, tuple[object, object]]


@dataclass(slots=True)
class StoredRecord:
    """One record. A field without a value is not in `values`."""

    id: str
    values: dict[str, object]
    deleted: bool = False
    history: deque[Change] = field(default_factory=deque)

    def get(self, name: str) -> object:
        """A field's value, None when it is empty."""
        return self.values.get(name)


def index_key(field: Field, value: object) -> object:
    """What makes two values of an indexed field the same one: text folds its case unless the field minds it."""
    return value.lower() if isinstance(value, str) and not field.case_sensitive else value


class RecordTable:
    """Records by id, and by the value of each field that records can be found by."""

    def __init__(self) -> None:
        self.records: dict[str, StoredRecord] = {}
        self._indexes: dict[str, tuple[Field, dict[object, dict[str, StoredRecord]]]] = {}

    def __iter__(self) -> Iterator[StoredRecord]:
        return (record for record in self.records.values() if not record.deleted)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def reindex(self, fields: Iterable[Field]) -> None:
        """Keep an index for each of these fields, and for no other."""
        self._indexes = {field.name: (field, {}) for field in fields}
        for record in self:
            self.link(record, record.values)

    def find(self, field: Field, value: object) -> list[StoredRecord]:
        """The records, not deleted, whose field has this value."""
        return list(self._indexes[field.name][1].get(index_key(field, value), {}).values())

    def indexed(self, name: str) -> bool:
        """Whether records can be found by this field without looking at all of them."""
        return name in self._indexes

    def link(self, record: StoredRecord, names: Iterable[str]) -> None:
        """Enter a record under the values of those fields."""
        for name in self._indexes.keys() & set(names):
            field, index = self._indexes[name]
            if (value := record.values.get(name)) is not None:
                index.setdefault(index_key(field, value), {})[record.id] = record

    def unlink(self, record: StoredRecord, names: Iterable[str]) -> None:
        """Take a record out from under the values of those fields."""
        for name in self._indexes.keys() & set(names):
            field, index = self._indexes[name]
            if (value := record.values.get(name)) is not None:
                key = index_key(field, value)
                index.get(key, {}).pop(record.id, None)
                if not index.get(key):
                    index.pop(key, None)


FIRST_MADE = 500_000
# Every other record takes two.
KILOBYTES = {"Campaign": 8, "CampaignMember": 1, "CampaignMemberStatus": 0, "User": 0, "Organization": 0}


class RecordStore:
    """The tables, kept in step with the schema's indexed fields."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self._tables: dict[str, RecordTable] = {}
        self._counters: dict[str, int] = {}
        self._indexed_at: dict[str, int] = {}

    def table(self, sobject: SObject) -> RecordTable:
        """The table of an sObject, with an index for each field that needs one by now."""
        table = self._tables.setdefault(sobject.name, RecordTable())
        if self._indexed_at.get(sobject.name) != self.schema.version:
            table.reindex([field for field in sobject.fields.values() if field.indexed])
            self._indexed_at[sobject.name] = self.schema.version
        return table

    def find(self, record_id: str) -> tuple[SObject, StoredRecord] | None:
        """The record with this id, deleted or not, whatever its sObject."""
        for sobject in self.schema.sobjects.values():
            if sobject.prefix == record_id[:3] and (record := self.table(sobject).records.get(record_id)):
                return sobject, record
        return None

    def children(self, sobject: SObject, record_id: str) -> list[tuple[SObject, Field, StoredRecord]]:
        """The details of a record, and the records of custom objects that look it up."""
        return [
            (child, field, row)
            for child in self.schema.sobjects.values()
            for field in child.fields.values()
            if sobject.name in field.reference_to and (field.cascade or field.custom)
            for row in self.table(child).find(field, record_id)
        ]

    def storage_kb(self) -> int:
        """What the records take of the org's data storage; the set-up takes nothing."""
        counted = [found for found in self.schema.sobjects.values() if not found.setup]
        return sum(KILOBYTES.get(found.name, 2) * len(self.table(found)) for found in counted)

    def new_id(self, prefix: str) -> str:
        """An id that no record has: made ones are numbered apart from seeded ones."""
        self._counters[prefix] = number = self._counters.get(prefix, FIRST_MADE) + 1
        return to_long(f"{prefix}{BASE}{number:06d}")


@dataclass(slots=True)
class Transaction:
    """The frame of the writes of one request.

    `allow_duplicates` and `auto_assign` come from the headers Sforce-Duplicate-Rule-Header and Sforce-Auto-Assign.
    `seen` are records as they were when the request came in, for an org that does not compare under the row's lock.
    """

    user: User
    now: float
    allow_duplicates: bool = False
    auto_assign: bool = True
    journal: list[Callable[[], None]] = field(default_factory=list)
    seen: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    stamp: str = field(init=False)
    _start: int = field(init=False)

    def __post_init__(self) -> None:
        """Every write of a request carries one time; what came before in the journal belongs to others."""
        self.stamp, self._start = from_epoch(self.now), len(self.journal)

    def roll_back(self) -> None:
        """Undo every write of this frame, the last one first."""
        undo(self.journal, self._start)


def undo(journal: list[Callable[[], None]], mark: int = 0) -> None:
    """Take back every write after the mark, the last one first."""
    while len(journal) > mark:
        journal.pop()()
