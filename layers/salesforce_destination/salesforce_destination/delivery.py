"""
The use case: a batch of messages in, an outcome for each of them out, given a way to send.

Every message ends in exactly one outcome, whatever its neighbours, Salesforce or the network do. Nothing here knows of
SQS, of HTTP or of the time of day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from .domain.composite import Collection, CollectionReply, RecordErrors, collections_of
from .domain.errors import DestinationError
from .domain.mapping import Mapper
from .domain.message import Message
from .domain.outcome import (
    DELIVERED,
    SKIPPED,
    Delivery,
    Fate,
    Outcome,
    ProfileRefusedError,
    Reason,
    Wait,
    deferred,
    rejected,
    worst,
)
from .domain.profile import Profile, profiles_in, read_body
from .domain.record import Record, Update, merge
from .domain.refusal import fate_of_failure, fate_of_record

Send = Callable[[Sequence[Collection]], list[CollectionReply]]
"""Sends one composite request; raises DestinationError where the request as a whole came to nothing."""


@dataclass(slots=True)
class Tally:
    """What one batch came to, in the numbers that become metrics."""

    profiles: int = 0
    requests: int = 0
    records_delivered: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)


NOT_WRITTEN = (Outcome.REJECTED, Outcome.DEFERRED)


class DeliveryRun:
    """One batch on its way. Made for one batch and used once."""

    def __init__(self, mapper: Mapper, send: Send, records_per_collection: int, collections_per_request: int) -> None:
        self.tally = Tally()
        self._mapper, self._send = mapper, send
        self._collection_size, self._request_size = records_per_collection, collections_per_request
        self._fates: list[dict[int, Fate]] = []
        self._event_times: list[int | None] = []
        self._audience_fields = {audience.mapping_id for audience in mapper.destination.audiences}

    def deliver(self, messages: Sequence[Message]) -> list[Delivery]:
        """Deliver a batch: map, merge, send, and say for every message what became of it, in their order."""
        self._fates = [{} for _ in messages]
        self._event_times = [None for _ in messages]
        updates = [update for position, message in enumerate(messages) for update in self._updates(position, message)]
        self._write(messages, merge(updates))
        return [self._delivery(position, message) for position, message in enumerate(messages)]

    def _updates(self, position: int, message: Message) -> list[Update]:
        try:
            return list(self._mapped(position, message))
        except ProfileRefusedError as error:
            self._fates[position] = {0: Fate(Outcome.REJECTED, error.reason)}
        except Exception as error:  # one message must never touch the others: its fault is its own
            self._fates[position] = {0: rejected("UNEXPECTED_FAULT", f"{type(error).__name__} while it was mapped.")}
        return []

    def _mapped(self, position: int, message: Message) -> Iterator[Update]:
        message_time = _message_time(message)
        self._event_times[position] = message_time
        profiles = profiles_in(read_body(message.body), self._mapper.select)
        self.tally.profiles += len(profiles)
        for index, profile in enumerate(profiles):
            update = self._update(position, index, profile, message, message_time)
            if isinstance(update, Fate):
                self._fates[position][index] = update
            else:
                yield update

    def _update(
        self, position: int, index: int, profile: Profile, message: Message, message_time: int
    ) -> Update | Fate:
        try:
            mapped = self._mapper.map(profile, message_time, message.sent_at)
        except ProfileRefusedError as error:
            return Fate(Outcome.REJECTED, error.reason)
        if mapped is None:
            return SKIPPED
        self._event_times[position] = max(self._event_times[position] or 0, mapped.event_time)
        return Update(position, index, mapped.key, mapped.identity, mapped.fields, mapped.event_time, mapped.times)

    def _write(self, messages: Sequence[Message], records: list[Record]) -> None:
        waiting = list(collections_of(records, self._collection_size))
        for start in range(0, len(waiting), self._request_size):
            request = waiting[start : start + self._request_size]
            try:
                self.tally.requests += 1
                replies = self._send(request)
            except DestinationError as error:
                self._settle_all(request, fate_of_failure(error, was_sent=True))
                self._settle_all(waiting[start + self._request_size :], fate_of_failure(error, was_sent=False))
                return
            for collection, reply in zip(request, replies, strict=True):
                self._read(messages, collection, reply)

    def _read(self, messages: Sequence[Message], collection: Collection, reply: CollectionReply) -> None:
        if isinstance(reply, DestinationError):
            self._settle_all([collection], fate_of_failure(reply, was_sent=True))
            return
        for record, errors in zip(collection, reply, strict=True):
            self._settle(record, self._fate(messages, record, errors))

    def _fate(self, messages: Sequence[Message], record: Record, errors: RecordErrors) -> Fate:
        if not errors:
            self.tally.records_delivered += 1
            self.tally.statuses.update(name for name in record.fields if name in self._audience_fields)
            return DELIVERED
        self.tally.codes.update(error.code for error in errors)
        receive_count = min(messages[update.message].receive_count for update in record.updates)
        return fate_of_record(errors, receive_count)

    def _settle_all(self, collections: Sequence[Collection], fate: Fate) -> None:
        for collection in collections:
            for record in collection:
                self._settle(record, fate)

    def _settle(self, record: Record, fate: Fate) -> None:
        for update in record.updates:
            self._fates[update.message][update.profile] = fate

    def _delivery(self, position: int, message: Message) -> Delivery:
        fates = self._fates[position]
        if not fates:
            return Delivery(message, deferred("NOT_REACHED"))
        failed = tuple(index for index, fate in sorted(fates.items()) if fate.outcome in NOT_WRITTEN)
        return Delivery(message, worst(fates.values()), self._event_times[position], failed, len(fates))


def defer_all(messages: Sequence[Message], code: str, text: str = "") -> list[Delivery]:
    """Defer a whole batch, for a fault that no message is to blame for."""
    return [Delivery(message, deferred(code, Wait.MISFIT, text)) for message in messages]


def give_up_on_old(deliveries: Sequence[Delivery], now_ms: int, give_up_after_seconds: int) -> list[Delivery]:
    """Reject what is still deferred at this age, with its last reason; a person takes over from the dead letters."""
    oldest_ms = now_ms - give_up_after_seconds * 1000
    return [_given_up(delivery) if _is_given_up(delivery, oldest_ms) else delivery for delivery in deliveries]


def _is_given_up(delivery: Delivery, oldest_ms: int) -> bool:
    return delivery.fate.outcome is Outcome.DEFERRED and delivery.message.sent_at <= oldest_ms


def _given_up(delivery: Delivery) -> Delivery:
    last = delivery.fate.reason or Reason("NO_REASON")
    text = f"Given up after {delivery.message.receive_count} tries. {last.text}".strip()
    fate = rejected(last.code, text, last.fields)
    return Delivery(delivery.message, fate, delivery.event_time, delivery.failed_profiles, delivery.profiles)


def _message_time(message: Message) -> int:
    if message.event_time is None:
        return message.sent_at
    if not message.event_time.isascii() or not message.event_time.isdigit():
        text = "The attribute EventTime is no whole number of milliseconds since 1970."
        raise ProfileRefusedError(Reason("EVENT_TIME_INVALID", text))
    return int(message.event_time)
