"""Every `destination` command that README.md and docs/ show is one that there is, with the options that it has."""

from __future__ import annotations

import re

import typer.main
from destination_cli.app import app
from shell_commands import PAGES

CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CALL = re.compile(r"\bdestination ([a-z][a-z-]*)((?:[^\n#`|)]|\\\n)*)")


def documented() -> list[tuple[str, set[str]]]:
    """Each command that is shown, with its options."""
    blocks = [text for page in PAGES for text in CONSOLE.findall(page.read_text(encoding="utf-8"))]
    calls = [found for text in blocks for found in CALL.findall(text)]
    return [(name, set(re.findall(r"(?<!\S)--[a-z][a-z-]*", rest))) for name, rest in calls]


def known() -> dict[str, set[str]]:
    group = typer.main.get_command(app)
    commands = getattr(group, "commands", {})
    return {
        name: {option for parameter in command.params for option in getattr(parameter, "opts", [])}
        for name, command in commands.items()
    }


def test_every_command_that_is_shown_exists_with_its_options() -> None:
    shown, there = documented(), known()

    assert {"status", "send", "pause", "resume", "dead-letters", "explain", "check"} <= {name for name, _ in shown}
    assert {name for name, _ in shown} <= set(there)
    assert [(name, options - there[name]) for name, options in shown if options - there[name]] == []


def test_every_command_on_a_stack_can_be_told_which_and_prints_for_programs() -> None:
    operating = {name: known()[name] for name in ("status", "send", "pause", "resume", "dead-letters", "explain")}

    assert all({"--stack", "--local", "--state", "--json"} <= options for options in operating.values())
