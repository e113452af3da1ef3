"""
From messages to updates: the local work on a batch, where one bad message must never touch the others.

Whatever a message does to the code that reads it, it is rejected alone. What it does to the process (memory, a
time-out) cannot be caught: so its id is left as a crumb before the work on it, and whoever finds the crumb sends it
away unread.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from salesforce_destination.delivery.ledger import Ledger
from salesforce_destination.delivery.tally import Tally
from salesforce_destination.mapping.mapper import Mapper
from salesforce_destination.outcome import SKIPPED, Message, Outcome, OutcomeKind, ProfileRefusedError, Reason, rejected
from salesforce_destination.profile.profile import Profile, profiles_in, read_body
from salesforce_destination.record.record import Update

KILLED = rejected(
    "KILLED_THE_FUNCTION",
    "The function stopped while it worked on this message. Check its size and structure before you send it again.",
)


class Crumbs(Protocol):
    """What survives the end of a process: the id of the message it was working on."""

    def is_suspect(self, message_id: str) -> bool:
        """Whether an earlier process died over this message."""
        ...

    def leave(self, message_id: str) -> None:
        """Say which message is worked on now."""
        ...

    def sweep(self) -> None:
        """Say that the work on messages is done."""
        ...


@dataclass(frozen=True, slots=True)
class Intake:
    """Reads messages for one destination."""

    mapper: Mapper
    crumbs: Crumbs

    def updates(self, ledger: Ledger, tally: Tally) -> list[Update]:
        """Map all messages of a batch; those that come to nothing are settled."""
        updates: list[Update] = []
        for position, message in enumerate(ledger.messages):
            if self.crumbs.is_suspect(message.id):
                ledger.settle_message(position, KILLED)
                continue
            self.crumbs.leave(message.id)
            updates += self._updates(position, message, ledger, tally)
        self.crumbs.sweep()
        return updates

    def _updates(self, position: int, message: Message, ledger: Ledger, tally: Tally) -> list[Update]:
        try:
            return self._mapped(position, message, ledger, tally)
        except ProfileRefusedError as error:
            ledger.settle_message(position, Outcome(OutcomeKind.REJECTED, error.reason))
        except Exception as error:  # the promise above: an unexpected fault is its message's alone
            text = f"{type(error).__name__} while the profile was mapped."
            ledger.settle_message(position, rejected("UNEXPECTED_FAULT", text))
        return []

    def _mapped(self, position: int, message: Message, ledger: Ledger, tally: Tally) -> list[Update]:
        message_time = _message_time(message)
        profiles = profiles_in(read_body(message.body), self.mapper.select)
        tally.profiles += len(profiles)
        several = len(profiles) > 1
        if several:
            ledger.note_event_time(position, message.sent_at if message_time is None else message_time)
        updates: list[Update] = []
        for index, profile in enumerate(profiles):
            outcome = SKIPPED
            try:
                mapped = self.mapper.map(profile, message_time, message.sent_at, several)
            except ProfileRefusedError as error:
                mapped, outcome = None, Outcome(OutcomeKind.REJECTED, error.reason)
            if mapped is None:
                ledger.settle_profile(position, index, outcome)
                self._note_unmapped(position, index, profile, ledger)
                if not several:
                    with suppress(ProfileRefusedError):  # a refused event keeps its time: it may be sent again
                        ledger.note_event_time(position, self.mapper.event_time(profile, message_time, message.sent_at))
                continue
            if not several:
                ledger.note_event_time(position, mapped.event_time)
            key, times = mapped.key, mapped.times
            ledger.note_key(position, index, key)
            updates.append(
                Update(
                    position, index, key, mapped.identity, mapped.fields, mapped.event_time, times, mapped.updates_only
                )
            )
        return updates

    def _note_unmapped(self, position: int, index: int, profile: Profile, ledger: Ledger) -> None:
        with suppress(ProfileRefusedError):  # of one without an identity nobody will ask
            ledger.note_key(position, index, self.mapper.key(profile))


def _message_time(message: Message) -> int | None:
    if message.event_time is None:
        return None
    if not message.event_time.isascii() or not message.event_time.isdigit() or len(message.event_time) > 20:
        text = f"The attribute EventTime, {message.event_time[:40]!r}, is not a number of milliseconds since 1970."
        raise ProfileRefusedError(Reason("EVENT_TIME_INVALID", text))
    return int(message.event_time)
