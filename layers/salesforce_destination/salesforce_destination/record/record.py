"""Records on their way to Salesforce: updates from single profiles, merged where they concern the same record.

A record may appear only once in a request: of two rows with one external id Salesforce writes neither, and of rows with
one Id the order is not promised. Merging is also what makes a flood cheap.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Any

from salesforce_destination.outcome import Outcome, ProfileRefusedError

Json = Any

ID = "Id"
"""The field of an address that is a record's own Id."""


_CHECKSUM_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
# Of five characters the first counts 1 and the last 16 where they are capitals. Of a number it would be the other way.
_CHECK = [_CHECKSUM_ALPHABET[int(f"{number:05b}"[::-1], 2)] for number in range(32)]
_CHECKS = [first + second for first in _CHECK for second in _CHECK]
_CASE = bytes(
    ord("1" if chr(byte) in ascii_uppercase else "0" if chr(byte) in ascii_lowercase + digits else "x")
    for byte in range(256)
)


def to_18(record_id: str) -> str | None:
    """Give the 18-character form of a 15 or 18 character id, or None where it is no id.

    An 18-character id whose checksum does not match its first 15 characters was damaged on its way (a spreadsheet
    that folded its case): Salesforce would answer MALFORMED_ID.
    """
    start = record_id[:15]
    try:
        case = int(start.encode().translate(_CASE), 2)
    except ValueError:
        return None
    full = start + _CHECKS[case >> 5] + _CHECK[case & 31]
    return full if record_id == full or len(record_id) == 15 else None


@dataclass(frozen=True, slots=True)
class Address:
    """Where a write goes: to the record of an sObject that has the identity in this field, or to a new one.

    Without an sObject it is not known yet which one has the record. What `upserts` makes a record that is not there.
    """

    sobject: str
    field: str = ID
    creates: bool = False
    upserts: bool = False
    deletes: bool = False

    @property
    def is_id(self) -> bool:
        """Whether it is the place of one record that is there."""
        return self.field == ID and bool(self.sobject) and not self.creates


@dataclass(slots=True, repr=False)
class Content:
    """What an update writes to a record of one sObject; `times` and `omitted` are as in Update."""

    fields: Mapping[str, Json]
    times: Mapping[str, int]
    omitted: tuple[str, ...] = ()


@dataclass(slots=True, repr=False)
class Follower:
    """What follows where the first address has no record.

    `identities` are the values of all rules, None where the profile has none; `contents` is what goes to which sObject,
    or why nothing can; `new` are fields that only a new record gets, its keys among them.
    """

    identities: tuple[str | None, ...]
    contents: Mapping[str, Content | ProfileRefusedError] = field(default_factory=dict)
    new: Mapping[str, Json] | ProfileRefusedError = field(default_factory=dict)


@dataclass(slots=True)
class Update:
    """What one profile wants of one record.

    `message` and `profile` are positions in the batch and in the message; `key` tells records apart as the org does;
    `times` holds the fields that have a time of their own (a membership's), the rest have the event's; `updates_only`
    creates no record, whatever the destination does for others; `omitted` are fields whose values were refused here and
    may be left out. `outcome` is what became of it, once that is known. `only_if` keeps out who is not `is_permitted`.
    Without an `address` it goes where the file's only rule says. `passed_over` counts values that are no identities.
    `parts` are the campaign members and rows that follow the person, updates of their own, each named by its
    `audience`. Their keys and addresses are known once hers is: `place`, the sObject and the Id of her record.
    """

    message: int
    profile: int
    key: str = field(repr=False)
    identity: str = field(repr=False)
    fields: Mapping[str, Json] = field(repr=False)
    event_time: int
    times: Mapping[str, int] = field(default_factory=dict)
    updates_only: bool = False
    omitted: tuple[str, ...] = ()
    outcome: Outcome | None = None
    is_permitted: bool = True
    address: Address | None = None
    follower: Follower | None = field(default=None, repr=False)
    passed_over: int = 0
    parts: Sequence[Update] = field(default=(), repr=False)
    audience: str = field(default="", repr=False)
    place: tuple[str, str] | None = field(default=None, repr=False)

    @property
    def order(self) -> tuple[int, int, int]:
        """By the time of its event, and among equal times by its position."""
        return self.event_time, self.message, self.profile

    def go_to(self, sobject: str) -> ProfileRefusedError | None:
        """Write what the file says for this sObject; give the reason where it refuses the profile there."""
        content = self.follower.contents.get(sobject) if self.follower else None
        if isinstance(content, ProfileRefusedError):
            return content
        if content is not None:
            self.fields, self.times, self.omitted = content.fields, content.times, content.omitted
        return None


