"""A record on its way through one invocation: what of it is still to be sent, and among which others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from salesforce_destination.outcome import Outcome, Reason
from salesforce_destination.profile.event_time import to_salesforce
from salesforce_destination.record.record import Record, Update, record_of

PARENT_FIELD = "AccountId"
"""The field that names the record which Salesforce locks with this one."""

MOST_REQUESTS = 12
"""How often one record is sent to find which of its events is refused; enough for one among a thousand."""

Events = tuple[Update, ...]


@dataclass(slots=True)
class Attempt:
    """
    One record and how it may be sent.

    `most` records may share its collection; `missing` are fields that the org has not and that the messages wait for;
    `later` are events of a record that was taken apart, to be sent after this one, oldest first; `retimed` are guards
    that hold the event's time, tried once where a consent may have come back; `not_there` are fields that the record
    which took its place has not. Of a record that was taken apart, `refusal` is the last one, `requests` how often it
    was sent, `guilty` how many of its oldest events were refused together, and `after_refused` says that the event
    before them was refused alone.
    """

    record: Record
    most: int
    missing: frozenset[str] = frozenset()
    later: Events = ()
    retimed: frozenset[str] = frozenset()
    not_there: frozenset[str] = frozenset()
    refusal: Outcome | None = None
    requests: int = 1
    guilty: int = 0
    after_refused: bool = False

    @property
    def events(self) -> Events:
        """All that is left of the record, oldest first."""
        return self.record.updates + self.later

    @property
    def is_last(self) -> bool:
        """Whether no other request is spent on a record that was taken apart."""
        return self.refusal is not None and self.requests >= MOST_REQUESTS

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

    def among(self, most: int) -> Attempt:
        """The same among no more records than this."""
        return self if self.most <= most else replace(self, most=most)

    def next(self, refusal: Outcome | None = None, *, is_whole: bool = False) -> tuple[Events, Attempt | None]:
        """
        The events to reject now that these are settled, or refused, and what to send next.

        What was refused is halved, and the oldest half goes first: no older value is written over a newer one. Behind
        an event that was refused alone, all that follow are sent together; if they and the next one alone are refused
        as it was, or no request is left, all are rejected. The last request is for what nobody has refused yet. No
        event is to blame for a refusal that `is_whole`.
        """
        count, left, rejected, size = len(self.record.updates), self.later, Events(), 0
        guilty = max(self.guilty - count, 0)
        here = replace(self, refusal=refusal or self.refusal, after_refused=False)
        if refusal is not None:
            here.requests = self.requests if self.refusal else 1
            is_again = self.after_refused and _cause(self.refusal) == _cause(refusal)
            if is_whole or (is_again and count == 1):
                return self.events, None
            if count > 1:
                left, guilty, size, here.after_refused = self.events, count, int(is_again), is_again
            else:
                rejected, guilty, here.after_refused = self.record.updates, 0, True
        if not left or here.is_last:
            return rejected + left, None
        if here.requests == MOST_REQUESTS - 1 and guilty < len(left):
            rejected, left, guilty = rejected + left[:guilty], left[guilty:], 0
        size = size or (guilty + 1) // 2 or len(left)
        record = record_of(list(left[:size]))
        here.record = replace(record, key=self.record.key, identity=self.record.identity, moved_to=self.record.moved_to)
        here.later, here.guilty, here.missing, here.retimed = left[size:], guilty, frozenset(), frozenset()
        return rejected, here.without(self.not_there)


def _cause(refusal: Outcome | None) -> tuple[str, tuple[str, ...]]:
    reason = (refusal and refusal.reason) or Reason("")
    return reason.code, reason.fields


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
