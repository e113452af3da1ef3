"""
From data points to the state of an alarm: M of N, and what is done about missing ones.

As documented in "Configuring how CloudWatch alarms treat missing data": CloudWatch fetches more periods than it needs,
takes the newest values that there are, fills up with the treatment only as far as it must, and takes an old lone
breach as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum


class State(StrEnum):
    """What an alarm can be."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Treatment(StrEnum):
    """What a missing data point counts as."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


def state_of(
    breaches: Sequence[bool | None], periods: int, to_alarm: int, treatment: Treatment, current: State
) -> State:
    """The state after this evaluation range, the oldest first; None is a missing data point."""
    real = [breach for breach in breaches if breach is not None][-periods:]
    to_fill = periods - len(real)
    if not to_fill or treatment in (Treatment.BREACHING, Treatment.NOT_BREACHING):
        filled = to_fill if treatment is Treatment.BREACHING else 0
        return State.ALARM if sum(real) + filled >= to_alarm else State.OK
    if sum(real) >= to_alarm:
        return State.ALARM
    if False in real:
        return State.OK
    if treatment is Treatment.IGNORE:
        return current
    return State.ALARM if real and _age_of_oldest(breaches) >= to_alarm else State.INSUFFICIENT_DATA


def _age_of_oldest(breaches: Sequence[bool | None]) -> int:
    """How many periods ago the oldest breach was; 1 is the newest."""
    return len(breaches) - breaches.index(True)
