"""
Writing records: sent together, and again in part where Salesforce's answer asks for it.

A refused field may be left out, a guard may hold a newer time, a limit may want fewer records at once, a lead may have
become a contact. What is sent again is always less, or among fewer, or elsewhere, than what was sent, so that it comes
to an end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from salesforce_destination.delivery.alone import Alone
from salesforce_destination.delivery.attempt import Attempt
from salesforce_destination.delivery.commonness import common_cause, not_the_records
from salesforce_destination.delivery.following import Following
from salesforce_destination.delivery.memory import Memory
from salesforce_destination.delivery.org import Org
from salesforce_destination.delivery.packing import in_order_of_parents
from salesforce_destination.delivery.refusal import Again, Decision, Judge, LookUp, Missing
from salesforce_destination.delivery.requesting import Answer, Requesting
from salesforce_destination.delivery.tally import Tally
from salesforce_destination.errors import BadRequestError, DestinationError
from salesforce_destination.outcome import DELIVERED, SUPERSEDED, Outcome, OutcomeKind, missing_in_org, rejected
from salesforce_destination.record.composite import WRITTEN, RecordErrors
from salesforce_destination.record.guards import Guards
from salesforce_destination.record.record import Record, Update
from salesforce_destination.record.successor import Move

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import Destination


@dataclass(frozen=True, slots=True)
class Messages:
    """What the records' messages have to say: `part` names an update for good, `receive_count` tells its tries."""

    part: Callable[[Update], tuple[str, int]]
    receive_count: Callable[[Record], int]
    settle: Callable[[Record, Outcome], None]


@dataclass(slots=True)
class Sending:
    """One batch's records on their way. `messages.settle` is told the outcome of each."""

    destination: Destination
    org: Org
    memory: Memory
    requesting: Requesting
    messages: Messages
    tally: Tally
    _guards: Guards = field(init=False)
    _judge: Judge = field(init=False)
    _refused: list[tuple[Attempt, Outcome]] = field(default_factory=list)
    _alone: Alone = field(default_factory=Alone)

    def __post_init__(self) -> None:
        self._guards = Guards.of(self.destination)
        self._judge = Judge(self.destination, self._guards)

    def write(self, records: Sequence[Record], records_per_collection: int) -> None:
        """Write these records, each to its end."""
        self._look_for_missing()
        following = Following(self.destination, self.org, {record.key: record for record in records})
        attempts = (Attempt(record, records_per_collection) for record in in_order_of_parents(records))
        pending = [ready for attempt in attempts if (ready := self._ready(attempt))]
        while pending:
            now, later = self._alone.probed(pending)
            pending = [*self._round(now, following), *later] or self._settle_refused(len(records))

    def _look_for_missing(self) -> None:
        try:
            self.memory.ask_for_missing(self.org.describe)
        except DestinationError:
            return  # asked again in five minutes; until then these fields count as missing

    def _ready(self, attempt: Attempt | None) -> Attempt | None:
        """
        What is to be sent of a record, once that is left out which is known to be stale or missing; None for nothing.

        Where nothing is left of an event it is settled, and the next one of a record that was taken apart follows.
        """
        while attempt is not None:
            if stale := self.memory.known_stale(attempt.record):
                attempt = attempt.without(self._guards.with_guarded(stale))
            missing = self.memory.missing_of(attempt.record)
            if missing:
                attempt = attempt.without_missing(missing, self._guards.with_guarded(missing))
            is_written = bool(missing) and self.memory.is_written_but(
                map(self.messages.part, attempt.record.updates), missing
            )
            if not is_written and (attempt.record.fields or not attempt.record.left_out):
                return attempt
            self._settle_unsent(attempt)
            attempt = attempt.next()
        return None

    def _settle_unsent(self, attempt: Attempt) -> None:
        if attempt.missing:
            self._settle_waiting(attempt)
        else:
            self.tally.records_superseded += 1
            self.messages.settle(attempt.record, SUPERSEDED)

    def _settle_waiting(self, attempt: Attempt) -> None:
        self.tally.missing.update(attempt.missing)
        self.messages.settle(attempt.record, missing_in_org(attempt.missing))

    def _round(self, pending: Sequence[Attempt], following: Following) -> list[Attempt]:
        again: list[Attempt | None] = []
        gone: dict[Move, list[tuple[Attempt, Outcome]]] = {}
        for answer in self.requesting.send(pending):
            if answer.result is WRITTEN and answer.attempt.is_all:
                self._alone.note_written(answer.collection_size)
                self._note_delivered(answer.attempt)
                self.messages.settle(answer.attempt.record, DELIVERED)
                continue
            decision = self._decision(answer)
            if isinstance(decision, LookUp):
                gone.setdefault(decision.move, []).append((answer.attempt, decision.outcome))
            else:
                again.append(self._done(answer.attempt, decision))
        for move, moved in gone.items():
            again += [self._done(attempt, decision) for attempt, decision in following.follow(move, moved)]
        return [attempt for attempt in again if attempt]

    def _decision(self, answer: Answer) -> Decision:
        attempt, result = answer.attempt, answer.result
        if isinstance(result, Outcome):
            return result
        if not isinstance(result, BadRequestError) and not result:
            self._alone.note_written(answer.collection_size)
            return DELIVERED
        decision = self._refusal(attempt, result, answer.collection_size)
        return self._alone.considered(attempt, decision, answer.collection_size)

    def _refusal(self, attempt: Attempt, result: RecordErrors | BadRequestError, collection_size: int) -> Decision:
        if isinstance(result, BadRequestError):
            self.tally.codes[result.code] += 1
            smaller = self._judge.in_smaller_parts(attempt, collection_size)
            return smaller or rejected(result.code, "Salesforce refuses this record even in a request of its own.")
        self.tally.codes.update(error.code for error in result)
        return self._judge.decide(attempt, result, self.messages.receive_count(attempt.record), collection_size)

    def _done(self, attempt: Attempt, decision: Outcome | Again | Missing) -> Attempt | None:
        """Do what was decided, and give what is to be sent next of this record."""
        if isinstance(decision, Again):
            self.tally.omitted.update(decision.omitted)
            self.memory.note_stale(attempt.record, decision.stale)
            return self._ready(decision.attempt)
        if isinstance(decision, Missing):
            self.memory.note_missing(decision.fields)
            left_out = self._guards.with_guarded(decision.fields)
            return self._ready(attempt.without_missing(decision.fields, left_out))
        if decision.kind is OutcomeKind.REJECTED:
            self._refused.append((attempt, decision))
            return None
        if decision is DELIVERED:
            self._note_delivered(attempt)
        if decision is DELIVERED and attempt.missing:
            self._settle_waiting(attempt)
        else:
            self.messages.settle(attempt.record, decision)
        return self._ready(attempt.next())

    def _note_delivered(self, attempt: Attempt) -> None:
        self.memory.note_written(attempt.record)
        self.tally.note_delivered(attempt.record)
        if attempt.missing:
            self.memory.note_part(map(self.messages.part, attempt.record.updates), attempt.missing)

    def _settle_refused(self, records: int) -> list[Attempt]:
        """Settle what was refused, once all of it is known; give the events that follow those of merged records."""
        refused, self._refused = self._refused, []
        causes = common_cause([outcome for _, outcome in refused], records)
        for attempt, outcome in refused:
            self.messages.settle(attempt.record, self._alone.not_theirs(not_the_records(outcome, causes)))
        following = [self._ready(attempt.next()) for attempt, _ in refused]
        return [attempt for attempt in following if attempt]
