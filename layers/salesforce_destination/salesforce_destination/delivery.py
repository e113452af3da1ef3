"""
The use case: a batch of messages in, an outcome for each of them out, given a way to send.

Every message ends in exactly one outcome, whatever its neighbours, Salesforce or the network do. Nothing here knows of
SQS, of HTTP or of the time of day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .domain.mapping import Mapper
from .domain.message import Message
from .domain.outcome import (
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
from .sending import RequestSize, Salesforce, Sending, Tally

NOT_WRITTEN = (Outcome.REJECTED, Outcome.DEFERRED)


class DeliveryRun:
    """One batch on its way. Made for one batch and used once."""

    def __init__(self, mapper: Mapper, salesforce: Salesforce, size: RequestSize) -> None:
        self.tally = Tally()
        self._mapper, self._salesforce, self._size = mapper, salesforce, size
        self._messages: Sequence[Message] = ()
        self._fates: list[dict[int, Fate]] = []
        self._event_times: list[int | None] = []

    def deliver(self, messages: Sequence[Message]) -> list[Delivery]:
        """Deliver a batch: map, merge, send, and say for every message what became of it, in their order."""
        self._messages = messages
        self._fates = [{} for _ in messages]
        self._event_times = [None for _ in messages]
        updates = [update for position, message in enumerate(messages) for update in self._updates(position, message)]
        sending = Sending(
            self._mapper.destination, self._salesforce, self._size, self._settle, self._receive_count, self.tally
        )
        sending.write(merge(updates))
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

    def _receive_count(self, record: Record) -> int:
        return min(self._messages[update.message].receive_count for update in record.updates)

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
