"""Who is waiting for what: the outcome of every profile of a batch, and of the messages that hold them."""

from __future__ import annotations

from collections.abc import Sequence

from salesforce_destination.outcome import Delivery, Message, Outcome, OutcomeKind, Part, deferred, worst
from salesforce_destination.record.record import Record, Update

NOT_WRITTEN = (OutcomeKind.REJECTED, OutcomeKind.DEFERRED)


class Ledger:
    """The outcomes of one batch. A message that nobody settled is deferred: nothing is lost for being forgotten."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = messages
        self._outcomes: list[dict[int, Outcome]] = [{} for _ in messages]
        self._event_times: list[int | None] = [None for _ in messages]
        self._keys: list[dict[int, str]] = [{} for _ in messages]

    def note_key(self, position: int, profile: int, key: str) -> None:
        """Remember whose record a profile is about, whatever becomes of it."""
        self._keys[position][profile] = key

    def note_event_time(self, position: int, event_time: int) -> None:
        """Remember when a message's event happened; of several profiles the latest counts."""
        known = self._event_times[position]
        if known is None or known < event_time:
            self._event_times[position] = event_time

    def settle_message(self, position: int, outcome: Outcome) -> None:
        """Settle a whole message."""
        self._outcomes[position] = {0: outcome}

    def settle_profile(self, position: int, profile: int, outcome: Outcome) -> None:
        """Settle one profile of a message."""
        self._outcomes[position][profile] = outcome

    def settle(self, record: Record, outcome: Outcome) -> None:
        """Settle the profiles that a record answers for."""
        for update in record.updates:
            self._outcomes[update.message][update.profile] = outcome

    def part(self, update: Update) -> tuple[str, int]:
        """Name an update so that it is known again in a later delivery of its message."""
        return self.messages[update.message].id, update.profile

    def receive_count(self, record: Record) -> int:
        """How often a record has come: the fewest deliveries of its messages."""
        return min(self.messages[update.message].receive_count for update in record.updates)

    def deliveries(self) -> list[Delivery]:
        """What became of each message, in their order."""
        return [self._delivery(position, message) for position, message in enumerate(self.messages)]

    def _delivery(self, position: int, message: Message) -> Delivery:
        outcomes, event_time = self._outcomes[position], self._event_times[position]
        if not outcomes:
            outcome = deferred("NOT_REACHED")
            return Delivery(message, outcome, event_time, parts=self._parts(position, outcome))
        failed = [profile for profile, outcome in outcomes.items() if outcome.kind in NOT_WRITTEN]
        outcome = worst(outcomes.values())
        return Delivery(
            message, outcome, event_time, tuple(sorted(failed)), len(outcomes), self._parts(position, outcome)
        )

    def _parts(self, position: int, otherwise: Outcome) -> tuple[Part, ...]:
        outcomes = self._outcomes[position]
        return tuple([Part(key, outcomes.get(profile, otherwise)) for profile, key in self._keys[position].items()])
