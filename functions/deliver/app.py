"""
The deliver function: a batch of profiles from the queue becomes one call to Salesforce.

Wiring only. What takes long to make is made on first use and kept for the next invocation: the mapper, the connection,
the access token and the SQS client.
"""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from botocore.config import Config
from salesforce_destination.aws.dead_letters import DeadLetters
from salesforce_destination.aws.redelivery import RedeliveryDelays, delay_seconds
from salesforce_destination.aws.report import BatchReport, report, report_misfit, report_statuses
from salesforce_destination.aws.sqs_event import messages_in, partial_batch_response
from salesforce_destination.aws.token_store import TokenSource
from salesforce_destination.delivery import DeliveryRun, give_up_on_old
from salesforce_destination.destination_file import load_destination
from salesforce_destination.domain.composite import CompositeWriter
from salesforce_destination.domain.errors import MistakesError
from salesforce_destination.domain.mapping import Mapper
from salesforce_destination.domain.message import Message
from salesforce_destination.domain.outcome import Delivery, Outcome, deferred
from salesforce_destination.salesforce.client import SalesforceClient, new_session
from salesforce_destination.salesforce.describe import Describer
from salesforce_destination.salesforce.sender import SalesforceSender
from salesforce_destination.salesforce.successors import Successors
from salesforce_destination.sending import RequestSize
from salesforce_destination.settings import DELIVER_NEEDS, Settings

AFTERWORK_SECONDS = 20.0
"""Kept free at the end of an invocation for dead letters and delays."""

SOON = Config(
    connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3}, max_pool_connections=16
)


def destination_name() -> str:
    """The destination's name in metrics and dead letters: that of its file."""
    return Path(os.environ.get("DESTINATION_FILE", "")).stem or "none"


logger = Logger()
metrics = Metrics()
metrics.set_default_dimensions(destination=destination_name())
session = new_session()


@dataclass
class Function:
    """What one environment keeps from invocation to invocation."""

    settings: Settings
    mapper: Mapper
    deadline: float = 0.0
    tokens: TokenSource = field(init=False)
    client: SalesforceClient = field(init=False)
    sender: SalesforceSender = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = TokenSource(
            partial(boto3.client, "secretsmanager", config=SOON),
            sqs_client,
            self.settings.access_token_secret_id,
            self.settings.refresh_queue_url,
        )
        self.client = SalesforceClient(session, self.tokens, self.seconds_left)
        destination = self.mapper.destination
        describer = Describer(self.client, destination.api_version, time.monotonic)
        successors = Successors(self.client, describer, destination)
        self.sender = SalesforceSender(self.client, CompositeWriter(destination), successors, self.seconds_left)

    def seconds_left(self) -> float:
        """What remains for Salesforce before the invocation's end."""
        return self.deadline - time.monotonic()


@cache
def started() -> Function:
    """Read settings and destination file once; raise MistakesError every time until they are mended."""
    settings = Settings.from_environ(os.environ, DELIVER_NEEDS)
    return Function(settings, Mapper(load_destination(settings.destination_file)))


@cache
def sqs_client() -> Any:
    """The SQS client, made when the first message is refused or deferred."""
    return boto3.client("sqs", config=SOON)


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Deliver a batch, and name the messages that SQS must keep."""
    messages = messages_in(event)
    try:
        function = started()
    except MistakesError as error:
        report_misfit(error.mistakes, len(messages), logger, metrics)
        metrics.flush_metrics()
        return partial_batch_response([message.id for message in messages])
    function.deadline = time.monotonic() + context.get_remaining_time_in_millis() / 1000 - AFTERWORK_SECONDS
    return partial_batch_response(deliver(function, messages)) if messages else partial_batch_response([])


def deliver(function: Function, messages: list[Message]) -> list[str]:
    """Deliver messages and settle what was not delivered; give the ids of those to keep."""
    settings, now_ms = function.settings, time.time() * 1000
    size = RequestSize(settings.records_per_collection, settings.collections_per_request)
    run = DeliveryRun(function.mapper, function.sender, size)
    deliveries = give_up_on_old(run.deliver(messages), int(now_ms), settings.give_up_after_seconds)
    deliveries, letters_refused = send_dead_letters(settings, deliveries)
    kept = [delivery for delivery in deliveries if delivery.fate.outcome is Outcome.DEFERRED]
    usage = function.client.usage
    tally = run.tally
    batch = BatchReport(
        deliveries,
        profiles=tally.profiles,
        requests=tally.requests,
        records_delivered=tally.records_delivered,
        statuses=tally.statuses,
        codes=tally.codes,
        omitted=tally.omitted,
        oldest_message_seconds=(now_ms - min(message.sent_at for message in messages)) / 1000,
        api_usage_percent=usage.percent if usage else None,
        delays_refused=delay(settings, kept),
        letters_refused=letters_refused,
    )
    report(batch, logger, metrics)
    metrics.flush_metrics()
    report_statuses(tally.statuses, destination_name())
    return [delivery.message.id for delivery in kept]


def send_dead_letters(settings: Settings, deliveries: list[Delivery]) -> tuple[list[Delivery], int]:
    """Send what was rejected to the dead-letter queue; what does not get there is deferred, so that it is not lost."""
    refused = [delivery for delivery in deliveries if delivery.fate.outcome is Outcome.REJECTED]
    if not refused:
        return deliveries, 0
    letters = DeadLetters(sqs_client(), settings.dead_letter_queue_url, destination_name())
    lost = letters.send(refused)
    again = deferred("DEAD_LETTER_QUEUE_UNAVAILABLE")
    return [Delivery(d.message, again) if d.message.id in lost else d for d in deliveries], len(lost)


def delay(settings: Settings, kept: list[Delivery]) -> int:
    """Give every deferred message its own delay; give the number of those that SQS did not take."""
    if not kept:
        return 0
    base, longest = settings.redelivery_base_seconds, settings.redelivery_max_seconds
    delays = [
        (d.message, delay_seconds(d.fate.wait, d.message.receive_count, base, longest, random.random)) for d in kept
    ]
    return RedeliveryDelays(sqs_client(), settings.queue_url).set(delays)
