"""Which Salesforce fields a profile's memberships go to, and with which values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from salesforce_destination.profile.event_time import to_salesforce
from salesforce_destination.profile.membership import (
    Namespaces,
    Status,
    find_membership,
    names_of,
    namespaces_of,
    read_since,
    read_status,
)
from salesforce_destination.profile.profile import Profile

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import Audience, Destination

Json = Any


def counts_by_event(destination: Destination) -> bool:
    """
    Whether a status can change with a consent, and not only when the person qualifies or leaves.

    Among messages the event's time counts then: by the time at which the person once qualified, an exit for want of
    consent would stand against a consent that came back.
    """
    return destination.profiles.only_if is not None and destination.profiles.when_skipped == "exit"


class AudienceFields:
    """The mapped audiences of a destination file. An audience that is not mapped is ignored, never an error."""

    def __init__(self, destination: Destination) -> None:
        by_event = counts_by_event(destination)
        self._single = [_Target(audience, by_event) for audience in destination.audiences if audience.value != "names"]
        self._named: dict[str, list[_Target]] = {}
        for audience in destination.audiences:
            if audience.value == "names":
                self._named.setdefault(audience.mapping_id, []).append(_Target(audience, by_event))

    def read_into(self, fields: dict[str, Json], times: dict[str, int], profile: Profile, event_time: int) -> None:
        """Add the value of every mapped audience that the profile mentions, and of every field of names."""
        namespaces = namespaces_of(profile.get("segmentMembership"))
        for target in self._single:
            found = find_membership(namespaces, target.audience_id, target.namespace)
            if found is not None:
                target.read_into(fields, times, found, event_time)
        for field, targets in self._named.items():
            fields[field] = names_of({target.name: target.is_member(namespaces) for target in targets})

    def exits_into(self, fields: dict[str, Json], times: dict[str, int], profile: Profile, event_time: int) -> bool:
        """
        Add an exit for every mapped audience that the profile mentions; tell whether there was one.

        The exit happens with the event that takes the consent away, not when the person once qualified.
        """
        left = list(self._mentioned(namespaces_of(profile.get("segmentMembership"))))
        for target in left:
            if target.audience.value == "names":
                fields[target.audience.mapping_id] = None
            else:
                target.write(fields, times, Status.EXITED, event_time)
        return bool(left)

    def _mentioned(self, namespaces: Namespaces) -> Iterator[_Target]:
        for target in [*self._single, *(target for targets in self._named.values() for target in targets)]:
            if target.found_in(namespaces) is not None:
                yield target


class _Target:
    def __init__(self, audience: Audience, by_event: bool) -> None:
        self.audience, self._by_event = audience, by_event
        self.name = audience.name or audience.id
        self.audience_id, self.namespace = audience.id, audience.namespace.casefold() if audience.namespace else None
        self._mapping_id = audience.mapping_id
        self._is_timed = bool(audience.since_field) or audience.value == "timestamp"
        self._value_of: dict[str, Json] = {status.value: _value_of(status, audience) for status in Status}

    def found_in(self, namespaces: Namespaces) -> Json | None:
        return find_membership(namespaces, self.audience_id, self.namespace)

    def is_member(self, namespaces: Namespaces) -> bool:
        found = self.found_in(namespaces)
        return found is not None and read_status(found, self.name) is not Status.EXITED

    def read_into(self, fields: dict[str, Json], times: dict[str, int], found: Json, event_time: int) -> None:
        """Write what a membership says; its time is read only where a field of the org holds it."""
        if self._is_timed:
            status = read_status(found, self.name)
            self.write(fields, times, status, read_since(found, self.name) or event_time)
            return
        try:
            fields[self._mapping_id] = self._value_of[found["status"]]
        except (KeyError, TypeError):
            fields[self._mapping_id] = self._value_of[read_status(found, self.name).value]

    def write(self, fields: dict[str, Json], times: dict[str, int], status: Status, since: int) -> None:
        audience, written = self.audience, to_salesforce(since)
        is_time = audience.value == "timestamp" and status is not Status.EXITED
        fields[audience.mapping_id] = written if is_time else self._value_of[status.value]
        if audience.since_field:
            fields[audience.since_field] = written
            if not self._by_event:
                times[audience.mapping_id] = times[audience.since_field] = since


def _value_of(status: Status, audience: Audience) -> Json:
    """What a field takes for a status; a time that is not cleared is worked out for each membership."""
    if audience.value == "boolean":
        return status is not Status.EXITED
    if audience.value == "timestamp":
        return None
    return audience.existing_as if status is Status.EXISTING else status.value
