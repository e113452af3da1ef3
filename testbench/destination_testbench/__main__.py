"""The `destination-testbench` command: the stack on this machine, and the demo. The Makefile calls it."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from destination_testbench.local.places import STATE

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Run what stands in for AWS, Lambda and Salesforce on this machine.",
)

StateFolder = Annotated[Path, typer.Option("--state", help="Folder for endpoints.json and the logs.")]


def main() -> None:
    """Run the command line."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    app()


@app.command()
def local(state: StateFolder = STATE) -> None:
    """Run the whole stack on this machine until Ctrl-C: queues, functions and a simulated Salesforce org."""
    from destination_testbench.local.command import run_local

    raise typer.Exit(run_local(Console(), os.environ, state))


@app.command()
def demo(state: StateFolder = STATE / "demo") -> None:
    """Deliver 1,000 profiles to a simulated Salesforce org and show what became of each."""
    from destination_testbench.demo.command import run_demo

    raise typer.Exit(run_demo(Console(), state))


if __name__ == "__main__":
    main()
