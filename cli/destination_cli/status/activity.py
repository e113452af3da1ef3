"""What a stack has done in the last hour and day, by its own metrics."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

HOUR_MS, DAY_MS = 3_600_000, 86_400_000

STATUSES = "StatusesWritten"
AGE = "OldestMessageAge"

COUNTED = (
    "ProfilesReceived",
    "RecordsDelivered",
    "RecordsSuperseded",
    "ProfilesSkipped",
    "MessagesDeferred",
    "MessagesRejected",
    "TokenRefreshed",
    "TokenRefreshFailed",
)
"""The metrics that are shown, in this order."""

MISMATCH, CONNECTION = "SchemaMismatch", "ConnectionProblems"

LAST_IS_GOOD_FOR_MS = {MISMATCH: HOUR_MS, CONNECTION: DAY_MS}
"""
The metrics of which the last value is shown, and how old it may be.

A mismatch is reported whenever one of its messages comes back, every 30 min at the latest, never as none: an hour of
silence is its end. The connection is checked by a schedule, which reports none too.
"""

AGE_IS_GOOD_FOR_MS = 900_000
"""How old a report of the oldest message's age may be: a batch every minute is usual, and a pause of five not rare."""


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a metric; `mapping_id` is that of StatusesWritten."""

    name: str
    at: int
    value: float
    mapping_id: str = ""


@dataclass(slots=True)
class Activity:
    """Counts by metric, statuses by Mapping ID, the age of the oldest message received lately, and last values."""

    hour: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))
    day: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))
    statuses: dict[str, int] = field(default_factory=dict)
    oldest_received_seconds: float | None = None
    last: dict[str, Point] = field(default_factory=dict)

    def last_value(self, name: str) -> int | None:
        """The last value of one of LAST_IS_GOOD_FOR_MS; None where there was none lately."""
        return round(self.last[name].value) if name in self.last else None


def activity_of(points: Iterable[Point], now_ms: int) -> Activity:
    """Add up what happened up to now. Points older than a day do not count."""
    activity = Activity()
    newest = now_ms - AGE_IS_GOOD_FOR_MS
    for point in points:
        if point.name == AGE:
            if point.at >= newest:
                newest, activity.oldest_received_seconds = point.at, point.value
        elif point.name in LAST_IS_GOOD_FOR_MS:
            _keep_last(activity, point, now_ms)
        elif point.at > now_ms - DAY_MS:
            _count(activity, point, now_ms)
    return activity


def _keep_last(activity: Activity, point: Point, now_ms: int) -> None:
    last = activity.last.get(point.name)
    if point.at > now_ms - LAST_IS_GOOD_FOR_MS[point.name] and (last is None or point.at >= last.at):
        activity.last[point.name] = point


def _count(activity: Activity, point: Point, now_ms: int) -> None:
    if point.name == STATUSES:
        activity.statuses[point.mapping_id] = activity.statuses.get(point.mapping_id, 0) + round(point.value)
    elif point.name in COUNTED:
        activity.day[point.name] += round(point.value)
        activity.hour[point.name] += round(point.value) if point.at > now_ms - HOUR_MS else 0
