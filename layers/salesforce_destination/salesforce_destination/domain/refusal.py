"""From an error to what follows: what becomes of the profiles behind a refused record, or behind a failed request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .classification import UNKNOWN_CODE_TRIES, RecordError, Verdict, verdict_on
from .destination import Destination
from .errors import (
    ConcurrentLimitError,
    DailyLimitError,
    DestinationError,
    OutcomeUnknownError,
    RequestRefusedError,
)
from .outcome import Fate, Outcome, Reason, Wait, deferred
from .record import Record
from .successor import Move

_WAITS: Sequence[tuple[type[DestinationError], Wait]] = (
    (OutcomeUnknownError, Wait.UNKNOWN),
    (DailyLimitError, Wait.DAILY_LIMIT),
    (ConcurrentLimitError, Wait.BACKOFF),
    (RequestRefusedError, Wait.MISFIT),
)

_GRAVEST_LAST = (Verdict.RETRY, Verdict.UNKNOWN, Verdict.MISFIT, Verdict.CONVERTED, Verdict.GONE, Verdict.REJECT)
_MOVES = {Verdict.CONVERTED: Move.CONVERTED, Verdict.GONE: Move.MERGED}


@dataclass(frozen=True, slots=True)
class LeaveOut:
    """Send the record again without these fields."""

    fields: frozenset[str]


@dataclass(frozen=True, slots=True)
class LookUp:
    """Find out where the record went. Where nothing is found, this is its fate."""

    move: Move
    fate: Fate


Decision = Fate | LeaveOut | LookUp


def fate_of_failure(error: DestinationError, *, was_sent: bool) -> Fate:
    """
    Defer what a failed request held, for as long as its kind of failure asks.

    A request that was never sent cannot be running: what was only waiting behind a failed one is tried again soon.
    """
    for kind, wait in _WAITS:
        if isinstance(error, kind) and (was_sent or kind is not OutcomeUnknownError):
            return deferred(error.code, wait)
    return deferred(error.code)


class Judge:
    """Decides on refused records, as one destination file wants it."""

    def __init__(self, destination: Destination) -> None:
        mappings = destination.mappings
        self._may_be_omitted = {mapping.target for mapping in mappings if mapping.when_refused == "omit"}
        self._follows = destination.converted_leads == "contact" and destination.salesforce_object == "Lead"

    def decide(self, record: Record, errors: Sequence[RecordError], receive_count: int) -> Decision:
        """
        Decide by the gravest of a record's errors.

        What is certain to be refused again is rejected even where another error might pass later. A code that nobody
        has described gets a few deliveries first.
        """
        verdicts = [(verdict_on(error), error) for error in errors]
        refused = [error for verdict, error in verdicts if verdict is Verdict.REJECT]
        if refused and (fields := self._omitted(record, refused)):
            return LeaveOut(fields)
        verdict, error = max(verdicts, key=lambda pair: _GRAVEST_LAST.index(pair[0]))
        fate = _fate(verdict, error, receive_count)
        if verdict in _MOVES and record.moved_to is None and (verdict is Verdict.GONE or self._follows):
            return LookUp(_MOVES[verdict], fate)
        return fate

    def _omitted(self, record: Record, refused: Sequence[RecordError]) -> frozenset[str]:
        """The refused fields, if all of them may be omitted and something is left to write."""
        if not all(error.fields and self._may_be_omitted.issuperset(error.fields) for error in refused):
            return frozenset()
        fields = frozenset(name for error in refused for name in error.fields) & record.fields.keys()
        return fields if fields != record.fields.keys() else frozenset()


def _fate(verdict: Verdict, error: RecordError, receive_count: int) -> Fate:
    reason = Reason(error.code, error.text, error.fields)
    if verdict in (Verdict.RETRY, Verdict.MISFIT) or (
        verdict is Verdict.UNKNOWN and receive_count <= UNKNOWN_CODE_TRIES
    ):
        return Fate(Outcome.DEFERRED, reason, Wait.MISFIT if verdict is Verdict.MISFIT else Wait.BACKOFF)
    return Fate(Outcome.REJECTED, reason)
