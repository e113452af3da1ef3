"""
Mapping: from a profile to the update of a record, as the destination file says.

Everything that depends on the file alone is worked out once, when the function starts; a profile costs a walk along its
mapped keys.
"""

from __future__ import annotations

from math import isfinite
from sys import maxsize
from typing import TYPE_CHECKING, Any, NoReturn

from salesforce_destination.destination.standard_fields import LENGTHS
from salesforce_destination.mapping.audience_fields import AudienceFields
from salesforce_destination.mapping.body_decoder import body_decoder
from salesforce_destination.outcome import ProfileRefusedError, Reason
from salesforce_destination.profile.event_time import EventTimeError, check_event_time, parse_time
from salesforce_destination.profile.profile import IdentitiesInOrder, Profile, profiles_in, read_body, read_in_part
from salesforce_destination.profile.source import ABSENT, Source, compile_source, is_unicode
from salesforce_destination.record.record import Update
from salesforce_destination.record.salesforce_id import to_18

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import Destination, FieldMapping

Json = Any

KEY_PREFIXES = {"Account": "001", "Contact": "003", "Lead": "00Q"}
"""The first three characters of a record's Id say what it is (keyPrefix in the describe)."""

_FOLDED_FIELDS = frozenset({"Email"})


class Mapper:
    """Maps profiles as one destination file says."""

    def __init__(self, destination: Destination) -> None:
        self.destination = destination
        self._identity = IdentityReader(destination)
        readers = [_FieldReader(mapping, destination.salesforce_object) for mapping in destination.mappings]
        self._fields = [(each.source, each.target, each.longest, each.is_optional, each) for each in readers]
        self._audiences = AudienceFields(destination)
        self._only_if = _optional(destination.profiles.only_if)
        self._exits_skipped = destination.profiles.when_skipped == "exit"
        sources = _sources_of(destination)
        self._identities = IdentitiesInOrder(sources)
        ordering = destination.ordering
        self._ordering_field = ordering.field if ordering else None
        self._ordering_source = _optional(ordering.source) if ordering else None
        select = destination.profiles.select
        self.select = None if select == "@" else compile_source(select, unwraps=False)
        self.decoder = body_decoder(destination, sources)

    def profiles(self, body: str) -> list[Profile]:
        """Find the profiles in a message's body, each at least as far as the file reads it."""
        if self.decoder is not None:
            profile = read_in_part(body, self.decoder)
            if profile is not None:
                return [profile]
        return profiles_in(read_body(body), self.select)

    def map(
        self, profile: Profile, message_time: int | None, sent_at: int, is_one_of_several: bool = False
    ) -> Update | None:
        """
        Map a profile, or give None where nothing is to be written; raise ProfileRefusedError.

        `message_time` is what the message's attribute EventTime says; without one `ordering.source` tells the time, and
        without that `sent_at`, which also bounds what a time may be (both in ms). Of several profiles in a message each
        one's own time comes first. Which message and which profile it was, the delivery fills in.
        """
        profile = self._identities.of(profile)
        event_time = self.event_time(profile, message_time, sent_at, is_one_of_several)
        fields: dict[str, Json] = {}
        times: dict[str, int] = {}
        refused: list[ProfileRefusedError] = []
        consents = self._only_if is None or self._only_if(profile) is True
        if consents:
            self._read_attributes(fields, refused, profile)
            self._audiences.read_into(fields, times, profile, event_time)
        elif not (self._exits_skipped and self._audiences.exits_into(fields, times, profile, event_time)):
            return None
        if self._ordering_field:
            fields[self._ordering_field] = event_time
        key, identity = self._identity.read(profile)
        creates = self.destination.identity.create_missing
        if not fields and not creates:
            if refused:
                raise refused[0]
            return None
        omitted = tuple(name for error in refused for name in error.reason.fields) if refused else ()
        return Update(0, 0, key, identity, fields, event_time, times, creates and not consents, omitted)

    def _read_attributes(self, fields: dict[str, Json], refused: list[ProfileRefusedError], profile: Profile) -> None:
        for source, target, longest, is_optional, reader in self._fields:
            value = source(profile)
            if type(value) is str:
                value = value.strip() or None
                if value and len(value) <= longest and value.isascii():
                    fields[target] = value
                    continue
            if value is not ABSENT or not is_optional:
                reader.write(fields, refused, value)

    def key(self, profile: Profile) -> str:
        """Whose record a profile is about, be it mapped or not; raise ProfileRefusedError where it does not say."""
        return self._identity.read(self._identities.of(profile))[0]

    def event_time(
        self, profile: Profile, message_time: int | None, sent_at: int, is_one_of_several: bool = False
    ) -> int:
        """
        When the event happened; raise ProfileRefusedError for a time that cannot be.

        The message's time comes before the profile's own, but not where the message holds several: it cannot be that
        of all of them, and a redriven message must not give its time to profiles that have theirs.
        """
        found: Json = message_time
        if self._ordering_source and (message_time is None or is_one_of_several):
            found = self._ordering_source(profile)
        if found is ABSENT or found is None:
            found = sent_at if message_time is None else message_time
        try:
            return check_event_time(found if type(found) is int else parse_time(found), sent_at)
        except EventTimeError as error:
            text = f"The event time, {str(found)[:40]!r}, {error}."
            raise ProfileRefusedError(Reason("EVENT_TIME_INVALID", text)) from None


