"""Writing records: sent together, and again in part where Salesforce's answer asks for it.

A refused field may be left out, a guard may hold a newer time, a limit may want fewer records at once, a lead may have
become a contact, an identity may be unknown. What is sent again is always less, or among fewer, or elsewhere, than what
was sent, so that it comes to an end. After a failure of a whole request the rest of the batch is not sent: an outage
does not end within one invocation, and a spent limit is not to be asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from salesforce_destination.delivery.attempt import Attempt, collections_of, in_order_of_parents
from salesforce_destination.delivery.batch import Batch
from salesforce_destination.delivery.decision import Decision, Refusals, outcome_of_failure
from salesforce_destination.delivery.finder import VALUES_PER_QUERY, Finder
from salesforce_destination.delivery.memory import FAST_SECONDS, Memory
from salesforce_destination.delivery.parts import MEMBER, Parts
from salesforce_destination.delivery.places import Gone, RecordPlaces
from salesforce_destination.delivery.ports import Org
from salesforce_destination.delivery.refused import RefusedRecords, SingleRecords
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
    SUPERSEDED,
    Outcome,
    OutcomeKind,
    Wait,
    deferred,
    missing_in_org,
)
from salesforce_destination.record.classification import Meaning, RecordError, meaning_of
from salesforce_destination.record.composite import WRITTEN, CollectionAnswer, CollectionReply, RecordErrors
from salesforce_destination.record.record import Address, Record, placed

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import Destination
    from salesforce_destination.record.description import ObjectDescription

T = TypeVar("T")

UPDATE_ONLY_IGNORED = deferred(
    "UPDATE_ONLY_IGNORED",
    Wait.UNTIL_MENDED,
    "Salesforce created a record for an update that must not create one. Nothing is written before the next start.",
)

MOST_REQUESTS_TO_SPLIT = 60
"""For each 1,000 records of a batch of which something is split; what is left then waits."""

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
    most: int = 200
    described: dict[str, ObjectDescription] = field(default_factory=dict)
    stopped: Outcome | None = None
    records: Sequence[Record] = ()
    _most_calls: int = 0
    _calls: int = 0
    _descriptions: dict[str, ObjectDescription | DestinationError] = field(default_factory=dict)
    _early: set[str] = field(default_factory=set)
    parts: Parts | None = None
    _places: RecordPlaces = field(init=False)
    _refused: RefusedRecords = field(init=False)
    _single: SingleRecords = field(init=False)

    def __post_init__(self) -> None:
        self._single, self._calls, self._places = SingleRecords(), self.org.api_calls(), RecordPlaces(self)
        self._refused = RefusedRecords(self.destination, self.memory, self.batch)
        self.parts = Parts(self) if self.finder.has_parts else None
        if self.memory.is_limit_spent():
            self.stopped = deferred("REQUEST_LIMIT_EXCEEDED", Wait.DAILY_LIMIT)
        if self.memory.update_only_ignored:
            self.stopped = UPDATE_ONLY_IGNORED

    def write(self, records: Sequence[Record], records_per_collection: int) -> None:
        """Write these records, each to its end."""
        collections = self.memory.collections_per_request
        count = len(records) + len(self.batch.parts)
        self._most_calls = self.org.api_calls() + MOST_REQUESTS_TO_SPLIT * -(-count // 1_000)
        self._look_for_missing()
        self._early = set(self._descriptions)
        self.records = records
        self.most = most = min(records_per_collection, self.memory.records_per_collection)
        self._single.is_probing = most < records_per_collection
        in_order = in_order_of_parents(records, self.finder.parents)
        for group in self.parts.groups(in_order) if self.parts else (in_order,):
            pending = self._first_attempts(group, most)
            while pending or self._places.asked or (self.parts and (pending := self.parts.ready())):
                if pending and self._single.is_probing:
                    pending = self._round(*self._single.probed(pending, self.memory.collections_per_request))
                elif pending:
                    pending = self._round(pending, ())
                else:
                    pending = self._places.looked_up()
        if self.finder.creates:
            self._places.count_people()
        self._refused.settle(records)
        self._learn_sizes(collections, most)
        self.batch.requests = self.org.api_calls() - self._calls
        self.batch.update_only_ignored = self.memory.update_only_ignored
        del self._places  # knows its sender, as the parts do: they would keep the batch from being forgotten
        self.parts = None

    def _learn_sizes(self, collections: int, most: int) -> None:
        """Keep for the next batch how many records the org takes at once."""
        if self._single.refused and self._single.has_split:
            self.memory.collections_per_request = collections  # a record was to blame, not the size
        elif self._single.has_split:
            self.memory.records_per_collection = self._single.size or most
        elif self.stopped is None and len(self.records) >= most:
            self.memory.records_per_collection = 2 * most

    def _look_for_missing(self) -> None:
        if self.stopped is None:
            with suppress(DestinationError):  # asked again in five minutes; until then these fields count as missing
                self.memory.ask_for_missing(self.describe)
        if self.finder.lacks_description:
            self.describe_all()
            errors = [each for each in self._descriptions.values() if isinstance(each, DestinationError)]
            self.stopped = self.stopped or (outcome_of_failure(errors[0], was_sent=False) if errors else None)

    # What of a record is to be sent.

    def _first_attempts(self, records: Sequence[Record], most: int) -> list[Attempt]:
        attempts = [Attempt(record, most) for record in records]
        if self.refusals.ordered and len(self.batch.updates) > len(records):
            attempts = [a if self.finder.asks_first(a.record) else a.in_time(self.refusals.ordered) for a in attempts]
        known = {record.key for record in records} if self.memory.missing else self.memory.known_among(records)
        if known:
            looked_at = [self.ready(each) if each.record.key in known else each for each in attempts]
            attempts = [attempt for attempt in looked_at if attempt]
        if self.finder.asks_none_first:
            return attempts
        asked = [attempt for attempt in attempts if self.finder.asks_first(attempt.record)]
        waits = set(map(id, asked))
        now = [attempt for attempt in attempts if id(attempt) not in waits]
        by_id = [attempt for attempt in now if self.finder.known_place(attempt) is not None]
        if asked and len(now) - len(by_id) <= VALUES_PER_QUERY and self._requests(by_id) < self._requests(now):
            # What is found by keys needs no request of its own where there is a query anyway.
            asked += [attempt for attempt in now if self.finder.known_place(attempt) is None]
            now = by_id
        self._places.asked = asked
        return now

    def _requests(self, attempts: Sequence[Attempt]) -> int:
        return -(-len(collections_of(attempts)) // self.memory.collections_per_request)

    def ready(self, attempt: Attempt | None) -> Attempt | None:
        """What is to be sent of a record, without what is known to be stale or missing; None for nothing.

        Where nothing is left of an event it is settled, and the next one of a record that was taken apart follows.
        """
        while attempt is not None:
            if stale := self.memory.known_stale(attempt.record):
                guards, is_part = self.refusals.guards_of(attempt.record), attempt.record.is_part
                attempt = attempt.without(frozenset(attempt.record.fields) if is_part else guards.with_guarded(stale))
            missing = self.memory.missing_of(attempt.record)
            if missing:
                guarded = self.refusals.guards_of(attempt.record).with_guarded(missing)
                attempt = attempt.without_missing(missing, guarded)
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
            self._refused.refused.append((attempt.record, rejected, outcome))
        if following and not (following.record.fields or following.record.is_part):
            self.batch.settle(following.record.updates, DELIVERED)
            return self._go_on(following)
        return following and following.in_time(self.refusals.ordered)

    def _settle_unsent(self, attempt: Attempt) -> None:
        if attempt.missing:
            self._settle_waiting(attempt)
        else:
            self.batch.records_superseded += not attempt.record.is_part
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
        if len({attempt.record.key for attempt in ready}) < len(ready):  # of who met another row, what has all of both
            ready = list({each.record.key: each for each in sorted(ready, key=lambda it: len(it.events))}.values())
        for attempt in ready:
            attempt.requests += 1
        ready += self._single.released(held)
        return self._places.with_moved(ready, gone) if gone else ready

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
            if ids and self.parts:
                self.parts.note(records, ids)
            if ids:
                following += self._places.met(collection, ids)
            return
        if isinstance(reply, UnknownCodeError) and not self._met_before(collection):
            reply = outcome_of_failure(reply, was_sent=True)
        answers: Sequence[RecordErrors | Failure] = [reply] * size if isinstance(reply, Failure) else reply
        for number, (attempt, answer) in enumerate(zip(collection, answers, strict=True)):
            record_id = ids[number : number + 1]
            if answer is WRITTEN and self.parts:
                self.parts.note([attempt.record], record_id)
            if answer is WRITTEN and not (attempt.missing or attempt.later):
                self._settle_written([attempt.record], size)
                following += self._places.met([attempt], record_id) if record_id else ()
            else:
                following.append(self._follow_answer(attempt, self._decision(attempt, answer, size), record_id, gone))

    def _follow_answer(
        self, attempt: Attempt, decision: Decision, record_id: Sequence[str], gone: Gone
    ) -> Attempt | None:
        """Follow the decision on one record; what must be looked up is noted, and sent later."""
        if decision.is_not_found and attempt.record.is_part and self.parts and self.parts.again(attempt.record):
            return None
        if decision.is_not_found and not attempt.record.is_part:
            self._places.asked.append(replace(attempt, not_found=decision.outcome))
            return None
        if decision.move is not None:
            gone.setdefault((decision.move, attempt.record.address), []).append((attempt, decision.outcome))
            return None
        following = self.carry_out(attempt, decision)
        if following and attempt.record.is_new_person and record_id and decision.outcome is DELIVERED:
            # The first event made the record: the others are written to it.
            following.record = placed(following.record.updates, Address(attempt.record.sobject), record_id[0])
        return following

    def _settle_written(self, records: Sequence[Record], size: int) -> None:
        """Settle the records of a collection of which nothing waits and nothing follows."""
        self._single.note_written(size)
        self._refused.written += records
        self.memory.note_written(records)
        self.batch.note_delivered(records)
        self._places.created += len(records) if records[0].is_new_person else 0
        self.batch.settle_all(records, DELIVERED)

    def _decision(self, attempt: Attempt, answer: RecordErrors | Failure, collection_size: int) -> Decision:
        if isinstance(answer, Outcome):
            return Decision(answer)
        tries = self.batch.receive_count(attempt.record)
        if isinstance(answer, UnknownCodeError):
            decision = self._of_unknown(attempt, answer, collection_size)
        elif answer:
            try:
                describe = partial(self._describe_refused, attempt)
                if isinstance(answer, BadRequestError):
                    self.batch.codes[answer.code] += 1
                    self._refused.codes_of_requests.add(answer.code)
                    decision = self.refusals.decide_whole(attempt, answer, tries, collection_size, describe)
                else:
                    self.batch.codes.update(error.code for error in answer)
                    decision = self.refusals.decide(attempt, answer, tries, collection_size, describe)
            except DestinationError as error:  # whose fault it is cannot be said without the org's word
                return Decision(outcome_of_failure(error, was_sent=False))
            if decision.outcome.kind is OutcomeKind.DEFERRED and not (decision.resend or decision.missing):
                self._refused.refused.append((attempt.record, (), decision.outcome))
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
            self.stopped = outcome
        return Decision(outcome)

    def _met_before(self, attempts: Iterable[Attempt]) -> bool:
        return any(self.batch.receive_count(attempt.record) > 1 for attempt in attempts)

    def describe(self, sobject: str = "") -> ObjectDescription:
        """The org's own word, asked for once in a batch: a field may have gone since an earlier one."""
        sobject = self.memory.named(sobject)
        found = self._descriptions.get(sobject)
        if found is None:
            try:
                found = self.ask(lambda: self.org.describe(*filter(None, [sobject]), anew=True))
                if sobject in ("", *self.destination.objects):
                    self.described[sobject] = found
                    if missing := self.finder.use_description(found):
                        self.memory.note_missing(sobject, missing)
            except DestinationError as error:
                found = error
            self._descriptions[sobject] = found
        if isinstance(found, DestinationError):
            raise found
        return found

    def _describe_refused(self, attempt: Attempt, sobject: str) -> ObjectDescription:
        """The org's word on a refused record: one from before it was sent tells what is missing, not what is there."""
        found = self.describe(sobject)
        if (name := self.memory.named(sobject)) in self._early and all(map(found.takes, attempt.record.fields)):
            self._early.discard(name)
            del self._descriptions[name]
            found = self.describe(sobject)
        return found

    def describe_all(self) -> None:
        """Ask what each sObject of the file is, as far as the org answers."""
        with suppress(DestinationError):
            for sobject in self.destination.objects:
                self.describe(sobject)

    def carry_out(self, attempt: Attempt, decision: Decision) -> Attempt | None:
        """Carry out what was decided, and give what is to be sent next of this record."""
        outcome = decision.outcome
        if attempt.is_last and (decision.resend or decision.missing):
            return self._go_on(attempt, attempt.refusal)
        if decision.resend:
            self.batch.omitted.update(decision.omitted)
            self.memory.note_stale(attempt.record, decision.stale)
            return self.ready(decision.resend)
        if decision.missing:
            self.memory.note_missing(attempt.record.sobject, decision.missing)
            left_out = self.refusals.guards_of(attempt.record).with_guarded(decision.missing)
            return self.ready(attempt.without_missing(decision.missing, left_out))
        if outcome.kind is OutcomeKind.REJECTED:
            is_whole = (
                decision.is_whole or attempt.record.sobject == MEMBER
            )  # what is to be done hangs on the last event
            return self.ready(self._go_on(attempt, outcome, is_whole=is_whole))
        if outcome.kind is OutcomeKind.DEFERRED:
            self.batch.settle(attempt.events, outcome)  # no newer event overtakes one that waits
            return None
        if outcome is DELIVERED:
            self._note_delivered(attempt)
        if outcome is DELIVERED and attempt.missing:
            self._settle_waiting(attempt)
        else:
            self.batch.settle(attempt.record.updates, outcome)
        return self.ready(self._go_on(attempt))

    def _note_delivered(self, attempt: Attempt) -> None:
        self._refused.written.append(attempt.record)
        self._places.created += attempt.record.is_new_person
        self.memory.note_written([attempt.record])
        self.batch.note_delivered([attempt.record])
        if attempt.missing:
            self.memory.note_part(self.batch.names_of(attempt.record), attempt.missing)

    # Requests of the size that suits the org, until something says to stop.

    def _replies(self, request: Sequence[list[Attempt]]) -> Sequence[Reply]:
        is_small = self._single.has_split or self._single.size > 0
        if self.stopped is None and is_small and self.org.api_calls() >= self._most_calls:
            self.stopped = deferred("TOO_MANY_REQUESTS", text="The org takes few records at once. The rest waits.")
        if self.stopped is not None:
            return [self.stopped] * len(request)
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
            self.memory.update_only_ignored, self.stopped = True, UPDATE_ONLY_IGNORED
        return [_read(reply) for reply in replies]

    def answer(self, question: Callable[[], T]) -> T | Outcome:
        """The org's answer, or why what it is about has to wait."""
        if self.stopped is not None:
            return self.stopped
        try:
            return self.ask(question)
        except DestinationError as error:
            if isinstance(error, BadRequestError):
                self.describe_all()  # perhaps a field went that was read: the next batch reads what there is
                if keys := self.finder.lacking():
                    self.batch.missing.update(keys)
                    return missing_in_org(keys)
            return outcome_of_failure(error, was_sent=False)

    def ask(self, question: Callable[[], T]) -> T:
        """Ask the org something; the batch stops where its calls are spent."""
        started = self.memory.clock()
        try:
            answer = question()
            self.memory.call_seconds = max(self.memory.clock() - started, self.memory.call_seconds / 2)
            return answer
        except (DailyLimitError, SessionExpiredError, TokenUnavailableError) as error:
            self._note_failure(error, 0.0)
            raise
        finally:
            self._mind_the_ceiling()

    def _note_failure(self, error: DestinationError, seconds: float) -> None:
        self.stopped = outcome_of_failure(error, was_sent=False)
        if isinstance(error, DailyLimitError):
            self.memory.note_limit_spent()
        elif isinstance(error, OutcomeUnknownError) or _is_locked(error):
            self.memory.note_call(seconds, trouble=True)

    def _mind_the_ceiling(self) -> None:
        usage = self.org.api_usage_percent()
        if usage is not None and usage >= self.api_usage_ceiling_percent:
            self.memory.note_limit_spent()
            self.stopped = deferred("API_USAGE_CEILING", Wait.DAILY_LIMIT)


def _of_one_kind(collections: Sequence[list[Attempt]]) -> Sequence[list[Attempt]]:
    """As many of these as go into one request: new records have one of their own."""
    kinds = [collection[0].record.is_new_person for collection in collections]
    return collections[: kinds.index(True)] if kinds and True in kinds[1:] and not kinds[0] else collections


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
