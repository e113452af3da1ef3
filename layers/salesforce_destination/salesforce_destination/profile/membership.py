"""Audience memberships: what a profile says. A message may hold only those that changed: what is absent is no exit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import partial
from typing import Any

from salesforce_destination.outcome import ProfileRefusedError, Reason
from salesforce_destination.profile.event_time import EventTimeError, check_event_time, parse_moment

Json = Any


class Status(StrEnum):
    """A membership's status, in Adobe Experience Platform's words (`existing` comes from older exports)."""

    REALIZED = "realized"
    EXISTING = "existing"
    EXITED = "exited"


_KNOWN = {status.value: status for status in Status}


def lookup_in(memberships: Json, namespace: str | None) -> Callable[[str], Json | None]:
    """What finds an audience's membership by its id in a segmentMembership map, as far as it is one.

    The map may spell the (folded) namespace in either case. Without one the latest of several memberships wins.
    """
    found: list[dict[str, Json]] = []
    if type(memberships) is dict:
        if len(memberships) == 1 and type(only := memberships.get(namespace)) is dict:
            return only.get
        for name, inner in memberships.items():
            if type(inner) is dict and (namespace is None or name.casefold() == namespace):
                found.append(inner)
    return found[0].get if len(found) == 1 else partial(_latest, found)


def read_status(found: Json, audience: str) -> Status:
    """Read a membership's status; an unknown one refuses the profile and is named."""
    status = found.get("status") if isinstance(found, dict) else None
    known = (_KNOWN.get(status) or _KNOWN.get(status.strip().lower())) if isinstance(status, str) else None
    if known is None:
        shown = repr(status[:40]) if isinstance(status, str) else "no text"
        text = f"The status of audience {audience} is {shown}, not realized, existing or exited."
        raise ProfileRefusedError(Reason("STATUS_UNKNOWN", text))
    return known


def read_since(found: Json, audience: str, sent_at: int) -> tuple[int, str] | None:
    """Read a membership's lastQualificationTime, in ms and as Salesforce takes it; one that cannot be is refused."""
    try:
        if (moment := _since(found)) is not None and moment[0] > sent_at:
            check_event_time(moment[0], sent_at)
        return moment
    except EventTimeError as error:
        text = f"lastQualificationTime of audience {audience} {error}."
        raise ProfileRefusedError(Reason("QUALIFICATION_TIME_INVALID", text)) from None


def names_of(members: Mapping[str, bool]) -> str | None:
    """Join the names of the audiences that a profile is in, as multi-select picklists take them; None clears."""
    return ";".join(name for name, is_member in members.items() if is_member) or None


def _latest(inners: list[dict[str, Json]], audience_id: str) -> Json | None:
    found = (inner.get(audience_id) for inner in inners)
    return max((one for one in found if one is not None), key=_time_of, default=None)


def _since(found: dict[str, Json]) -> tuple[int, str] | None:
    if (value := found.get("lastQualificationTime")) is None:
        value = None if "lastQualificationTime" in found else found.get("timestamp")
    return None if value is None else parse_moment(value)


def _time_of(found: Json) -> int:
    try:
        moment = _since(found) if isinstance(found, dict) else None
    except EventTimeError:
        return 0
    return moment[0] if moment else 0
