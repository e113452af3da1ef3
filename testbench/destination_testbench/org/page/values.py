"""Values as people read them: statuses as chips, times as words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from destination_testbench.org.schema.schema import Field
from destination_testbench.org.values.moments import read_datetime

STATUSES = {"realized", "existing", "exited"}
LONGEST = 300
# Event times: milliseconds since 1970, of the years 2001 to 2286.
FIRST_MS, LAST_MS = 10**12, 10**13


@dataclass(frozen=True, slots=True)
class Chip:
    """A short value with a look of its own. `look` is a status, yes, no, name or warning."""

    text: str
    look: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time: as programs write it, and as people do."""

    iso: str
    text: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A value: chips, a time, or else a text. Nothing at all where there is none."""

    chips: tuple[Chip, ...] = ()
    moment: Moment | None = None
    text: str = ""

    def __bool__(self) -> bool:
        return bool(self.chips or self.moment or self.text)


def moment_of(seconds: float, now: float) -> Moment:
    """A point in time: its hour alone on the day of `now`, its day alone once it is a week ago, a year if another."""
    when, today = (datetime.fromtimestamp(moment, UTC) for moment in (seconds, now))
    day = f"{when.day} {when:%b}" + (f" {when.year}" if when.year != today.year else "")
    if when.date() == today.date():
        text = f"{when:%H:%M:%S}"
    else:
        text = f"{day}, {when:%H:%M}" if abs(today - when) < timedelta(days=7) else day
    return Moment(f"{when:%Y-%m-%dT%H:%M:%SZ}", text)


def shown(field: Field | None, value: object, now: float) -> Shown:
    """A value of a field; without a field, as far as the value itself tells."""
    if value is None or value == "":
        return Shown()
    if isinstance(value, bool):
        return Shown((Chip("yes", "yes") if value else Chip("no", "no"),))
    if isinstance(value, (int, float)):
        return shown_number(value, now)
    text = str(value)
    if field and field.type == "datetime":
        return Shown(moment=moment_of(datetime.fromisoformat(read_datetime(text)).timestamp(), now))
    if text.lower() in STATUSES:
        return Shown((Chip(text, text.lower()),))
    if field and field.type in ("picklist", "multipicklist"):
        return Shown(tuple(Chip(part, "name") for part in text.split(";")))
    return Shown(text=text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text):,} characters)")


def shown_number(value: float, now: float) -> Shown:
    """A number, with its time where it is an event's."""
    text = f"{int(value)}" if float(value).is_integer() else f"{value}"
    return Shown(moment=moment_of(value / 1000, now) if FIRST_MS <= value < LAST_MS else None, text=text)
