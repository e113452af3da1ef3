"""Mapping: from a profile to the update of a record, as the destination file says.

Everything that depends on the file alone is worked out once, when the function starts; a profile costs a walk along its
mapped keys.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from salesforce_destination.mapping.audience_fields import AudienceFields
from salesforce_destination.mapping.audience_parts import AudienceParts
from salesforce_destination.mapping.body_decoder import body_decoder
from salesforce_destination.mapping.field_reader import FieldReader, Refused
from salesforce_destination.outcome import SKIPPED, ProfileRefusedError, Reason
from salesforce_destination.profile.event_time import EventTimeError, check_event_time, parse_time
from salesforce_destination.profile.profile import (
    IdentitiesInOrder,
    Profile,
    envelope_problem,
    profiles_in,
    read_body,
    read_in_part,
)
from salesforce_destination.profile.source import ABSENT, Source, compile_source, in_digits, is_unicode
from salesforce_destination.record.description import NUMBER_TYPES
from salesforce_destination.record.record import ID, Address, Content, Follower, Update, to_18

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import Destination
    from salesforce_destination.record.description import ObjectDescription

Json = Any

KEY_PREFIXES = {"Account": "001", "Contact": "003", "Lead": "00Q"}
"""The first three characters of a record's Id say what it is (keyPrefix in the describe)."""

_FOLDED_FIELDS = frozenset({"Email"})

_NOBODY = frozenset({"", "null", "undefined", "none", "nan"})
"""What producers write where they have no identity."""


