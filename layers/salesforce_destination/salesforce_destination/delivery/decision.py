"""From an error to what follows: what becomes of the profiles behind a refused record, or behind a failed request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from salesforce_destination.delivery.attempt import Attempt
from salesforce_destination.errors import (
    ConcurrentLimitError,
    DailyLimitError,
    DestinationError,
    OutcomeUnknownError,
    RequestRefusedError,
    SalesforceError,
)
from salesforce_destination.mapping.audience_fields import counts_by_event
from salesforce_destination.outcome import SKIPPED, Outcome, OutcomeKind, Reason, Wait, deferred
from salesforce_destination.record.classification import UNKNOWN_CODE_TRIES, Meaning, RecordError, meaning_of
from salesforce_destination.record.guards import Guards, stale_guards
from salesforce_destination.record.successor import Move

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import Destination

_WAITS: Sequence[tuple[type[DestinationError], Wait]] = (
    (OutcomeUnknownError, Wait.UNKNOWN),
    (DailyLimitError, Wait.DAILY_LIMIT),
    (ConcurrentLimitError, Wait.BACKOFF),
    (RequestRefusedError, Wait.UNTIL_MENDED),
)

_FIRST_DECIDES = (
    Meaning.STALE,
    Meaning.REJECT,
    Meaning.GONE,
    Meaning.CONVERTED,
    Meaning.MISMATCH,
    Meaning.SPLIT,
    Meaning.RETRY,
    Meaning.UNKNOWN,
)
"""
Of several errors the one whose meaning stands first here decides: what is stale need not be valid, and what is certain
to be refused again is rejected even where another error might pass later.
"""

_MOVES = {Meaning.CONVERTED: Move.CONVERTED, Meaning.GONE: Move.MERGED}
_NO_SUCH_COLUMN = re.compile(r"No such column '([^']+)'")
_NOT_WRITABLE = re.compile(r"Unable to create/update fields: ([\w, ]+)")


@dataclass(slots=True)
class Decision:
    """
    What follows an answer: `outcome`, unless something is to be done first.

    `resend` is sent in place of what was refused, without `omitted` fields (refused) and `stale` ones (older than the
    org's). The org lacks `missing` fields: the rest is sent, and the messages wait. `move` is how the record went, to
    be looked up; where nothing is found, `outcome` holds. `is_whole` says that no event of
    several is to blame: all are refused.
    """

    outcome: Outcome
    resend: Attempt | None = None
    omitted: frozenset[str] = frozenset()
    stale: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    move: Move | None = None
    is_whole: bool = False

    def is_rejection(self) -> bool:
        """Whether the record is rejected, and nothing can be done first."""
        may_follow = self.resend or self.missing or self.move
        return not may_follow and self.outcome.kind is OutcomeKind.REJECTED


def outcome_of_failure(error: DestinationError, *, was_sent: bool) -> Outcome:
    """
    Defer what a failed request held, for as long as its kind of failure asks.

    A request that was never sent cannot be running: what was only waiting behind a failed one is tried again soon.
    """
    text = error.text if isinstance(error, SalesforceError) else ""
    for kind, wait in _WAITS:
        if isinstance(error, kind) and (was_sent or kind is not OutcomeUnknownError):
            return deferred(error.code, wait, text)
    return deferred(error.code, text=text)


class Refusals:
    """Decides what follows the refusal of a record, as one destination file wants it."""

    def __init__(self, destination: Destination) -> None:
        self.guards = Guards.of(destination)
        self._may_be_omitted = {m.target for m in destination.mappings if m.when_refused == "omit"}
        self._follows = destination.converted_leads == "contact" and destination.salesforce_object == "Lead"
        self._identity_field = destination.identity.target
        since_fields = {audience.since_field for audience in destination.audiences if audience.since_field}
        self._since_fields = since_fields if counts_by_event(destination) else set()

    def decide(
        self, attempt: Attempt, errors: Sequence[RecordError], receive_count: int, collection_size: int
    ) -> Decision:
        """Decide on one refused record of a collection of `collection_size` records."""
        meanings = [(self._meaning(error), error) for error in errors]
        meaning, error = min(meanings, key=lambda pair: _FIRST_DECIDES.index(pair[0]))
        outcome = _outcome(meaning, error, receive_count)
        match meaning:
            case Meaning.STALE:
                return self._without_stale(attempt, errors, outcome)
            case Meaning.REJECT:
                refused = [error for found, error in meanings if found is Meaning.REJECT]
                return self._without_refused(attempt, refused, outcome)
            case Meaning.GONE | Meaning.CONVERTED:
                is_unwanted = meaning is Meaning.GONE and attempt.record.updates_only
                is_followed = (meaning is Meaning.GONE or self._follows) and attempt.record.moved_to is None
                move = _MOVES[meaning] if is_followed else None
                return Decision(SKIPPED if is_unwanted else outcome, move=move, is_whole=True)
            case Meaning.MISMATCH:
                unwritable = _unwritable(error for found, error in meanings if found is Meaning.MISMATCH)
                return Decision(outcome, missing=_named_in(attempt, unwritable))
            case Meaning.SPLIT if collection_size > 1:
                return Decision(outcome, resend=attempt.among(collection_size // 2))
        return Decision(outcome)

    def alone(self, attempt: Attempt, errors: Sequence[RecordError]) -> Decision:
        """Decide on a record whose fields the org has: refused, but for a field that may be left out."""
        named = tuple(_named_in(attempt, _unwritable(errors)))
        refused = [replace(error, fields=named) for error in errors]
        return self._without_refused(attempt, refused, _outcome(Meaning.REJECT, errors[0], 1))

    def _meaning(self, error: RecordError) -> Meaning:
        races = error.code == "DUPLICATE_VALUE" and f"duplicate value found: {self._identity_field} " in error.text
        return Meaning.UNKNOWN if races else meaning_of(error)

    def _without_stale(self, attempt: Attempt, errors: Sequence[RecordError], outcome: Outcome) -> Decision:
        """
        Leave out what stands under the guards that refused.

        Where a consent decides too, the stored time may be that of an exit for want of it: a consent that came back
        later is tried once with its own time, which an older one does not survive.
        """
        guards = _named_in(attempt, stale_guards(errors))
        if not guards:
            return Decision(outcome)
        consents = (guards & self._since_fields) - attempt.retimed
        left_out = self.guards.with_guarded(guards - consents) & attempt.record.fields.keys()
        return Decision(outcome, resend=attempt.retimed_by_event(consents).without(left_out), stale=left_out)

    def _without_refused(self, attempt: Attempt, refused: Sequence[RecordError], outcome: Outcome) -> Decision:
        """Leave refused fields out where that is allowed, else reject."""
        record = attempt.record
        if all(error.fields and self._may_be_omitted.issuperset(error.fields) for error in refused):
            fields = frozenset(name for error in refused for name in error.fields) & record.fields.keys()
            if fields and fields != record.fields.keys():
                return Decision(outcome, resend=attempt.without(fields), omitted=fields)
        return Decision(outcome)


def _named_in(attempt: Attempt, names: Iterable[str]) -> frozenset[str]:
    """The fields of a record that an answer names, in whatever case of letters the org writes them."""
    folded = {name.lower() for name in names}
    return frozenset(name for name in attempt.record.fields if name.lower() in folded)


def _outcome(meaning: Meaning, error: RecordError, receive_count: int) -> Outcome:
    reason = Reason(error.code, error.text, error.fields)
    if meaning is Meaning.MISMATCH:
        return Outcome(OutcomeKind.DEFERRED, reason, Wait.UNTIL_MENDED)
    may_pass = meaning is Meaning.UNKNOWN and receive_count <= UNKNOWN_CODE_TRIES
    return Outcome(OutcomeKind.DEFERRED if meaning is Meaning.RETRY or may_pass else OutcomeKind.REJECTED, reason)


def _unwritable(errors: Iterable[RecordError]) -> Iterable[str]:
    for error in errors:
        yield from error.fields
        yield from _NO_SUCH_COLUMN.findall(error.text)
        for listed in _NOT_WRITABLE.findall(error.text):
            yield from (name.strip() for name in listed.split(","))
