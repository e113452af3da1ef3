"""
Writing records: sent together, and again in part where Salesforce's answer asks for it.

A refused field may be left out, a lead may have become a contact, a record may have been merged into another. What is
sent again is always less, or elsewhere, than what was sent, so that it comes to an end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from salesforce_destination.domain.composite import Collection, CollectionReply, RecordErrors, collections_of
from salesforce_destination.domain.destination import Destination
from salesforce_destination.domain.errors import DestinationError
from salesforce_destination.domain.outcome import DELIVERED, Fate, Outcome, Reason
from salesforce_destination.domain.record import Record, moved
from salesforce_destination.domain.refusal import Judge, LeaveOut, LookUp, fate_of_failure
from salesforce_destination.domain.successor import Move, Successor


class Salesforce(Protocol):
    """The way to send. Both raise a DestinationError where a request as a whole came to nothing."""

    def send(self, collections: Sequence[Collection]) -> list[CollectionReply]:
        """Send one composite request."""
        ...

    def find(self, move: Move, records: Sequence[Record]) -> Mapping[str, Successor]:
        """Give the successors of records that are not there any more, by their keys."""
        ...


@dataclass(slots=True)
class Tally:
    """What one batch came to, in the numbers that become metrics."""

    profiles: int = 0
    requests: int = 0
    records_delivered: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    omitted: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class RequestSize:
    """How much goes into one composite request."""

    records_per_collection: int = 200
    collections_per_request: int = 5


@dataclass(slots=True)
class Sending:
    """One batch's records on their way; `settle` is told the fate of each, `receive_count` how often it came."""

    destination: Destination
    salesforce: Salesforce
    size: RequestSize
    settle: Callable[[Record, Fate], None]
    receive_count: Callable[[Record], int]
    tally: Tally = field(default_factory=Tally)
    _failure: Fate | None = None
    _by_key: dict[str, Record] = field(default_factory=dict)

    def write(self, records: Sequence[Record]) -> None:
        """Write these records, each to its end."""
        self._by_key = {record.key: record for record in records}
        judge = Judge(self.destination)
        pending = list(records)
        while pending:
            pending = self._round(pending, judge)

    def _round(self, pending: Sequence[Record], judge: Judge) -> list[Record]:
        again: list[Record] = []
        gone: dict[Move, list[tuple[Record, Fate]]] = {}
        for record, errors in self._sent(pending):
            decision = self._judged(judge, record, errors)
            if isinstance(decision, LeaveOut):
                self.tally.omitted.update(decision.fields)
                again.append(record.without(decision.fields))
            elif isinstance(decision, LookUp):
                gone.setdefault(decision.move, []).append((record, decision.fate))
            else:
                self.settle(record, decision)
        for move, records in gone.items():
            again += self._followed(move, records)
        return again

    def _judged(self, judge: Judge, record: Record, errors: RecordErrors) -> Fate | LeaveOut | LookUp:
        if errors:
            self.tally.codes.update(error.code for error in errors)
            return judge.decide(record, errors, self.receive_count(record))
        self.tally.records_delivered += 1
        audience_fields = {audience.mapping_id for audience in self.destination.audiences}
        self.tally.statuses.update(audience_fields & record.fields.keys())
        return DELIVERED

    def _sent(self, records: Sequence[Record]) -> Iterator[tuple[Record, RecordErrors]]:
        """Send records request by request; what has no result of its own is settled here."""
        waiting = list(collections_of(records, self.size.records_per_collection))
        for start in range(0, len(waiting), self.size.collections_per_request):
            request = waiting[start : start + self.size.collections_per_request]
            for collection, reply in zip(request, self._replies(request), strict=True):
                if isinstance(reply, DestinationError):
                    self._settle_all(collection, fate_of_failure(reply, was_sent=True))
                elif isinstance(reply, Fate):
                    self._settle_all(collection, reply)
                else:
                    yield from zip(collection, reply, strict=True)

    def _replies(self, request: Sequence[Collection]) -> Sequence[CollectionReply | Fate]:
        if self._failure is not None:
            return [self._failure] * len(request)
        try:
            self.tally.requests += 1
            return self.salesforce.send(request)
        except DestinationError as error:
            self._failure = fate_of_failure(error, was_sent=False)
            return [fate_of_failure(error, was_sent=True)] * len(request)

    def _followed(self, move: Move, gone: Sequence[tuple[Record, Fate]]) -> list[Record]:
        try:
            successors = self.salesforce.find(move, [record for record, _ in gone])
        except DestinationError as error:
            self._settle_all([record for record, _ in gone], fate_of_failure(error, was_sent=False))
            return []
        again: list[Record] = []
        for record, fate in gone:
            successor = successors.get(record.key)
            if successor is None:
                self.settle(record, fate)
            elif move is Move.MERGED and self.destination.merged_records == "reject":
                self.settle(record, _named(fate, successor))
            else:
                again.append(self._moved(record, successor))
        return _one_each(again)

    def _moved(self, record: Record, successor: Successor) -> Record:
        own = self._by_key.get(successor.record_id)
        other = moved(record, successor.sobject, successor.record_id, own.updates if own else ())
        unknown = other.fields.keys() - successor.writable if successor.writable is not None else ()
        return other.without(unknown)

    def _settle_all(self, records: Sequence[Record], fate: Fate) -> None:
        for record in records:
            self.settle(record, fate)


def _named(fate: Fate, successor: Successor) -> Fate:
    reason = fate.reason or Reason("ENTITY_IS_DELETED")
    text = f"{reason.text} It was merged into {successor.record_id}.".strip()
    return Fate(Outcome.REJECTED, Reason("RECORD_MERGED", text, reason.fields))


def _one_each(records: Sequence[Record]) -> list[Record]:
    """Two records that were merged into the same one become one, so that it appears once in the next request."""
    by_key: dict[str, Record] = {}
    for record in records:
        other = by_key.get(record.key)
        by_key[record.key] = moved(record, record.moved_to or "", record.key, other.updates) if other else record
    return list(by_key.values())
