"""
Writing records: sent together, and again in part where Salesforce's answer asks for it.

A refused field may be left out, a guard may hold a newer time, a limit may want fewer records at once, a lead may have
become a contact, an identity may be unknown. What is sent again is always less, or among fewer, or elsewhere, than what
was sent, so that it comes to an end. After a failure of a whole request the rest of the batch is not sent: an outage does not end within one
invocation, and a spent limit is not to be asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from salesforce_destination.delivery.attempt import Attempt, Events, collections_of, in_order_of_parents
from salesforce_destination.delivery.batch import NOT_REACHED, Batch
from salesforce_destination.delivery.decision import Decision, Refusals, outcome_of_failure
from salesforce_destination.delivery.finder import Finder, Place, FoundRows
from salesforce_destination.delivery.memory import FAST_SECONDS, LAST_ANSWERS, MOST_ANSWERS, Memory
from salesforce_destination.delivery.ports import Org
from salesforce_destination.errors import (
    BadRequestError,
    DailyLimitError,
    DestinationError,
    OutcomeUnknownError,
    SalesforceError,
    SessionExpiredError,
    TokenUnavailableError,
    UnknownCodeError,
)
from salesforce_destination.outcome import (
    DELIVERED,
    SKIPPED,
    SUPERSEDED,
    Outcome,
    OutcomeKind,
    ProfileRefusedError,
    Reason,
    Wait,
    deferred,
    missing_in_org,
    rejected,
)
from salesforce_destination.record.classification import Meaning, RecordError, may_be_common, meaning_of
from salesforce_destination.record.composite import WRITTEN, CollectionAnswer, CollectionReply, RecordErrors
from salesforce_destination.record.record import Address, Record, Update, placed
from salesforce_destination.record.salesforce_id import to_18
from salesforce_destination.record.successor import Move, Successor

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import Destination
    from salesforce_destination.record.description import ObjectDescription

T = TypeVar("T")

Gone = dict[tuple[Move, Address | None], list[tuple[Attempt, Outcome]]]
"""Records that are not there any more, by how they went and where they were."""

UPDATE_ONLY_IGNORED = deferred(
    "UPDATE_ONLY_IGNORED",
    Wait.UNTIL_MENDED,
    "Salesforce created a record for an update that must not create one. Nothing is written before the next start.",
)
CREATIONS_HELD = deferred(
    "CREATIONS_HELD",
    Wait.UNTIL_MENDED,
    "More of the last 1,000 people are new than most_created_percent lets be created.",
)
NOBODY = rejected("NOT_FOUND", "The org has no record with this identity, or the integration user does not see it.")

ENOUGH_ALONE = 20
"""After so many records that were refused alone for one reason, the others are not taken apart for it."""

NOT_COMMON = frozenset({"CANNOT_UPDATE_CONVERTED_LEAD", "RECORD_MERGED"})
"""Codes that say something of each record for itself, however many there are."""

MOST_REQUESTS_TO_SPLIT = 60
"""For each 1,000 records of a batch of which something is split; what is left then waits."""

NOT_THERE = frozenset({"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND"})
"""How an Id is refused that the org does not know; where most are, it is the wrong org."""

FAIL_ALONE = 3
"""So many records that alone meet an unknown code, none being written alone: it is not one of them."""

Failure = Outcome | BadRequestError | UnknownCodeError
"""What became of a whole collection: it waits, or something in it is not accepted, or a code that says nothing."""

Reply = Sequence[RecordErrors] | Failure
"""What became of a collection, record by record or as a whole."""


@dataclass(slots=True)
class Sender:
    """One batch's records on their way to one org."""

    destination: Destination
    org: Org
    memory: Memory
    batch: Batch
    refusals: Refusals
    finder: Finder
    api_usage_ceiling_percent: float
    described: dict[str, ObjectDescription] = field(default_factory=dict)
    _stopped: Outcome | None = None
    _most_calls: int = 0
    _calls: int = 0
    _records: Sequence[Record] = ()
    _by_id: dict[str, Record] = field(default_factory=dict)
    _written: list[Record] = field(default_factory=list)
    _refused: list[tuple[Record, Events, Outcome]] = field(default_factory=list)
    _descriptions: dict[str, ObjectDescription | DestinationError] = field(default_factory=dict)
    _asked: list[Attempt] = field(default_factory=list)
    _created: int = 0
    _codes_of_requests: set[str] = field(default_factory=set)
    _single: SingleRecords = field(init=False)

    def __post_init__(self) -> None:
        self._single, self._calls = SingleRecords(), self.org.api_calls()
        if self.memory.is_limit_spent():
            self._stopped = deferred("REQUEST_LIMIT_EXCEEDED", Wait.DAILY_LIMIT)
        if self.memory.update_only_ignored:
            self._stopped = UPDATE_ONLY_IGNORED

    def write(self, records: Sequence[Record], records_per_collection: int) -> None:
        """Write these records, each to its end."""
        collections = self.memory.collections_per_request
        self._most_calls = self.org.api_calls() + MOST_REQUESTS_TO_SPLIT * -(-len(records) // 1_000)
        self._look_for_missing()
        if self._stopped is None and self.finder.lacks_description:
            self.describe_all()
            errors = [each for each in self._descriptions.values() if isinstance(each, DestinationError)]
            self._stopped = outcome_of_failure(errors[0], was_sent=False) if errors else None
        self._records = records
        most = min(records_per_collection, self.memory.records_per_collection)
        self._single.is_probing = most < records_per_collection
        pending = self._first_attempts(in_order_of_parents(records, self.finder.parents), most)
        while pending or self._asked:
            if pending:
                pending = self._round(*self._single.probed(pending, self.memory.collections_per_request))
            else:
                pending = self._looked_up()
        self._count_people()
        self._settle_refused()
        if self._single.refused and self._single.has_split:
            self.memory.collections_per_request = collections  # a record was to blame, not the size
        elif self._single.has_split:
            self.memory.records_per_collection = self._single.size or most
        elif self._stopped is None and len(records) >= most:
            self.memory.records_per_collection = 2 * most
        self.batch.requests = self.org.api_calls() - self._calls
        self.batch.update_only_ignored = self.memory.update_only_ignored

    def _look_for_missing(self) -> None:
        if self._stopped is None:
            with suppress(DestinationError):  # asked again in five minutes; until then these fields count as missing
                self.memory.ask_for_missing(self.describe)

    # What of a record is to be sent.

    def _first_attempts(self, records: Sequence[Record], most: int) -> list[Attempt]:
        attempts = [Attempt(record, most) for record in records]
        known = {record.key for record in records} if self.memory.missing else self.memory.known_among(records)
        if known:
            looked_at = [self._ready(each) if each.record.key in known else each for each in attempts]
            attempts = [attempt for attempt in looked_at if attempt]
        if self.finder.asks_none_first:
            return attempts
        self._asked = [attempt for attempt in attempts if self.finder.asks_first(attempt.record)]
        asked = set(map(id, self._asked))
        return [attempt for attempt in attempts if id(attempt) not in asked]

    def _ready(self, attempt: Attempt | None) -> Attempt | None:
        """
        What is to be sent of a record, once that is left out which is known to be stale or missing; None for nothing.

        Where nothing is left of an event it is settled, and the next one of a record that was taken apart follows.
        """
        while attempt is not None:
            if stale := self.memory.known_stale(attempt.record):
                attempt = attempt.without(self.refusals.guards.with_guarded(stale))
            missing = self.memory.missing_of(attempt.record)
            if missing:
                attempt = attempt.without_missing(missing, self.refusals.guards.with_guarded(missing))
            is_written = bool(missing) and self.memory.is_written_but(self.batch.names_of(attempt.record), missing)
            if not is_written and (attempt.record.fields or not attempt.record.left_out):
                return attempt
            self._settle_unsent(attempt)
            attempt = self._go_on(attempt)
        return None

    def _go_on(self, attempt: Attempt, refusal: Outcome | None = None, *, is_whole: bool = False) -> Attempt | None:
        """Reject the events that are not tried again, and give what is to be sent next of this record."""
        given_up, following = attempt.next(refusal, is_whole=is_whole)
        rejected = tuple([update for update in given_up if update.outcome is not DELIVERED])
        if rejected and (outcome := refusal or attempt.refusal):
            self.batch.settle(rejected, outcome)
            self._refused.append((attempt.record, rejected, outcome))
        return following

    def _settle_unsent(self, attempt: Attempt) -> None:
        if attempt.missing:
            self._settle_waiting(attempt)
        else:
            self.batch.records_superseded += 1
            self.batch.settle(attempt.record.updates, SUPERSEDED)

    def _settle_waiting(self, attempt: Attempt) -> None:
        self.batch.missing.update(attempt.missing)
        self.batch.settle(attempt.record.updates, missing_in_org(attempt.missing))

    # One round: everything that is ready is sent once, and each answer is followed.

    def _round(self, pending: Sequence[Attempt], held: Sequence[Attempt]) -> list[Attempt]:
        """Send what is ready, one request after the other; give what is to be sent next, with what was held back."""
        following: list[Attempt | None] = []
        gone: Gone = {}
        waiting, sent = collections_of(pending), 0
        while request := _of_one_kind(waiting[sent : sent + self.memory.collections_per_request]):
            sent += len(request)
            for collection, reply in zip(request, self._replies(request), strict=True):
                self._follow_answers(collection, reply, following, gone)
        ready = [attempt for attempt in following if attempt]
        for attempt in ready:
            attempt.requests += 1
        ready += self._single.released(held)
        return self._with_moved(ready, gone)

    def _with_moved(self, ready: list[Attempt], gone: Gone) -> list[Attempt]:
        """Add what has gone elsewhere to what is ready."""
        for (move, _), lost in gone.items():
            decided = list(self._followed(move, lost))
            # What is left of a record that others were merged into goes with them: it appears once in a request.
            there = {decision.resend.record.key for _, decision in decided if decision.resend}
            ready = [attempt for attempt in ready if attempt.record.key not in there]
            ready += [each for pair in decided if (each := self._carry_out(*pair))]
        return ready

    def _follow_answers(
        self,
        collection: Sequence[Attempt],
        reply: Reply,
        following: list[Attempt | None],
        gone: Gone,
    ) -> None:
        """Follow the answer to each record of a collection; what has gone elsewhere is looked up for all together."""
        size = len(collection)
        records = [attempt.record for attempt in collection if not (attempt.missing or attempt.later)]
        ids = reply.ids if isinstance(reply, CollectionAnswer) else ()
        if not isinstance(reply, Failure) and not any(reply) and len(records) == size:
            self._settle_written(records, size)
            following += self._meeting(collection, ids)
            return
        if isinstance(reply, UnknownCodeError) and not self._met_before(collection):
            reply = outcome_of_failure(reply, was_sent=True)
        answers: Sequence[RecordErrors | Failure] = [reply] * size if isinstance(reply, Failure) else reply
        for number, (attempt, answer) in enumerate(zip(collection, answers, strict=True)):
            record_id = ids[number : number + 1]
            if answer is WRITTEN and not (attempt.missing or attempt.later):
                self._settle_written([attempt.record], size)
                following += self._meeting([attempt], record_id)
                continue
            decision = self._decision(attempt, answer, size)
            if decision.is_not_found:
                self._asked.append(replace(attempt, not_found=decision.outcome))
            elif decision.move is not None:
                key = decision.move, attempt.record.address
                gone.setdefault(key, []).append((attempt, decision.outcome))
            else:
                next_one = self._carry_out(attempt, decision)
                if next_one and attempt.record.creates and record_id and decision.outcome is DELIVERED:
                    next_one.record = placed(next_one.record.updates, Address(attempt.record.sobject), record_id[0])
                following.append(next_one)

    def _settle_written(self, records: Sequence[Record], size: int) -> None:
        """Settle the records of a collection of which nothing waits and nothing follows."""
        self._single.note_written(size)
        self._written += records
        self.memory.note_written(records)
        self.batch.note_delivered(records)
        self._created += len([record for record in records if record.creates])
        self.batch.settle_all(records, DELIVERED)

    def _decision(self, attempt: Attempt, answer: RecordErrors | Failure, collection_size: int) -> Decision:
        if isinstance(answer, Outcome):
            return Decision(answer)
        tries = self.batch.receive_count(attempt.record)
        if isinstance(answer, UnknownCodeError):
            decision = self._of_unknown(attempt, answer, collection_size)
        elif answer:
            try:
                if isinstance(answer, BadRequestError):
                    self.batch.codes[answer.code] += 1
                    self._codes_of_requests.add(answer.code)
                    decision = self.refusals.decide_whole(attempt, answer, tries, collection_size, self.describe)
                else:
                    self.batch.codes.update(error.code for error in answer)
                    decision = self.refusals.decide(attempt, answer, tries, collection_size, self.describe)
            except DestinationError as error:  # whose fault it is cannot be said without the org's word
                return Decision(outcome_of_failure(error, was_sent=False))
            if decision.outcome.kind is OutcomeKind.DEFERRED and not (decision.resend or decision.missing):
                self._refused.append((attempt.record, (), decision.outcome))
        else:
            self._single.note_written(collection_size)
            return Decision(DELIVERED)
        return self._single.considered(attempt, decision, collection_size)

    def _of_unknown(self, attempt: Attempt, error: UnknownCodeError, collection_size: int) -> Decision:
        """Halve what met an unknown code before; what is alone waits, and all the rest with it if all fail alone."""
        self.batch.codes[error.code] += 1
        outcome = outcome_of_failure(error, was_sent=True)
        if collection_size > 1:
            return Decision(outcome, resend=attempt.among(collection_size // 2))
        self._single.note_refused(error.code, attempt.record.key)
        if len(self._single.refused[error.code]) >= FAIL_ALONE and not self._single.written:
            self._stopped = outcome
        return Decision(outcome)

    def _met_before(self, attempts: Iterable[Attempt]) -> bool:
        return any(self.batch.receive_count(attempt.record) > 1 for attempt in attempts)

    def describe(self, sobject: str = "") -> ObjectDescription:
        """The org's own word, asked for once in a batch: a field may have gone since an earlier one."""
        sobject = self.memory.named(sobject)
        found = self._descriptions.get(sobject)
        if found is None:
            try:
                found = self._ask(lambda: self.org.describe(*filter(None, [sobject]), anew=True))
                self.described[sobject] = found
                if missing := self.finder.use_description(found):
                    self.memory.note_missing(sobject, missing)
            except DestinationError as error:
                found = error
            self._descriptions[sobject] = found
        if isinstance(found, DestinationError):
            raise found
        return found

    def _carry_out(self, attempt: Attempt, decision: Decision) -> Attempt | None:
        """Carry out what was decided, and give what is to be sent next of this record."""
        outcome = decision.outcome
        if attempt.is_last and (decision.resend or decision.missing):
            return self._go_on(attempt, attempt.refusal)
        if decision.resend:
            self.batch.omitted.update(decision.omitted)
            self.memory.note_stale(attempt.record, decision.stale)
            return self._ready(decision.resend)
        if decision.missing:
            self.memory.note_missing(attempt.record.sobject, decision.missing)
            left_out = self.refusals.guards.with_guarded(decision.missing)
            return self._ready(attempt.without_missing(decision.missing, left_out))
        if outcome.kind is OutcomeKind.REJECTED:
            return self._ready(self._go_on(attempt, outcome, is_whole=decision.is_whole))
        if outcome.kind is OutcomeKind.DEFERRED:
            self.batch.settle(attempt.events, outcome)  # no newer event overtakes one that waits
            return None
        if outcome is DELIVERED:
            self._note_delivered(attempt)
        if outcome is DELIVERED and attempt.missing:
            self._settle_waiting(attempt)
        else:
            self.batch.settle(attempt.record.updates, outcome)
        return self._ready(self._go_on(attempt))

    def _note_delivered(self, attempt: Attempt) -> None:
        self._written.append(attempt.record)
        self._created += attempt.record.creates
        self.memory.note_written([attempt.record])
        self.batch.note_delivered([attempt.record])
        if attempt.missing:
            self.memory.note_part(self.batch.names_of(attempt.record), attempt.missing)

    # Requests of the size that suits the org, until something says to stop.

    def _replies(self, request: Sequence[list[Attempt]]) -> Sequence[Reply]:
        is_small = self._single.has_split or self._single.size > 0
        if self._stopped is None and is_small and self.org.api_calls() >= self._most_calls:
            self._stopped = deferred("TOO_MANY_REQUESTS", text="The org takes few records at once. The rest waits.")
        if self._stopped is not None:
            return [self._stopped] * len(request)
        started, failure = self.memory.clock(), None
        try:
            replies = self.org.send([[attempt.record for attempt in collection] for collection in request])
        except DestinationError as error:
            failure = error
        seconds = self.memory.clock() - started
        if isinstance(failure, BadRequestError) or (
            isinstance(failure, UnknownCodeError) and any(map(self._met_before, request))
        ):
            self._mind_the_ceiling()
            if len(request) == 1:
                return [failure]
            # Which of the collections is to blame is not said: each is sent for itself, as are the next ones.
            each = [reply for collection in request for reply in self._replies([collection])]
            self.memory.collections_per_request, self._single.has_split = 1, True
            return each
        if failure is not None:
            self._note_failure(failure, seconds)
            return [outcome_of_failure(failure, was_sent=True)] * len(request)
        fast_enough = max(seconds, FAST_SECONDS) if self._single.has_split else seconds
        self.memory.note_call(fast_enough, trouble=any(map(_is_locked, replies)))
        self._mind_the_ceiling()
        if any(isinstance(reply, CollectionAnswer) and reply.was_created for reply in replies):
            self.memory.update_only_ignored, self._stopped = True, UPDATE_ONLY_IGNORED
        return [_read(reply) for reply in replies]

    def _ask(self, question: Callable[[], T]) -> T:
        """Ask the org something; the batch stops where its calls are spent."""
        try:
            return question()
        except (DailyLimitError, SessionExpiredError, TokenUnavailableError) as error:
            self._note_failure(error, 0.0)
            raise
        finally:
            self._mind_the_ceiling()

    def _note_failure(self, error: DestinationError, seconds: float) -> None:
        self._stopped = outcome_of_failure(error, was_sent=False)
        if isinstance(error, DailyLimitError):
            self.memory.note_limit_spent()
        elif isinstance(error, OutcomeUnknownError) or _is_locked(error):
            self.memory.note_call(seconds, trouble=True)

    def _mind_the_ceiling(self) -> None:
        usage = self.org.api_usage_percent()
        if usage is not None and usage >= self.api_usage_ceiling_percent:
            self.memory.note_limit_spent()
            self._stopped = deferred("API_USAGE_CEILING", Wait.DAILY_LIMIT)

    # Moved records: the contact of a converted lead, the survivor of a merge.

    def _followed(self, move: Move, gone: Sequence[tuple[Attempt, Outcome]]) -> Iterator[tuple[Attempt, Decision]]:
        """Say for each of these what follows; its outcome is the one of a record without successor."""
        waits, successors = self._stopped, dict[str, Successor]()
        if waits is None:
            try:
                successors.update(self._ask(lambda: self.org.find(move, [attempt.record for attempt, _ in gone])))
            except DestinationError as error:
                waits = outcome_of_failure(error, was_sent=False)
        together: dict[str, list[Attempt]] = {}
        for attempt, outcome in gone:
            successor = successors.get(attempt.record.key)
            if waits is not None:
                yield attempt, Decision(waits)
            elif successor is None:
                yield attempt, Decision(outcome, is_whole=True)
            elif move is Move.MERGED and self.destination.merged_records == "reject":
                yield attempt, Decision(_merged_into(successor, outcome), is_whole=True)
            else:
                together.setdefault(successor.record_id, []).append(attempt)
        for same in together.values():
            if there := self._moved(same, successors[same[0].record.key]):
                yield same[0], Decision(NOT_REACHED, resend=there)

    def _moved(self, attempts: Sequence[Attempt], successor: Successor) -> Attempt | None:
        """All that is left of these records, as one record at their successor."""
        there = self._placed(attempts, Address(successor.sobject), successor.record_id, is_moved=True)
        if there is None:
            return None
        unknown = frozenset(there.record.fields.keys() - successor.writable if successor.writable is not None else ())
        left_out = frozenset.intersection(*(attempt.record.left_out for attempt in attempts))
        record = there.record.without(
            unknown | (left_out - self.memory.missing[self.memory.named(there.record.sobject)])
        )
        return replace(there, record=record, not_there=unknown)

    def _placed(
        self, attempts: Sequence[Attempt], address: Address, record_id: str, *, is_moved: bool = False
    ) -> Attempt | None:
        """
        All that is left of these records, as one record at its place, or None where nothing may be written there.

        What the batch says of that one itself goes with it: what is newer there must not be undone.
        """
        self._by_id = self._by_id or {record.key: record for record in self._records}
        own = self._by_id.get(record_id) if record_id else None
        events = list({id(each): each for each in [*_events(attempts), *(own.updates if own else ())]}.values())
        refusals = [(update, update.go_to(address.sobject) or _refusal_of_new(update, address)) for update in events]
        for update, refusal in refusals:
            if refusal:
                self.batch.settle([update], Outcome(OutcomeKind.REJECTED, refusal.reason))
        if not (left := [update for update, refusal in refusals if not refusal]):
            return None
        record = placed(left, address, record_id, is_moved=is_moved)
        if record_id:
            self._by_id[record_id] = record
        return Attempt(record, attempts[0].most, is_read=True)

    def _meeting(self, attempts: Sequence[Attempt], ids: Sequence[str]) -> Iterator[Attempt]:
        """Where another row was written to the same record, all that both say, to be written once more by its Id."""
        for attempt, record_id in zip(attempts, map(to_18, ids), strict=False):
            if record_id is None:
                continue
            self._by_id = self._by_id or {record.key: record for record in self._records}
            own = self._by_id.setdefault(record_id, attempt.record)
            known = set(map(id, own.updates))
            if not known.issuperset(map(id, attempt.record.updates)):
                there = Address(attempt.record.sobject)
                if again := self._placed([attempt], there, record_id):
                    yield again

    # Whose records these are, by the rules of the file.

    def _looked_up(self) -> list[Attempt]:
        """Ask the org for what has no record yet, or must be read first; give what is to be sent next."""
        asked, self._asked = self._asked, []
        rows = self._rows(asked)
        if isinstance(rows, Outcome):
            for attempt in asked:
                self.batch.settle(attempt.events, rows)
            return []
        together: dict[tuple[str, str], list[tuple[Attempt, Place]]] = {}
        new: list[Attempt] = []
        gone: Gone = {}
        ready: list[Attempt | None] = []
        for attempt in asked:
            place = self.finder.place(attempt, rows)
            if place is None:
                new.append(attempt)
            elif isinstance(place, Outcome):
                ready.append(self._carry_out(attempt, Decision(place, is_whole=True)))
            elif place.move is None:
                together.setdefault((place.sobject, place.record_id), []).append((attempt, place))
            else:
                self._follow(attempt, place, gone)
        ready += map(self._found, together.values())
        ready += self._new(new)
        return self._with_moved([attempt for attempt in ready if attempt], gone)

    def _rows(self, asked: Sequence[Attempt]) -> FoundRows | Outcome:
        """What the org has for these, or why they wait."""
        if self._stopped is not None:
            return self._stopped
        try:
            return self._ask(lambda: self.finder.rows(asked, self.org))
        except DestinationError as error:
            if isinstance(
                error, BadRequestError
            ):  # perhaps a field went that was read: what the org has now is read next
                self.describe_all()
            return outcome_of_failure(error, was_sent=True)

    def describe_all(self) -> None:
        """Ask what each sObject of the file is, as far as the org answers."""
        with suppress(DestinationError):
            for sobject in self.destination.objects:
                self.describe(sobject)

    def _found(self, found: Sequence[tuple[Attempt, Place]]) -> Attempt | None:
        """What is to be written to a record that was found, beside what it holds."""
        place = found[0][1]
        self.batch.leads_beside_contacts += any(each.beside for _, each in found)
        there = self._placed([attempt for attempt, _ in found], Address(place.sobject), place.record_id)
        if there is None:
            return None
        filled, is_held = (
            self.finder.held(place.sobject, there.record, place.row) if place.row else (frozenset(), False)
        )
        if is_held:
            self.batch.records_unchanged += 1
            self.batch.settle(there.record.updates, DELIVERED)
            return None
        there.not_there = filled
        return self._ready(there.without(filled))

    def _follow(self, attempt: Attempt, place: Place, gone: Gone) -> None:
        """Note a record that was deleted, merged or converted, to be followed or refused as the file says."""
        code = "CANNOT_UPDATE_CONVERTED_LEAD" if place.move is Move.CONVERTED else "ENTITY_IS_DELETED"
        there = self._placed([attempt], Address(place.sobject), place.record_id)
        if there is None:
            return
        decision = self.refusals.decide(there, [RecordError(code)], 1, 1, self.describe)
        if decision.move is not None:
            gone.setdefault((decision.move, there.record.address), []).append((there, decision.outcome))
        else:
            self._carry_out(there, decision)

    def _new(self, attempts: Sequence[Attempt]) -> Iterator[Attempt | None]:
        """Create what nobody has a record for, as far as the file lets so many people be new."""
        creating = [attempt for attempt in attempts if self.finder.may_create(attempt)]
        chosen, percent = set(map(id, creating)), self.destination.most_created_percent
        for attempt in attempts:
            if attempt.record.updates_only:
                self._carry_out(attempt, Decision(SKIPPED, is_whole=True))
            elif id(attempt) not in chosen:
                self._carry_out(attempt, Decision(attempt.not_found or NOBODY, is_whole=True))
        room = self.memory.may_be_created(percent, self._people()) if percent < 100 else len(creating)
        for person in self.finder.people(each for each in creating if not each.record.updates_only):
            if room <= 0:
                self.batch.creations_held += 1
                self.batch.settle(_events(person), CREATIONS_HELD)
                continue
            room -= 1
            yield self._placed(person, Address(self.finder.creates, "", creates=True), "")

    def _people(self) -> int:
        """How many people came for the first time with this batch."""
        return sum(self.batch.receive_count(record) == 1 for record in self._records)

    def _count_people(self) -> None:
        self.batch.records_created = self._created
        if self.finder.creates and self.destination.most_created_percent < 100:
            self.memory.note_people(self._people(), self._created)

    # Common causes: what the org's own set-up may refuse to all records alike waits, and is tried again.

    def _settle_refused(self) -> None:
        """Count the answers of this batch, and let what may be refused for a common cause wait."""
        now, halves = self.memory.clock(), dict[tuple[object, str, int], bool]()
        self._note_answers(now)
        for record, events, outcome in self._refused:
            answers, reason = self.memory.answers[record.kind], outcome.reason or Reason("")
            least = self._least(reason)
            cause = record.kind, reason.code, least
            if cause not in halves:
                halves[cause] = least > 0 and answers.is_half(reason.code, now, least)
            is_common = halves[cause] or (least == 1 and not answers.passes(record.key, now))
            if is_common:
                self.batch.common_refusal = reason
            for update in events:
                if is_common or (least == 1 and self.batch.messages[update.message].receive_count == 1):
                    answers.note_waiting(record.key, reason.code)
                    self.batch.settle([update], Outcome(OutcomeKind.DEFERRED, reason, Wait.COMMON_CAUSE))
                else:
                    answers.waiting.pop(record.key, None)
                    self.batch.ended_causes.add(reason.code)

    def _least(self, reason: Reason) -> int:
        """How many records at least have met what may be common: the set-up one; none for what is a record's own."""
        is_unknown_id = self.destination.updates_by_id and reason.code in NOT_THERE and not reason.fields
        if meaning_of(RecordError(reason.code, reason.text)) is Meaning.SPLIT:
            return 2
        if is_unknown_id or reason.code in self._codes_of_requests:
            return MOST_ANSWERS
        return int(may_be_common(reason.code) and reason.code not in NOT_COMMON)

    def _note_answers(self, now: float) -> None:
        """A record counts once, however many of its events were written or refused, and in its place in the batch."""
        codes = {record.key: (outcome.reason or Reason("")).code for record, _, outcome in self._refused}
        waiting = any(answers.waiting for answers in self.memory.answers.values())
        written = self._written if codes or waiting else self._written[-LAST_ANSWERS:]
        answered = {record.key: record for record in written} | {record.key: record for record, _, _ in self._refused}
        in_order = [record for record in self._records if record.key in answered] if codes else ()
        for record in ({record.key: record for record in in_order} | answered).values():
            is_first = self.batch.receive_count(record) == 1
            ended = self.memory.answers[record.kind].note(record.key, codes.get(record.key, ""), now, is_first=is_first)
            self.batch.ended_causes.update({ended} - {""})


@dataclass(slots=True)
class SingleRecords:
    """
    What became of the records of one batch that were sent singly, and with it how far requests are split.

    If records keep failing on their own, the cause is not a single bad record: a request that Salesforce refuses
    without saying why, or a trigger that always runs into its limit, would otherwise cost two calls for each record.
    """

    written: int = 0
    size: int = 0
    has_split: bool = False
    is_probing: bool = False
    refused: dict[str, set[str]] = field(default_factory=dict, repr=False)
    _probed: int = 0
    _has_found: bool = False
    _has_passed: bool = False

    def note_written(self, collection_size: int) -> None:
        """Count a record that was written; alone it counts against a common cause."""
        self.written += collection_size == 1
        self._has_passed = True

    def note_refused(self, code: str, key: str) -> None:
        """Count a record that failed alone."""
        self.refused.setdefault(code, set()).add(key)
        self._has_found = True

    def probed(self, pending: Sequence[Attempt], collections: int) -> tuple[Sequence[Attempt], Sequence[Attempt]]:
        """
        What to send now, and what to hold back until that is known.

        Splitting goes down in a few of the smallest collections first: what is found out there spares the others the
        way. These are a request, or both halves.
        """
        self._has_found = self._has_passed = False
        if not self.is_probing:
            return pending, ()
        self._probed = min(attempt.most for attempt in pending)
        smallest = [attempt for attempt in pending if attempt.most == self._probed]
        now = smallest[: self._probed * max(collections, 2)]
        chosen = set(map(id, now))
        return now, [attempt for attempt in pending if id(attempt) not in chosen]

    def released(self, held: Sequence[Attempt]) -> Sequence[Attempt]:
        """What was held back; where all that was probed passed and no record failed alone, it goes by that size."""
        if not self.is_probing or self._has_found or not self._has_passed:
            return held
        self.is_probing = False
        if self.refused:
            return held
        self.size = self._probed
        return [attempt.among(self.size) for attempt in held]

    def considered(self, attempt: Attempt, decision: Decision, collection_size: int) -> Decision:
        """The decision on a refused record, but for one that would only be split into the same refusal again."""
        code = (decision.outcome.reason or Reason("")).code
        if collection_size == 1 and decision.is_rejection() and code not in NOT_COMMON:
            self.note_refused(code, attempt.record.key)
        if decision.resend and decision.resend.most < attempt.most:
            self.is_probing = self.has_split = self._has_found = True
            if common := self._common_code():
                return Decision(deferred(common, Wait.UNTIL_MENDED, "Records fail one by one; the rest was not tried."))
        return decision

    def _common_code(self) -> str:
        """The code that refused at least twenty single records, and at least as many as were written singly."""
        code = max(self.refused, key=lambda code: len(self.refused[code]), default="")
        count = len(self.refused.get(code, ()))
        return code if count >= ENOUGH_ALONE and count >= self.written else ""


def _of_one_kind(collections: Sequence[list[Attempt]]) -> Sequence[list[Attempt]]:
    """As many of these as go into one request: new records have one of their own."""
    kinds = [collection[0].record.creates for collection in collections]
    return collections[: kinds.index(True)] if kinds and True in kinds[1:] and not kinds[0] else collections


def _events(attempts: Iterable[Attempt]) -> list[Update]:
    return [update for attempt in attempts for update in attempt.events]


def _refusal_of_new(update: Update, address: Address) -> ProfileRefusedError | None:
    new = update.follower.new if update.follower and address.creates else None
    return new if isinstance(new, ProfileRefusedError) else None


def _read(reply: CollectionReply) -> Reply:
    if isinstance(reply, BadRequestError | UnknownCodeError) or not isinstance(reply, DestinationError):
        return reply
    return outcome_of_failure(reply, was_sent=True)


def _is_locked(reply: CollectionReply | DestinationError) -> bool:
    """Whether a lock was met, be it wrapped by a trigger or the end of a whole collection."""
    if isinstance(reply, SalesforceError):
        return meaning_of(RecordError(reply.code, reply.text)) is Meaning.LOCKED
    errors = () if isinstance(reply, DestinationError) else chain.from_iterable(reply)
    return any(meaning_of(error) is Meaning.LOCKED for error in errors)


def _merged_into(successor: Successor, outcome: Outcome) -> Outcome:
    reason = outcome.reason or Reason("")
    text = f"{reason.text} The record was merged into {successor.record_id}.".strip()
    return rejected("RECORD_MERGED", text, reason.fields)
