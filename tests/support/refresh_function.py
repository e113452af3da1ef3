"""The refresh-token function in front of moto and a token endpoint, as Lambda would run it."""

from __future__ import annotations

import importlib.util
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from logins import TokenEndpoint, a_secret
from requests.adapters import BaseAdapter
from salesforce_destination.assembly import RefreshTokenFunction, Surroundings
from salesforce_destination.aws.token_store import TokenSource
from salesforce_destination.login.token import AccessToken
from salesforce_destination.settings import REFRESH_TOKEN_NEEDS, Settings

APP = Path(__file__).parents[2] / "functions" / "refresh_token" / "app.py"


@dataclass
class Stack:
    """Two secrets, the refresh queue and the function behind it; to be used where AWS is moto."""

    monkeypatch: pytest.MonkeyPatch
    credentials: str | None = field(default_factory=a_secret)
    access_token: str | None = "{}"

    def __post_init__(self) -> None:
        self.secrets = boto3.client("secretsmanager")
        self.sqs = boto3.client("sqs")
        self.credentials_id = self._secret("credentials", self.credentials)
        self.access_token_id = self._secret("access-token", self.access_token)
        attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true", "VisibilityTimeout": "0"}
        self.queue_url = self.sqs.create_queue(QueueName="refresh.fifo", Attributes=attributes)["QueueUrl"]
        environment = {
            "DESTINATION_FILE": "contacts.toml",
            "CREDENTIALS_SECRET_ID": self.credentials_id,
            "ACCESS_TOKEN_SECRET_ID": self.access_token_id,
            "POWERTOOLS_METRICS_NAMESPACE": "SalesforceDestination",
            # Powertools keeps a logger by its service, with the stdout of the test that made it.
            "POWERTOOLS_SERVICE_NAME": f"refresh-token-{uuid4()}",
        }
        for name, value in environment.items():
            self.monkeypatch.setenv(name, value)

    def _secret(self, name: str, text: str | None) -> str:
        value = {} if text is None else {"SecretString": text}
        return str(self.secrets.create_secret(Name=name, **value)["ARN"])

    def function(self, endpoint: BaseAdapter, mounted_at: str = "https://") -> Any:
        """A fresh environment of the function."""
        specification = importlib.util.spec_from_file_location(f"refresh_token_app_{uuid4().hex}", APP)
        assert specification is not None
        assert specification.loader is not None
        app = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(app)
        app.session.mount(mounted_at, endpoint)
        return app

    def surround(self, app: Any, secrets: Any, now: Callable[[], float] = time.time) -> None:
        """Give an environment of the function another Secrets Manager or another clock, and no time to wait."""
        settings = Settings.from_environ(os.environ, REFRESH_TOKEN_NEEDS)
        around = Surroundings(app.session, lambda: secrets, lambda: self.sqs, now=now, sleep=lambda seconds: None)
        function = RefreshTokenFunction(settings, around)
        app.started = lambda: function

    def token_source(self, **changes: Any) -> TokenSource:
        """What one environment of the deliver function has."""
        options: dict[str, Any] = {"secret_id": self.access_token_id, "refresh_queue_url": self.queue_url, **changes}
        return TokenSource(lambda: self.secrets, lambda: self.sqs, **options)

    def stored_token(self) -> AccessToken | None:
        return AccessToken.from_secret(self.secrets.get_secret_value(SecretId=self.access_token_id)["SecretString"])

    def stored_credentials(self) -> dict[str, Any]:
        text = self.secrets.get_secret_value(SecretId=self.credentials_id)["SecretString"]
        return dict(json.loads(text))

    def versions(self, secret_id: str) -> int:
        listed = self.secrets.list_secret_version_ids(SecretId=secret_id, IncludeDeprecated=True)
        return len(listed["Versions"])

    def waiting(self) -> list[dict[str, Any]]:
        """The messages on the refresh queue, which stay there."""
        options = {"MaxNumberOfMessages": 10, "AttributeNames": ["All"]}
        return list(self.sqs.receive_message(QueueUrl=self.queue_url, **options).get("Messages", []))

    def run_queue(self, app: Any) -> list[str]:
        """Hand the function what is on the queue, one by one, and delete what it has done; give what failed."""
        failed: list[str] = []
        for message in self.waiting():
            kept = app.lambda_handler(an_event(message["Body"], message["MessageId"]), None)["batchItemFailures"]
            if kept:
                failed.append(message["Body"])
            else:
                self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        return failed


def an_event(body: str, message_id: str = "m-1") -> dict[str, Any]:
    return {"Records": [{"messageId": message_id, "body": body, "eventSource": "aws:sqs"}]}


SCHEDULE = json.dumps({"reason": "schedule", "refused": None})


def refused(token: AccessToken | None) -> str:
    return json.dumps({"reason": "refused", "refused": token.fingerprint if token else None})


class Failing:
    """A client whose named calls fail so many times; everything else is the real one's."""

    def __init__(
        self, client: Any, failures: list[Exception], *, call: str, only: Callable[..., bool] | None = None
    ) -> None:
        self.client, self.failures, self.call, self.only = client, failures, call, only
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        real = getattr(self.client, name)
        return partial(self._call, real) if name == self.call else real

    def _call(self, real: Callable[..., Any], **options: Any) -> Any:
        if self.only is not None and not self.only(**options):
            return real(**options)
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return real(**options)


__all__ = ["SCHEDULE", "Failing", "Stack", "TokenEndpoint", "an_event", "refused"]
