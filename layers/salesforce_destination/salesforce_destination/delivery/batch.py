"""One batch of messages: whose records its profiles are about, what became of each, and the counts for the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from salesforce_destination.outcome import Delivery, Message, Outcome, OutcomeKind, ProfileOutcome, deferred, worst
from salesforce_destination.record.record import Record, Update

NOT_WRITTEN = (OutcomeKind.REJECTED, OutcomeKind.DEFERRED)
NOT_REACHED = deferred("NOT_REACHED")
"""The outcome of what nobody settled: nothing is lost for being forgotten."""


class Batch:
    """
    What everybody who works on a batch writes into.

    `updates` holds one update for each profile, by message; what became of a profile stands in its update. The counts
    become metrics: `statuses` by the audience field that was written, `codes` by Salesforce's code, `omitted` and
    `missing` by field. `deliveries` is there at the end, when the dead letters are sent.
    """

    def __init__(self, messages: Sequence[Message], audience_fields: Collection[str] = ()) -> None:
        self.messages = messages
        self.updates: list[list[Update]] = [[] for _ in messages]
        self.deliveries: Sequence[Delivery] = ()
        self.profiles = self.requests = self.records_delivered = self.records_superseded = 0
        self.dead_letters_refused = self.delays_refused = 0
        self.slowest_request_seconds = 0.0
        self.statuses: Counter[str] = Counter()
        self.codes: Counter[str] = Counter()
        self.omitted: Counter[str] = Counter()
        self.missing: Counter[str] = Counter()
        self._audience_fields = frozenset(audience_fields)
        self._event_times: list[int | None] = [None for _ in messages]
        self._rejected: dict[int, Outcome] = {}

    @property
    def kept(self) -> list[str]:
        """The ids of the messages that SQS must keep."""
        return [delivery.message.id for delivery in self.deliveries if delivery.outcome.kind is OutcomeKind.DEFERRED]

    def unsettled(self) -> Iterator[Update]:
        """The updates that are to be written, in the order of their messages."""
        for position, updates in enumerate(self.updates):
            if position not in self._rejected:
                yield from (update for update in updates if update.outcome is None)

    def note_event_time(self, position: int, event_time: int) -> None:
        """Remember when a message's event happened."""
        self._event_times[position] = event_time

    def reject(self, position: int, outcome: Outcome) -> None:
        """Settle a whole message, whatever its profiles are."""
        self._rejected[position] = outcome

    def settle(self, record: Record, outcome: Outcome) -> None:
        """Settle the profiles that a record answers for."""
        for update in record.updates:
            update.outcome = outcome

    def names_of(self, record: Record) -> list[tuple[str, int]]:
        """Name a record's updates so that they are known again in a later delivery of their messages."""
        return [(self.messages[update.message].id, update.profile) for update in record.updates]

    def receive_count(self, record: Record) -> int:
        """How often a record has come: the fewest deliveries of its messages."""
        return min(self.messages[update.message].receive_count for update in record.updates)

    def note_request(self, seconds: float) -> None:
        """Count a request that took so long."""
        self.requests += 1
        self.slowest_request_seconds = max(self.slowest_request_seconds, seconds)

    def note_delivered(self, record: Record) -> None:
        """Count a record that was written, and the statuses in it."""
        self.records_delivered += 1
        for name in record.fields.keys() & self._audience_fields:
            self.statuses[name] += 1

    def outcomes(self) -> list[Delivery]:
        """What became of each message, in their order."""
        return [self._delivery(position, message) for position, message in enumerate(self.messages)]

    def _delivery(self, position: int, message: Message) -> Delivery:
        updates, event_time = self.updates[position], self._event_times[position]
        whole = self._rejected.get(position)
        if whole is not None:
            parts = tuple([ProfileOutcome(update.key, whole) for update in updates if update.key])
            return Delivery(message, whole, event_time, (0,), 1, parts)
        outcomes = [update.outcome or NOT_REACHED for update in updates] or [NOT_REACHED]
        failed = tuple([number for number, outcome in enumerate(outcomes) if outcome.kind in NOT_WRITTEN])
        known = zip(updates, outcomes, strict=False)
        parts = tuple([ProfileOutcome(update.key, outcome) for update, outcome in known if update.key])
        return Delivery(message, worst(outcomes), event_time, failed, len(updates), parts)
