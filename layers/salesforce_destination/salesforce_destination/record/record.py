"""
Records on their way to Salesforce: updates from single profiles, merged where they concern the same record.

A record may appear only once in a request: of two rows with one external id Salesforce writes neither, and of rows with
one Id the order is not promised. Merging is also what makes a flood cheap.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from salesforce_destination.outcome import Outcome

Json = Any


@dataclass(slots=True)
class Update:
    """
    What one profile wants of one record.

    `message` and `profile` are positions in the batch and in the message; `key` tells records apart as the org does;
    `times` holds the fields that have a time of their own (a membership's), the rest have the event's; `updates_only`
    creates no record, whatever the destination does for others; `omitted` are fields whose values were refused here and
    may be left out. `outcome` is what became of it, once that is known. `only_if` keeps out who is not `is_permitted`.
    """

    message: int
    profile: int
    key: str = field(repr=False)
    identity: str = field(repr=False)
    fields: Mapping[str, Json] = field(repr=False)
    event_time: int
    times: Mapping[str, int] = field(default_factory=dict)
    updates_only: bool = False
    omitted: tuple[str, ...] = ()
    outcome: Outcome | None = None
    is_permitted: bool = True


@dataclass(slots=True)
class Record:
    """
    One record of a request, and the updates that it answers for, oldest first.

    `moved_to` is the sObject of a record that is written by its Id in place of the one that was asked for: the contact
    of a converted lead, the survivor of a merge. `left_out` are fields that are not sent. `updates_only` is that of the
    latest event, which must not create the record: who has taken the consent away has the last word.
    """

    key: str = field(repr=False)
    identity: str = field(repr=False)
    fields: Mapping[str, Json] = field(repr=False)
    updates: tuple[Update, ...]
    moved_to: str | None = None
    left_out: frozenset[str] = frozenset()
    updates_only: bool = False

    @property
    def kind(self) -> tuple[str | None, bool]:
        """The kind of its write: the sObject where it moved, and whether it must not be created."""
        return self.moved_to, self.updates_only

    def without(self, names: Iterable[str]) -> Record:
        """The same record, these fields left out."""
        left_out = self.left_out.union(names)
        if left_out == self.left_out:
            return self
        return replace(self, left_out=left_out, fields={k: v for k, v in self.fields.items() if k not in left_out})


def merge(updates: Collection[Update]) -> list[Record]:
    """
    Make one record of all updates that concern it, in the order in which the records first appear.

    Field by field the later time wins, and among equal times the later position; an update that lacks a field leaves
    it to the others.
    """
    if len({update.key for update in updates}) == len(updates):
        return [_record_of_one(update) for update in updates]
    by_key: dict[str, list[Update]] = {}
    for update in updates:
        by_key.setdefault(update.key, []).append(update)
    return [record_of(group) for group in by_key.values()]


def record_of(updates: list[Update]) -> Record:
    """Make the record of these updates, which all concern the same one."""
    if len(updates) == 1:
        return _record_of_one(updates[0])
    oldest_first = sorted(updates, key=lambda update: (update.event_time, update.message, update.profile))
    newest: dict[str, int] = {}
    fields: dict[str, Json] = {}
    for update in oldest_first:
        for name, value in update.fields.items():
            time = update.times.get(name, update.event_time)
            if time >= newest.get(name, time):
                newest[name], fields[name] = time, value
    last = oldest_first[-1]
    return Record(updates[0].key, last.identity, fields, tuple(oldest_first), updates_only=last.updates_only)


def _record_of_one(update: Update) -> Record:
    return Record(update.key, update.identity, update.fields, (update,), None, frozenset(), update.updates_only)


def moved(updates: Iterable[Update], sobject: str, record_id: str) -> Record:
    """The record of these updates, to be written to the one that took its place."""
    return replace(record_of(list(updates)), key=record_id, identity=record_id, moved_to=sobject)
