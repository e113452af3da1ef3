"""What follows a person beside her own fields: the campaigns she is a member of, and a row for each of her audiences.

It is said here by her memberships alone. Which record is hers the delivery finds out, and with it the part's address.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from salesforce_destination.mapping.audience_fields import counts_by_event
from salesforce_destination.outcome import ProfileRefusedError, Reason
from salesforce_destination.profile.membership import Status, lookup_in, read_since, read_status
from salesforce_destination.profile.profile import Profile
from salesforce_destination.record.record import Update

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import Audience, Destination, Memberships

Json = Any

DELETE = "delete"
"""The member status by which a member is deleted."""


class AudienceParts:
    """The parts that a destination file wants: members of campaigns, and rows."""

    def __init__(self, destination: Destination) -> None:
        self._by_event = counts_by_event(destination)
        self._audiences = [(each, each.namespace and each.namespace.casefold()) for each in destination.audiences]
        self._rows = destination.memberships
        self._names = {audience.id: audience.name or audience.id for audience, _ in self._audiences}
        self.exits: dict[str, tuple[str, str, Json]] = {}
        for each in [audience for audience, _ in self._audiences if not audience.mapping_id]:
            if self._rows and self._rows.takes(each.id):  # an exit of who is no member writes a row alone
                self.exits[f"row {each.id}"] = each.id, self._rows.status, Status.EXITED.value
            else:
                self.exits[f"campaign {each.id}"] = each.id, "Status", member_texts(each).get("exited")

    def of(self, profile: Profile, event_time: int, sent_at: int, *, consents: bool) -> list[Update]:
        """What the memberships of a profile say, newest or not; whoever has taken the consent away leaves them all.

        Raises ProfileRefusedError for a membership that cannot be read, and for more rows than the file allows.
        """
        memberships, found = profile.get("segmentMembership"), list[Update]()
        for audience, namespace in self._audiences:
            if not (audience.campaign or self._rows):
                continue
            if (membership := lookup_in(memberships, namespace)(audience.id)) is None:
                continue
            status, since = self._read(membership, audience.name or audience.id, event_time, sent_at, consents)
            if audience.campaign:
                texts = member_texts(audience)
                found.append(_part("campaign", audience.id, {"Status": texts[status]}, since))
            if self._rows is not None and self._rows.audiences == "mapped":
                found.append(self._row(self._rows, audience.id, status, since))
        if self._rows is not None and self._rows.audiences == "all":
            found += self._all(self._rows, memberships, event_time, sent_at, consents)
        return found

    def _all(
        self, rows: Memberships, memberships: Json, event_time: int, sent_at: int, consents: bool
    ) -> Iterator[Update]:
        meant = {
            audience
            for inner in (memberships.values() if isinstance(memberships, dict) else ())
            for audience in (inner if isinstance(inner, dict) else ())
            if rows.takes(audience)
        }
        if rows.at_most is not None and len(meant) > rows.at_most:
            text = f"The profile has {len(meant)} memberships, and memberships.at_most is {rows.at_most}."
            raise ProfileRefusedError(Reason("TOO_MANY_MEMBERSHIPS", text))
        find = lookup_in(memberships, None)
        for audience in sorted(meant):
            status, since = self._read(find(audience), audience[:40], event_time, sent_at, consents)
            yield self._row(rows, audience, status, since)

    def _read(self, membership: Json, name: str, event_time: int, sent_at: int, consents: bool) -> tuple[Status, int]:
        """The status, and the time at which it began."""
        if not consents:
            return Status.EXITED, event_time
        status, since = read_status(membership, name), read_since(membership, name, sent_at)
        return status, event_time if since is None or self._by_event else since[0]

    def _row(self, rows: Memberships, audience: str, status: Status, since: int) -> Update:
        named = {rows.audience_name: self._names.get(audience, audience)} if rows.audience_name else {}
        fields = {rows.audience: audience, **named, rows.status: status.value, rows.since: since}
        return _part("row", audience, fields, since)


def member_texts(audience: Audience) -> dict[str, str]:
    """The campaign's status for each status of an audience: existing like realized, where the file names none."""
    given = {str(status): text for status, text in (audience.member_status or {}).items()}
    return {"existing": given.get("realized", ""), **given}


def _part(kind: str, audience: str, fields: dict[str, Json], since: int) -> Update:
    return Update(0, 0, "", "", fields, since, audience=f"{kind} {audience}")
