"""A record on its way through one invocation: what of it is still to be sent, and what was found out about it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .event_time import to_salesforce
from .record import Record, Update, record_of


@dataclass(frozen=True, slots=True)
class Attempt:
    """
    One record and how it may be sent.

    `most` records may share its collection; `missing` are fields that the org has not and that the messages wait for;
    `later` are events of a record that was taken apart, to be sent after this one, oldest first; `retimed` are guards
    that hold the event's time, tried once where a consent may have come back.
    """

    record: Record
    most: int
    missing: frozenset[str] = frozenset()
    later: tuple[Update, ...] = ()
    retimed: frozenset[str] = frozenset()

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
        return replace(self, record=self.record.without(fields))

    def without_missing(self, fields: frozenset[str], left_out: frozenset[str]) -> Attempt:
        """The same without what the org has not; `left_out` is that and all that cannot be written without it."""
        return replace(self.without(left_out), missing=self.missing | fields)

    def in_collections_of(self, most: int) -> Attempt:
        """The same among fewer records."""
        return replace(self, most=max(1, most))

    def taken_apart(self) -> Attempt:
        """The oldest of the events that were merged, the others to follow one by one."""
        first, *others = self.record.updates
        return replace(self, record=self._single(first), later=(*others, *self.later))

    def next(self) -> Attempt | None:
        """The following event of a record that was taken apart."""
        if not self.later:
            return None
        return replace(self, record=self._single(self.later[0]), later=self.later[1:])

    def _single(self, update: Update) -> Record:
        single = record_of([update])
        here = replace(single, key=self.record.key, identity=self.record.identity, moved_to=self.record.moved_to)
        return here.without(self.record.left_out)
