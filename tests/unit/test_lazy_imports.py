"""What a cold start does not pay for: libraries that only some destination files, or other functions, need."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from builders import CONTACTS

ROOT = Path(__file__).parents[2]
PATHS = (ROOT / "layers" / "salesforce_destination", ROOT / "functions" / "deliver", ROOT / "testbench")
EXPRESSION = CONTACTS.replace('"person.name.lastName"', '"person.name.lastName || surname"')

MAPPER = """
import os, sys
from pathlib import Path
from salesforce_destination.settings import load_destination
from salesforce_destination.mapping.mapper import Mapper
Mapper(load_destination(Path(os.environ["DESTINATION_FILE"])))
"""

COLD_START = """
import sys
import app
"""

FIRST_BATCH = """
import json, sys
import app
from destination_testbench.aws_lambda.function_process import LambdaContext
context = LambdaContext("request", 2**60, "deliver", "1", "arn", 512, "", "")
sent = {"SentTimestamp": "1700000000000"}
record = {"messageId": "m-1", "receiptHandle": "h", "body": "not json", "attributes": sent}
print(*[failed["itemIdentifier"] for failed in app.lambda_handler({"Records": [record]}, context)["batchItemFailures"]])
"""

SHOW = "print(*sorted(sys.modules))"

LOGIN_LIBRARIES = {"jwt", "cryptography"}


def loaded_by(program: str, folder: Path, destination: str, missing: Sequence[str] = ()) -> set[str]:
    """The modules that a new interpreter has after a program, with this destination file, and what it printed."""
    file = folder / "destination.toml"
    file.write_text(destination)
    here = "https://sqs.eu-west-1.amazonaws.com/123456789012"
    variables = {
        "PYTHONPATH": os.pathsep.join(map(str, PATHS)),
        "DESTINATION_FILE": str(file),
        "ACCESS_TOKEN_SECRET_ID": "token",
        "REFRESH_QUEUE_URL": f"{here}/refresh.fifo",
        "QUEUE_URL": f"{here}/queue",
        "DEAD_LETTER_QUEUE_URL": f"{here}/dead-letters",
        "POWERTOOLS_METRICS_NAMESPACE": "SalesforceDestination",
        "POWERTOOLS_SERVICE_NAME": "deliver",
    }
    command = [sys.executable, "-c", f"{program}\n{SHOW}"]
    there = {name: value for name, value in (os.environ | variables).items() if not name.startswith(tuple(missing))}
    ended = subprocess.run(command, env=there, capture_output=True, text=True, timeout=60, check=True)
    found = set(ended.stdout.split())
    assert "salesforce_destination.mapping.mapper" in found
    return found


def test_a_file_of_plain_paths_needs_no_jmespath(tmp_path: Path) -> None:
    assert "jmespath" not in loaded_by(MAPPER, tmp_path, CONTACTS)


def test_a_file_with_an_expression_needs_it(tmp_path: Path) -> None:
    assert {"jmespath", "aws_lambda_powertools.utilities.jmespath_utils"} <= loaded_by(MAPPER, tmp_path, EXPRESSION)


# Of jmespath nothing can be said here: boto3 and Powertools' logger load it themselves.
@pytest.mark.parametrize("destination", [CONTACTS, EXPRESSION])
def test_the_deliver_function_starts_with_its_file_and_clients_and_without_what_only_logging_in_needs(
    tmp_path: Path, destination: str
) -> None:
    loaded = loaded_by(COLD_START, tmp_path, destination)

    assert {"pydantic", "botocore.client"} <= loaded
    assert not LOGIN_LIBRARIES & loaded


@pytest.mark.parametrize(
    "missing",
    [("AWS_REGION", "AWS_DEFAULT_REGION"), ("AWS_ACCESS", "AWS_SECRET")],
    ids=["no region", "no credentials"],
)
def test_a_client_that_cannot_be_made_or_used_stops_nothing_and_every_message_waits(
    tmp_path: Path, missing: tuple[str, ...]
) -> None:
    assert "m-1" in loaded_by(FIRST_BATCH, tmp_path, CONTACTS, missing)
