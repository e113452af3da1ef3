"""What the commands ask of a deployed stack beside its queues and secrets: its check function and its logs."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from destination_cli.function_logs import Published, login_cause, published
from destination_cli.target import Target
from salesforce_destination.settings import file_hash

OUTPUTS = {"CheckConnectionFunctionName": "check", "RefreshTokenLogGroupName": "/aws/lambda/a-stack/refresh-token"}

REFUSED = {
    "message": "no log-in",
    "code": "CLIENT_SECRET_WRONG",
    "field": "client_secret",
    "problem": "is not the secret of the app.",
    "cure": "Copy it anew.",
}
REFRESHED = {"message": "access token refreshed"}


class Lambda:
    """Answers an invocation."""

    def __init__(self, payload: str | None) -> None:
        self.payload = payload

    def invoke(self, FunctionName: str) -> dict[str, Any]:  # noqa: N803 -- boto3's
        assert FunctionName == "check"
        if self.payload is None:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "Invoke")
        return {"Payload": io.BytesIO(self.payload.encode())}


class Logs:
    """Gives the lines of a log, page by page."""

    def __init__(self, *lines: Any) -> None:
        self.lines = lines
        self.asked: dict[str, Any] = {}

    def get_paginator(self, operation: str) -> Logs:
        assert operation == "filter_log_events"
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        self.asked = asked
        yield from ({"events": [{"message": json.dumps(line)}]} for line in self.lines)


def a_target(client: Any) -> Target:
    return Target("a-stack", OUTPUTS, {}, lambda service: client)


def test_the_check_function_says_by_which_version_the_stack_delivers(tmp_path: Path) -> None:
    file = tmp_path / "contacts.toml"
    file.write_text("name = 1")
    report = {"destination_file": "contacts.toml", "file_hash": file_hash(file)}

    same = published(a_target(Lambda(json.dumps(report))), file)
    other = published(a_target(Lambda(json.dumps({**report, "file_hash": "0" * 12}))), file)

    assert same == Published("contacts.toml", file_hash(file), True)
    assert other is not None
    assert not other.is_same


def test_a_stack_that_does_not_say_is_no_obstacle(tmp_path: Path) -> None:
    for client in (Lambda(None), Lambda("no JSON"), Lambda('{"errorMessage": "Task timed out"}')):
        assert published(a_target(client), tmp_path) is None


def test_the_last_log_in_that_failed_names_the_key() -> None:
    logs = Logs(REFRESHED, REFUSED)

    cause = login_cause(a_target(logs))

    assert cause is not None
    assert (cause.key, cause.problem) == ("credentials.client_secret", "client_secret is not the secret of the app.")
    assert logs.asked["logGroupName"] == "/aws/lambda/a-stack/refresh-token"


def test_a_log_in_that_worked_since_is_no_cause() -> None:
    assert login_cause(a_target(Logs(REFUSED, REFRESHED))) is None
    assert login_cause(a_target(Logs())) is None


def test_a_log_in_that_failed_before_the_credentials_were_emptied_is_no_cause() -> None:
    assert login_cause(a_target(Logs(REFUSED, {"message": "not connected yet", "code": "NOT_CONNECTED"}))) is None
    assert login_cause(a_target(Logs({"message": "not connected yet", "code": "NOT_CONNECTED"}, REFUSED))) is not None
