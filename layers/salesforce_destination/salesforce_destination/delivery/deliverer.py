"""
The use case: a batch of messages in, an outcome for each of them out.

Every message ends in exactly one outcome, whatever its neighbours, Salesforce or the network do. The steps are read,
merge, write, give up, settle. Whatever a message does to the code that reads it, it is rejected alone; what it does to
the process (memory, a time-out) cannot be caught, so its id is marked before the work on it, and whoever finds the
marker sends that message away unread. Nothing here knows of SQS, of HTTP or of the time of day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from salesforce_destination.delivery.backoff import Backoff
from salesforce_destination.delivery.batch import Batch
from salesforce_destination.delivery.decision import Refusals
from salesforce_destination.delivery.memory import Memory
from salesforce_destination.delivery.ports import DeadLetterQueue, InProgressMarker, Org, RedeliveryDelays
from salesforce_destination.delivery.sender import Sender
from salesforce_destination.mapping.mapper import Mapper
from salesforce_destination.outcome import (
    SKIPPED,
    Delivery,
    Message,
    Outcome,
    OutcomeKind,
    ProfileRefusedError,
    Reason,
    deferred,
    rejected,
)
from salesforce_destination.profile.profile import Profile, profiles_in, read_body
from salesforce_destination.record.record import Update, merge

KILLED = rejected(
    "KILLED_THE_FUNCTION",
    "The function stopped while it worked on this message. Check its size and structure before you send it again.",
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a batch keeps to: the size of collections, the org's share of API calls, the age of messages."""

    records_per_collection: int = 200
    api_usage_ceiling_percent: float = 90.0
    give_up_after_seconds: int = 432_000


@dataclass(slots=True)
class Deliverer:
    """Delivers batches to one org; made once and kept, as `memory` and the connection behind `org` are."""

    mapper: Mapper
    org: Org
    memory: Memory
    in_progress: InProgressMarker
    dead_letters: DeadLetterQueue
    delays: RedeliveryDelays
    backoff: Backoff
    limits: Limits
    _refusals: Refusals = field(init=False)

    def __post_init__(self) -> None:
        self._refusals = Refusals(self.mapper.destination)

    def deliver(self, messages: Sequence[Message], now_ms: int) -> Batch:
        """Write what a batch says, and say of every message what became of it, in their order."""
        destination, limits = self.mapper.destination, self.limits
        batch = Batch(messages, [audience.mapping_id for audience in destination.audiences])
        self._read(batch)
        ceiling = limits.api_usage_ceiling_percent
        sender = Sender(destination, self.org, self.memory, batch, self._refusals, ceiling)
        sender.write(merge(batch.unsettled()), limits.records_per_collection)
        oldest_ms = now_ms - limits.give_up_after_seconds * 1000
        self._settle(batch, [_given_up(delivery, oldest_ms) for delivery in batch.outcomes()])
        return batch

    def _read(self, batch: Batch) -> None:
        for position, message in enumerate(batch.messages):
            if self.in_progress.is_suspect(message.id):
                batch.reject(position, KILLED)
                continue
            self.in_progress.mark(message.id)
            try:
                batch.updates[position].extend(self._updates(batch, position, message))
            except ProfileRefusedError as error:
                batch.reject(position, Outcome(OutcomeKind.REJECTED, error.reason))
            except Exception as error:  # the promise above: an unexpected fault is its message's alone
                text = f"{type(error).__name__} while the profile was mapped."
                batch.reject(position, rejected("UNEXPECTED_FAULT", text))
        self.in_progress.clear()

    def _updates(self, batch: Batch, position: int, message: Message) -> Iterator[Update]:
        """An update for each profile; what comes to nothing has its outcome already."""
        message_time = _message_time(message)
        profiles = profiles_in(read_body(message.body), self.mapper.select)
        batch.profiles += len(profiles)
        several = len(profiles) > 1
        if several:
            batch.note_event_time(position, message.sent_at if message_time is None else message_time)
        for number, profile in enumerate(profiles):
            outcome = SKIPPED
            try:
                mapped = self.mapper.map(profile, message_time, message.sent_at, several)
            except ProfileRefusedError as error:
                mapped, outcome = None, Outcome(OutcomeKind.REJECTED, error.reason)
            if mapped is None:
                yield Update(position, number, self._key(profile), "", {}, 0, outcome=outcome)
                if not several:
                    with suppress(ProfileRefusedError):  # a refused event keeps its time: it may be sent again
                        batch.note_event_time(position, self.mapper.event_time(profile, message_time, message.sent_at))
                continue
            if not several:
                batch.note_event_time(position, mapped.event_time)
            key, identity, fields, event_time = mapped.key, mapped.identity, mapped.fields, mapped.event_time
            yield Update(position, number, key, identity, fields, event_time, mapped.times, mapped.updates_only)

    def _key(self, profile: Profile) -> str:
        with suppress(ProfileRefusedError):  # of one without an identity nobody will ask
            return self.mapper.key(profile)
        return ""

    def _settle(self, batch: Batch, deliveries: Sequence[Delivery]) -> None:
        """
        Send the dead letters, then set the delays.

        A dead letter that cannot be sent makes its message deferred, so that it is never lost between the two queues.
        """
        refused = [delivery for delivery in deliveries if delivery.outcome.kind is OutcomeKind.REJECTED]
        lost = self.dead_letters.send(refused) if refused else frozenset[str]()
        unsent = deferred("DEAD_LETTER_QUEUE_UNAVAILABLE")
        batch.deliveries = [replace(d, outcome=unsent) if d.message.id in lost else d for d in deliveries]
        waiting = (d for d in batch.deliveries if d.outcome.kind is OutcomeKind.DEFERRED)
        wanted = ((d.message, self.backoff.delay_of(d.outcome.wait, d.message.receive_count)) for d in waiting)
        delays = [(message, seconds) for message, seconds in wanted if seconds is not None]
        batch.dead_letters_refused = len(lost)
        batch.delays_refused = self.delays.set(delays) if delays else 0


def _given_up(delivery: Delivery, oldest_ms: int) -> Delivery:
    """Reject what is still deferred at its age, with its last reason: a person takes over from the dead letters."""
    if delivery.outcome.kind is not OutcomeKind.DEFERRED or delivery.message.sent_at > oldest_ms:
        return delivery
    last = delivery.outcome.reason or Reason("NO_REASON")
    text = f"Given up after {delivery.message.receive_count} tries. {last.text}".strip()
    return replace(delivery, outcome=rejected(last.code, text, last.fields))


def _message_time(message: Message) -> int | None:
    if message.event_time is None:
        return None
    if not message.event_time.isascii() or not message.event_time.isdigit() or len(message.event_time) > 20:
        text = f"The attribute EventTime, {message.event_time[:40]!r}, is not a number of milliseconds since 1970."
        raise ProfileRefusedError(Reason("EVENT_TIME_INVALID", text))
    return int(message.event_time)
