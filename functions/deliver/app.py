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
from functools import cache
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from botocore.config import Config
from salesforce_destination import __version__
from salesforce_destination.aws.clients import make_aws_client
from salesforce_destination.aws.dead_letters import DeadLetters
from salesforce_destination.aws.in_progress import CrumbFile
from salesforce_destination.aws.outcome_log import OutcomeLog
from salesforce_destination.aws.redelivery import Backoff, RedeliveryDelays
from salesforce_destination.aws.report import Circumstances, report, report_mistakes, report_statuses
from salesforce_destination.aws.sqs_event import messages_in, partial_batch_response
from salesforce_destination.aws.token_store import TokenSource
from salesforce_destination.delivery.deliverer import Deliverer, Limits
from salesforce_destination.delivery.memory import Memory
from salesforce_destination.delivery.settlement import settle
from salesforce_destination.errors import MistakesError
from salesforce_destination.garbage import Garbage
from salesforce_destination.mapping.mapper import Mapper
from salesforce_destination.outcome import Message
from salesforce_destination.record.composite import CompositeWriter
from salesforce_destination.salesforce.client import SalesforceClient, new_session
from salesforce_destination.salesforce.describe import Describer
from salesforce_destination.salesforce.sender import SalesforceSender
from salesforce_destination.salesforce.successors import Successors
from salesforce_destination.settings import DELIVER_NEEDS, Settings, file_hash, load_destination

AFTERWORK_SECONDS = 20.0
"""Kept free at the end of an invocation for dead letters and delays."""

# Lambda's /tmp outlives the process, and nobody but this environment sees it.
CRUMBS = Path(os.environ.get("TMPDIR", "/tmp")) / "salesforce-destination"  # noqa: S108  # nosec B108

SOON = Config(
    connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3}, max_pool_connections=16
)


def destination_name() -> str:
    """The destination's name in metrics and dead letters: that of its file."""
    return Path(os.environ.get("DESTINATION_FILE", "")).stem or "none"


logger = Logger(version=__version__)
metrics = Metrics()
metrics.set_default_dimensions(destination=destination_name())
session = new_session()
garbage = Garbage()


@dataclass
class Function:
    """What one environment keeps from invocation to invocation."""

    settings: Settings
    mapper: Mapper
    deadline: float = 0.0
    outcome_log: OutcomeLog = field(init=False)
    tokens: TokenSource = field(init=False)
    client: SalesforceClient = field(init=False)
    deliverer: Deliverer = field(init=False)

    def __post_init__(self) -> None:
        settings, destination = self.settings, self.mapper.destination
        self.outcome_log = OutcomeLog(secrets_client, settings.outcome_key_secret_id, time.monotonic)
        self.tokens = TokenSource(
            secrets_client,
            sqs_client,
            settings.access_token_secret_id,
            settings.refresh_queue_url,
            allow_local=settings.aws_sam_local,
        )
        self.client = SalesforceClient(session, self.tokens, self.seconds_left)
        describer = Describer(self.client, destination.api_version, time.monotonic)
        successors = Successors(self.client, describer, destination)
        sender = SalesforceSender(self.client, CompositeWriter(destination), successors, self.seconds_left)
        memory = Memory(time.monotonic, settings.collections_per_request, settings.collections_per_request)
        limits = Limits(
            settings.records_per_collection, settings.api_usage_ceiling_percent, settings.give_up_after_seconds
        )
        self.deliverer = Deliverer(self.mapper, sender, memory, CrumbFile(CRUMBS), limits)

    def seconds_left(self) -> float:
        """What remains for Salesforce before the invocation's end."""
        return self.deadline - time.monotonic()


@cache
def started() -> Function:
    """Read settings and destination file once; raise MistakesError every time until they are mended."""
    settings = Settings.from_environ(os.environ, DELIVER_NEEDS)
    function = Function(settings, Mapper(load_destination(settings.destination_file)))
    name = Path(settings.destination_file).name
    logger.info("delivers by", destination_file=name, file_hash=file_hash(settings.destination_file))
    return function


@cache
def secrets_client() -> Any:
    """The Secrets Manager client, made when a token or a key is first needed."""
    return make_aws_client("secretsmanager", SOON)


@cache
def sqs_client() -> Any:
    """The SQS client, made when the first message is refused or deferred."""
    return make_aws_client("sqs", SOON)


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Deliver a batch, and name the messages that SQS must keep."""
    messages = messages_in(event, int(time.time() * 1000))
    try:
        function = started()
    except MistakesError as error:
        oldest = oldest_seconds(messages, int(time.time() * 1000))
        report_mistakes(error.mistakes, len(messages), oldest, logger, metrics)
        metrics.flush_metrics()
        return partial_batch_response([message.id for message in messages])
    function.deadline = time.monotonic() + context.get_remaining_time_in_millis() / 1000 - AFTERWORK_SECONDS
    with garbage.collected_afterwards():
        return partial_batch_response(deliver(function, messages) if messages else [])


def oldest_seconds(messages: list[Message], now_ms: int) -> float:
    """How long ago the oldest of these was sent."""
    return (now_ms - min((message.sent_at for message in messages), default=now_ms)) / 1000


def deliver(function: Function, messages: list[Message]) -> list[str]:
    """Deliver messages, settle what was not delivered, and report; give the ids of those to keep."""
    settings, now_ms = function.settings, int(time.time() * 1000)
    deliveries, tally = function.deliverer.deliver(messages, now_ms)
    backoff = Backoff(
        settings.redelivery_base_seconds,
        settings.redelivery_max_seconds,
        settings.visibility_timeout_seconds,
        random.random,
    )
    settled = settle(
        deliveries,
        DeadLetters(sqs_client, settings.dead_letter_queue_url, destination_name()),
        RedeliveryDelays(sqs_client, settings.queue_url),
        backoff.delay_of,
    )
    token_issued_at = function.tokens.issued_at_ms
    circumstances = Circumstances(
        oldest_message_seconds=oldest_seconds(messages, now_ms),
        api_usage_percent=function.client.usage.percent if function.client.usage else None,
        access_token_seconds=None if token_issued_at is None else (now_ms - token_issued_at) / 1000,
        delays_refused=settled.delays_refused,
        dead_letters_refused=settled.dead_letters_refused,
    )
    report(settled.deliveries, tally, circumstances, logger, metrics)
    metrics.flush_metrics()
    report_statuses(tally.statuses, destination_name())
    if function.seconds_left() > 0:  # what is kept free at the end is for the messages
        function.outcome_log.write(settled.deliveries, logger)
    return list(settled.kept)
