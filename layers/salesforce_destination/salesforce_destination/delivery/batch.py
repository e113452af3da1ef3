"""One batch of messages: whose records its profiles are about, what became of each, and the counts for the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, takewhile
from operator import itemgetter
from typing import Any

from salesforce_destination.outcome import (
    DELIVERED,
    NOT_WRITTEN,
    SUPERSEDED,
    Delivery,
    Message,
    Outcome,
    OutcomeKind,
    Reason,
    WaitingParts,
    deferred,
    rejected,
    worst,
)
from salesforce_destination.profile.source import ABSENT, Source
from salesforce_destination.record.record import Record, Update

Exits = Mapping[str, tuple[str, str, Any]]
"""By the field or the part that is written: how its audience is counted, and what an exit writes to which field."""

NOT_REACHED = deferred("NOT_REACHED")
"""The outcome of what nobody settled: nothing is lost for being forgotten."""

MOST_LOOKS = 1_000
"""So often a batch looks for what it has not found yet, at most: half a microsecond for each of 1,000 profiles."""

NO_IDENTITIES = (
    "None of the {} profiles of its batch has one. Does the sender export identities? Adobe Experience Platform does"
    " only for users with the right View Identity Graph."
)


class Batch:
    """What everybody who works on a batch writes into.

    `updates` holds one update for each profile, in the order of the messages, `parts` what follows their persons; what
    became of each stands in it. `exceptions` are the messages that were not simply delivered, by position, once the
    batch is concluded.
    `common_refusal` is the reason of one record that waits for a common cause, `ended_causes` are codes that are none.
    `problem` is what the log says of all its profiles. The counts become metrics: `members_kept` of campaign members
    whose status a person chose, `not_permitted` of profiles that `only_if` keeps out, `suppressed` of those of erased
    people, `creations_held` of people who would be too many new ones, `statuses` of what was written by audience,
    `exits` of what `exits_as` tells of them, `codes` by Salesforce's code, `omitted` and `missing` by field.
    `not_found` is what the file maps and none of the profiles had that were `looked_through`.
    """

    def __init__(self, messages: Sequence[Message], exits_as: Exits | None = None) -> None:
        self.messages = messages
        self.updates: list[Update] = []
        self.parts: list[Update] = []
        self.exceptions: dict[int, Delivery] = {}
        self.profiles = self.requests = self.records_delivered = self.records_superseded = 0
        self.dead_letters_refused = self.own_messages_refused = self.delays_refused = 0
        self.not_permitted = self.suppressed = self.looked_through = 0
        self.not_found: dict[str, Source] = {}
        self.looks_left = MOST_LOOKS
        self.passed_over = self.records_created = self.creations_held = 0
        self.records_unchanged = self.leads_beside_contacts = 0
        self.parts_superseded = self.members_kept = 0
        self.update_only_ignored = False
        self.statuses: Counter[str] = Counter()
        self.exits: Counter[str] = Counter()
        self.codes: Counter[str] = Counter()
        self.omitted: Counter[str] = Counter()
        self.missing: Counter[str] = Counter()
        self.common_refusal: Reason | None = None
        self.problem = ""
        self.ended_causes: set[str] = set()
        self._exits_as = exits_as or {}
        self._event_times: dict[int, int] = {}
        self._rejected: dict[int, Outcome] = {}

    @property
    def deliveries(self) -> list[Delivery]:
        """What became of each message, in their order."""
        times = {update.message: update.event_time for update in self.updates} | self._event_times
        counts = Counter([update.message for update in self.updates])
        return [
            self.exceptions.get(place) or Delivery(message, DELIVERED, times[place], (), counts[place])
            for place, message in enumerate(self.messages)
        ]

    @property
    def kept(self) -> list[str]:
        """The ids of the messages that SQS must keep."""
        return [each.message.id for each in self.exceptions.values() if each.outcome.kind is OutcomeKind.DEFERRED]

    def kinds(self) -> dict[OutcomeKind, int]:
        """How many messages ended in which way."""
        simply = len(self.messages) - len(self.exceptions)
        found = Counter({OutcomeKind.DELIVERED: simply} if simply else {})
        found.update(delivery.outcome.kind for delivery in self.exceptions.values())
        return found

    def add_parts(self, update: Update) -> None:
        """Add what follows a person, for the message and the profile that she comes from."""
        for part in update.parts:
            part.message, part.profile = update.message, update.profile
        self.parts += update.parts

    def unsettled(self) -> list[Update]:
        """The updates that are to be written, in the order of their messages."""
        return [update for update in self.updates if update.outcome is None and update.message not in self._rejected]

    def event_time(self, update: Update) -> int | None:
        """When the event of an update's message happened, where that is known."""
        return self._event_times.get(update.message, update.event_time) or None

    def note_event_time(self, position: int, event_time: int) -> None:
        """Remember when a message's event happened; a message of one profile has its profile's time."""
        self._event_times[position] = event_time

    def reject(self, position: int, outcome: Outcome) -> None:
        """Settle a whole message, whatever its profiles are."""
        self._rejected[position] = outcome

    def settle(self, updates: Iterable[Update], outcome: Outcome) -> None:
        """Settle profiles."""
        for update in updates:
            update.outcome = outcome

    def settle_all(self, records: Sequence[Record], outcome: Outcome) -> None:
        """Settle the profiles that these records answer for."""
        self.settle(chain.from_iterable([record.updates for record in records]), outcome)

    def names_of(self, record: Record) -> list[tuple[str, int]]:
        """Name a record's updates so that they are known again in a later delivery of their messages."""
        return [(self.messages[update.message].id + update.audience, update.profile) for update in record.updates]

    def receive_count(self, record: Record) -> int:
        """How often a record has come: the fewest deliveries of its messages."""
        return min(self.messages[update.message].attempts for update in record.updates)

    def note_delivered(self, records: Sequence[Record]) -> None:
        """Count records that were written, either persons or parts, and the statuses in them."""
        self.records_delivered += len(records)
        if records and records[0].is_part:
            for record in records:
                last = record.updates[-1]
                self._count(dict.fromkeys(self._exits_as.keys() & {last.audience}, 1), [last.fields])
        else:
            written, counts = [record.fields for record in records], Counter[str]()
            for names, count in Counter(map(tuple, written)).items():
                counts.update(dict.fromkeys(self._exits_as.keys() & names, count))
            self._count(counts, written)

    def _count(self, counts: Mapping[str, int], written: Sequence[Mapping[str, Any]]) -> None:
        """Count statuses, by the names of what exits_as tells of, and the exits among them."""
        for name, count in counts.items():
            audience, field, exited = self._exits_as[name]
            self.statuses[audience] += count
            is_in_all = count == len(written)
            values = map(itemgetter(field), written) if is_in_all else (f.get(field, ABSENT) for f in written)
            self.exits[audience] += list(values).count(exited)

    def look_for_missing_identities(self) -> None:
        """Say so where none of several profiles has an identity: the sender's set-up is to blame, and no profile."""
        reasons = list(takewhile(bool, map(_no_identity, self.updates)))
        if 1 < len(reasons) == len(self.updates):
            self.problem = NO_IDENTITIES.format(len(reasons))
            for update, reason in zip(self.updates, reasons, strict=True):
                update.outcome = rejected("NO_IDENTITY", f"{reason and reason.text} {self.problem}")

    def conclude(self) -> None:
        """Find the messages that were not simply delivered, each with the worst outcome of its profiles."""
        whole = self._rejected
        self.parts_superseded = sum(part.outcome is SUPERSEDED for part in self.parts)
        odd = {update.message for update in self.updates if update.outcome is not DELIVERED}
        odd.update(part.message for part in self.parts if part.outcome and part.outcome.kind in NOT_WRITTEN)
        odd.update(whole, set(range(len(self.messages))).difference([update.message for update in self.updates]))
        of_message: dict[int, list[Update]] = {place: [] for place in sorted(odd)}
        for update in self.updates if odd else ():
            if update.message in odd:
                of_message[update.message].append(update)
        for place, updates in of_message.items():
            for update in updates:
                update.outcome = whole.get(place) or update.outcome or NOT_REACHED
            self.exceptions[place] = self._exception(place, updates)

    def _exception(self, place: int, updates: Sequence[Update]) -> Delivery:
        message, time = self.messages[place], self._event_times.get(place)
        if place in self._rejected:
            return Delivery(message, self._rejected[place], time, (0,), 1)
        if not updates:
            return Delivery(message, NOT_REACHED, time, (0,), 0)
        outcomes = [update.outcome or NOT_REACHED for update in updates]
        failed = tuple([number for number, outcome in enumerate(outcomes) if outcome.kind in NOT_WRITTEN])
        delivery = Delivery(message, worst(outcomes), self.event_time(updates[0]), failed, len(updates))
        if any(update.parts for update in updates) and delivery.outcome.kind is not OutcomeKind.DEFERRED:
            _with_parts(delivery, updates)
        return delivery


