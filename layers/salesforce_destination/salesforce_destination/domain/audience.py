"""
Audience memberships: what a profile says, and the value that its Salesforce field takes.

A message may hold only the memberships that changed, so an absent audience is never an exit (but for `names`, which
demands messages that hold them all).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .event_time import EARLIEST_MS, LATEST_MS, EventTimeError, parse_time
from .outcome import ProfileRefusedError, Reason

Json = Any


class Status(StrEnum):
    """A membership's status, in Adobe Experience Platform's words (`existing` comes from older exports)."""

    REALIZED = "realized"
    EXISTING = "existing"
    EXITED = "exited"


@dataclass(frozen=True, slots=True)
class Membership:
    """One profile's membership of one audience; `since` is its lastQualificationTime in ms, or None."""

    status: Status
    since: int | None


def find_membership(memberships: Json, audience_id: str, namespace: str | None) -> Json | None:
    """
    Find an audience's membership in a segmentMembership map, as it came.

    Without a namespace every one is looked through, and the latest of several wins; with one, its spelling may be in
    either case.
    """
    if not isinstance(memberships, dict):
        return None
    found = [
        inner[audience_id]
        for name, inner in memberships.items()
        if (namespace is None or name.casefold() == namespace) and isinstance(inner, dict) and audience_id in inner
    ]
    return max(found, key=_time_of) if len(found) > 1 else found[0] if found else None


def read_membership(found: Json, audience: str) -> Membership:
    """Read a membership; an unknown status or an unreadable time refuses the profile and is named."""
    status = found.get("status") if isinstance(found, dict) else None
    try:
        known = Status(status.strip().lower()) if isinstance(status, str) else None
    except ValueError:
        known = None
    if known is None:
        shown = repr(status[:40]) if isinstance(status, str) else "no text"
        text = f"The status of audience {audience} is {shown}, not realized, existing or exited."
        raise ProfileRefusedError(Reason("STATUS_UNKNOWN", text))
    try:
        return Membership(known, _since(found))
    except EventTimeError as error:
        text = f"lastQualificationTime of audience {audience} {error}."
        raise ProfileRefusedError(Reason("QUALIFICATION_TIME_INVALID", text)) from None


def names_of(members: Mapping[str, bool]) -> str | None:
    """Join the names of the audiences that a profile is in, as multi-select picklists take them; None clears."""
    return ";".join(name for name, is_member in members.items() if is_member) or None


def _since(found: dict[str, Json]) -> int | None:
    value = found.get("lastQualificationTime", found.get("timestamp"))
    if value is None:
        return None
    since = parse_time(value)
    if not EARLIEST_MS <= since < LATEST_MS:
        raise EventTimeError("is outside 2001 to 2286")
    return since


def _time_of(found: Json) -> int:
    try:
        return (_since(found) if isinstance(found, dict) else None) or 0
    except EventTimeError:
        return 0