@dataclass(slots=True)
class Record:
    """One record of a request, and the updates that it answers for, oldest first.

    Without an `address` it is written where the file's only rule says. `is_moved` says that it took the place of the
    one that was asked for: the contact of a converted lead, the survivor of a merge. `left_out` are fields that are not
    sent. `updates_only` is that of the latest event, which must not create the record: who has taken the consent away
    has the last word.
    """

    key: str = field(repr=False)
    identity: str = field(repr=False)
    fields: Mapping[str, Json] = field(repr=False)
    updates: tuple[Update, ...]
    address: Address | None = None
    left_out: frozenset[str] = frozenset()
    updates_only: bool = False
    is_moved: bool = False

    @property
    def sobject(self) -> str:
        """The sObject that it is written to; empty for the only one of the file."""
        return self.address.sobject if self.address else ""

    @property
    def creates(self) -> bool:
        """Whether it is a new record."""
        return self.address is not None and self.address.creates

    @property
    def is_part(self) -> bool:
        """Whether it is a campaign member or a row, which follows a person."""
        return bool(self.updates[0].audience)

    @property
    def is_new_person(self) -> bool:
        """Whether a person gets a record by it."""
        return self.creates and not self.is_part

    @property
    def kind(self) -> tuple[str, bool]:
        """The kind of its write: to which sObject, and whether it is new."""
        return self.sobject, self.creates

    def without(self, names: Iterable[str]) -> Record:
        """The same record, these fields left out."""
        left_out = self.left_out.union(names)
        if left_out == self.left_out:
            return self
        return replace(self, left_out=left_out, fields={k: v for k, v in self.fields.items() if k not in left_out})


def merge(updates: Collection[Update]) -> list[Record]:
    """Make one record of all updates that concern it, in the order in which the records first appear.

    Field by field the later time wins, and among equal times the later position; an update that lacks a field leaves
    it to the others.
    """
    if len({update.key for update in updates}) == len(updates):
        return [_record_of_one(update) for update in updates]
    by_key: dict[str, list[Update]] = {}
    for update in updates:
        by_key.setdefault(update.key, []).append(update)
    return [record_of(group) for group in by_key.values()]


def record_of(updates: list[Update]) -> Record:
    """Make the record of these updates, which all concern the same one."""
    if len(updates) == 1:
        return _record_of_one(updates[0])
    oldest_first = sorted(updates, key=lambda update: update.order)
    newest: dict[str, int] = {}
    fields: dict[str, Json] = {}
    for update in oldest_first:
        for name, value in update.fields.items():
            time = update.times.get(name, update.event_time)
            if time >= newest.get(name, time):
                newest[name], fields[name] = time, value
    last, address = oldest_first[-1], updates[0].address
    if address is not None:
        address = next((update.address for update in updates if update.address and not update.address.sobject), address)
    return Record(updates[0].key, last.identity, fields, tuple(oldest_first), address, updates_only=last.updates_only)


def _record_of_one(update: Update) -> Record:
    return Record(
        update.key, update.identity, update.fields, (update,), update.address, frozenset(), update.updates_only
    )


def placed(updates: Iterable[Update], address: Address, identity: str = "", *, is_moved: bool = False) -> Record:
    """The record of these updates at another address; a new one has all that only new ones get.

    What is found under different identities is the same record from here on, so that its Id becomes its key.
    """
    record = record_of(list(updates))
    if not address.creates:
        return replace(record, key=identity, identity=identity, address=address, is_moved=is_moved)
    followers = [update.follower for update in record.updates]
    new = [follower.new for follower in followers if follower and isinstance(follower.new, Mapping)]
    fields = {name: value for each in new for name, value in each.items()} | dict(record.fields)
    return replace(record, fields=fields, address=address, identity="")