class IdentityReader:
    """Reads the identity of profiles, and the key under which updates of one record are merged."""

    def __init__(self, destination: Destination) -> None:
        identity = destination.identity
        self._source = compile_source(identity.source)
        self._source_text = identity.source
        self._by_id = destination.updates_by_id
        self._object = destination.salesforce_object
        self._prefix = KEY_PREFIXES.get(self._object, "")
        self._folds = identity.target in _FOLDED_FIELDS or not identity.case_sensitive

    def read(self, profile: Profile) -> tuple[str, str]:
        """
        Give the key of the record and the identity to send; raise ProfileRefusedError where there is none.

        The key is what the org holds for one: Ids by 18 characters, texts without their case where the field's is
        not told apart.
        """
        found = self._source(profile)
        identity = found.strip() if type(found) is str else str(found) if type(found) is int else ""
        if self._by_id:
            record_id = to_18(identity)
            if record_id and record_id.startswith(self._prefix):
                return record_id, record_id
            self._refuse(identity, record_id)
        if not identity or not is_unicode(identity):
            self._refuse(identity, None)
        return (identity.casefold() if self._folds else identity), identity

    def _refuse(self, identity: str, record_id: str | None) -> NoReturn:
        code = "IDENTITY_MALFORMED" if identity else "NO_IDENTITY"
        if not identity:
            text = f"The profile has no identity at {self._source_text}."
        elif not is_unicode(identity):
            text = "The identity contains an unpaired surrogate (invalid Unicode)."
        elif record_id is None:
            text = (
                f"{identity[:40]!r} is not a valid Salesforce Id. An Id has 15 or 18 characters and is case-sensitive."
            )
        else:
            text = f"{record_id} is not the Id of a {self._object}. Those Ids start with {self._prefix}."
        raise ProfileRefusedError(Reason(code, text))


class _FieldReader:
    def __init__(self, mapping: FieldMapping, salesforce_object: str) -> None:
        self.mapping, self.target = mapping, mapping.target
        self.source = _optional(mapping.source) or (lambda _: mapping.constant)
        known = LENGTHS.get(salesforce_object, {}).get(mapping.target)
        self._is_text = known is not None
        self.longest = mapping.max_length or known or maxsize
        self.is_optional = mapping.default is None and not mapping.required and mapping.when_absent == "leave"

    def write(self, fields: dict[str, Json], refused: list[ProfileRefusedError], value: Json) -> None:
        if value is ABSENT or value is None:
            value = self._without_value(value)
            if value is ABSENT:
                return
        try:
            fields[self.target] = self._checked(value)
        except ProfileRefusedError as error:
            if self.mapping.when_refused == "reject":
                raise
            refused.append(error)

    def _checked(self, value: Json) -> Json:
        if isinstance(value, dict | list):
            self._refuse("is a list or an object; change the source to a single value")
        if type(value) is float and not isfinite(value):
            self._refuse("is not a number that JSON allows")
        if self._is_text and type(value) in (int, float):
            value = str(value)
        return self._fitted(value) if type(value) is str else value

    def _refuse(self, problem: str) -> NoReturn:
        text = f"The value for {self.target} {problem}."
        raise ProfileRefusedError(Reason("VALUE_NOT_PLAIN", text, (self.target,)))

    def _without_value(self, value: Json) -> Json:
        mapping = self.mapping
        if mapping.default is not None:
            return mapping.default
        if mapping.required:
            text = f"{self.target} is required, and the profile has no value at {mapping.source}."
            raise ProfileRefusedError(Reason("REQUIRED_VALUE_MISSING", text, (self.target,)))
        return None if mapping.when_absent == "clear" else value

    def _fitted(self, value: str) -> str:
        if not is_unicode(value):
            self._refuse("contains an unpaired surrogate (invalid Unicode)")
        if len(value) <= self.longest:
            return value
        if self.mapping.when_too_long == "truncate":
            return value[: self.longest].rstrip()
        text = f"{self.target} holds {self.longest} characters, and the value has {len(value)}."
        raise ProfileRefusedError(Reason("VALUE_TOO_LONG", text, (self.target,)))


def _optional(source: str | None) -> Source | None:
    return compile_source(source) if source else None


def _sources_of(destination: Destination) -> list[str]:
    times = destination.ordering.source if destination.ordering else None
    sources = [destination.identity.source, *(mapping.source for mapping in destination.mappings)]
    return [source for source in (*sources, destination.profiles.only_if, times) if source]
