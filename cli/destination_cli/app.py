"""The `destination` command."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from . import operating
from .command_options import StateFolder
from .local.places import STATE

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Deliver customer profiles and their audience memberships to Salesforce.",
)

operating.register(app)


def main() -> None:
    """Run the command line."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    app()


@app.command()
def local(state: StateFolder = STATE) -> None:
    """Run the whole stack on this machine until Ctrl-C: queues, functions and a simulated Salesforce org."""
    from .local.command import run_local

    raise typer.Exit(run_local(Console(), os.environ, state))


@app.command()
def demo(state: StateFolder = STATE / "demo") -> None:
    """Deliver 1,000 profiles to a simulated Salesforce org and show what became of each."""
    from .local.demo.command import run_demo

    raise typer.Exit(run_demo(Console(), state))


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A destination file, such as layers/destinations/contacts.toml.")],
    offline: Annotated[bool, typer.Option("--offline", help="Judge the file alone; needs no org.")] = False,
    describe: Annotated[
        Path | None, typer.Option(help="Compare with an sObject's describe that was saved as JSON.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report for programs.")] = False,
) -> None:
    """Say what a destination file sends where, or every mistake in it. Exits with 1 where there is one."""
    from .check import COULD_NOT, FINDINGS, GOOD, judge, show

    console = Console()
    if not file.is_file() or (describe and not describe.is_file()):
        console.print(f"{describe if file.is_file() else file} is not there. Name a file.", markup=False)
        raise typer.Exit(COULD_NOT)
    if not offline and describe is None:
        console.print("Add --offline to judge the file alone, or --describe FILE to compare it with an org's.")
        raise typer.Exit(COULD_NOT)
    report = judge(file, describe)
    print(report.as_json()) if as_json else show(report, console)
    raise typer.Exit(GOOD if report.is_good else FINDINGS)


@app.command()
def schema() -> None:
    """Print the JSON Schema of destination files, for editors that complete and check them."""
    from .schema import destination_schema

    print(destination_schema(), end="")
