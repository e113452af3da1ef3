"""
Writing records: sent together, and again in part where Salesforce's answer asks for it.

A refused field may be left out, a guard may hold a newer time, a limit may want fewer records at once, a lead may have
become a contact. What is sent again is always less, or among fewer, or elsewhere, than what was sent, so that it comes
to an end. After a failure of a whole request the rest of the batch is not sent: an outage does not end within one
invocation, and a spent limit is not to be asked again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from salesforce_destination.delivery.attempt import Attempt, collections_of, in_order_of_parents
from salesforce_destination.delivery.batch import Batch
from salesforce_destination.delivery.decision import Decision, Refusals, outcome_of_failure
from salesforce_destination.delivery.memory import Memory
from salesforce_destination.delivery.ports import Org
from salesforce_destination.errors import BadRequestError, DailyLimitError, DestinationError, OutcomeUnknownError
from salesforce_destination.outcome import (
    DELIVERED,
    SUPERSEDED,
    Outcome,
    OutcomeKind,
    Reason,
    Wait,
    deferred,
    missing_in_org,
    rejected,
)
from salesforce_destination.record.composite import WRITTEN, CollectionReply, RecordErrors
from salesforce_destination.record.record import Record, moved
from salesforce_destination.record.successor import Move, Successor

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import Destination

LOCKED = "UNABLE_TO_LOCK_ROW"

COMMON_FROM_RECORDS = 20
"""From so many refused records on a cause may be common; among fewer, half of them may well be bad ones."""

NOT_COMMON = frozenset({"CANNOT_UPDATE_CONVERTED_LEAD"})
"""Codes that say something of each record for itself, however many there are."""

COLLECTIONS_PROBED = 5
"""While a request is being split, so many of the smallest collections are sent before the others."""

_PARTICULARS = re.compile(r"\b[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?\b|\d+")

Failure = Outcome | BadRequestError
"""What became of a whole collection: it waits, or something in it is not accepted."""

Reply = Sequence[RecordErrors] | Failure
"""What became of a collection, record by record or as a whole."""


@dataclass(slots=True)
class Sender:
    """One batch's records on their way to one org."""

    destination: Destination
    org: Org
    memory: Memory
    batch: Batch
    refusals: Refusals
    api_usage_ceiling_percent: float
    _stopped: Outcome | None = None
    _records: Mapping[str, Record] = field(default_factory=dict)
    _refused: list[tuple[Attempt, Outcome]] = field(default_factory=list)
    _single: SingleRecords = field(init=False)

    def __post_init__(self) -> None:
        self._single = SingleRecords()
        if self.memory.is_limit_spent():
            self._stopped = deferred("REQUEST_LIMIT_EXCEEDED", Wait.DAILY_LIMIT)

    def write(self, records: Sequence[Record], records_per_collection: int) -> None:
        """Write these records, each to its end."""
        self._look_for_missing()
        self._records = {record.key: record for record in records}
        attempts = (Attempt(record, records_per_collection) for record in in_order_of_parents(records))
        pending = [ready for attempt in attempts if (ready := self._ready(attempt))]
        while pending:
            now, later = self._single.probed(pending)
            pending = [*self._round(now), *later] or self._settle_refused(len(records))

    def _look_for_missing(self) -> None:
        try:
            self.memory.ask_for_missing(self.org.describe)
        except DestinationError:
            return  # asked again in five minutes; until then these fields count as missing

    # What of a record is to be sent.

    def _ready(self, attempt: Attempt | None) -> Attempt | None:
        """
        What is to be sent of a record, once that is left out which is known to be stale or missing; None for nothing.

        Where nothing is left of an event it is settled, and the next one of a record that was taken apart follows.
        """
        while attempt is not None:
            if stale := self.memory.known_stale(attempt.record):
                attempt = attempt.without(self.refusals.guards.with_guarded(stale))
            missing = self.memory.missing_of(attempt.record)
            if missing:
                attempt = attempt.without_missing(missing, self.refusals.guards.with_guarded(missing))
            is_written = bool(missing) and self.memory.is_written_but(self.batch.names_of(attempt.record), missing)
            if not is_written and (attempt.record.fields or not attempt.record.left_out):
                return attempt
            self._settle_unsent(attempt)
            attempt = attempt.next()
        return None

    def _settle_unsent(self, attempt: Attempt) -> None:
        if attempt.missing:
            self._settle_waiting(attempt)
        else:
            self.batch.records_superseded += 1
            self.batch.settle(attempt.record, SUPERSEDED)

    def _settle_waiting(self, attempt: Attempt) -> None:
        self.batch.missing.update(attempt.missing)
        self.batch.settle(attempt.record, missing_in_org(attempt.missing))

    # One round: everything that is ready is sent once, and each answer is followed.

    def _round(self, pending: Sequence[Attempt]) -> list[Attempt]:
        """Send what is ready, one request after the other; give what is to be sent next."""
        following: list[Attempt | None] = []
        gone: dict[Move, list[tuple[Attempt, Outcome]]] = {}
        waiting = collections_of(pending)
        while waiting:
            size = self.memory.collections_per_request
            request, waiting = waiting[:size], waiting[size:]
            for collection, reply in zip(request, self._replies(request), strict=True):
                self._follow_answers(collection, reply, following, gone)
        for move, lost in gone.items():
            following += [self._carry_out(attempt, decision) for attempt, decision in self._followed(move, lost)]
        return [attempt for attempt in following if attempt]

    def _follow_answers(
        self,
        collection: Sequence[Attempt],
        reply: Reply,
        following: list[Attempt | None],
        gone: dict[Move, list[tuple[Attempt, Outcome]]],
    ) -> None:
        """Follow the answer to each record of a collection; what has gone elsewhere is looked up for all together."""
        size = len(collection)
        answers: Sequence[RecordErrors | Failure] = [reply] * size if isinstance(reply, Failure) else reply
        for attempt, answer in zip(collection, answers, strict=True):
            if answer is WRITTEN and attempt.is_all:
                self._single.note_written(size)
                self._note_delivered(attempt)
                self.batch.settle(attempt.record, DELIVERED)
                continue
            decision = self._decision(attempt, answer, size)
            if decision.move is not None:
                gone.setdefault(decision.move, []).append((attempt, decision.outcome))
            else:
                following.append(self._carry_out(attempt, decision))

    def _decision(self, attempt: Attempt, answer: RecordErrors | Failure, collection_size: int) -> Decision:
        if isinstance(answer, Outcome):
            return Decision(answer)
        if isinstance(answer, BadRequestError):
            self.batch.codes[answer.code] += 1
            single = rejected(answer.code, "Salesforce refuses this record even in a request of its own.")
            decision = Decision(single, resend=attempt.smaller(collection_size))
        elif answer:
            self.batch.codes.update(error.code for error in answer)
            tries = self.batch.receive_count(attempt.record)
            decision = self.refusals.decide(attempt, answer, tries, collection_size)
        else:
            self._single.note_written(collection_size)
            return Decision(DELIVERED)
        return self._single.considered(attempt, decision, collection_size)

    def _carry_out(self, attempt: Attempt, decision: Decision) -> Attempt | None:
        """Carry out what was decided, and give what is to be sent next of this record."""
        if decision.resend:
            self.batch.omitted.update(decision.omitted)
            self.memory.note_stale(attempt.record, decision.stale)
            return self._ready(decision.resend)
        if decision.missing:
            self.memory.note_missing(decision.missing)
            left_out = self.refusals.guards.with_guarded(decision.missing)
            return self._ready(attempt.without_missing(decision.missing, left_out))
        if decision.outcome.kind is OutcomeKind.REJECTED:
            self._refused.append((attempt, decision.outcome))
            return None
        if decision.outcome is DELIVERED:
            self._note_delivered(attempt)
        if decision.outcome is DELIVERED and attempt.missing:
            self._settle_waiting(attempt)
        else:
            self.batch.settle(attempt.record, decision.outcome)
        return self._ready(attempt.next())

    def _note_delivered(self, attempt: Attempt) -> None:
        self.memory.note_written(attempt.record)
        self.batch.note_delivered(attempt.record)
        if attempt.missing:
            self.memory.note_part(self.batch.names_of(attempt.record), attempt.missing)

    # Requests of the size that suits the org, until something says to stop.

    def _replies(self, request: Sequence[list[Attempt]]) -> Sequence[Reply]:
        if self._stopped is not None:
            return [self._stopped] * len(request)
        started, failure = self.memory.clock(), None
        try:
            replies = self.org.send([[attempt.record for attempt in collection] for collection in request])
        except DestinationError as error:
            failure = error
        seconds = self.memory.clock() - started
        self.batch.note_request(seconds)
        if isinstance(failure, BadRequestError):
            self._mind_the_ceiling()
            # Which of the collections is to blame is not said: each is sent for itself.
            if len(request) == 1:
                return [failure]
            return [reply for collection in request for reply in self._replies([collection])]
        if failure is not None:
            self._note_failure(failure, seconds)
            return [outcome_of_failure(failure, was_sent=True)] * len(request)
        self.memory.note_call(seconds, trouble=any(map(_is_locked, replies)))
        self._mind_the_ceiling()
        return [_read(reply) for reply in replies]

    def _note_failure(self, error: DestinationError, seconds: float) -> None:
        self._stopped = outcome_of_failure(error, was_sent=False)
        if isinstance(error, DailyLimitError):
            self.memory.note_limit_spent()
        elif isinstance(error, OutcomeUnknownError):
            self.memory.note_call(seconds, trouble=True)

    def _mind_the_ceiling(self) -> None:
        usage = self.org.api_usage_percent()
        if usage is not None and usage >= self.api_usage_ceiling_percent:
            self.memory.note_limit_spent()
            self._stopped = deferred("API_USAGE_CEILING", Wait.DAILY_LIMIT)

    # Moved records: the contact of a converted lead, the survivor of a merge.

    def _followed(self, move: Move, gone: Sequence[tuple[Attempt, Outcome]]) -> Iterator[tuple[Attempt, Decision]]:
        """Say for each of these what follows; its outcome is the one of a record without successor."""
        try:
            successors = self.org.find(move, [attempt.record for attempt, _ in gone])
        except DestinationError as error:
            yield from ((attempt, Decision(outcome_of_failure(error, was_sent=False))) for attempt, _ in gone)
            return
        found: dict[str, tuple[Attempt, Decision]] = {}
        for attempt, outcome in gone:
            successor = successors.get(attempt.record.key)
            if successor is None:
                yield attempt, Decision(outcome)
            elif move is Move.MERGED and self.destination.merged_records == "reject":
                yield attempt, Decision(_merged_into(successor, outcome))
            else:
                first, other = found.get(successor.record_id, (attempt, Decision(outcome)))
                resend = self._moved(attempt, successor, other.resend)
                found[successor.record_id] = first, Decision(outcome, resend=resend)
        yield from found.values()

    def _moved(self, attempt: Attempt, successor: Successor, other: Attempt | None) -> Attempt:
        """The attempt at its successor; two records that were merged into the same one become one there."""
        own = self._records.get(successor.record_id)
        others = other.record.updates if other else own.updates if own else ()
        record = moved(attempt.record, successor.sobject, successor.record_id, others)
        unknown = record.fields.keys() - successor.writable if successor.writable is not None else ()
        return replace(attempt, record=record.without(unknown), not_there=frozenset(unknown))

    # Common causes: where half of a batch is refused for one reason, the records are not to blame.

    def _settle_refused(self, records: int) -> list[Attempt]:
        """Settle what was refused, once all of it is known; give the events that follow those of merged records."""
        refused, self._refused = self._refused, []
        causes = common_causes([outcome for _, outcome in refused], records)
        for attempt, outcome in refused:
            is_common = _cause(outcome) in causes or self._single.is_common(outcome)
            waits = Outcome(OutcomeKind.DEFERRED, outcome.reason, Wait.UNTIL_MENDED)
            self.batch.settle(attempt.record, waits if is_common else outcome)
        following = [self._ready(attempt.next()) for attempt, _ in refused]
        return [attempt for attempt in following if attempt]


