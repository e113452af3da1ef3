"""
Records on their way to Salesforce: updates from single profiles, merged where they concern the same record.

A record may appear only once in a request: of two rows with one external id Salesforce writes neither, and of rows with
one Id the order is not promised. Merging is also what makes a flood cheap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Any


@dataclass(frozen=True, slots=True)
class Update:
    """
    What one profile wants of one record.

    `message` and `profile` are positions in the batch and in the message; `key` tells records apart as the org does;
    `times` holds the fields that have a time of their own (a membership's), the rest have the event's.
    """

    message: int
    profile: int
    key: str = field(repr=False)
    identity: str = field(repr=False)
    fields: Mapping[str, Json] = field(repr=False)
    event_time: int
    times: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a request, and the updates that it answers for, oldest first."""

    key: str = field(repr=False)
    identity: str = field(repr=False)
    fields: Mapping[str, Json] = field(repr=False)
    updates: tuple[Update, ...]


def merge(updates: Iterable[Update]) -> list[Record]:
    """
    Make one record of all updates that concern it, in the order in which the records first appear.

    Field by field the later time wins, and among equal times the later position; an update that lacks a field leaves
    it to the others.
    """
    by_key: dict[str, list[Update]] = {}
    for update in updates:
        by_key.setdefault(update.key, []).append(update)
    return [record_of(group) for group in by_key.values()]


def record_of(updates: list[Update]) -> Record:
    """Make the record of these updates, which all concern the same one."""
    if len(updates) == 1:
        only = updates[0]
        return Record(only.key, only.identity, only.fields, (only,))
    oldest_first = sorted(updates, key=lambda update: update.event_time)
    newest: dict[str, int] = {}
    fields: dict[str, Json] = {}
    for update in oldest_first:
        for name, value in update.fields.items():
            time = update.times.get(name, update.event_time)
            if time >= newest.get(name, time):
                newest[name], fields[name] = time, value
    return Record(updates[0].key, oldest_first[-1].identity, fields, tuple(oldest_first))