def _with_parts(delivery: Delivery, updates: Sequence[Update]) -> None:
    """Add what is left of a message whose persons are all settled.

    The rows of a person who is refused wait with her: her message is rejected once they are settled. Where only parts
    are left, they go on alone: as a message of their own, or with their reason to the dead letters.
    """
    left = [part for update in updates for part in update.parts if part.outcome and part.outcome.kind in NOT_WRITTEN]
    if not left:
        return
    reason = worst([part.outcome for part in left if part.outcome])
    message, is_deferred = delivery.message, reason.kind is OutcomeKind.DEFERRED
    if delivery.outcome.kind is OutcomeKind.REJECTED:
        delivery.outcome = reason if is_deferred else delivery.outcome
        return
    names: dict[int, tuple[str, ...]] = {}
    for part in left:
        names[part.profile] = (*names.get(part.profile, ()), part.audience)
    delivery.failed_profiles = tuple(names)
    delivery.parts = WaitingParts(names, message.waits_since, message.attempts)
    if is_deferred and (message.parts is None or message.parts.names != names):
        delivery.parts_outcome = reason
    else:
        delivery.outcome = reason


def _no_identity(update: Update) -> Reason | None:
    reason = update.outcome and update.outcome.reason
    return reason if reason and reason.code == "NO_IDENTITY" else None
