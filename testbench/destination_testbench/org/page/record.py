"""One record: its audiences, its other fields, and its history."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from destination_testbench.org.login.people import User
from destination_testbench.org.page.fields import audience_fields, name_of, plain_fields
from destination_testbench.org.page.history import Event, history
from destination_testbench.org.page.listing import Cell, cell, notes_on
from destination_testbench.org.page.values import Chip, Shown, shown
from destination_testbench.org.records.json_form import compound_value
from destination_testbench.org.records.store import RecordStore, StoredRecord
from destination_testbench.org.schema.schema import Field, SObject


@dataclass(frozen=True, slots=True)
class Line:
    """A field with its value, and the record it leads to if it is a reference to one that is there."""

    label: str
    name: str
    value: Shown
    sobject: str = ""
    record_id: str = ""


@dataclass(frozen=True, slots=True)
class RecordView:
    """What the page shows of one record."""

    sobject: str
    label: str
    plural: str
    id: str
    name: str
    notes: tuple[Chip, ...]
    audiences: tuple[tuple[str, Cell], ...]
    fields: tuple[Line, ...]
    system: tuple[Line, ...]
    history: tuple[Event, ...]


def record_view(
    store: RecordStore, sobject: SObject, record: StoredRecord, users: Iterable[User], now: float
) -> RecordView:
    """One record as it is now and as it came to be. Fields without a value are left out, but those of audiences."""
    own, system = plain_fields(sobject)
    return RecordView(
        sobject.name,
        sobject.label,
        sobject.plural,
        record.id,
        name_of(sobject, record),
        notes_on(record),
        tuple((field.name, cell(sobject, record, field.name, now)) for field in audience_fields(sobject)),
        lines(store, sobject, record, own, now),
        lines(store, sobject, record, system, now),
        history(sobject, record, users, now),
    )


def lines(
    store: RecordStore, sobject: SObject, record: StoredRecord, fields: Iterable[Field], now: float
) -> tuple[Line, ...]:
    """The fields that have a value."""
    found = []
    for field in fields:
        value = compound_value(sobject, record, field)
        if shown_value := shown(field, value, now):
            parent = store.find(str(value)) if field.type == "reference" else None
            leads = (
                (parent[0].name, parent[1].id) if parent and not parent[0].setup and parent[0].name != "User" else ()
            )
            found.append(Line(field.label, field.name, shown_value, *leads))
    return tuple(found)
