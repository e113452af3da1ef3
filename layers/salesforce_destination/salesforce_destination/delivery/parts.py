"""What follows the persons of a batch: their campaign members and rows, once it is known which records are theirs.

Parts are updates like those of persons, and go the same way from here on: merged by their key, sent together, halved
and deferred. Only where a member is, and what people made of it, is asked first. What becomes of a part never changes
what became of the person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from salesforce_destination.delivery.attempt import Attempt
from salesforce_destination.delivery.decision import outcome_of_failure
from salesforce_destination.delivery.finder import QUERIES_PER_REQUEST, VALUES_PER_QUERY, Place
from salesforce_destination.delivery.refused import NOT_COMMON, NOT_THERE
from salesforce_destination.errors import TimeIsUpError
from salesforce_destination.mapping.audience_parts import DELETE, member_texts
from salesforce_destination.outcome import DELIVERED, SUPERSEDED, Outcome, OutcomeKind, Wait, deferred, missing_in_org
from salesforce_destination.profile.event_time import EventTimeError, parse_time
from salesforce_destination.record.record import Address, Record, Update, merge, to_18
from salesforce_destination.record.successor import Move, quoted

if TYPE_CHECKING:
    from salesforce_destination.delivery.sender import Sender
    from salesforce_destination.destination.destination import Audience

Json = Any
Row = Mapping[str, Json]

MEMBER = "CampaignMember"
MEMBER_PREFIX = "00v"
"""With which the Ids of members begin: nothing else is ever deleted."""

CAMPAIGNS_EVERY_SECONDS = 300.0
"""How long the campaigns and their statuses are believed. Salesforce takes a wrong one in silence, as the default."""

STORAGE_EVERY_SECONDS = 3_600.0
MOST_IN_A_GROUP = 4_000
"""So many records, persons with their members and rows, are begun together where the time may not do for all."""

LONGEST_AUDIENCE = 200
"""Characters of an audience's id in the key of a row, which holds 255; of a longer one its hash."""

