"""The `destination` command."""

from __future__ import annotations

import logging

import typer
from rich.console import Console

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


@app.command()
def local() -> None:
    """Run the whole stack on this machine until Ctrl-C: queues, functions and a simulated Salesforce org."""
    from .local.command import run_local

    raise typer.Exit(run_local(Console()))


@app.command()
def demo() -> None:
    """Deliver 1,000 profiles to a simulated Salesforce org and show what became of each."""
    from .local.demo.command import run_demo

    raise typer.Exit(run_demo(Console()))
