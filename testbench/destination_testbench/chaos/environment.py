"""One environment of the deliver function: the parts that functions/deliver/app.py wires, on simulated clients."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests
from salesforce_destination.aws.dead_letters import DeadLetters
from salesforce_destination.aws.redelivery import Backoff, RedeliveryDelays
from salesforce_destination.aws.sqs_event import messages_in
from salesforce_destination.aws.token_store import TokenSource
from salesforce_destination.delivery.deliverer import Deliverer, Limits
from salesforce_destination.delivery.intake import Crumbs
from salesforce_destination.delivery.memory import Memory
from salesforce_destination.delivery.settlement import Settled, settle
from salesforce_destination.mapping.mapper import Mapper
from salesforce_destination.record.composite import CompositeWriter
from salesforce_destination.salesforce.client import SalesforceClient
from salesforce_destination.salesforce.describe import Describer
from salesforce_destination.salesforce.sender import SalesforceSender
from salesforce_destination.salesforce.successors import Successors

from destination_testbench.chaos.clock import SimulatedClock
from destination_testbench.template.numbers import Numbers

QUEUE, DEAD_LETTER_QUEUE, REFRESH_QUEUE = "queue", "dead-letters", "refresh.fifo"
TOKEN_SECRET, CREDENTIALS_SECRET = "access-token", "credentials"
AFTERWORK_SECONDS = 20.0
"""As in functions/deliver/app.py."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What a function finds around it."""

    clock: SimulatedClock
    numbers: Numbers
    sqs: Any
    secrets: Any
    new_session: Callable[[], requests.Session]


@dataclass(slots=True)
class Environment:
    """What one environment keeps from invocation to invocation."""

    outside: Outside
    mapper: Mapper
    crumbs: Crumbs
    draw: random.Random
    _deadline: float = 0.0
    _deliverer: Deliverer = field(init=False)

    def __post_init__(self) -> None:
        outside, destination = self.outside, self.mapper.destination
        numbers, clock = outside.numbers, outside.clock
        tokens = TokenSource(
            lambda: outside.secrets,
            lambda: outside.sqs,
            TOKEN_SECRET,
            REFRESH_QUEUE,
            sleep=clock.sleep,
            clock=clock.now,
        )
        client = SalesforceClient(outside.new_session(), tokens, self._seconds_left)
        successors = Successors(client, Describer(client, destination.api_version, clock.now), destination)
        sender = SalesforceSender(client, CompositeWriter(destination), successors, self._seconds_left)
        memory = Memory(clock.now, numbers.collections_per_request, numbers.collections_per_request)
        limits = Limits(
            numbers.records_per_collection, numbers.api_usage_ceiling_percent, numbers.give_up_after_seconds
        )
        self._deliverer = Deliverer(self.mapper, sender, memory, self.crumbs, limits)

    def invoke(self, event: dict[str, Any]) -> Settled:
        """Deliver the messages of an event and settle what was not delivered."""
        outside, numbers = self.outside, self.outside.numbers
        now = outside.clock.now()
        now_ms = int(now * 1000)
        self._deadline = now + numbers.function_timeout_seconds - AFTERWORK_SECONDS
        deliveries, _ = self._deliverer.deliver(messages_in(event, now_ms), now_ms)
        backoff = Backoff(
            numbers.redelivery_base_seconds,
            numbers.redelivery_max_seconds,
            numbers.visibility_timeout_seconds,
            self.draw.random,
        )
        return settle(
            deliveries,
            DeadLetters(lambda: outside.sqs, DEAD_LETTER_QUEUE, "chaos"),
            RedeliveryDelays(lambda: outside.sqs, QUEUE),
            backoff.delay_of,
        )

    def _seconds_left(self) -> float:
        return self._deadline - self.outside.clock.now()
