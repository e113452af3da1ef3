"""The table in docs/operating.md names the rights that commands use in rare cases too; MiniStack tries the others."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import typer.main
from destination_cli.app import app
from destination_cli.check import report_on
from destination_cli.connect import connect
from destination_cli.create_fields.creation import CreateFields
from destination_cli.function_logs import login_cause, published
from destination_cli.prove.proof import FACTS, run_prove
from destination_cli.target import Target
from destination_testbench.local.places import ROOT
from destination_testbench.org import OrgServer, SimulatedOrg, seed, serve
from org_caller import INTEGRATION
from org_target import admin_token
from rich.console import Console
from rights import OF_COMMANDS, PAGE, SETTINGS, page
from salesforce_destination.login.token import AccessToken

CONTACTS = ROOT / "layers" / "destinations" / "contacts.toml"

OUTPUTS = {
    "AccessTokenSecretArn": "the access token",
    "CredentialsSecretArn": "the credentials",
    "RefreshQueueUrl": "the refresh queue",
    "CheckConnectionFunctionName": "the check-connection function",
    "RefreshTokenLogGroupName": "the refresh-token function's log",
    "AlarmTopicArn": "the alarm topic",
}
"""Each as the table calls it, so that a call says on what it is made."""

NAMED_OTHERWISE = {"lambda:Invoke": "lambda:InvokeFunction"}
"""Rights that have another name than the operation."""


class Aws:
    """Notes what it is asked, and holds a token that the org refuses until another one is asked for."""

    def __init__(self, server: OrgServer) -> None:
        self.server = server
        self.secret = AccessToken("00D000000000001!refused", server.url).to_secret()
        self.asked: set[tuple[str, str]] = set()

    def log_in(self) -> None:
        self.secret = AccessToken(self.server.org.admin.log_in(INTEGRATION), self.server.url).to_secret()

    def client(self, service: str) -> Service:
        return Service(self, service)


class Service:
    """A client of one service."""

    def __init__(self, aws: Aws, name: str) -> None:
        self.aws, self.name = aws, name

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**given: Any) -> dict[str, Any]:
            right = f"{self.name}:{operation.title().replace('_', '')}"
            (on,) = [value for value in given.values() if value in OUTPUTS.values()]
            self.aws.asked.add((NAMED_OTHERWISE.get(right, right), on))
            if operation == "send_message":
                self.aws.log_in()
            return {"SecretString": self.aws.secret, "Payload": io.BytesIO(b"{}"), "events": [], "Subscriptions": []}

        return call

    def get_paginator(self, operation: str) -> Any:
        return Pages(getattr(self, operation))


class Pages:
    """All pages of a call that has one."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self.call = call

    def paginate(self, **given: Any) -> list[Any]:
        return [self.call(**given)]


@pytest.fixture
def server() -> Iterator[OrgServer]:
    org = SimulatedOrg()
    seed(org, contacts=10)
    with serve(org) as server:
        yield server


@pytest.fixture
def aws(server: OrgServer) -> Aws:
    return Aws(server)


@pytest.fixture
def target(aws: Aws) -> Target:
    return Target("a-stack", OUTPUTS, {}, aws.client, is_local=True)


def named() -> dict[str, set[tuple[str, str]]]:
    """The rights of each command in the table, and on what."""
    return {
        command: {(action, right.on) for right in rights for action in right.actions}
        for command, rights in OF_COMMANDS.items()
    }


def test_the_page_has_the_table_that_was_tried() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()
    assert "`secretsmanager:PutSecretValue` on the credentials" in page()


def deployed(target: Target) -> Target:
    """The same stack as one in AWS, for what is read from files on this machine."""
    return replace(target, is_local=False)


def test_a_check_needs_what_the_table_says(aws: Aws, target: Target) -> None:
    report = report_on(CONTACTS, target=target)
    published(deployed(target), CONTACTS)
    login_cause(deployed(target))
    deployed(target).alarm_topic()

    assert report.connection is not None
    assert report.connection.is_known
    assert aws.asked == named()["check"] - {(action, it.on) for it in SETTINGS for action in it.actions}


def test_connecting_needs_what_the_table_says(aws: Aws, target: Target, server: OrgServer) -> None:
    credentials = {
        "grant_type": "client_credentials",
        "domain": server.url,
        "client_id": "local-client-id",
        "client_secret": "local-client-secret",
    }

    outcome = connect(json.dumps(credentials), target)
    login_cause(deployed(target))
    deployed(target).alarm_topic()

    assert outcome.stored
    assert outcome.token
    assert aws.asked == named()["connect"]


def test_making_fields_needs_what_the_table_says(aws: Aws, target: Target, server: OrgServer) -> None:
    aws.log_in()

    status = CreateFields(
        CONTACTS, target, Console(file=io.StringIO()), lambda: admin_token(server), lambda question: True
    ).run()

    assert status == 0
    assert aws.asked == named()["create-fields"]


def test_a_proof_needs_what_the_table_says(aws: Aws, target: Target) -> None:
    aws.log_in()

    run_prove(CONTACTS, target, Console(file=io.StringIO()), None, FACTS[:1], as_json=True)

    assert aws.asked == named()["prove"]


def test_every_command_on_a_stack_has_its_row() -> None:
    commands: dict[str, Any] = getattr(typer.main.get_command(app), "commands", {})
    on_a_stack = {
        name
        for name, command in commands.items()
        if any("--stack" in getattr(parameter, "opts", ()) for parameter in command.params)
    }

    options = {name: {each for it in commands[name].params for each in it.opts} for name in on_a_stack}
    assert all({"--region", "--local", "--json"} <= found for found in options.values())
    assert len(on_a_stack) >= 10
    assert on_a_stack - set(named()) == set()
