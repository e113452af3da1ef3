"""The deliver function: a batch of profiles from the queue becomes one call to Salesforce.

The handler alone. What it works with is assembled when it starts, on a whole processor, and kept.
"""

# ruff: noqa: E402  # the imports come after what makes them cheaper

import gc

# Python looks for garbage when there are so many objects more than before ("gc.set_threshold"; 700 by itself). What is
# imported stays, and what a batch makes lives to its end, hardly ever in a cycle: looking through it took a quarter of
# the processor's time, and a tenth of a cold start's.
gc.set_threshold(100_000)

import os
import time
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from pydantic_core import to_json
from salesforce_destination import __version__
from salesforce_destination.assembly import DELIVER_AFTERWORK_SECONDS, DeliverFunction, Surroundings
from salesforce_destination.aws.clients import make_aws_client
from salesforce_destination.aws.in_progress import InProgressFile
from salesforce_destination.aws.report import Circumstances, MetricLines, report, report_mistakes
from salesforce_destination.aws.sqs_event import messages_in, partial_batch_response
from salesforce_destination.aws.sqs_queue import CALLS_AT_ONCE
from salesforce_destination.errors import MistakesError
from salesforce_destination.mapping.mapper import Mapper
from salesforce_destination.outcome import Message
from salesforce_destination.salesforce.client import new_session
from salesforce_destination.settings import DELIVER_NEEDS, Settings, destination_name, file_hash, load_destination

# Lambda's /tmp outlives the process, and nobody but this environment sees it.
MARKER = Path(os.environ.get("TMPDIR", "/tmp")) / "salesforce-destination"  # noqa: S108  # nosec B108

RETRIES = {"mode": "standard", "total_max_attempts": 3}
SOON = Config(connect_timeout=3, read_timeout=5, retries=RETRIES, max_pool_connections=CALLS_AT_ONCE)

logger = Logger(version=__version__, json_serializer=lambda line: to_json(line, fallback=str).decode())
namespace = os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "SalesforceDestination")
metrics = MetricLines(namespace, logger.service, destination_name(os.environ))
session = new_session()
secrets_client, sqs_client = partial(make_aws_client, "secretsmanager", SOON), partial(make_aws_client, "sqs", SOON)
s3_client = partial(make_aws_client, "s3", SOON)


@cache
def started() -> DeliverFunction:
    """Read settings and destination file once; raise MistakesError every time until they are mended."""
    settings = Settings.from_environ(os.environ, DELIVER_NEEDS)
    mapper = Mapper(load_destination(settings.destination_file))
    surroundings = Surroundings(session, secrets_client, sqs_client, s3=s3_client)
    function = DeliverFunction(settings, surroundings, mapper, InProgressFile(MARKER), destination_name(os.environ))
    name = Path(settings.destination_file).name
    logger.info("destination file loaded", destination_file=name, file_hash=file_hash(settings.destination_file))
    return function


with suppress(MistakesError, BotoCoreError):  # they are met again, and said, by every batch
    started()
    secrets_client(), sqs_client(), started().settings.suppression_bucket and s3_client()
gc.freeze()  # all this stays for good, and is not looked through again ("gc.freeze")


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
    percent, slowest = usage.percent if usage else None, function.client.slowest_seconds
    circumstances = Circumstances(oldest_seconds(messages, now_ms), percent, age, slowest)
    # What is kept free at the end is for the messages.
    profiles = function.outcome_log.lines(batch, logger) if function.seconds_left() > 0 else []
    if function.seconds_left() > 0:
        function.kept_refusal.follow(batch, logger, now_ms)
    report(batch, circumstances, profiles, logger, metrics, now_ms)
    return partial_batch_response(batch.kept)


def oldest_seconds(messages: list[Message], now_ms: int) -> float:
    """How long ago the oldest of these was sent."""
    return (now_ms - min(((message.parts or message).sent_at for message in messages), default=now_ms)) / 1000
