"""From an error to a fate: what becomes of the profiles behind a refused record, or behind a failed request."""

from __future__ import annotations

from collections.abc import Sequence

from .classification import UNKNOWN_CODE_TRIES, RecordError, Verdict, verdict_on
from .errors import (
    ConcurrentLimitError,
    DailyLimitError,
    DestinationError,
    OutcomeUnknownError,
    RequestRefusedError,
)
from .outcome import Fate, Outcome, Reason, Wait, deferred

_WAITS: Sequence[tuple[type[DestinationError], Wait]] = (
    (OutcomeUnknownError, Wait.UNKNOWN),
    (DailyLimitError, Wait.DAILY_LIMIT),
    (ConcurrentLimitError, Wait.BACKOFF),
    (RequestRefusedError, Wait.MISFIT),
)

_GRAVEST_LAST = (Verdict.RETRY, Verdict.UNKNOWN, Verdict.MISFIT, Verdict.REJECT)


def fate_of_failure(error: DestinationError, *, was_sent: bool) -> Fate:
    """
    Defer what a failed request held, for as long as its kind of failure asks.

    A request that was never sent cannot be running: what was only waiting behind a failed one is tried again soon.
    """
    for kind, wait in _WAITS:
        if isinstance(error, kind) and (was_sent or kind is not OutcomeUnknownError):
            return deferred(error.code, wait)
    return deferred(error.code)


def fate_of_record(errors: Sequence[RecordError], receive_count: int) -> Fate:
    """
    Decide on a refused record by the gravest of its errors.

    What is certain to be refused again is rejected even where another error might pass later. A code that nobody has
    described gets a few deliveries first.
    """
    verdict, error = max(
        ((verdict_on(error), error) for error in errors), key=lambda pair: _GRAVEST_LAST.index(pair[0])
    )
    reason = Reason(error.code, error.text, error.fields)
    if verdict is Verdict.REJECT or (verdict is Verdict.UNKNOWN and receive_count > UNKNOWN_CODE_TRIES):
        return Fate(Outcome.REJECTED, reason)
    return Fate(Outcome.DEFERRED, reason, Wait.MISFIT if verdict is Verdict.MISFIT else Wait.BACKOFF)
