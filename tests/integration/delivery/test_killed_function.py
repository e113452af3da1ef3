"""A message that kills the process takes nobody with it twice: with processes that really die."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from builders import a_message, a_profile, an_sqs_record
from deliver_function import ROOT, error_code
from destination_testbench.aws_lambda.execution_environment import FunctionError
from destination_testbench.aws_lambda.function import Function
from destination_testbench.aws_lambda.invoker import Invoker
from moto.server import ThreadedMotoServer

PACKED = """
name = "Packed profiles"
salesforce_object = "Contact"

[profiles]
select = "powertools_json(powertools_base64_gzip(data))"

[identity]
source = "identityMap.crmID[0].id"
target = "SalesforceId"

[[mappings]]
source = "person.name.lastName"
target = "LastName"
"""

SECONDS = 2.0


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    yield url
    server.stop()


def packed(content: bytes) -> str:
    return json.dumps({"data": base64.b64encode(gzip.compress(content, 9)).decode()})


def a_bomb() -> str:
    """A third of a megabyte that becomes a hundred million numbers: more work than there is time."""
    return packed(b"[" + b"0," * 100_000_000 + b"0]")


def test_a_message_that_kills_the_function_is_sent_away_unread_the_next_time(aws: str, tmp_path: Path) -> None:
    (tmp_path / "packed.toml").write_text(PACKED)
    sqs = boto3.client("sqs")
    urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("queue", "dead-letters", "refresh")}
    function = a_function(aws, tmp_path, urls)
    invoker, patient = Invoker(function), Invoker(replace(function, timeout_seconds=60.0))
    bomb, innocent = a_message(a_bomb(), number=1), a_message(packed(json.dumps(a_profile()).encode()), number=2)
    batch = {"Records": [an_sqs_record(bomb), an_sqs_record(innocent)]}

    with pytest.raises(FunctionError, match="timed out"):
        invoker.invoke(batch)
    answer = patient.invoke({"Records": [an_sqs_record(bomb)]})  # in the last 8 seconds no dead letter is sent

    invoker.close()
    patient.close()
    letters = sqs.receive_message(QueueUrl=urls["dead-letters"], MessageAttributeNames=["All"])["Messages"]
    assert answer == {"batchItemFailures": []}
    assert [error_code(letter) for letter in letters] == ["KILLED_THE_FUNCTION"]
    assert letters[0]["Body"] == bomb.body


def a_function(aws: str, folder: Path, urls: dict[str, str]) -> Function:
    layers = (ROOT / "layers" / "salesforce_destination", ROOT / "layers" / "destinations")
    environment = {
        "AWS_ENDPOINT_URL": aws,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "DESTINATION_FILE": str(folder / "packed.toml"),
        "ACCESS_TOKEN_SECRET_ID": "token",
        "QUEUE_URL": urls["queue"],
        "DEAD_LETTER_QUEUE_URL": urls["dead-letters"],
        "REFRESH_QUEUE_URL": urls["refresh"],
        "POWERTOOLS_METRICS_NAMESPACE": "SalesforceDestination",
        "POWERTOOLS_SERVICE_NAME": "killed",
    }
    folder_of_app = ROOT / "functions" / "deliver"
    return Function(
        name="deliver",
        arn="arn:aws:lambda:eu-west-1:123456789012:function:deliver",
        handler="app.lambda_handler",
        folder=folder_of_app,
        layers=layers,
        timeout_seconds=SECONDS,
        memory_megabytes=512,
        environment=environment,
        log=folder / "logs" / "deliver.log",
    )
