"""The refresh-token function: a message of the refresh queue becomes a stored access token.

The handler alone. The queue is FIFO with one message group, so that one refresh runs at a time. A message that failed
comes back after the queue's visibility timeout, a minute; login.token.counted_log_in says if that is a log-in.
"""

import os
from functools import cache, partial
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from botocore.config import Config
from salesforce_destination import __version__
from salesforce_destination.assembly import RefreshTokenFunction, Surroundings
from salesforce_destination.aws.clients import AwsUnavailableError, make_aws_client
from salesforce_destination.aws.token_store import RotationLostError
from salesforce_destination.errors import NOT_CONNECTED, CredentialsError, SettingsError
from salesforce_destination.login.refusals import LoginUnavailableError
from salesforce_destination.login.token import RefreshRequest
from salesforce_destination.salesforce.oauth import login_session
from salesforce_destination.settings import REFRESH_TOKEN_NEEDS, Settings, destination_name

SOON = Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 1})
"""Short enough that the worst case (two reads, a log-in, three tries to store a rotated refresh token) ends before the
function's time-out: an environment that is killed loses what it could not store."""

logger = Logger(version=__version__)
metrics = Metrics()
session = login_session()


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, list[dict[str, str]]]:
    """Answer each message; from the first that failed on, SQS keeps them all, as the order of a FIFO queue asks."""
    logger.append_keys(function_request_id=getattr(context, "aws_request_id", None))
    metrics.set_default_dimensions(destination=destination_name(os.environ))
    messages = event["Records"]
    done = 0
    while done < len(messages) and is_done(messages[done]["body"]):
        done += 1
    return {"batchItemFailures": [{"itemIdentifier": message["messageId"]} for message in messages[done:]]}


def is_done(body: str) -> bool:
    """Do what a message asks for; False where it has to be tried again."""
    if (request := RefreshRequest.from_body(body)) is None:
        logger.warning("dropped a message that is not a refresh request")
        return True
    try:
        refreshed = started().refresh(request)
    except SettingsError as error:
        return failed("the environment is wrong", code="SETTINGS_INVALID", mistakes=[str(m) for m in error.mistakes])
    except (CredentialsError, LoginUnavailableError) as error:
        words = {"code": error.code, "field": error.field, "problem": error.problem, "cure": error.cure}
        if error.code in ("LOG_INS_SPENT", NOT_CONNECTED):  # nothing failed
            is_new = error.code == NOT_CONNECTED
            logger.info("not connected yet", extra=words) if is_new else logger.warning("log-ins pause", extra=words)
            return is_new
        return failed("no log-in", **words)
    except RotationLostError as error:
        logger.critical("the refresh token that replaced the old one is not stored", extra={"cure": error.cure})
        return failed("no log-in", code=error.code, field="refresh_token", reason=error.reason)
    except AwsUnavailableError as error:
        return failed("a secret cannot be read or written", code=error.code, reason=error.reason)
    if refreshed:
        count("TokenRefreshed")
    done = "access token refreshed" if refreshed else "another access token is stored already"
    logger.info(done, reason=request.reason)
    return True


def failed(message: str, **words: object) -> bool:
    """Say what is wrong in our words, never in Salesforce's: they may hold what was sent."""
    logger.error(message, extra=words)
    count("TokenRefreshFailed")
    return False


def count(metric: str) -> None:
    """Write one metric at once, so that an invocation without one writes none."""
    metrics.add_metric(metric, MetricUnit.Count, 1)
    metrics.flush_metrics()


@cache
def started() -> RefreshTokenFunction:
    """Read the settings once; raise SettingsError every time until they are mended."""
    settings = Settings.from_environ(os.environ, REFRESH_TOKEN_NEEDS)
    secrets, sqs = partial(make_aws_client, "secretsmanager", SOON), partial(make_aws_client, "sqs", SOON)
    return RefreshTokenFunction(settings, Surroundings(session, secrets, sqs))
