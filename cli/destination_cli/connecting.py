"""The commands between a destination file, a stack and its org: check and connect."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from salesforce_destination.login.credentials import GrantType

from destination_cli.checkout import STATE
from destination_cli.command_options import COULD_NOT_DO_IT, AsJson, OnThisMachine, StackName, StateFolder, run

if TYPE_CHECKING:
    from destination_cli.check import Report
    from destination_cli.target import Target


def register(app: typer.Typer) -> None:
    """Add the commands to the `destination` command."""
    for command in (check, connect):
        app.command()(command)


def check(
    file: Annotated[Path, typer.Argument(help="A destination file, such as layers/destinations/contacts.toml.")],
    offline: Annotated[bool, typer.Option("--offline", help="Check only the file, without an org.")] = False,
    describe: Annotated[Path | None, typer.Option(help="Compare with an sObject's describe, saved as JSON.")] = None,
    stack: StackName = None,
    local: OnThisMachine = False,
    as_json: AsJson = False,
    state: StateFolder = STATE,
) -> None:
    """Show what a destination file sends where, and what does not fit the org. Exits with 1 if something does not."""
    from destination_cli.check import judge

    if not file.is_file() or (describe and not describe.is_file()):
        _refuse(f"{describe if file.is_file() else file} does not exist. Name a file.")
    if stack or local:
        run(stack, local, state, lambda target: _tell(judge(file, target=target), as_json))
    if not offline and describe is None:
        _refuse(
            "Add --stack NAME or --local to compare the file with the org of a stack, --describe FILE to compare it"
            " with a saved describe, or --offline to check only the file."
        )
    raise typer.Exit(_tell(judge(file, describe), as_json))


def _tell(report: Report, as_json: bool) -> int:
    from destination_cli.check_view import show

    print(report.as_json()) if as_json else show(report, Console())
    return report.exit_status


def _refuse(sentence: str) -> NoReturn:
    Console(stderr=True).print(sentence, style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(COULD_NOT_DO_IT)


def connect(
    grant: Annotated[
        GrantType | None, typer.Option("--grant", help="How to log in. The command asks if you leave it out.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--from", help="A JSON file with the credentials, or - for standard input.")
    ] = None,
    wait: Annotated[float, typer.Option(help="Seconds to wait for the stack's own log-in.", min=0)] = 75,
    stack: StackName = None,
    local: OnThisMachine = False,
    as_json: AsJson = False,
    state: StateFolder = STATE,
) -> None:
    """Ask for credentials, try them, and store them if they work. Exits with 1 if they do not."""
    from destination_cli.connect.asking import given_credentials
    from destination_cli.connect.command import connect as try_and_store
    from destination_cli.connect.command import show

    def work(target: Target) -> int:
        outcome = try_and_store(given_credentials(source, grant), target, wait)
        print(outcome.as_json()) if as_json else show(outcome, Console())
        return outcome.status

    run(stack, local, state, work)
