"""
Telling one bad record from a bad day: where half of a batch is refused for one reason, it is not the records.

A broken trigger, a new validation rule or the wrong org refuse everything with the same words. Rejecting all of it
would fill the dead-letter queue with what is in order.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from salesforce_destination.outcome import Outcome, OutcomeKind, Reason, Wait

FROM_RECORDS = 20
"""Among fewer records half of them may well be bad ones."""

NOT_COMMON = frozenset({"CANNOT_UPDATE_CONVERTED_LEAD"})
"""Codes that say something of each record for itself, however many there are."""

_PARTICULARS = re.compile(r"\b[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?\b|\d+")


def common_cause(outcomes: Sequence[Outcome], records: int) -> frozenset[tuple[str, str]]:
    """The reasons, as code and text, for which at least half of a batch of records was refused."""
    if records < FROM_RECORDS:
        return frozenset()
    reasons = Counter(
        _reason(outcome) for outcome in outcomes if outcome.reason and outcome.reason.code not in NOT_COMMON
    )
    return frozenset(reason for reason, count in reasons.items() if count * 2 >= records)


def not_the_records(outcome: Outcome, causes: frozenset[tuple[str, str]]) -> Outcome:
    """The outcome of a record that was rejected for such a cause: it waits for a person to mend that."""
    return (
        Outcome(OutcomeKind.DEFERRED, outcome.reason, Wait.UNTIL_MENDED)
        if outcome.reason and _reason(outcome) in causes
        else outcome
    )


def _reason(outcome: Outcome) -> tuple[str, str]:
    reason = outcome.reason or Reason("")
    return reason.code, _PARTICULARS.sub("#", reason.text)
