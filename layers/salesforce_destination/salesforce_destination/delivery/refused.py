"""What of a batch was refused: records that were sent singly, and causes that many records may have in common.

What the org's own set-up may refuse to all records alike waits, and is tried again. What concerns a record alone is
rejected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from salesforce_destination.delivery.attempt import Attempt, Events
from salesforce_destination.delivery.batch import Batch
from salesforce_destination.delivery.decision import Decision
from salesforce_destination.delivery.memory import LAST_ANSWERS, MOST_ANSWERS, Memory
from salesforce_destination.outcome import Outcome, OutcomeKind, Reason, Wait, deferred
from salesforce_destination.record.classification import Meaning, RecordError, may_be_common, meaning_of
from salesforce_destination.record.record import Record

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import Destination

ENOUGH_ALONE = 20
"""After so many records that were refused alone for one reason, the others are not taken apart for it."""

NOT_COMMON = frozenset({"CANNOT_UPDATE_CONVERTED_LEAD", "IDENTITY_CONFLICT", "RECORD_MERGED"})
"""Codes that say something of each record for itself, however many there are."""

NOT_THERE = frozenset({"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND"})
"""How an Id is refused that the org does not know; where most are, it is the wrong org."""


@dataclass(slots=True)
class RefusedRecords:
    """The answers to one batch: the records that were `written`, those that were `refused`, each with its events and
    outcome, and the codes that refused whole requests.
    """

    destination: Destination
    memory: Memory
    batch: Batch
    written: list[Record] = field(default_factory=list)
    refused: list[tuple[Record, Events, Outcome]] = field(default_factory=list)
    codes_of_requests: set[str] = field(default_factory=set)

    def settle(self, records: Sequence[Record]) -> None:
        """Count the answers to these records of the batch, and let what may be refused for a common cause wait."""
        now, halves = self.memory.clock(), dict[tuple[object, str, int], bool]()
        self._note_answers(records, now)
        for record, events, outcome in self.refused:
            answers, reason = self.memory.answers[record.kind], outcome.reason or Reason("")
            least = self._least(record, reason)
            cause = record.kind, reason.code, least
            if cause not in halves:
                halves[cause] = least > 0 and answers.is_half(reason.code, now, least)
            is_common = halves[cause] or (least == 1 and not answers.passes(record.key, now))
            if is_common:
                self.batch.common_refusal = reason
            for update in events:
                if is_common or (least == 1 and self.batch.messages[update.message].attempts == 1):
                    answers.note_waiting(record.key, reason.code)
                    self.batch.settle([update], Outcome(OutcomeKind.DEFERRED, reason, Wait.COMMON_CAUSE))
                else:
                    answers.waiting.pop(record.key, None)
                    self.batch.ended_causes.add(reason.code)

    def _least(self, record: Record, reason: Reason) -> int:
        """How many records at least have met what may be common: the set-up one; none for what is a record's own."""
        is_unknown_id = reason.code in NOT_THERE and not reason.fields and self._has_id(record)
        if meaning_of(RecordError(reason.code, reason.text)) is Meaning.SPLIT:
            return 2
        if is_unknown_id or reason.code in self.codes_of_requests:
            return MOST_ANSWERS
        return int(may_be_common(reason.code) and reason.code not in NOT_COMMON)

    def _has_id(self, record: Record) -> bool:
        identities = [update.follower.identities if update.follower else (update.key,) for update in record.updates]
        return self.destination.updates_by_id and any(given[0] for given in identities)

    def _note_answers(self, records: Sequence[Record], now: float) -> None:
        """A record counts once, however many of its events were written or refused, and in its place in the batch."""
        codes = {record.key: (outcome.reason or Reason("")).code for record, _, outcome in self.refused}
        waiting = any(answers.waiting for answers in self.memory.answers.values())
        written = self.written if codes or waiting else self.written[-LAST_ANSWERS:]
        answered = {record.key: record for record in written} | {record.key: record for record, _, _ in self.refused}
        in_order = [record for record in records if record.key in answered] if codes else ()
        for record in ({record.key: record for record in in_order} | answered).values():
            is_first = self.batch.receive_count(record) == 1
            ended = self.memory.answers[record.kind].note(record.key, codes.get(record.key, ""), now, is_first=is_first)
            self.batch.ended_causes.update({ended} - {""})


@dataclass(slots=True)
class SingleRecords:
    """What became of the records of one batch that were sent singly, and with it how far requests are split.

    If records keep failing on their own, the cause is not a single bad record: a request that Salesforce refuses
    without saying why, or a trigger that always runs into its limit, would otherwise cost two calls for each record.
    """

    written: int = 0
    size: int = 0
    has_split: bool = False
    is_probing: bool = False
    refused: dict[str, set[str]] = field(default_factory=dict, repr=False)
    _probed: int = 0
    _has_found: bool = False
    _has_passed: bool = False

    def note_written(self, collection_size: int) -> None:
        """Count a record that was written; alone it counts against a common cause."""
        self.written += collection_size == 1
        self._has_passed = True

    def note_refused(self, code: str, key: str) -> None:
        """Count a record that failed alone."""
        self.refused.setdefault(code, set()).add(key)
        self._has_found = True

    def probed(self, pending: Sequence[Attempt], collections: int) -> tuple[Sequence[Attempt], Sequence[Attempt]]:
        """What to send now, and what to hold back until that is known.

        Splitting goes down in a few of the smallest collections first: what is found out there spares the others the
        way. These are a request, or both halves.
        """
        self._has_found = self._has_passed = False
        self._probed = min(attempt.most for attempt in pending)
        smallest = [attempt for attempt in pending if attempt.most == self._probed]
        now = smallest[: self._probed * max(collections, 2)]
        chosen = set(map(id, now))
        return now, [attempt for attempt in pending if id(attempt) not in chosen]

    def released(self, held: Sequence[Attempt]) -> Sequence[Attempt]:
        """What was held back; where all that was probed passed and no record failed alone, it goes by that size."""
        if not self.is_probing or self._has_found or not self._has_passed:
            return held
        self.is_probing = False
        if self.refused:
            return held
        self.size = self._probed
        return [attempt.among(self.size) for attempt in held]

    def considered(self, attempt: Attempt, decision: Decision, collection_size: int) -> Decision:
        """The decision on a refused record, but for one that would only be split into the same refusal again."""
        code = (decision.outcome.reason or Reason("")).code
        if collection_size == 1 and decision.is_rejection() and code not in NOT_COMMON:
            self.note_refused(code, attempt.record.key)
        if decision.resend and decision.resend.most < attempt.most:
            self.is_probing = self.has_split = self._has_found = True
            if common := self._common_code():
                return Decision(deferred(common, Wait.UNTIL_MENDED, "Records fail one by one; the rest was not tried."))
        return decision

    def _common_code(self) -> str:
        """The code that refused at least twenty single records, and at least as many as were written singly."""
        code = max(self.refused, key=lambda code: len(self.refused[code]), default="")
        count = len(self.refused.get(code, ()))
        return code if count >= ENOUGH_ALONE and count >= self.written else ""
