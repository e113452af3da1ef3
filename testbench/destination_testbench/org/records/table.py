"""The records of one sObject, with the history of their changes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from destination_testbench.org.schema.field import Field


@dataclass(frozen=True, slots=True)
class Change:
    """What one write did to a record: each changed field with the value before and after."""

    at: float
    by: str
    operation: str
    fields: dict[str, tuple[object, object]]


@dataclass(slots=True)
class Record:
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
    return value.casefold() if isinstance(value, str) and not field.case_sensitive else value


class Table:
    """Records by id, and by the value of each field that records can be found by."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self._indexes: dict[str, tuple[Field, dict[object, dict[str, Record]]]] = {}

    def __iter__(self) -> Iterator[Record]:
        return (record for record in self.records.values() if not record.deleted)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def reindex(self, fields: Iterable[Field]) -> None:
        """Keep an index for each of these fields, and for no other."""
        self._indexes = {field.name: (field, {}) for field in fields}
        for record in self:
            self.link(record, record.values)

    def find(self, field: Field, value: object) -> list[Record]:
        """The records, not deleted, whose field has this value."""
        return list(self._indexes[field.name][1].get(index_key(field, value), {}).values())

    def indexed(self, name: str) -> bool:
        """Whether records can be found by this field without looking at all of them."""
        return name in self._indexes

    def link(self, record: Record, names: Iterable[str]) -> None:
        """Enter a record under the values of those fields."""
        for name in self._indexes.keys() & set(names):
            field, index = self._indexes[name]
            if (value := record.values.get(name)) is not None:
                index.setdefault(index_key(field, value), {})[record.id] = record

    def unlink(self, record: Record, names: Iterable[str]) -> None:
        """Take a record out from under the values of those fields."""
        for name in self._indexes.keys() & set(names):
            field, index = self._indexes[name]
            if (value := record.values.get(name)) is not None:
                key = index_key(field, value)
                index.get(key, {}).pop(record.id, None)
                if not index.get(key):
                    index.pop(key, None)
