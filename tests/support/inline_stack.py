"""A stack whose refresh function runs as soon as its queue is written to, and whose org sees two addresses."""

from __future__ import annotations

import importlib.util
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from destination_cli.connect import ConnectResult, connect
from destination_cli.target import Target
from destination_testbench.aws.clients import SimulatedSecrets
from destination_testbench.org import OrgAdapter, OrgServer
from salesforce_destination.assembly import RefreshTokenFunction, Surroundings
from salesforce_destination.login.token import AccessToken
from salesforce_destination.settings import Settings

APP = Path(__file__).parents[2] / "functions" / "refresh_token" / "app.py"
CREDENTIALS, TOKEN = "credentials", "token"
FUNCTIONS_ADDRESS = "10.0.0.1"
OLD = AccessToken("00D!old", "", "1")


class InlineStack:
    """`target` is what a command gets; `log` is the file that the refresh function writes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, server: OrgServer, folder: Path) -> None:
        self.server, self.log = server, folder / "refresh_token.log"
        old = AccessToken(OLD.value, server.url, OLD.issued_at).to_secret()
        self.secrets = SimulatedSecrets({CREDENTIALS: self.credentials(), TOKEN: old})
        monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "SalesforceDestination")
        monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"refresh-token-{uuid4()}")
        self._stdout = self.log.open("w", encoding="utf-8", buffering=1)
        with redirect_stdout(self._stdout):
            self._app = self._load()
        outputs = {"AccessTokenSecretArn": TOKEN, "CredentialsSecretArn": CREDENTIALS, "RefreshQueueUrl": "refresh"}
        clients: dict[str, Any] = {"secretsmanager": self.secrets, "sqs": self}
        self.target = Target("local", outputs, {}, clients.__getitem__, is_local=True, log_folder=folder, wait=0.01)

    def credentials(self, **changes: Any) -> str:
        values = {"grant_type": "client_credentials", "domain": self.server.url}
        return json.dumps({**values, "client_id": "local-client-id", "client_secret": "local-client-secret", **changes})

    def send_message(self, *, MessageBody: str, **call: Any) -> None:  # noqa: N803 - SQS's name
        """What SQS and Lambda do with a message of the refresh queue."""
        with redirect_stdout(self._stdout):
            self._app.lambda_handler({"Records": [{"messageId": "m-1", "body": MessageBody}]}, None)

    def connect(self) -> ConnectResult:
        """Connect with the credentials that the org knows."""
        return connect(self.credentials(), self.target, seconds=0.05)

    def _load(self) -> Any:
        specification = importlib.util.spec_from_file_location(f"refresh_token_app_{uuid4().hex}", APP)
        assert specification is not None
        assert specification.loader is not None
        app: Any = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(app)
        app.session.mount(self.server.url, OrgAdapter(self.server.org, FUNCTIONS_ADDRESS))
        settings = Settings(credentials_secret_id=CREDENTIALS, access_token_secret_id=TOKEN, aws_sam_local=True)
        function = RefreshTokenFunction(settings, Surroundings(app.session, lambda: self.secrets, lambda: self))
        app.started = lambda: function
        return app
