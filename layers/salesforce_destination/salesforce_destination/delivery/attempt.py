"""A record on its way through one invocation: what of it is still to be sent, and among which others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from salesforce_destination.profile.event_time import to_salesforce
from salesforce_destination.record.record import Record, Update, record_of

PARENT_FIELD = "AccountId"
"""The field that names the record which Salesforce locks with this one."""


@dataclass(slots=True)
class Attempt:
    """
    One record and how it may be sent.

    `most` records may share its collection; `missing` are fields that the org has not and that the messages wait for;
    `later` are events of a record that was taken apart, to be sent after this one, oldest first; `retimed` are guards
    that hold the event's time, tried once where a consent may have come back; `not_there` are fields that the record
    which took its place has not.
    """

    record: Record
    most: int
    missing: frozenset[str] = frozenset()
    later: tuple[Update, ...] = ()
    retimed: frozenset[str] = frozenset()
    not_there: frozenset[str] = frozenset()

    @property
    def is_all(self) -> bool:
        """Whether this is all that there is to say of its record: nothing waits, and nothing follows."""
        return not self.missing and not self.later

    def retimed_by_event(self, guards: frozenset[str]) -> Attempt:
        """The same with the time of the event in these guards, in place of the time at which the person qualified."""
        times = {
            guard: to_salesforce(max(update.event_time for update in self.record.updates if guard in update.fields))
            for guard in guards
        }
        record = replace(self.record, fields={**self.record.fields, **times})
        return replace(self, record=record, retimed=self.retimed | guards)

    def without(self, fields: frozenset[str]) -> Attempt:
        """The same, these fields left out."""
        record = self.record.without(fields)
        return self if record is self.record else replace(self, record=record)

    def without_missing(self, fields: frozenset[str], left_out: frozenset[str]) -> Attempt:
        """The same without what the org has not; `left_out` is that and all that cannot be written without it."""
        return replace(self.without(left_out), missing=self.missing | fields)

    def smaller(self, collection_size: int) -> Attempt | None:
        """
        The same among half as many records, then alone, then event by event; None for one event that was alone.

        `collection_size` is how many records shared the collection that was refused.
        """
        if collection_size > 1:
            return replace(self, most=collection_size // 2)
        return self.taken_apart() if len(self.record.updates) > 1 else None

    def taken_apart(self) -> Attempt:
        """The oldest of the events that were merged, the others to follow one by one."""
        first, *others = self.record.updates
        return self._event(first, (*others, *self.later))

    def next(self) -> Attempt | None:
        """The following event of a record that was taken apart."""
        return self._event(self.later[0], self.later[1:]) if self.later else None

    def _event(self, update: Update, later: tuple[Update, ...]) -> Attempt:
        """One event with all that it says: what was stale or refused among the others need not be so in this one."""
        here = self.record
        record = replace(record_of([update]), key=here.key, identity=here.identity, moved_to=here.moved_to)
        return Attempt(record.without(self.not_there), self.most, later=later, not_there=self.not_there)


def in_order_of_parents(records: Sequence[Record]) -> Sequence[Record]:
    """
    Put the children of one parent next to each other; what has no known parent keeps its order, and comes first.

    Salesforce locks the parent of a record that is written, and two requests that write children of one parent wait
    for each other ("Record-Level Locking").
    """
    if not [record for record in records if PARENT_FIELD in record.fields]:
        return records
    return sorted(records, key=lambda record: str(record.fields.get(PARENT_FIELD) or ""))


def collections_of(attempts: Iterable[Attempt]) -> list[list[Attempt]]:
    """
    Cut attempts into collections, in their order.

    None holds more than the least that one of its records allows, and records that moved elsewhere have their own, as
    have those that must not be created: a collection is about one sObject and found in one way.
    """
    groups: dict[tuple[str | None, bool, int], list[Attempt]] = {}
    for attempt in attempts:
        record = attempt.record
        key = record.moved_to, record.updates_only, attempt.most
        group = groups.get(key)
        if group is None:
            groups[key] = [attempt]
        else:
            group.append(attempt)
    return [
        group[start : start + most] for (_, _, most), group in groups.items() for start in range(0, len(group), most)
    ]
