"""Which Salesforce fields a profile's memberships go to, and with which values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .audience import Membership, Status, find_membership, names_of, read_membership
from .destination import Audience, Destination
from .event_time import to_salesforce
from .profile import Profile

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
        memberships = profile.get("segmentMembership")
        for target in self._single:
            membership = target.membership_in(memberships)
            if membership is not None:
                target.write(fields, times, membership, event_time)
        for field, targets in self._named.items():
            fields[field] = names_of({target.name: target.is_member(memberships) for target in targets})

    def exits_into(self, fields: dict[str, Json], times: dict[str, int], profile: Profile, event_time: int) -> bool:
        """
        Add an exit for every mapped audience that the profile mentions; tell whether there was one.

        The exit happens with the event that takes the consent away, not when the person once qualified.
        """
        memberships = profile.get("segmentMembership")
        left = list(self._mentioned(memberships))
        for target in left:
            if target.audience.value == "names":
                fields[target.audience.mapping_id] = None
            else:
                target.write(fields, times, Membership(Status.EXITED, event_time), event_time)
        return bool(left)

    def _mentioned(self, memberships: Json) -> Iterator[_Target]:
        for target in [*self._single, *(target for targets in self._named.values() for target in targets)]:
            if target.found_in(memberships) is not None:
                yield target


class _Target:
    def __init__(self, audience: Audience, by_event: bool) -> None:
        self.audience, self._by_event = audience, by_event
        self.name = audience.name or audience.id
        self._namespace = audience.namespace.casefold() if audience.namespace else None

    def found_in(self, memberships: Json) -> Json | None:
        return find_membership(memberships, self.audience.id, self._namespace)

    def membership_in(self, memberships: Json) -> Membership | None:
        found = self.found_in(memberships)
        return None if found is None else read_membership(found, self.name)

    def is_member(self, memberships: Json) -> bool:
        membership = self.membership_in(memberships)
        return membership is not None and membership.status is not Status.EXITED

    def write(self, fields: dict[str, Json], times: dict[str, int], membership: Membership, event_time: int) -> None:
        since = membership.since or event_time
        fields[self.audience.mapping_id] = self._value(membership, since)
        if self.audience.since_field:
            fields[self.audience.since_field] = to_salesforce(since)
        if self.audience.since_field and not self._by_event:
            times[self.audience.mapping_id] = times[self.audience.since_field] = since

    def _value(self, membership: Membership, since: int) -> Json:
        is_member = membership.status is not Status.EXITED
        match self.audience.value:
            case "boolean":
                return is_member
            case "timestamp":
                return to_salesforce(since) if is_member else None
            case _:
                existing = membership.status is Status.EXISTING
                return self.audience.existing_as if existing else membership.status.value
