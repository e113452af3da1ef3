"""The use case: a batch of messages in, an outcome for each of them out.

Every message ends in exactly one outcome, whatever its neighbours, Salesforce or the network do. The steps are read,
merge, write, give up, settle. Whatever a message does to the code that reads it, it is rejected alone; what it does to
the process (memory, a time-out) cannot be caught, so its id is marked before the work on it, and whoever finds the
marker sends that message away unread. Nothing here knows of SQS, of HTTP or of the time of day.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf

from salesforce_destination.delivery.backoff import Backoff
from salesforce_destination.delivery.batch import NOT_REACHED, Batch
from salesforce_destination.delivery.decision import Refusals
from salesforce_destination.delivery.finder import Finder
from salesforce_destination.delivery.memory import DESCRIBE_EVERY_SECONDS, Memory
from salesforce_destination.delivery.ports import DeadLetterQueue, InProgressMarker, Org, OwnQueue, RedeliveryDelays
from salesforce_destination.delivery.sender import Sender
from salesforce_destination.errors import DestinationError
from salesforce_destination.mapping.mapper import Mapper
from salesforce_destination.outcome import (
    DELIVERED,
    NOT_WRITTEN,
    SKIPPED,
    SUPPRESSED,
    Message,
    Outcome,
    OutcomeKind,
    ProfileRefusedError,
    Reason,
    Wait,
    deferred,
    rejected,
)
from salesforce_destination.profile.event_time import is_in_ms
from salesforce_destination.profile.profile import Profile, time_of_notification
from salesforce_destination.record.record import Update, merge

KILLED = rejected(
    "KILLED_THE_FUNCTION",
    "The function stopped while it worked on this message. Check its size and structure before you send it again.",
)

Times = tuple[int | None, int, bool]
"""The time given with a message, when it was first sent, and whether it holds several profiles."""

COMMON_CAUSE_SECONDS = 86_400
"""So long after its first try a message waits for a common cause at the most."""

DESCRIPTION_GOOD_FOR_SECONDS = 3600.0
"""How long the mapping goes by what the org said of its fields."""


Suppression = Callable[[], Callable[[AbstractSet[str]], bool] | None]
"""Gives what tells by its keys whether a person was erased, if anybody was; raises a DestinationError where unknown."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a batch keeps to: the size of collections, the org's share of API calls, the age of messages."""

    records_per_collection: int = 200
    api_usage_ceiling_percent: float = 90.0
    give_up_after_seconds: int = 432_000


