"""The `destination` command."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

from .local.places import STATE

if TYPE_CHECKING:
    from .target import Target

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Deliver customer profiles and their audience memberships to Salesforce.",
)

COULD_NOT_DO_IT = 2
"""The exit status where a command could not do its work at all; 1 says that it found something."""


def main() -> None:
    """Run the command line."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    app()


StateFolder = Annotated[Path, typer.Option("--state", help="Folder for endpoints.json and the logs.")]
StackName = Annotated[str | None, typer.Option("--stack", help="Name of a deployed stack.")]
OnThisMachine = Annotated[bool, typer.Option("--local", help="The stack of `make local`.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result for programs.")]


def run(stack: str | None, local: bool, state: Path, work: Callable[[Target], int]) -> NoReturn:
    """Do some work with a stack and exit with its status, or with 2 and a sentence where it cannot be done."""
    from .target import Target, TargetError, explained

    try:
        with explained(stack or "the local stack"):
            status = work(Target.of(stack, local, state))
    except TargetError as error:
        Console(stderr=True).print(str(error), style="red", markup=False, highlight=False)
        raise typer.Exit(COULD_NOT_DO_IT) from None
    raise typer.Exit(status)


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
