"""
The deliver function: a batch of profiles from the queue becomes one call to Salesforce.

The handler alone. What it works with is assembled on first use and kept for the next invocation.
"""

from __future__ import annotations

import gc
import os
import time
from functools import cache
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger
from botocore.config import Config
from salesforce_destination import __version__
from salesforce_destination.assembly import DELIVER_AFTERWORK_SECONDS, DeliverFunction, Surroundings
from salesforce_destination.aws.clients import make_aws_client
from salesforce_destination.aws.in_progress import InProgressFile
from salesforce_destination.aws.report import Circumstances, MetricLines, report, report_mistakes
from salesforce_destination.aws.sqs_event import messages_in, partial_batch_response
from salesforce_destination.errors import MistakesError
from salesforce_destination.mapping.mapper import Mapper
from salesforce_destination.outcome import Message
from salesforce_destination.salesforce.client import new_session
from salesforce_destination.settings import DELIVER_NEEDS, Settings, destination_name, file_hash, load_destination

# Lambda's /tmp outlives the process, and nobody but this environment sees it.
MARKER = Path(os.environ.get("TMPDIR", "/tmp")) / "salesforce-destination"  # noqa: S108  # nosec B108

SOON = Config(
    connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3}, max_pool_connections=16
)

logger = Logger(version=__version__)
metrics = MetricLines(
    os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "SalesforceDestination"),
    logger.service,
    destination_name(os.environ),
)
session = new_session()
# Python looks for garbage when there are so many objects more than before ("gc.set_threshold"; 700 by itself). What a
# batch makes lives to its end, hardly ever in a cycle: looking through it took a quarter of the processor's time.
gc.set_threshold(100_000)


@cache
def secrets_client() -> Any:
    """The Secrets Manager client, made when a token or a key is first needed."""
    return make_aws_client("secretsmanager", SOON)


@cache
def sqs_client() -> Any:
    """The SQS client, made when the first message is refused or deferred."""
    return make_aws_client("sqs", SOON)


@cache
def started() -> DeliverFunction:
    """Read settings and destination file once; raise MistakesError every time until they are mended."""
    settings = Settings.from_environ(os.environ, DELIVER_NEEDS)
    mapper = Mapper(load_destination(settings.destination_file))
    surroundings = Surroundings(session, secrets_client, sqs_client)
    function = DeliverFunction(settings, surroundings, mapper, InProgressFile(MARKER), destination_name(os.environ))
    name = Path(settings.destination_file).name
    logger.info("destination file loaded", destination_file=name, file_hash=file_hash(settings.destination_file))
    return function


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Deliver a batch, and name the messages that SQS must keep."""
    now_ms = int(time.time() * 1000)
    messages = messages_in(event, now_ms)
    try:
        function = started()
    except MistakesError as error:
        circumstances = Circumstances(oldest_seconds(messages, now_ms))
        report_mistakes(error.mistakes, len(messages), circumstances, logger, metrics, now_ms)
        return partial_batch_response([message.id for message in messages])
    function.begin(context.get_remaining_time_in_millis() / 1000 - DELIVER_AFTERWORK_SECONDS)
    if not messages:
        return partial_batch_response([])
    batch = function.deliverer.deliver(messages, now_ms)
    usage, age = function.client.usage, function.token_age_seconds()
    percent = usage.percent if usage else None
    # What is kept free at the end is for the messages.
    profiles = function.outcome_log.lines(batch, logger) if function.seconds_left() > 0 else []
    report(batch, Circumstances(oldest_seconds(messages, now_ms), percent, age), profiles, logger, metrics, now_ms)
    return partial_batch_response(batch.kept)


def oldest_seconds(messages: list[Message], now_ms: int) -> float:
    """How long ago the oldest of these was sent."""
    return (now_ms - min((message.sent_at for message in messages), default=now_ms)) / 1000
