"""Which Salesforce fields a profile's memberships go to, and with which values."""

from __future__ import annotations

from itertools import chain, groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from salesforce_destination.profile.event_time import to_salesforce
from salesforce_destination.profile.membership import Status, lookup_in, names_of, read_since, read_status
from salesforce_destination.profile.profile import Profile
from salesforce_destination.profile.source import ABSENT, Source

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import Audience, Destination

Json = Any

_TIME = object()
"""Stands for the time of a membership, which is worked out for each."""


def counts_by_event(destination: Destination) -> bool:
    """Whether a status can change with a consent, and not only when the person qualifies or leaves.

    Among messages the event's time counts then: by the time at which the person once qualified, an exit for want of
    consent would stand against a consent that came back.
    """
    return destination.profiles.only_if is not None and destination.profiles.when_skipped == "exit"


class AudienceFields:
    """The mapped audiences of a destination file. An audience that is not mapped is ignored, never an error."""

    def __init__(self, destination: Destination) -> None:
        by_event = counts_by_event(destination)
        everybody = [_Target(audience, by_event) for audience in destination.audiences]
        targets = [target for target in everybody if target.mapping_id]
        single = [target for target in targets if target.audience.value != "names"]
        self._single = [(namespace, list(run)) for namespace, run in groupby(single, attrgetter("namespace"))]
        self.named: dict[str, list[_Target]] = {}
        for target in targets:
            if target.audience.value == "names":
                self.named.setdefault(target.mapping_id, []).append(target)
        self._all = [*single, *chain.from_iterable(self.named.values())]
        self.sought: dict[str, Source] = {target.label: target.membership_in for target in everybody}
        self.exits = {each.mapping_id: (*[each.mapping_id] * 2, each.value_of["exited"]) for each in single}
        self.exits |= {field: (field, field, None) for field in self.named}

    def read_into(
        self, fields: dict[str, Json], times: dict[str, int], profile: Profile, event_time: int, sent_at: int
    ) -> None:
        """Add the value of every mapped audience that the profile mentions, and of every field of names."""
        memberships = profile.get("segmentMembership")
        for namespace, targets in self._single:
            find = lookup_in(memberships, namespace)
            for target in targets:
                found = find(target.audience_id)
                if found is None:
                    continue
                try:
                    value = target.value_of[found["status"]]
                except (KeyError, TypeError):
                    value = target.value_of[read_status(found, target.name).value]
                if target.is_timed:
                    since, written = read_since(found, target.name, sent_at) or (event_time, to_salesforce(event_time))
                    target.write(fields, times, value, since, written)
                else:
                    fields[target.mapping_id] = value
        for field, targets in self.named.items():
            fields[field] = names_of({target.name: target.is_member(memberships) for target in targets})

    def exits_into(self, fields: dict[str, Json], times: dict[str, int], profile: Profile, event_time: int) -> bool:
        """Add an exit for every mapped audience that the profile mentions; tell whether there was one.

        The exit happens with the event that takes the consent away, not when the person once qualified.
        """
        memberships = profile.get("segmentMembership")
        left = [target for target in self._all if target.found_in(memberships) is not None]
        for target in left:
            if target.audience.value == "names":
                fields[target.mapping_id] = None
            else:
                exited = target.value_of[Status.EXITED.value]
                target.write(fields, times, exited, event_time, to_salesforce(event_time))
        return bool(left)


class _Target:
    def __init__(self, audience: Audience, by_event: bool) -> None:
        self.audience, self._by_event = audience, by_event
        self.namespace = audience.namespace.casefold() if audience.namespace else None
        self.name = audience.name or audience.id
        self.audience_id, self.mapping_id = audience.id, audience.mapping_id
        self.value_of: dict[str, Json] = {status.value: _value_of(status, audience) for status in Status}
        where = self.mapping_id or ("its campaign" if audience.campaign else "its rows")
        self.label = f"audience {self.name} {'in' if audience.value == 'names' else '->'} {where}"
        self.since_field = audience.since_field
        self.is_timed = bool(audience.since_field) or audience.value == "timestamp"

    def found_in(self, memberships: Json) -> Json | None:
        return lookup_in(memberships, self.namespace)(self.audience_id)

    def membership_in(self, profile: Profile) -> Json:
        return self.found_in(profile.get("segmentMembership")) or ABSENT

    def is_member(self, memberships: Json) -> bool:
        found = self.found_in(memberships)
        return found is not None and read_status(found, self.name) is not Status.EXITED

    def write(self, fields: dict[str, Json], times: dict[str, int], value: Json, since: int, written: str) -> None:
        fields[self.mapping_id] = written if value is _TIME else value
        if guard := self.since_field:
            fields[guard] = written
            if not self._by_event:
                times[self.mapping_id] = times[guard] = since


def _value_of(status: Status, audience: Audience) -> Json:
    """What a field takes for a status."""
    if audience.value == "boolean":
        return status is not Status.EXITED
    if audience.value == "timestamp":
        return None if status is Status.EXITED else _TIME
    return audience.texts[status.value]
