"""What happened to records: each write with the values before and after."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import nlargest
from itertools import islice

from destination_testbench.org.login.people import User
from destination_testbench.org.page.fields import name_of
from destination_testbench.org.page.values import Moment, Shown, moment_of, shown
from destination_testbench.org.records.store import Change, RecordStore, StoredRecord
from destination_testbench.org.schema.schema import SObject

OPERATIONS = {
    "create": "created",
    "update": "updated",
    "edit": "edited by hand",
    "delete": "deleted",
    "undelete": "undeleted",
    "convert": "converted",
    "merge": "merged into another record",
}
NOT_WORTH_TELLING = {"LastModifiedDate", "LastModifiedById", "SystemModstamp", "CreatedDate", "CreatedById", "OwnerId"}
MOST_IN_SHORT = 4


@dataclass(frozen=True, slots=True)
class Step:
    """One field's value before and after."""

    label: str
    name: str
    before: Shown
    after: Shown


@dataclass(frozen=True, slots=True)
class Event:
    """One write: when, by whom, what was done, and to which fields. `more` steps are left out."""

    at: Moment
    by: str
    operation: str
    steps: tuple[Step, ...]
    more: int = 0
    sobject: str = ""
    record_id: str = ""
    record: str = ""


def event(sobject: SObject, change: Change, users: dict[str, str], now: float) -> Event:
    """One write of a record."""
    told = {name: values for name, values in change.fields.items() if name not in NOT_WORTH_TELLING and any(values)}
    steps = tuple(step(sobject, name, *values, now) for name, values in told.items())
    steps = tuple(step for step in steps if step.before or step.after)
    operation = OPERATIONS.get(change.operation, change.operation)
    return Event(moment_of(change.at, now), users.get(change.by, change.by), operation, steps)


def step(sobject: SObject, name: str, before: object, after: object, now: float) -> Step:
    """What a write did to one field, also where that field is not there any more."""
    field = sobject.fields.get(name)
    return Step(field.label if field else name, name, shown(field, before, now), shown(field, after, now))


def history(sobject: SObject, record: StoredRecord, users: Iterable[User], now: float) -> tuple[Event, ...]:
    """Everything that happened to a record, the last first."""
    names = {user.id: user.username for user in users}
    return tuple(event(sobject, change, names, now) for change in reversed(record.history))


def latest(
    store: RecordStore, sobjects: Iterable[SObject], users: Iterable[User], now: float, most: int
) -> list[Event]:
    """The last writes of all records, in short. What an org began with is none."""
    names = {user.id: user.username for user in users}
    written = (
        (change, sobject, record)
        for sobject in sobjects
        for record in store.table(sobject).records.values()
        for change in islice(reversed(record.history), most)
        if not was_planted(change)
    )
    found = nlargest(most, written, key=lambda entry: entry[0].at)
    return [in_short(event(sobject, change, names, now), sobject, record) for change, sobject, record in found]


def was_planted(change: Change) -> bool:
    """Whether this is how a record came into the org without anyone's call."""
    return change.operation == "create" and "CreatedDate" not in change.fields


def in_short(whole: Event, sobject: SObject, record: StoredRecord) -> Event:
    """A write among those of other records: whose it is, and its first steps."""
    return Event(
        whole.at,
        whole.by,
        whole.operation,
        whole.steps[:MOST_IN_SHORT],
        max(0, len(whole.steps) - MOST_IN_SHORT),
        sobject.name,
        record.id,
        name_of(sobject, record),
    )
