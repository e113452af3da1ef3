"""The `destination` command."""

from __future__ import annotations

import logging
import os

import typer
from rich.console import Console

from . import connecting, operating, setting_up
from .command_options import StateFolder
from .local.places import STATE

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Deliver customer profiles and their audience memberships to Salesforce.",
)

connecting.register(app)
setting_up.register(app)
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
def schema() -> None:
    """Print the JSON Schema of destination files, for editors that complete and check them."""
    from .schema import destination_schema

    print(destination_schema(), end="")
