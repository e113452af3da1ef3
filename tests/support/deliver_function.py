"""The deliver function in front of moto and a simulated org, as Lambda would run it."""

from __future__ import annotations

import importlib.util
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import boto3
import pytest
from builders import an_sqs_record
from destination_testbench.org import OrgAdapter, OrgRequest, SimulatedOrg, seed
from salesforce_destination.outcome import Message

ROOT = Path(__file__).parents[2]
APP = ROOT / "functions" / "deliver" / "app.py"
INSTANCE = "https://acme.my.salesforce.com"


@dataclass
class Context:
    """What Lambda tells a function about its invocation."""

    remaining_ms: int = 300_000
    aws_request_id: str = "request-1"
    function_name: str = "deliver"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:deliver"

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


@dataclass
class DeliverStack:
    """Queues and secrets in moto, an org with records in it, and the function between them."""

    monkeypatch: pytest.MonkeyPatch
    destination_file: Path = ROOT / "layers" / "destinations" / "contacts.toml"
    org: SimulatedOrg = field(default_factory=SimulatedOrg)
    contacts: int = 20
    function: Path = APP

    def __post_init__(self) -> None:
        seed(self.org, contacts=self.contacts, leads=5)
        self.sqs, self.secrets = boto3.client("sqs"), boto3.client("secretsmanager")
        self.queue_url = self.sqs.create_queue(QueueName="queue")["QueueUrl"]
        self.dead_letters_url = self.sqs.create_queue(QueueName="dead-letters")["QueueUrl"]
        self.refresh_url = self.sqs.create_queue(QueueName="refresh.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
        self.token_id = self.secrets.create_secret(Name="token", SecretString=self.a_token())["ARN"]
        self.environment(
            DESTINATION_FILE=str(self.destination_file),
            ACCESS_TOKEN_SECRET_ID=self.token_id,
            QUEUE_URL=self.queue_url,
            DEAD_LETTER_QUEUE_URL=self.dead_letters_url,
            REFRESH_QUEUE_URL=self.refresh_url,
            TMPDIR=tempfile.mkdtemp(),
            POWERTOOLS_METRICS_NAMESPACE="SalesforceDestination",
            # Powertools keeps a logger by its service, with the stdout of the test that made it.
            POWERTOOLS_SERVICE_NAME=f"deliver-{uuid4()}",
        )

    def environment(self, **variables: str) -> None:
        for name, value in variables.items():
            self.monkeypatch.setenv(name, value)

    @cached_property
    def app(self) -> ModuleType:
        """The function after its cold start, which comes with the first batch: a logger keeps the stdout of then."""
        specification = importlib.util.spec_from_file_location(
            f"{self.function.parent.name}_app_{uuid4().hex}", self.function
        )
        assert specification is not None
        assert specification.loader is not None
        app = importlib.util.module_from_spec(specification)
        self.monkeypatch.setitem(__import__("sys").modules, specification.name, app)
        specification.loader.exec_module(app)
        app.session.mount(INSTANCE, OrgAdapter(self.org))
        return app

    def start_cold(self) -> None:
        """Let the next batch meet another environment, which has nothing in memory."""
        del self.app

    def a_token(self) -> str:
        """Log in to the org and give the text of the access-token secret."""
        form = b"grant_type=client_credentials&client_id=local-client-id&client_secret=local-client-secret"
        headers = {"content-type": "application/x-www-form-urlencoded"}
        reply = self.org.handle(OrgRequest("POST", "/services/oauth2/token", {}, headers, form, INSTANCE, None))
        answer = json.loads(reply.body)
        return json.dumps({key: answer[key] for key in ("access_token", "instance_url", "issued_at")})

    def store(self, token: str) -> None:
        self.secrets.put_secret_value(SecretId=self.token_id, SecretString=token)

    def invoke(self, messages: Sequence[Message], context: Context | None = None) -> list[str]:
        """Hand the function a batch; give the ids of the messages that SQS must keep."""
        event = {"Records": [an_sqs_record(message) for message in messages]}
        answer = self.app.lambda_handler(event, context or Context())
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def contact(self, record_id: str) -> dict[str, Any]:
        return self.org.records("Contact").records[record_id].values

    def dead_letters(self) -> list[dict[str, Any]]:
        return self._receive(self.dead_letters_url)

    def refresh_requests(self) -> list[dict[str, Any]]:
        return self._receive(self.refresh_url)

    def api_calls(self) -> int:
        """How many calls of this day the org has counted."""
        return self.org.usage.used(self.org.now())

    def _receive(self, url: str) -> list[dict[str, Any]]:
        options: dict[str, Any] = {"MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]}
        return list(self.sqs.receive_message(QueueUrl=url, **options).get("Messages", []))


def error_code(letter: dict[str, Any]) -> str:
    return str(letter["MessageAttributes"]["ErrorCode"]["StringValue"])
