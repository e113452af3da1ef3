"""The check-connection function: on a schedule it compares the file with the org, and says what does not fit.

The handler alone. Its answer is the whole report, so that `sam local invoke` and `sam remote invoke` show it.
"""

import os
from functools import cache, partial
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from botocore.config import Config
from salesforce_destination import __version__
from salesforce_destination.assembly import CHECK_AFTERWORK_SECONDS, CheckConnectionFunction, Surroundings
from salesforce_destination.aws.clients import make_aws_client
from salesforce_destination.connection.check import Connection, unusable
from salesforce_destination.errors import MistakesError
from salesforce_destination.salesforce.client import new_session
from salesforce_destination.settings import CHECK_NEEDS, Settings, destination_name, file_hash, load_destination

SOON = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2})

FILE = os.environ.get("DESTINATION_FILE", "")
FILE_HASH = file_hash(FILE)

logger = Logger(version=__version__)
metrics = Metrics()
metrics.set_default_dimensions(destination=destination_name(os.environ))
session = new_session()


@cache
def started() -> CheckConnectionFunction:
    """Read settings and destination file once; raise MistakesError every time until they are mended."""
    settings = Settings.from_environ(os.environ, CHECK_NEEDS)
    secrets, sqs = partial(make_aws_client, "secretsmanager", SOON), partial(make_aws_client, "sqs", SOON)
    around = Surroundings(session, secrets, sqs)
    return CheckConnectionFunction(settings, around, load_destination(settings.destination_file))


@logger.inject_lambda_context
def lambda_handler(event: object, context: Any) -> dict[str, Any]:
    """Check the connection, whatever the event is, and give the report."""
    connection = checked(context.get_remaining_time_in_millis() / 1000)
    # An outage is not counted as a problem, nor as the absence of one; nor is a stack that nobody has connected yet.
    if connection.is_known:
        metrics.add_metric("ConnectionProblems", MetricUnit.Count, connection.problems)
        metrics.flush_metrics()
    report = {"destination_file": Path(FILE).name, "file_hash": FILE_HASH, **connection.as_json()}
    is_quiet = connection.is_good or connection.is_new
    log = logger.info if is_quiet else logger.error if connection.is_known else logger.warning
    log("connected" if connection.is_good else "not connected", **report)
    return report


def checked(seconds: float) -> Connection:
    """Compare the file with the org in this time; wrong settings or a wrong file are findings too."""
    try:
        function = started()
    except MistakesError as error:
        return unusable(error.mistakes)
    function.begin(seconds - CHECK_AFTERWORK_SECONDS)
    return function.checked()
