"""`destination output`, and the version that every command can print."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from destination_cli.app import app
from destination_cli.checkout import StackFile
from destination_testbench.local.endpoints import write_stack_file
from salesforce_destination import __version__
from typer.testing import CliRunner

OUTPUTS = {"QueueUrl": "https://sqs/queue", "Version": "1.0.0"}


@pytest.fixture
def here(tmp_path: Path) -> list[str]:
    """The options that name a local stack with these outputs."""
    stack = StackFile("local", "http://127.0.0.1:1", "eu-west-1", OUTPUTS, {}, "contacts.toml", os.getpid())
    write_stack_file(stack, tmp_path)
    return ["--local", "--state", str(tmp_path)]


def test_an_output_is_printed_alone(here: list[str]) -> None:
    result = CliRunner().invoke(app, ["output", "QueueUrl", *here])

    assert (result.exit_code, result.stdout) == (0, "https://sqs/queue\n")


def test_an_output_is_printed_for_programs(here: list[str]) -> None:
    result = CliRunner().invoke(app, ["output", "QueueUrl", "--json", *here])

    assert json.loads(result.stdout) == {"QueueUrl": "https://sqs/queue"}


def test_an_output_that_is_not_there_is_answered_with_those_that_are(here: list[str]) -> None:
    result = CliRunner().invoke(app, ["output", "QueueURL", *here])

    assert (result.exit_code, result.stdout) == (2, "")
    assert "The stack local has no output QueueURL. It has: QueueUrl, Version." in result.stderr


def test_the_command_prints_its_version() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == f"destination {__version__}\n"