_NOWHERE = NOT_THERE | NOT_COMMON | {"DUPLICATE_EXTERNAL_ID", "NO_IDENTITY", "IDENTITY_MALFORMED"}
_PERSON_OF_MEMBER = {"Contact": "ContactId", "Lead": "LeadId"}


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign of the file as the org has it, with the statuses that its members can have, in lower case."""

    record_id: str
    statuses: frozenset[str]


@dataclass(slots=True, repr=False)
class Parts:
    """The parts of one batch. `held` is what the org holds of persons whose records were read, by their Ids."""

    sender: Sender
    held: dict[str, Row] = field(default_factory=dict)
    _audiences: dict[str, Audience] = field(default_factory=dict)
    _following: Sequence[Update] = ()
    _members: list[Update] = field(default_factory=list)
    _looked_again: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._audiences = {audience.id: audience for audience in self.sender.destination.audiences}

    def groups(self, records: Sequence[Record]) -> Iterator[Sequence[Record]]:
        """The persons of a batch, as many at a time as there is time for with their parts; last those settled before.

        Who would be left half written stays untouched. All are one group where the time will do for all.
        """
        sender, start = self.sender, 0
        settled = [update for update in sender.batch.updates if update.parts and update.outcome is not None]
        sizes = [1 + sum(len(update.parts) for update in record.updates) for record in records]
        while start < len(records):
            count = self._that_fit(sizes[start:])
            if count == 0 and start and sender.stopped is None:
                sender.batch.settle_all(records[start:], outcome_of_failure(TimeIsUpError(), was_sent=False))
                break
            group = records[start : start + max(count, 1)]
            self._following = [update for record in group for update in record.updates if update.parts]
            yield group
            start += len(group)
        self._following = settled
        yield ()

    def _that_fit(self, sizes: Sequence[int]) -> int:
        """How many persons of these sizes can be written in the time left, with their parts."""
        memory, left = self.sender.memory, self.sender.org.seconds_left()
        calls, at_once = left / (memory.call_seconds or 1.0), self.sender.most * memory.collections_per_request
        campaigns = sum(bool(audience.campaign) for audience in self._audiences.values())

        def are_too_many(persons: int, total: int) -> bool:
            queries = (-(-persons // (VALUES_PER_QUERY * QUERIES_PER_REQUEST)) + 1) * campaigns
            return -(-persons // at_once) - (persons - total) // at_once + queries > calls

        if not are_too_many(len(sizes), sum(sizes)):
            return len(sizes)
        totals = enumerate(accumulate(sizes), 1)
        return max((n for n, total in totals if total <= MOST_IN_A_GROUP and not are_too_many(n, total)), default=0)

    def note(self, records: Sequence[Record], ids: Sequence[str]) -> None:
        """Remember where these persons were written."""
        for record, record_id in zip(records, map(to_18, ids), strict=False):
            for update in record.updates if record_id and not record.is_part else ():
                update.place = record.sobject, record_id or ""

    def again(self, record: Record) -> bool:
        """Look once more for a member that came or went meanwhile, but not for ever."""
        is_first = record.key not in self._looked_again
        self._looked_again.add(record.key)
        self._members += record.updates if is_first else ()
        return is_first

    def ready(self) -> list[Attempt]:
        """What is to be sent of the parts whose persons are settled; nothing once all are."""
        rows, following, self._following = list[Update](), self._following, ()
        for update in (*self._placed(following), *self._looked_up(following)):
            for part in update.parts:
                audience = self._audiences.get(part.audience.partition(" ")[2])
                if part.outcome is not None or update.place is None:
                    continue
                if audience is not None and audience.objects and update.place[0] not in audience.objects:
                    part.outcome = DELIVERED
                elif not part.audience.startswith("campaign "):
                    rows.append(self._row(part, *update.place))
                elif audience is not None and (outcome := self._held_back(update, part, audience)):
                    part.outcome = outcome
                else:
                    part.place = update.place
                    self._members.append(part)
        members, self._members = self._members, []
        records = [*self._not_known(merge(rows)), *(self._found(members) if members else ())]
        attempts = [self.sender.ready(Attempt(record, self.sender.most)) for record in records]
        return [attempt for attempt in attempts if attempt]

    def _not_known(self, records: Sequence[Record]) -> list[Record]:
        """Those that were not written from here already, with the same status and time."""
        known = {id(record) for record in records if self.sender.memory.has_part(record)}
        self.sender.batch.settle_all([record for record in records if id(record) in known], DELIVERED)
        return [record for record in records if id(record) not in known]

    # Where the persons are.

    def _placed(self, updates: Iterable[Update]) -> Iterator[Update]:
        """Those whose record is known, whatever became of what was to be written to it."""
        for update in updates:
            if update.place is None and update.address and update.address.is_id and update.fields:
                update.place = update.address.sobject, update.identity
            if not self._is_unread(update):
                yield update

    def _is_unread(self, update: Update) -> bool:
        """Whether it is not known where a person is, or what her record holds, to which nothing was written."""
        return update.place is None or _is_refused(update) or not (update.fields or update.place[1] in self.held)

    def _looked_up(self, updates: Iterable[Update]) -> Iterator[Update]:
        """Those who were not written, but are found by their identities; their records are read for what they hold."""
        asked = [each for each in updates if self._is_unread(each) and _may_be_found(each)]
        places = [("", each.identity) if _is_refused(each) else each.place or ("", each.identity) for each in asked]
        together = zip(asked, places, strict=True)
        attempts = [Attempt(Record(each.key, at[1], {}, (each,), Address(at[0])), 1) for each, at in together]
        rows = self.sender.answer(lambda: self.sender.finder.rows(attempts, self.sender.org)) if attempts else None
        for update, attempt in zip(asked, attempts, strict=True):
            if isinstance(rows, Outcome):
                self.sender.batch.settle(update.parts, rows)
            elif rows and isinstance(place := self.sender.finder.place(attempt, rows), Place):
                contact, self.held[place.record_id] = to_18(str(place.row.get("convertedcontactid") or "")), place.row
                if place.move is None:
                    update.place = place.sobject, place.record_id
                elif place.move is Move.CONVERTED and contact and self.sender.refusals.follows_leads:
                    update.place = "Contact", contact
                yield update

    # Rows.

    def _row(self, part: Update, sobject: str, record_id: str) -> Update:
        rows = self.sender.destination.memberships
        assert rows is not None  # noqa: S101  # nosec B101  # a row is mapped where the file has them
        audience = part.audience.partition(" ")[2]
        named = audience if len(audience) <= LONGEST_AUDIENCE else sha256(audience.encode()).hexdigest()
        part.key = part.identity = f"{record_id}:{named}"
        part.address = Address(rows.object, rows.key, upserts=not self._is_nearly_full())
        part.fields = {rows.lookup(sobject): record_id, **part.fields}
        return part

    def _is_nearly_full(self) -> bool:
        """Whether the org has little storage left: then rows that are there are written, and new ones wait."""
        memory = self.sender.memory
        if memory.full_asked_at is None or memory.clock() - memory.full_asked_at >= STORAGE_EVERY_SECONDS:
            memory.full_asked_at = memory.clock()
            memory.is_nearly_full = self.sender.answer(self.sender.org.is_nearly_full) is True
        return memory.is_nearly_full

    # Members of campaigns.

    def _held_back(self, update: Update, part: Update, audience: Audience) -> Outcome | None:
        """Why a member is not written now: its person's record holds a newer time, or did not tell which it holds."""
        guard, (_, record_id), outcome = audience.since_field, update.place or ("", ""), update.outcome
        if not guard:
            return None
        if outcome is not None and outcome.kind is OutcomeKind.DEFERRED:
            code, fields = (outcome.reason.code, outcome.reason.fields) if outcome.reason else ("", ())
            if code != "FIELD_MISSING_IN_ORG" or {guard, audience.mapping_id} & {*fields}:
                return outcome
        row = self.held.get(record_id)
        if row is not None and guard.lower() not in row:
            return missing_in_org([guard])
        newest = max(self.sender.memory.newest(key, guard) for key in (update.key, record_id))
        if row is not None and (told := row[guard.lower()]) is not None:
            try:
                newest = max(newest, parse_time(told))
            except EventTimeError:
                return None
        return SUPERSEDED if newest > part.event_time else None

    def _found(self, parts: Sequence[Update]) -> Iterator[Record]:
        """The members that are to be written or deleted; what is so already, or is a person's own, is settled."""
        campaigns = self._campaigns()
        if isinstance(campaigns, Outcome):
            self.sender.batch.settle(parts, campaigns)
            return
        there = list[Update]()
        for part in parts:
            audience = self._audiences[part.audience.partition(" ")[2]]
            campaign, status = campaigns.get(audience.id), str(part.fields["Status"])
            if campaign and (status == DELETE or status.lower() in campaign.statuses):
                part.key = f"{campaign.record_id}:{(part.place or ('', ''))[1]}"
                there.append(part)
            else:
                self._wait(part, audience, status if campaign else "")
        records = sorted(
            self._not_known(merge(there)), key=lambda record: record.key
        )  # one campaign's lock it together
        rows = self._rows_of(records)
        if isinstance(rows, Outcome):
            self.sender.batch.settle(there, rows)
            return
        for record in records:
            if member := self._member(record, rows.get(record.key)):
                yield member

    def _wait(self, part: Update, audience: Audience, status: str) -> None:
        name = f"campaign {audience.name or audience.id}"
        self.sender.batch.missing[name] += 1
        if status:
            text = f"The campaign of {audience.name or audience.id} has no member status {status}."
            part.outcome = deferred("MEMBER_STATUS_MISSING", Wait.UNTIL_MENDED, text)
        else:
            text = f"The {name} is not in the org, or the integration user does not see it."
            part.outcome = deferred("CAMPAIGN_MISSING", Wait.UNTIL_MENDED, text)

    def _campaigns(self) -> Mapping[str, Campaign] | Outcome:
        """The campaigns by audience, as the org had them within the last minutes."""
        memory = self.sender.memory
        if memory.campaigns is None or memory.clock() - memory.campaigns_at >= CAMPAIGNS_EVERY_SECONDS:
            found = self.sender.answer(self._read_campaigns)
            if isinstance(found, Outcome):
                return found
            memory.campaigns, memory.campaigns_at = found, memory.clock()
        return memory.campaigns

    def _read_campaigns(self) -> Mapping[str, Campaign]:
        wanted = {audience.id: audience.campaign for audience in self._audiences.values() if audience.campaign}
        ids = [to_18(each) or each for each in wanted.values() if isinstance(each, str)]
        names = [each.name for each in wanted.values() if not isinstance(each, str)]
        ways = [f"{name} IN ({_listed(values)})" for name, values in (("Id", ids), ("Name", names)) if values]
        campaigns = f"SELECT Id, Name, IsDeleted FROM Campaign WHERE {' OR '.join(ways)}"  # noqa: S608  # nosec B608
        rows = self.sender.org.query([campaigns, *([] if names else [_statuses_of(ids)])])
        live = [row for row in rows if "Name" in row and row.get("IsDeleted") is not True]
        if names:
            rows = [*rows, *self.sender.org.query([_statuses_of([str(row["Id"]) for row in live])])] if live else rows
        statuses = defaultdict[str, set[str]](set)
        for row in rows:
            if "Label" in row:
                statuses[str(row.get("CampaignId"))].add(str(row["Label"]).lower())
        found = {}
        for audience, given in wanted.items():
            same = [to_18(str(row["Id"])) for row in live if _is_meant(row, given)]
            if len(same) == 1 and (only := same[0]):
                found[audience] = Campaign(only, frozenset(statuses[only]))
        return found

    def _rows_of(self, records: Iterable[Record]) -> dict[str, Row] | Outcome:
        """The members that are there, by campaign and person."""
        asked = defaultdict[tuple[str, str], list[str]](list)
        for record in records:
            campaign, _, person = record.key.partition(":")
            asked[campaign, _person_field(record)].append(person)
        columns = "SELECT Id, IsDeleted, CampaignId, ContactId, LeadId, Status FROM CampaignMember"
        chunks = [
            (campaign, name, _listed(ids[start : start + VALUES_PER_QUERY]))
            for (campaign, name), ids in asked.items()
            for start in range(0, len(ids), VALUES_PER_QUERY)
        ]
        queries = [f"{columns} WHERE CampaignId = '{c}' AND {name} IN ({listed})" for c, name, listed in chunks]
        found: dict[str, Row] = {}
        for start in range(0, len(queries), QUERIES_PER_REQUEST):
            some = queries[start : start + QUERIES_PER_REQUEST]
            rows = self.sender.answer(lambda some=some: self.sender.org.query(some))  # type: ignore[misc]
            if isinstance(rows, Outcome):
                return rows
            for row in rows:
                for name in _PERSON_OF_MEMBER.values() if row.get("IsDeleted") is not True else ():
                    found.setdefault(f"{to_18(str(row.get('CampaignId')))}:{to_18(str(row.get(name)))}", row)
        return found

    def _member(self, record: Record, row: Row | None) -> Record | None:
        """What is to be done to a member, which is nothing where it is so, or where a person gave it its status."""
        audience = self._audiences[record.updates[-1].audience.partition(" ")[2]]
        texts, status = member_texts(audience), str(record.fields["Status"])
        named, campaign = {text.lower() for text in texts.values()}, record.key.partition(":")[0]
        held = str(row.get("Status") or "").lower() if row else ""
        is_kept = row is not None and held not in named
        self.sender.batch.members_kept += is_kept
        if is_kept or held == status.lower() or (row is None and status == texts["exited"]):
            self.sender.batch.settle(record.updates, DELIVERED)
            return None
        if row is None:
            fields = {"CampaignId": campaign, _person_field(record): record.key.partition(":")[2], "Status": status}
            return replace(record, address=Address(MEMBER, "", creates=True), fields=fields)
        member_id, deletes = to_18(str(row["Id"])) or "", status == DELETE
        if deletes and member_id[:3] != MEMBER_PREFIX:
            return None
        address = Address(MEMBER, deletes=deletes)
        return replace(record, address=address, identity=member_id, fields={} if deletes else {"Status": status})


