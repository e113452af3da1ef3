"""When an event happened, in epoch milliseconds, from the many ways in which it is written.

A time in the future, once written, makes every later event look stale: one that cannot be is an error of its message.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import isfinite
from typing import Any

EARLIEST_MS, LATEST_MS = 10**12, 10**13  # 2001 to 2286: another was given in seconds or microseconds, or is none
CLOCK_SKEW_MS = 300_000  # how far a producer's clock may be ahead of the time at which SQS took the message

_EPOCH = datetime(1970, 1, 1)
_EPOCH_IN_UTC = _EPOCH.replace(tzinfo=UTC)


class EventTimeError(ValueError):
    """The time cannot be that of an event. The message says how it should be written, never what was found."""


def parse_time(value: Any) -> int:
    """Read an ISO 8601 time, in UTC where it has no offset (as Adobe means it), or milliseconds since 1970."""
    if type(value) is str:
        return _moment(value)[0]
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not isfinite(value):
            raise EventTimeError("is not a number that JSON allows")
        return int(value)
    raise EventTimeError("is neither text nor a number; write it like 2022-01-11T21:24:39Z")


def is_in_ms(text: str) -> bool:
    """Whether a text is a number of milliseconds, though perhaps no time of an event."""
    return text.isascii() and text.isdigit() and len(text) <= 20


@lru_cache(4096)
def _moment(text: str) -> tuple[int, str]:
    text = text.strip()
    if is_in_ms(text):
        return int(text), ""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise EventTimeError("is not a time; write it like 2022-01-11T21:24:39Z") from None
    since = moment - (_EPOCH_IN_UTC if moment.tzinfo else _EPOCH)
    # Newer Pythons take 24:00 for the next day's beginning.
    is_so = len(text) == 20 and text[4] + text[7] + text[10] + text[13] + text[19] == "--T:Z" and text[11:13] != "24"
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000, text if is_so else ""


def parse_moment(value: Any) -> tuple[int, str]:
    """Read a time as `parse_time` does, and say how Salesforce takes it; one outside 2001 to 2286 cannot be."""
    since, written = _moment(value) if type(value) is str else (parse_time(value), "")
    if not EARLIEST_MS <= since < LATEST_MS:
        raise EventTimeError("is outside 2001 to 2286")
    return since, written or to_salesforce(since)


def check_event_time(event_time: int, sent_at: int) -> int:
    """Give the time back if it can be that of an event in a message sent at `sent_at` (both in ms)."""
    if not EARLIEST_MS <= event_time < LATEST_MS:
        raise EventTimeError("is outside 2001 to 2286; give milliseconds since 1970 or an ISO 8601 time")
    if event_time > sent_at + CLOCK_SKEW_MS:
        raise EventTimeError("is more than 5 minutes after the message was sent; correct the sender's clock")
    return event_time


@lru_cache(4096)
def to_salesforce(event_time: int) -> str:
    """Write the time as Salesforce's Date/Time fields take it: UTC, in whole seconds, all that they store."""
    return f"{(_EPOCH + timedelta(seconds=event_time // 1000)).isoformat()}Z"
