"""Dates and times as Salesforce reads and writes them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
DATETIME = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.\d{1,3})?(Z|[+-]\d{2}:?\d{2})\Z")
TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,3})?Z?\Z")
Moment = TypeVar("Moment", date, datetime)
# Salesforce stores the years 1700 to 4000.
FIRST_YEAR, LAST_YEAR = 1700, 4000


def read_date(value: object) -> str:
    """A calendar date without time or offset; ValueError when it is none."""
    if not isinstance(value, str) or not DATE.match(value):
        raise ValueError("date")
    return checked(date.fromisoformat(value)).isoformat()


def read_datetime(value: object) -> str:
    """A time with its offset, as the text Salesforce gives back: in UTC, whole seconds. ValueError when it is none."""
    match = DATETIME.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("datetime")
    local = datetime.fromisoformat(match[1])
    return written(checked(local - offset(match[2])))


def read_time(value: object) -> str:
    """A time of day; ValueError when it is none."""
    if not isinstance(value, str) or not TIME.match(value):
        raise ValueError("time")
    return value if value.endswith("Z") else value + "Z"


def offset(text: str) -> timedelta:
    """The distance from UTC that `Z`, `+0200` or `+02:00` means."""
    if text == "Z":
        return timedelta(0)
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return timedelta(minutes=-minutes if text[0] == "-" else minutes)


def checked(moment: Moment) -> Moment:
    """The same moment, if its year can be stored."""
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError("year")
    return moment


def written(moment: datetime) -> str:
    """A time as Salesforce answers with it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000+0000"


def from_epoch(seconds: float) -> str:
    """The time of a clock as Salesforce answers with it."""
    return written(datetime.fromtimestamp(seconds, UTC))
