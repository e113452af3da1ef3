"""The records of one sObject, searched and page by page, the last changed first."""

from __future__ import annotations

from dataclasses import dataclass

from destination_testbench.org.page.fields import address_of, columns, name_of, since_field
from destination_testbench.org.page.history import was_planted
from destination_testbench.org.page.values import Chip, Moment, Shown, moment_of, shown
from destination_testbench.org.records.store import RecordTable, StoredRecord
from destination_testbench.org.schema.schema import SObject

PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class Cell:
    """One audience of one record: its value, and since when."""

    label: str
    value: Shown
    since: Moment | None


@dataclass(frozen=True, slots=True)
class Row:
    """One record in a list."""

    id: str
    name: str
    address: str
    notes: tuple[Chip, ...]
    cells: tuple[Cell, ...]
    changed: Moment


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of records: `first` to `last` of `total` that were found."""

    sobject: str
    plural: str
    query: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]
    total: int
    number: int

    @property
    def first(self) -> int:
        """The number of its first record, from 1."""
        return (self.number - 1) * PER_PAGE + 1

    @property
    def last(self) -> int:
        """The number of its last record."""
        return self.first + len(self.rows) - 1

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(1, -(-self.total // PER_PAGE))


def listing(sobject: SObject, table: RecordTable, query: str, number: int, now: float) -> Listing:
    """The nth page of the records that a text is found in; the nearest there is, where there is no such page."""
    found = [record for record in table if matches(sobject, record, query)]
    found.sort(key=changed_at, reverse=True)
    number = max(1, min(number, -(-len(found) // PER_PAGE)))
    part = found[(number - 1) * PER_PAGE : number * PER_PAGE]
    fields = columns(sobject, table)
    rows = tuple(
        Row(
            record.id,
            name_of(sobject, record),
            address_of(sobject, record),
            notes_on(record),
            tuple(cell(sobject, record, field.name, now) for field in fields),
            moment_of(record.history[-1].at, now),
        )
        for record in part
    )
    headings = tuple((field.label, field.name) for field in fields)
    return Listing(sobject.name, sobject.plural, query, headings, rows, len(found), number)


def matches(sobject: SObject, record: StoredRecord, query: str) -> bool:
    """Whether each word of a query is found in a record: in its name, its id or any of its values."""
    wanted = query.casefold().split()
    if not wanted:
        return True
    text = "\n".join([name_of(sobject, record), record.id, *map(str, record.values.values())]).casefold()
    return all(word in text for word in wanted)


def changed_at(record: StoredRecord) -> float:
    """When somebody last wrote a record; never, of one that nobody has touched since it came into the org."""
    last = record.history[-1]
    return 0.0 if was_planted(last) else last.at


def cell(sobject: SObject, record: StoredRecord, name: str, now: float) -> Cell:
    """What a record holds of one audience. An empty checkbox says no more than an empty text."""
    field, value = sobject.fields[name], record.get(name)
    since = since_field(sobject, field)
    when = shown(since, record.get(since.name), now).moment if since else None
    return Cell(field.label, Shown() if value is False and when is None else shown(field, value, now), when)


def notes_on(record: StoredRecord) -> tuple[Chip, ...]:
    """What is special about a record as a whole."""
    found = [("deleted", record.deleted), ("converted", bool(record.get("IsConverted")))]
    person = record.get("IsPersonAccount")
    return tuple(Chip(text, "warning") for text, holds in found if holds) + (
        (Chip("person", "name"),) if person else ()
    )
