"""Where the records of a batch are, once the first address does not say: found by the rules of the file, moved, or new.

A person stands once in a request: what is found at one place, under whatever identities, is one record from there on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from salesforce_destination.delivery.attempt import Attempt
from salesforce_destination.delivery.batch import NOT_REACHED
from salesforce_destination.delivery.decision import Decision
from salesforce_destination.delivery.finder import Place
from salesforce_destination.outcome import (
    DELIVERED,
    SKIPPED,
    Outcome,
    OutcomeKind,
    ProfileRefusedError,
    Reason,
    Wait,
    deferred,
    rejected,
)
from salesforce_destination.record.classification import RecordError
from salesforce_destination.record.record import Address, Record, Update, placed, to_18
from salesforce_destination.record.successor import Move, Successor

if TYPE_CHECKING:
    from salesforce_destination.delivery.sender import Sender

T = TypeVar("T")

Gone = dict[tuple[Move, Address | None], list[tuple[Attempt, Outcome]]]
"""Records that are not there any more, by how they went and where they were."""

CREATIONS_HELD = deferred(
    "CREATIONS_HELD",
    Wait.UNTIL_MENDED,
    "More of the last 1,000 people are new than most_created_percent lets be created.",
)
NOBODY = rejected("NOT_FOUND", "The org has no record with this identity, or the integration user does not see it.")


@dataclass(slots=True)
class RecordPlaces:
    """The places of one batch's records.

    `asked` are those that the org is asked about next, `created` counts new records.
    """

    sender: Sender
    asked: list[Attempt] = field(default_factory=list)
    created: int = 0
    _by_id: dict[str, Record] = field(default_factory=dict)

    def looked_up(self) -> list[Attempt]:
        """Ask the org for what has no record yet, or must be read first; give what is to be sent next."""
        asked, self.asked = [each for attempt in self.asked for each in self.sender.finder.apart(attempt)], []
        rows = self.sender.answer(lambda: self.sender.finder.rows(asked, self.sender.org))
        if isinstance(rows, Outcome):
            for attempt in asked:
                self.sender.batch.settle(attempt.events, rows)
            return []
        together: dict[tuple[str, str], list[tuple[Attempt, Place]]] = {}
        new: list[Attempt] = []
        gone: Gone = {}
        for attempt in asked:
            place = self.sender.finder.place(attempt, rows)
            if place is None:
                new.append(attempt)
            elif isinstance(place, Outcome):
                self.sender.carry_out(attempt, Decision(place, is_whole=True))
            elif place.move is None:
                together.setdefault((place.sobject, place.record_id), []).append((attempt, place))
            else:
                self._follow(attempt, place, together, gone)
        ready = [*map(self._found, together.values()), *self._new(new)]
        return self.with_moved([attempt for attempt in ready if attempt], gone)

    def _follow(
        self,
        attempt: Attempt,
        place: Place,
        together: dict[tuple[str, str], list[tuple[Attempt, Place]]],
        gone: Gone,
    ) -> None:
        """Note a record that was deleted, merged or converted, to be followed or refused as the file says."""
        is_converted = place.move is Move.CONVERTED
        contact = to_18(str(place.row.get("convertedcontactid") or ""))
        if is_converted and contact and self.sender.refusals.follows_leads:
            there = Place("Contact", contact, {}, Move.CONVERTED)
            together.setdefault((there.sobject, contact), []).append((attempt, there))
            return
        refusal = RecordError("CANNOT_UPDATE_CONVERTED_LEAD" if is_converted else "ENTITY_IS_DELETED")
        if there_too := self._placed([attempt], Address(place.sobject), place.record_id):
            decision = self.sender.refusals.decide(there_too, [refusal], 1, 1, self.sender.describe)
            if decision.move is None:
                self.sender.carry_out(there_too, decision)
            else:
                gone.setdefault((decision.move, there_too.record.address), []).append((there_too, decision.outcome))

    def _found(self, found: Sequence[tuple[Attempt, Place]]) -> Attempt | None:
        """What is to be written to a record that was found, beside what it holds."""
        attempts, place = [attempt for attempt, _ in found], found[0][1]
        rows = [each.row for _, each in found if each.row]
        self.sender.batch.leads_beside_contacts += any(each.beside for _, each in found)
        if not rows and place.move is Move.CONVERTED:
            successor = self.sender.answer(lambda: self.sender.org.contact_of_lead()(place.record_id))
            if isinstance(successor, Successor):
                return self._moved(attempts, successor)
            for attempt in attempts:
                self.sender.batch.settle(attempt.events, successor)
            return None
        there = self._placed(attempts, Address(place.sobject), place.record_id)
        if there is None:
            return None
        if self.sender.parts and rows:
            self.sender.parts.held[place.record_id] = rows[0]
        filled, is_held = self.sender.finder.held(there.record, rows[0] if rows else None)
        if is_held:
            self.sender.batch.records_unchanged += 1
            self.sender.batch.settle(there.record.updates, DELIVERED)
            return None
        there.not_there, there.is_read = filled, bool(rows)
        return self.sender.ready(there.without(filled).in_time(self.sender.refusals.ordered))

    # New records.

    def _new(self, attempts: Sequence[Attempt]) -> Iterator[Attempt | None]:
        """Create what nobody has a record for, as far as the file lets so many people be new."""
        percent, finder = self.sender.destination.most_created_percent, self.sender.finder
        room = self.sender.memory.may_be_created(percent, self._people()) if percent < 100 else len(attempts)
        for person in finder.people(attempts) if finder.creates else [[attempt] for attempt in attempts]:
            last = max(_events(person), key=lambda update: update.order)
            if last.updates_only:
                self.sender.batch.settle(_events(person), SKIPPED)
            elif (refused := _refusal_of_insert(person)) or not any(map(finder.may_create, person)):
                for attempt in person:
                    self.sender.carry_out(attempt, Decision(refused or attempt.not_found or NOBODY, is_whole=True))
            elif room > 0:
                room -= 1
                yield self.sender.ready(self._placed(person, Address(finder.creates, "", creates=True)))
            else:
                self.sender.batch.creations_held += 1
                self.sender.batch.settle(_events(person), CREATIONS_HELD)

    def _people(self) -> int:
        """How many people came for the first time with this batch."""
        return sum(self.sender.batch.receive_count(record) == 1 for record in self.sender.records)

    def count_people(self) -> None:
        """Remember how many of how many people became new records."""
        self.sender.batch.records_created = self.created
        if self.sender.destination.most_created_percent < 100:
            self.sender.memory.note_people(self._people(), self.created)

    # Moved records: the contact of a converted lead, the survivor of a merge.

    def with_moved(self, ready: list[Attempt], gone: Gone) -> list[Attempt]:
        """Add what has gone elsewhere to what is ready."""
        for (move, _), lost in gone.items():
            decided = list(self._followed(move, lost))
            # What is left of a record that others were merged into goes with them: it appears once in a request.
            there = {decision.resend.record.key for _, decision in decided if decision.resend}
            ready = [attempt for attempt in ready if attempt.record.key not in there]
            ready += [each for pair in decided if (each := self.sender.carry_out(*pair))]
        return ready

    def _followed(self, move: Move, gone: Sequence[tuple[Attempt, Outcome]]) -> Iterator[tuple[Attempt, Decision]]:
        """Say for each of these what follows; its outcome is the one of a record without successor."""
        successors = self.sender.answer(lambda: self.sender.org.find(move, [attempt.record for attempt, _ in gone]))
        rejects = move is Move.MERGED and self.sender.destination.merged_records == "reject"
        together: dict[str, list[Attempt]] = {}
        for attempt, outcome in gone:
            if isinstance(successors, Outcome):
                yield attempt, Decision(successors)
            elif (successor := successors.get(attempt.record.key)) is None:
                yield attempt, Decision(outcome, is_whole=True)
            elif rejects:
                yield attempt, Decision(_merged_into(successor, outcome), is_whole=True)
            else:
                together.setdefault(successor.record_id, []).append(attempt)
        for same in together.values():
            there = None if isinstance(successors, Outcome) else self._moved(same, successors[same[0].record.key])
            if there:
                yield same[0], Decision(NOT_REACHED, resend=there)

    def _moved(self, attempts: Sequence[Attempt], successor: Successor) -> Attempt | None:
        """All that is left of these records, as one record at their successor."""
        there = self._placed(attempts, Address(successor.sobject), successor.record_id, is_moved=True)
        if there is None or not there.record.fields:
            self.sender.batch.settle(there.record.updates if there else (), DELIVERED)
            return None
        unknown, memory = self.sender.finder.held(there.record, None)[0], self.sender.memory
        if successor.writable is not None:
            unknown |= there.record.fields.keys() - successor.writable
        with_guarded = self.sender.refusals.guards.with_guarded  # what was missing where they were may be there
        left_out = frozenset.intersection(*(each.record.left_out - with_guarded(each.missing) for each in attempts))
        left_out -= memory.missing[memory.named(successor.sobject)]
        there = replace(there, record=there.record.without(unknown | left_out), not_there=unknown)
        return there.in_time(self.sender.refusals.ordered)

    # One record for all that is at one place.

    def _placed(
        self, attempts: Sequence[Attempt], address: Address, record_id: str = "", *, is_moved: bool = False
    ) -> Attempt | None:
        """All that is left of these records, as one record at its place, or None where nothing may be written there.

        What the batch says of that one itself goes with it: what is newer there must not be undone.
        """
        own = self._known().get(record_id) if record_id else None
        events = {id(each): each for each in [*_events(attempts), *(own.updates if own else ())]}
        left = []
        for update in events.values():
            if address.creates and update.updates_only:
                self.sender.batch.settle([update], SKIPPED)
            elif refusal := update.go_to(address.sobject) or _refusal_of_new(update, address):
                self.sender.batch.settle([update], Outcome(OutcomeKind.REJECTED, refusal.reason))
            else:
                left.append(update)
        if not left:
            return None
        record = placed(left, address, record_id, is_moved=is_moved)
        if record_id:
            self._by_id[record_id] = record
            for update in left:
                update.place = address.sobject, record_id
        return Attempt(record, attempts[0].most, is_read=True)

    def _known(self) -> dict[str, Record]:
        """The records of the batch by their Ids, as far as these are known."""
        self._by_id = self._by_id or {record.key: record for record in self.sender.records}
        return self._by_id

    def met(self, attempts: Sequence[Attempt], ids: Sequence[str]) -> Iterator[Attempt]:
        """Where another row was written to the same record, all that both say, to be written once more by its Id."""
        for attempt, record_id in zip(attempts, map(to_18, ids), strict=False):
            if record_id is None or attempt.record.is_part:
                continue
            own = self._known().setdefault(record_id, attempt.record)
            if not set(map(id, own.updates)).issuperset(map(id, attempt.record.updates)):
                again = self.sender.ready(self._placed([attempt], Address(attempt.record.sobject), record_id))
                if again is not None:
                    again.not_there = self.sender.finder.held(again.record, None)[0]
                    yield again.without(again.not_there).in_time(self.sender.refusals.ordered)


def _events(attempts: Iterable[Attempt]) -> list[Update]:
    return [update for attempt in attempts for update in attempt.events]


def _refusal_of_insert(person: Iterable[Attempt]) -> Outcome | None:
    """Why a person was refused as a new record, whom nobody finds afterwards either."""
    outcomes = [attempt.not_found for attempt in person if attempt.not_found]
    return next((each for each in outcomes if each.reason and each.reason.code == "DUPLICATE_VALUE"), None)


def _refusal_of_new(update: Update, address: Address) -> ProfileRefusedError | None:
    new = update.follower.new if update.follower and address.creates else None
    return new if isinstance(new, ProfileRefusedError) else None


def _merged_into(successor: Successor, outcome: Outcome) -> Outcome:
    reason = outcome.reason or Reason("")
    text = f"{reason.text} The record was merged into {successor.record_id}.".strip()
    return rejected("RECORD_MERGED", text, reason.fields)