@dataclass(slots=True)
class SingleRecords:
    """
    What became of the records of one batch that were sent singly, and with it how far requests are split.

    If records keep failing on their own, the cause is not a single bad record: a request that Salesforce refuses
    without saying why, or a trigger that always runs into its limit, would otherwise cost two calls for each record.
    """

    written: int = 0
    is_splitting: bool = False
    refused: dict[str, set[str]] = field(default_factory=dict, repr=False)

    def note_written(self, collection_size: int) -> None:
        """Count a record that was written; alone it counts against a common cause."""
        self.written += collection_size == 1

    def probed(self, pending: Sequence[Attempt]) -> tuple[Sequence[Attempt], Sequence[Attempt]]:
        """
        What to send now, and what to hold back until that is known.

        Splitting goes down in a few collections first: what is found out there spares the others the way.
        """
        if not self.is_splitting:
            return pending, ()
        least = min(attempt.most for attempt in pending)
        smallest = [attempt for attempt in pending if attempt.most == least]
        now = smallest[: least * COLLECTIONS_PROBED]
        chosen = set(map(id, now))
        return now, [attempt for attempt in pending if id(attempt) not in chosen]

    def considered(self, attempt: Attempt, decision: Decision, collection_size: int) -> Decision:
        """The decision on a refused record, but for one that would only be split into the same refusal again."""
        if decision.is_rejection() and collection_size == 1:
            code = (decision.outcome.reason or Reason("")).code
            self.refused.setdefault(code, set()).add(attempt.record.key)
        is_split = decision.is_split_of(attempt)
        self.is_splitting = self.is_splitting or is_split
        if is_split and (code := self._common_code()):
            return Decision(deferred(code, Wait.UNTIL_MENDED, "Records fail one by one; the rest was not tried."))
        return decision

    def is_common(self, outcome: Outcome) -> bool:
        """Whether a record was rejected for the cause that is common among those that were sent alone."""
        return outcome.reason is not None and outcome.reason.code == self._common_code()

    def _common_code(self) -> str:
        """The code that refused at least twenty single records, and at least as many as were written singly."""
        code = max(self.refused, key=lambda code: len(self.refused[code]), default="")
        count = len(self.refused.get(code, ()))
        return code if count >= COMMON_FROM_RECORDS and count >= self.written else ""


