"""A record on its way through one invocation: what of it is still to be sent, and among which others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from salesforce_destination.outcome import Outcome, Reason
from salesforce_destination.profile.event_time import to_salesforce
from salesforce_destination.record.record import Address, Record, Update, placed, record_of

PARENTS = ("AccountId",)
"""The fields that name the record which Salesforce locks with this one."""

MOST_REQUESTS = 12
"""How often one record is sent to find which of its events is refused; enough for one among a thousand."""

Events = tuple[Update, ...]


@dataclass(slots=True)
class Attempt:
    """One record and how it may be sent.

    `most` records may share its collection; `missing` are fields that the org has not and that the messages wait for;
    `later` are events of a record that was taken apart, to be sent after this one, oldest first; `retimed` are guards
    that hold the event's time, tried once where a consent may have come back; `not_there` are fields that the record
    which was found has not, or holds already. `not_found` is the refusal of the address that was tried first, and
    `is_read` says that the org told where the record is. Of a record that was taken apart, `refusal` is the last one,
    `requests` how often it was sent, `guilty` how many of its oldest events were refused together, and `after_refused`
    says that the event before them was refused alone. `locks` counts how often a part met a lock.
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
    not_found: Outcome | None = None
    is_read: bool = False
    locks: int = 0

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
        """The events to reject now that these are settled, or refused, and what to send next.

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
        here.record = self._record_of(left[:size])
        here.later, here.guilty, here.missing, here.retimed = left[size:], guilty, frozenset(), frozenset()
        return rejected, here.without(self.not_there)

    def in_time(self, guarded: AbstractSet[str]) -> Attempt:
        """The same, or first its oldest events, where the last of these has a guarded value that no later one repeats.

        Beside another event's time that value would pass a guard that knows a newer one; so what only the others of
        them hold is left to the events that repeat it. The request is not counted: there are no more than fields.
        """
        updates, repeated, first = self.record.updates, set[str](), -1
        for number in reversed(range(len(updates))):
            own = guarded & updates[number].fields.keys()
            first = first if own <= repeated else number
            repeated |= own
        if updates[first].event_time == updates[-1].event_time:
            return self
        oldest, of_others = self._record_of(updates[: first + 1]), guarded - updates[first].fields.keys()
        oldest.fields = {name: value for name, value in oldest.fields.items() if name not in of_others}
        left = updates[first + 1 :] + self.later
        return replace(self, record=oldest, later=left, requests=self.requests - 1).without(self.not_there)

    def _record_of(self, updates: Events) -> Record:
        """The record of these, written where this one is."""
        here = self.record
        record = placed(updates, here.address) if here.address and here.creates else record_of(list(updates))
        return replace(record, key=here.key, identity=here.identity, address=here.address, is_moved=here.is_moved)


def _cause(refusal: Outcome | None) -> tuple[str, tuple[str, ...]]:
    reason = (refusal and refusal.reason) or Reason("")
    return reason.code, reason.fields


def in_order_of_parents(records: Sequence[Record], parents: Sequence[str] = PARENTS) -> Sequence[Record]:
    """Put the children of one parent next to each other, in one order for all; what has no known parent comes first.

    Salesforce locks the parent of a record that is written, and two requests that write children of one parent wait
    for each other ("Record-Level Locking").
    """
    if not [record for record in records for name in parents if name in record.fields]:
        return records
    return sorted(records, key=lambda record: (record.sobject, _parent_of(record, parents), record.key))


def _parent_of(record: Record, parents: Sequence[str]) -> str:
    return next((str(value) for name in parents if (value := record.fields.get(name))), "")


def collections_of(attempts: Iterable[Attempt]) -> list[list[Attempt]]:
    """Cut attempts into collections, in their order; those of new records come last.

    None holds more than the least that one of its records allows. All of a collection are found in one way, and of one
    sObject, but for records that are found by their Ids: of those one sObject follows the other.
    """
    groups: dict[tuple[Address | None, int], list[Attempt]] = {}
    for attempt in attempts:
        address = attempt.record.address
        if address is not None and address.is_id and not address.deletes:
            address = _BY_ID
        key = address, attempt.most
        group = groups.get(key)
        if group is None:
            groups[key] = [attempt]
        else:
            group.append(attempt)
    found: list[list[Attempt]] = []
    for (address, most), group in sorted(
        groups.items(), key=lambda each: each[0][0] is not None and each[0][0].creates
    ):
        if address is _BY_ID:
            group.sort(key=lambda attempt: attempt.record.sobject)
        found += [group[start : start + most] for start in range(0, len(group), most)]
    return found


_BY_ID = Address("")