class Mapper:
    """Maps profiles as one destination file says."""

    def __init__(self, destination: Destination) -> None:
        self.destination = destination
        self._rules = [IdentityReader(destination, number) for number in range(len(destination.rules))]
        self._creates = bool(destination.creates)
        self._parts = AudienceParts(destination) if destination.has_parts else None
        is_single = len(destination.rules) == len(destination.objects) == 1
        self._is_plain = is_single and not self._creates and self._parts is None
        self._objects = {file.salesforce_object: _ObjectMapping(file) for file in destination.by_object}
        self._first = self._objects[destination.salesforce_object]
        self.sought = {label: find for each in self._objects.values() for label, find in each.sought.items()}
        self.exits = self._parts.exits if self._parts else {}
        self.exits |= {field: exit for each in self._objects.values() for field, exit in each.audiences.exits.items()}
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

    def use_description(self, description: ObjectDescription) -> None:
        """Follow what the org says of its fields; until then values go as they are, and keys are texts."""
        mapping = self._objects.get(description.name, self._first if len(self._objects) == 1 else None)
        if mapping is not None:
            mapping.use_description(description)
        for rule in self._rules:
            rule.use_description(description)

    def profiles(self, body: str) -> list[Profile]:
        """Find the profiles in a message's body, each at least as far as the file reads it."""
        if self.decoder is not None and (profile := read_in_part(body, self.decoder)) is not None:
            return [profile]
        return profiles_in(read_body(body), self.select)

    def envelope(self, body: str, profile: Profile) -> Reason | None:
        """What a profile without an identity is instead, if it looks like an envelope around one."""
        document = read_body(body)
        is_whole = self.select is None or document == profile
        problem = envelope_problem(document if is_whole else profile, is_whole=is_whole)
        return Reason("NO_PROFILE", problem) if problem else None

    def map(
        self, profile: Profile, message_time: int | None, sent_at: int, is_one_of_several: bool = False
    ) -> Update | None:
        """Map a profile, or give None where it changes nothing; raise ProfileRefusedError.

        Who is kept out and has no audience to leave is skipped already.

        `message_time` is what the message's attribute EventTime says; without one `ordering.source` tells the time, and
        without that `sent_at`, which also bounds what a time may be (both in ms). Of several profiles in a message each
        one's own time comes first. Which message and which profile it was, the delivery fills in.
        """
        profile = self._identities.of(profile)
        event_time = self.event_time(profile, message_time, sent_at, is_one_of_several)
        consents = self._only_if is None or self._only_if(profile) is True
        if not consents:
            left = self._objects.values() if self._exits_skipped else ()
            exits = any(each.audiences.exits_into({}, {}, profile, event_time) for each in left)
            if not exits and not (left and self._parts_of(profile, event_time, sent_at, consents=False)):
                return Update(0, 0, self.key(profile), "", {}, event_time, outcome=SKIPPED, is_permitted=False)
        if not self._is_plain:
            return self._map_person(profile, event_time, sent_at, consents=consents)
        fields: dict[str, Json] = {}
        times: dict[str, int] = {}
        refused: Refused = {}
        if consents:
            self._first.read_attributes(fields, refused, profile)
            self._first.audiences.read_into(fields, times, profile, event_time, sent_at)
        else:
            self._first.audiences.exits_into(fields, times, profile, event_time)
        if self._ordering_field:
            fields[self._ordering_field] = event_time
        key, identity = self._rules[0].read(profile)
        if not fields:
            for error in filter(None, refused.values()):
                raise error
            return None
        update = Update(0, 0, key, identity, fields, event_time, times, False, tuple(refused) if refused else ())
        update.is_permitted = consents
        return update

    def memberships(self, body: str) -> Profile:
        """Read the second form of a message: an identity, and memberships by the ids of their audiences."""
        document = read_body(body)
        identity, found = (
            document.get(key) if isinstance(document, dict) else None for key in ("identity", "memberships")
        )
        if not isinstance(identity, dict) or not isinstance(found, dict) or not identity:
            raise ProfileRefusedError(Reason("NO_PROFILE", "The body has no identity, or no memberships."))
        spaces: dict[str, dict[str, Json]] = {}
        known = {audience.id: audience.namespace or "ups" for audience in self.destination.audiences}
        for audience, membership in found.items():
            spaces.setdefault(known.get(audience, "ups"), {})[audience] = membership
        return {"identity": identity, "segmentMembership": spaces}

    def map_memberships(
        self,
        profile: Profile,
        message_time: int | None,
        sent_at: int,
        is_one_of_several: bool,
        names: Collection[str] | None = None,
        *,
        is_form: bool,
        is_refused: bool = False,
    ) -> Update:
        """Map what a profile says of its audiences alone; nobody is created for it.

        `is_form` says that the profile is one that `memberships` gave. Where parts are named, or the person is refused,
        only those, or all that follow her, are written.
        """
        profile = profile if is_form else self._identities.of(profile)
        event_time = self.event_time({} if is_form else profile, message_time, sent_at, is_one_of_several)
        consents = is_form or self._only_if is None or self._only_if(profile) is True
        key, address, identities, passed_over = self._person(profile, is_form=is_form)
        update = Update(
            0, 0, key, next(filter(None, identities), ""), {}, event_time, updates_only=True, address=address
        )
        contents: dict[str, Content | ProfileRefusedError] = {}
        for name, mapping in self._objects.items() if names is None and not is_refused else ():
            fields: dict[str, Json] = {}
            times: dict[str, int] = {}
            mapping.audiences.read_into(fields, times, profile, event_time, sent_at)
            known = {field: value for field, value in fields.items() if field not in mapping.audiences.named}
            contents[name] = Content(known, times)  # of names it is not known which others there are
        update.follower, update.passed_over = Follower(tuple(identities), contents), passed_over
        update.go_to(address.sobject)
        parts = self._parts_of(profile, event_time, sent_at, consents=consents)
        update.parts = [part for part in parts if names is None or part.audience in names]
        update.is_permitted = consents
        return update

    def _parts_of(self, profile: Profile, event_time: int, sent_at: int, *, consents: bool) -> Sequence[Update]:
        if self._parts is None or not (consents or self._exits_skipped):
            return ()
        return self._parts.of(profile, event_time, sent_at, consents=consents)

    def _map_person(self, profile: Profile, event_time: int, sent_at: int, *, consents: bool) -> Update | None:
        """Map a profile that may get a record, that several rules find, or that several sObjects take."""
        key, address, identities, passed_over = self._person(profile)
        parts = self._parts_of(profile, event_time, sent_at, consents=consents)
        may_be_elsewhere = len(list(filter(None, identities))) > 1 or address.field != ID
        may_be_elsewhere |= address.sobject == "Lead" and self.destination.converted_leads == "contact"
        contents = {
            name: self._content(mapping, profile, event_time, sent_at, consents=consents)
            for name, mapping in self._objects.items()
            if may_be_elsewhere or name == address.sobject
        }
        written = [content for content in contents.values() if isinstance(content, Content)]
        own = contents[address.sobject]
        if isinstance(own, ProfileRefusedError):
            if not written:
                raise own
            own, address = written[0], Address("", address.field)
        if not any(content.fields for content in written) and not (consents and self._creates) and not parts:
            return None
        if self._ordering_field:
            for content in written:
                content.fields = {**content.fields, self._ordering_field: event_time}
        identity, is_last = next(filter(None, identities), ""), self._creates and not consents
        update = Update(0, 0, key, identity, own.fields, event_time, own.times, is_last, own.omitted)
        new = self._only_for_new(profile, identities) if self._creates else {}
        update.address, update.passed_over, update.is_permitted = address, passed_over, consents
        update.follower, update.parts = (
            Follower(tuple(identities), contents if len(self._objects) > 1 else {}, new),
            parts,
        )
        return update

    def _content(
        self, mapping: _ObjectMapping, profile: Profile, event_time: int, sent_at: int, *, consents: bool
    ) -> Content | ProfileRefusedError:
        fields: dict[str, Json] = {}
        times: dict[str, int] = {}
        refused: Refused = {}
        try:
            if consents:
                mapping.read_attributes(fields, refused, profile)
                mapping.audiences.read_into(fields, times, profile, event_time, sent_at)
            else:
                mapping.audiences.exits_into(fields, times, profile, event_time)
        except ProfileRefusedError as error:
            return error
        errors = [] if fields else [error for error in refused.values() if error]
        return errors[0] if errors else Content(fields, times, tuple(refused))

    def _person(self, profile: Profile, *, is_form: bool = False) -> tuple[str, Address, list[str | None], int]:
        """Whose profile it is: the key and the address by the first rule with a value, and the values of all rules."""
        found: list[tuple[str, str] | ProfileRefusedError] = []
        for rule in self._rules:
            try:
                found.append(rule.read(profile, is_form=is_form))
            except ProfileRefusedError as error:
                found.append(error)
        place = next((number for number, each in enumerate(found) if isinstance(each, tuple)), None)
        errors = [each for each in found if isinstance(each, ProfileRefusedError)]
        malformed = [error for error in errors if error.reason.code != "NO_IDENTITY"]
        if place is None and not malformed and len(errors) > 1:
            sources = ", ".join(dict.fromkeys(rule.source for rule in self.destination.rules))
            raise ProfileRefusedError(Reason("NO_IDENTITY", f"The profile has no identity at any of these: {sources}."))
        if place is None:
            raise (malformed or errors)[0]
        key, identity = found[place]  # type: ignore[misc]  # it is a pair
        identities = [each[1] if isinstance(each, tuple) else None for each in found]
        return key, self._rules[place].address(identity), identities, len(malformed)

    def _only_for_new(
        self, profile: Profile, identities: Sequence[str | None]
    ) -> Mapping[str, Json] | ProfileRefusedError:
        """What only a new record gets: the keys of all rules, and the mappings for new records."""
        fields: dict[str, Json] = {}
        refused: Refused = {}
        created = self.destination.creates
        for rule, identity in zip(self._rules, identities, strict=True):
            if identity and (target := rule.target_on(created)):
                fields[target] = identity
        try:
            self._objects[created].read_attributes(fields, refused, profile, is_new=True)
        except ProfileRefusedError as error:
            return error
        return fields

    def missed(self, profile: Profile, sought: dict[str, Source]) -> dict[str, Source]:
        """Which of these sources and audiences a profile has not; a value that is refused is there."""
        profile, missed = self._identities.of(profile), dict[str, Source]()
        for label, find in sought.items():
            try:
                if find(profile) is ABSENT:
                    missed[label] = find
            except ProfileRefusedError:
                continue
        return missed

    def key(self, profile: Profile) -> str:
        """Whose record a profile is about, be it mapped or not; empty where it does not say: nobody will ask for it."""
        with suppress(ProfileRefusedError):
            return self._person(self._identities.of(profile))[0]
        return ""

    def keys(self, profile: Profile, *, is_form: bool = False) -> set[str]:
        """The keys of whom a profile may be about, by all rules; `is_form` is as in `map_memberships`."""
        profile, found = profile if is_form else self._identities.of(profile), set[str]()
        for rule in self._rules:
            with suppress(ProfileRefusedError):
                found.add(rule.read(profile, is_form=is_form)[0])
        return found

    def permits(self, profile: Profile) -> bool:
        """Whether `only_if` lets a profile be written, be it refused or not; also where that cannot be told."""
        with suppress(ProfileRefusedError):
            return self._only_if is None or self._only_if(self._identities.of(profile)) is True
        return True

    def event_time(
        self, profile: Profile, message_time: int | None, sent_at: int, is_one_of_several: bool = False
    ) -> int:
        """When the event happened; raise ProfileRefusedError for a time that cannot be.

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


class _ObjectMapping:
    """What of a file is written to one sObject."""

    def __init__(self, destination: Destination) -> None:
        self._readers = [FieldReader(mapping, destination.salesforce_object) for mapping in destination.mappings]
        self.audiences = AudienceFields(destination)
        given = [reader for reader in self._readers if reader.mapping.source]
        found_at: dict[str, Source] = {f"{each.mapping.source} -> {each.target}": each.source for each in given}
        self.sought = found_at | self.audiences.sought
        self._list_fields()

    def _list_fields(self) -> None:
        listed = [
            (e.source, e.target, 0 if e.values or e.is_record_type else e.longest, e.is_optional, e)
            for e in self._readers
        ]
        self._new = [each for each in listed if each[4].mapping.write == "create"]
        self._fields = [each for each in listed if each[4].mapping.write != "create"]

    def use_description(self, description: ObjectDescription) -> None:
        for reader in self._readers:
            reader.use_description(description)
        self._list_fields()

    def read_attributes(
        self, fields: dict[str, Json], refused: Refused, profile: Profile, *, is_new: bool = False
    ) -> None:
        for source, target, longest, is_optional, reader in self._new if is_new else self._fields:
            try:
                value = source(profile)
            except ProfileRefusedError as error:
                value = error
            if type(value) is str:
                value = value.strip() or None
                if value and len(value) <= longest and value.isascii():
                    fields[target] = value
                    continue
            if value is not ABSENT or not is_optional:
                reader.write(fields, refused, value)


class IdentityReader:
    """Reads the identity that one rule of a file finds, and the key under which updates of one record are merged."""

    def __init__(self, destination: Destination, number: int = 0) -> None:
        identity, objects = destination.rules[number], destination.objects
        self._source = compile_source(identity.source, is_identity=True)
        self._source_text, self._target, self._by_id = identity.source, identity.target, identity.is_id
        targets = {name: identity.targets.get("", identity.targets.get(name, "")) for name in objects}
        self._targets = {name: target for name, target in targets.items() if target}
        self._prefixes = {KEY_PREFIXES[name]: name for name in objects if name in KEY_PREFIXES}
        self._first_object = next(iter(self._targets), objects[0])
        self._objects = objects
        self._key_prefix = f"{identity.target}:" if len(destination.rules) > 1 else ""
        self._folds = identity.target in _FOLDED_FIELDS or not identity.case_sensitive
        self._is_number = False

    def use_description(self, description: ObjectDescription) -> None:
        """Follow what the org says of the identity's field, and of the Ids of its sObject."""
        if self._by_id and description.key_prefix and description.name in self._objects:
            self._prefixes[description.key_prefix] = description.name
        elif description.name in (self._first_object, "") and (field := description.fields.get(self._target)):
            self._folds, self._is_number = not field.case_sensitive, field.type in NUMBER_TYPES

    def address(self, identity: str) -> Address:
        """Where a record with this identity is written."""
        if self._by_id:
            return Address(self._prefixes.get(identity[:3], self._first_object))
        return Address(self._first_object, self._targets[self._first_object])

    def target_on(self, sobject: str) -> str | None:
        """The key field on an sObject, if it has one."""
        return None if self._by_id else self._targets.get(sobject)

    def read(self, profile: Profile, *, is_form: bool = False) -> tuple[str, str]:
        """Give the key of the record and the identity to send; raise ProfileRefusedError where there is none.

        The key is what the org holds for one: Ids by 18 characters, numbers by their value, texts without their case
        where the field's is not told apart. `is_form` is as in `map_memberships`.
        """
        found = self._given(profile["identity"]) if is_form else self._source(profile)
        identity = found.strip() if type(found) is str else in_digits(found) if type(found) in (int, float) else ""
        if identity is None:
            self._refuse(str(found), None)
        if self._by_id:
            record_id = to_18(identity)
            if record_id and (record_id[:3] in self._prefixes or len(self._prefixes) < len(self._objects)):
                return record_id, record_id
            self._refuse(identity, record_id)
        folded = identity.lower()
        if folded in _NOBODY or (not identity.isprintable() and (_is_nobody(identity) or not is_unicode(identity))):
            self._refuse(identity, None)
        if self._is_number:
            if (digits := in_digits(identity)) is None:
                self._refuse(identity, None)
            identity = folded = digits
        return self._key_prefix + (folded if self._folds else identity), identity

    def _given(self, identities: Mapping[str, Json]) -> Json:
        """What stands under the name of the target."""
        named = {self._target.lower(), *map(str.lower, self._targets.values())}
        return next((value for name, value in identities.items() if name.lower() in named), ABSENT)

    def _refuse(self, identity: str, record_id: str | None) -> NoReturn:
        code = "NO_IDENTITY" if _is_nobody(identity) else "IDENTITY_MALFORMED"
        if _is_nobody(identity):
            text = f"The profile has no identity at {self._source_text}{f': {identity!r} is none' if identity else ''}."
        elif not is_unicode(identity):
            text = "The identity contains an unpaired surrogate (invalid Unicode)."
        elif not self._by_id:
            text = f"{identity[:40]!r} is no number that {self._target} can be found by. Send its digits as text."
        elif record_id is None:
            problem = "is not a valid Salesforce Id. An Id has 15 or 18 characters and is case-sensitive."
            text = f"{identity[:40]!r} {problem}"
        else:
            prefixes = " or ".join(self._prefixes)
            text = f"{record_id} is not the Id of a {' or '.join(self._objects)}. Those Ids start with {prefixes}."
        raise ProfileRefusedError(Reason(code, text))


def _is_nobody(identity: str) -> bool:
    """Whether what can be seen of this is a word for nothing, or nothing."""
    return is_unicode(identity) and "".join(filter(str.isprintable, identity)).strip().lower() in _NOBODY


def _optional(source: str | None) -> Source | None:
    return compile_source(source) if source else None


def _sources_of(destination: Destination) -> list[str]:
    times = destination.ordering.source if destination.ordering else None
    rules = [rule.source for rule in destination.rules]
    sources = [*rules, *(mapping.source for mapping in destination.mappings)]
    return [source for source in (*sources, destination.profiles.only_if, times) if source]