def common_causes(outcomes: Iterable[Outcome], records: int) -> frozenset[tuple[str, str]]:
    """The reasons, as code and text, for which at least half of a batch of records was refused."""
    if records < COMMON_FROM_RECORDS:
        return frozenset()
    causes = Counter(_cause(outcome) for outcome in outcomes)
    return frozenset(cause for cause, count in causes.items() if count * 2 >= records and cause[0] not in NOT_COMMON)


def _cause(outcome: Outcome) -> tuple[str, str]:
    """A reason without what is particular of one record: Ids and numbers."""
    reason = outcome.reason or Reason("")
    return reason.code, _PARTICULARS.sub("#", reason.text)


def _read(reply: CollectionReply) -> Reply:
    if isinstance(reply, DestinationError):
        return reply if isinstance(reply, BadRequestError) else outcome_of_failure(reply, was_sent=True)
    return reply


def _is_locked(reply: CollectionReply) -> bool:
    return not isinstance(reply, DestinationError) and any(e.code == LOCKED for errors in reply for e in errors)


def _merged_into(successor: Successor, outcome: Outcome) -> Outcome:
    reason = outcome.reason or Reason("")
    text = f"{reason.text} The record was merged into {successor.record_id}.".strip()
    return rejected("RECORD_MERGED", text, reason.fields)