@dataclass(slots=True)
class Deliverer:
    """Delivers batches to one org; made once and kept, as `memory` and the connection behind `org` are.

    `ask_at` is when the org is asked again what its fields take, by the clock of `memory`.
    """

    mapper: Mapper
    org: Org
    memory: Memory
    in_progress: InProgressMarker
    dead_letters: DeadLetterQueue
    delays: RedeliveryDelays
    own_queue: OwnQueue
    backoff: Backoff
    limits: Limits
    ask_at: float = -inf
    suppression: Suppression = lambda: None
    _is_suppressed: Callable[[AbstractSet[str]], bool] | None = field(init=False)
    _refusals: Refusals = field(init=False)
    _finder: Finder = field(init=False)

    def __post_init__(self) -> None:
        self.memory.main = self.mapper.destination.salesforce_object
        self._refusals, self._finder = Refusals(self.mapper.destination), Finder(self.mapper.destination)

    def deliver(self, messages: Sequence[Message], now_ms: int) -> Batch:
        """Write what a batch says, and say of every message what became of it, in their order."""
        destination, limits = self.mapper.destination, self.limits
        batch = Batch(messages, self.mapper.exits)
        batch.not_found = self.mapper.sought
        ceiling = limits.api_usage_ceiling_percent
        sender = Sender(destination, self.org, self.memory, batch, self._refusals, self._finder, ceiling)
        if self.memory.clock() >= self.ask_at and not self.memory.is_limit_spent():
            self.ask_at = self.memory.clock() + DESCRIBE_EVERY_SECONDS
            sender.describe_all()  # without an answer values go as they are
            self._pass_on_description(sender)
        try:
            self._is_suppressed = self.suppression()
            self._read(batch)
        except DestinationError as error:  # nobody knows who is suppressed
            for position in range(len(messages)):
                batch.reject(position, deferred(error.code))
        if destination.profiles.only_if:
            batch.not_permitted = sum(not update.is_permitted for update in batch.updates)
        batch.look_for_missing_identities()
        batch.passed_over = sum(update.passed_over for update in batch.updates) if len(destination.rules) > 1 else 0
        sender.write(merge(batch.unsettled()), limits.records_per_collection)
        self._pass_on_description(sender)
        batch.conclude()
        self._give_up(batch, now_ms)
        self._settle(batch)
        return batch

    def _pass_on_description(self, sender: Sender) -> None:
        """Tell the mapping what the org last said of its fields."""
        for description in sender.described.values():
            self.mapper.use_description(description)
        if sender.described:
            self.ask_at = self.memory.clock() + DESCRIPTION_GOOD_FOR_SECONDS

    def _read(self, batch: Batch) -> None:
        mark, is_suspect = self.in_progress.mark, self.in_progress.is_suspect
        for position, message in enumerate(batch.messages):
            if is_suspect(message.id):
                batch.reject(position, KILLED)
                continue
            mark(message.id)
            try:
                self._read_message(batch, position, message)
            except ProfileRefusedError as error:
                batch.reject(position, Outcome(OutcomeKind.REJECTED, error.reason))
            except Exception as error:  # the promise above: an unexpected fault is its message's alone
                text = f"{type(error).__name__} while the profile was mapped."
                batch.reject(position, rejected("UNEXPECTED_FAULT", text))
        self.in_progress.clear()

    def _read_message(self, batch: Batch, position: int, message: Message) -> None:
        """Add an update for each profile; what comes to nothing has its outcome already."""
        if message.event_time is None and self.mapper.select:
            message.event_time = time_of_notification(message.body)
        sent_at = message.first_sent_at or message.sent_at
        message_time = None if message.event_time is None else _message_time(message)
        is_form = message.is_memberships
        profiles = [self.mapper.memberships(message.body)] if is_form else self.mapper.profiles(message.body)
        batch.profiles += len(profiles)
        several = len(profiles) > 1
        if several:
            batch.note_event_time(position, sent_at if message_time is None else message_time)
        times, is_plain = (message_time, sent_at, several), not (is_form or message.parts)
        for number, profile in enumerate(profiles):
            try:
                mapped = self.mapper.map(profile, *times) if is_plain else self._alone(profile, message, number, times)
                update = mapped if mapped and mapped.key else self._not_mapped(profile, message, number, times, SKIPPED)
            except ProfileRefusedError as error:
                refused = Outcome(OutcomeKind.REJECTED, error.reason)
                update = self._not_mapped(profile, message, number, times, refused)
            if update.omitted:
                batch.omitted.update(update.omitted)
            self._look_through(batch, update, profile, is_form=is_form)
            update.message, update.profile = position, number
            if update.parts:
                batch.add_parts(update)
            batch.updates.append(update)

    def _alone(self, profile: Profile, message: Message, number: int, times: Times) -> Update:
        """What alone is to be written of a profile: what is left of its message, or what a command said."""
        left = message.parts.names.get(number, ()) if message.parts else None
        update = self.mapper.map_memberships(profile, *times, left, is_form=message.is_memberships)
        update.outcome = DELIVERED if left is not None and not update.parts else None
        return update

    def _not_mapped(self, profile: Profile, message: Message, number: int, times: Times, outcome: Outcome) -> Update:
        """What stands for a profile that changes nothing, or is refused; her parts follow a refused person."""
        if outcome is not SKIPPED and self.mapper.destination.has_parts:
            left = message.parts.names.get(number, ()) if message.parts else None
            with suppress(ProfileRefusedError):
                is_form = message.is_memberships
                update = self.mapper.map_memberships(profile, *times, left, is_form=is_form, is_refused=True)
                update.outcome = outcome
                return update
        update = Update(0, number, self.mapper.key(profile), "", {}, 0, outcome=outcome)
        update.is_permitted = self.mapper.permits(profile)
        with suppress(ProfileRefusedError):  # a refused event keeps its time: it may be sent again
            update.event_time = self.mapper.event_time(profile, *times)
        is_one = not (update.key or times[2])
        if is_one and (around := self.mapper.envelope(message.body, profile)):
            update.outcome, update.event_time = Outcome(OutcomeKind.REJECTED, around), 0  # not of the envelope
            given = message.event_time
            message.event_time = time_of_notification(message.body) if given is None else given
        return update

    def _look_through(self, batch: Batch, update: Update, profile: Profile, *, is_form: bool) -> None:
        """Leave out who is suppressed, and look for what the file maps and no profile had yet."""
        if self._is_suppressed and self._is_suppressed(self.mapper.keys(profile, is_form=is_form)):
            update.outcome, update.parts, batch.suppressed = SUPPRESSED, (), batch.suppressed + 1
        if not is_form and batch.looks_left > 0 and update.is_permitted and update.outcome in (None, SKIPPED):
            batch.looked_through += 1
            if batch.not_found:
                batch.looks_left -= len(batch.not_found)
                batch.not_found = self.mapper.missed(profile, batch.not_found)

    def _give_up(self, batch: Batch, now_ms: int) -> None:
        """Reject what is still deferred at its age, with its last reason: a person takes over from the dead letters."""
        oldest_ms, a_day_ago = now_ms - self.limits.give_up_after_seconds * 1000, now_ms - COMMON_CAUSE_SECONDS * 1000
        for delivery in batch.exceptions.values():
            message, waiting = delivery.message, delivery.parts_outcome or delivery.outcome
            is_over = message.waits_since <= oldest_ms
            if waiting.wait is Wait.COMMON_CAUSE:
                is_over |= (message.first_received_at or message.sent_at) <= a_day_ago
            if waiting.kind is OutcomeKind.DEFERRED and is_over:
                last = waiting.reason or Reason("NO_REASON")
                text = f"Given up after {message.attempts} tries. {last.text}".strip()
                delivery.before_giving_up = waiting
                delivery.outcome = rejected(last.code, text, last.fields)

    def _settle(self, batch: Batch) -> None:
        """Send the dead letters and the parts that wait, then set the delays.

        What cannot be sent makes its message deferred, so that none is lost between the two queues; its reason is then
        the first one, if it waited already.
        """
        refused = [each for each in batch.exceptions.values() if each.outcome.kind is OutcomeKind.REJECTED]
        lost = self.dead_letters.send(refused) if refused else frozenset[str]()
        for delivery in refused:
            if delivery.message.id in lost:
                delivery.outcome = delivery.before_giving_up or deferred("DEAD_LETTER_QUEUE_UNAVAILABLE")
        left = [each for each in batch.exceptions.values() if each.parts and each.outcome.kind not in NOT_WRITTEN]
        seconds = [self._delay(each.message, each.parts_outcome) or self.backoff.visibility for each in left]
        stayed = self.own_queue.send(left, seconds) if left else frozenset[str]()
        for delivery in left:
            if delivery.message.id in stayed:
                delivery.outcome = delivery.parts_outcome or NOT_REACHED
        waiting = (each for each in batch.exceptions.values() if each.outcome.kind is OutcomeKind.DEFERRED)
        wanted = ((each.message, self._delay(each.message, each.outcome)) for each in waiting)
        delays = [(message, seconds) for message, seconds in wanted if seconds is not None]
        batch.dead_letters_refused, batch.own_messages_refused = len(lost), len(stayed)
        batch.delays_refused = self.delays.set(delays) if delays else 0

    def _delay(self, message: Message, outcome: Outcome | None) -> int | None:
        return self.backoff.delay_of((outcome or NOT_REACHED).wait, message.attempts)


def _message_time(message: Message) -> int:
    text = message.event_time or ""
    if not is_in_ms(text):
        problem = f"The attribute EventTime, {text[:40]!r}, is not a number of milliseconds since 1970."
        raise ProfileRefusedError(Reason("EVENT_TIME_INVALID", problem))
    return int(text)
