"""
The use case: a batch of messages in, an outcome for each of them out, given a way to send.

Every message ends in exactly one outcome, whatever its neighbours, Salesforce or the network do. Nothing here knows of
SQS, of HTTP or of the time of day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from salesforce_destination.delivery.intake import Crumbs, Intake
from salesforce_destination.delivery.ledger import Ledger
from salesforce_destination.delivery.memory import Memory
from salesforce_destination.delivery.org import Org
from salesforce_destination.delivery.requesting import Requesting
from salesforce_destination.delivery.sending import Messages, Sending
from salesforce_destination.delivery.tally import Tally
from salesforce_destination.mapping.mapper import Mapper
from salesforce_destination.outcome import Delivery, Message, OutcomeKind, Reason, rejected
from salesforce_destination.record.record import merge


@dataclass(frozen=True, slots=True)
class Limits:
    """What a batch keeps to: the size of collections, the org's share of API calls, the age of messages."""

    records_per_collection: int = 200
    api_usage_ceiling_percent: float = 90.0
    give_up_after_seconds: int = 432_000


@dataclass(frozen=True, slots=True)
class Deliverer:
    """Delivers batches to one org; made once and kept, as `memory` and the connection behind `org` are."""

    mapper: Mapper
    org: Org
    memory: Memory
    crumbs: Crumbs
    limits: Limits

    def deliver(self, messages: Sequence[Message], now_ms: int) -> tuple[list[Delivery], Tally]:
        """Map, merge and send a batch; say for every message what became of it, in their order."""
        destination = self.mapper.destination
        tally = Tally(frozenset(audience.mapping_id for audience in destination.audiences))
        ledger = Ledger(messages)
        records = merge(Intake(self.mapper, self.crumbs).updates(ledger, tally))
        requesting = Requesting(self.org, self.memory, self.limits.api_usage_ceiling_percent, tally)
        about_messages = Messages(ledger.part, ledger.receive_count, ledger.settle)
        sending = Sending(destination, self.org, self.memory, requesting, about_messages, tally)
        sending.write(records, self.limits.records_per_collection)
        oldest_ms = now_ms - self.limits.give_up_after_seconds * 1000
        return [_given_up(delivery, oldest_ms) for delivery in ledger.deliveries()], tally


def _given_up(delivery: Delivery, oldest_ms: int) -> Delivery:
    """Reject what is still deferred at its age, with its last reason: a person takes over from the dead letters."""
    if delivery.outcome.kind is not OutcomeKind.DEFERRED or delivery.message.sent_at > oldest_ms:
        return delivery
    last = delivery.outcome.reason or Reason("NO_REASON")
    text = f"Given up after {delivery.message.receive_count} tries. {last.text}".strip()
    outcome = rejected(last.code, text, last.fields)
    return replace(delivery, outcome=outcome)
