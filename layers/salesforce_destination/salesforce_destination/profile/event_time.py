"""
When an event happened, in epoch milliseconds, from the many ways in which it is written.

A wrong time is worse than none: a time in the future, once written, makes every later event look stale. So a time that
cannot be is an error of its message, never corrected in silence.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from math import isfinite
from typing import Any

EARLIEST_MS, LATEST_MS = 10**12, 10**13
"""2001 to 2286: a time outside was given in seconds or microseconds, or is no time at all."""

CLOCK_SKEW_MS = 300_000
"""How far a producer's clock may be ahead of the time at which SQS took the message."""

_DIGITS = re.compile(r"[0-9]{1,20}")


class EventTimeError(ValueError):
    """The time cannot be that of an event. The message says how it should be written, never what was found."""


def parse_time(value: Any) -> int:
    """
    Read an ISO 8601 time or a number of milliseconds since 1970.

    Accepts `2022-01-11T21:24:39Z`, `+0000`, `.000+0000` and `+00:00`; a time without an offset is taken as UTC, as
    Adobe Experience Platform means it.
    """
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not isfinite(value):
            raise EventTimeError("is not a number that JSON allows")
        return int(value)
    if not isinstance(value, str):
        raise EventTimeError("is neither text nor a number; write it like 2022-01-11T21:24:39Z")
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        raise EventTimeError("is not a time; write it like 2022-01-11T21:24:39Z") from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    # In whole seconds a float is exact.
    return int(aware.replace(microsecond=0).timestamp()) * 1000 + aware.microsecond // 1000


def check_event_time(event_time: int, sent_at: int) -> int:
    """Give the time back if it can be that of an event in a message sent at `sent_at` (both in ms)."""
    if not EARLIEST_MS <= event_time < LATEST_MS:
        raise EventTimeError("is outside 2001 to 2286; give milliseconds since 1970 or an ISO 8601 time")
    if event_time > sent_at + CLOCK_SKEW_MS:
        raise EventTimeError("is more than 5 minutes after the message was sent; correct the sender's clock")
    return event_time


def to_salesforce(event_time: int) -> str:
    """Write the time as Salesforce's Date/Time fields take it: UTC, in whole seconds, all that they store."""
    return datetime.fromtimestamp(event_time // 1000, UTC).isoformat()[:19] + "Z"