def _is_nowhere(update: Update) -> bool:
    """Whether a person was refused because it is not known which record is hers; a wrong parent names its field."""
    outcome = update.outcome
    if outcome is None or outcome.kind is not OutcomeKind.REJECTED or outcome.reason is None:
        return False
    is_parent = outcome.reason.code == "INVALID_CROSS_REFERENCE_KEY" and outcome.reason.fields
    return outcome.reason.code in _NOWHERE and not is_parent


def _is_refused(update: Update) -> bool:
    """Whether a person's record did not answer for all; where it lacks a field, it may have been written hours ago."""
    outcome = update.outcome
    if outcome is None:
        return False
    return outcome.kind in (OutcomeKind.REJECTED, OutcomeKind.SKIPPED) or _lacks_fields(outcome)


def _lacks_fields(outcome: Outcome) -> bool:
    return outcome.reason is not None and outcome.reason.code == "FIELD_MISSING_IN_ORG"


def _may_be_found(update: Update) -> bool:
    """Whether a person who was not written may be there all the same."""
    if update.outcome is None or update.outcome.kind in (OutcomeKind.DEFERRED, OutcomeKind.SKIPPED):
        return update.outcome is not None and _lacks_fields(update.outcome)
    return not _is_nowhere(update)


def _person_field(record: Record) -> str:
    sobject = (record.updates[0].place or ("Contact", ""))[0]
    return _PERSON_OF_MEMBER.get(sobject, "ContactId")


def _listed(values: Iterable[str]) -> str:
    return ", ".join(map(quoted, values))


def _statuses_of(campaigns: Iterable[str]) -> str:
    return f"SELECT CampaignId, Label FROM CampaignMemberStatus WHERE CampaignId IN ({_listed(campaigns)})"  # noqa: S608  # nosec B608


def _is_meant(row: Row, campaign: Any) -> bool:
    if isinstance(campaign, str):
        return to_18(str(row["Id"])) == to_18(campaign)
    return bool(str(row["Name"]).lower() == campaign.name.lower())
