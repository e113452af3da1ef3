"""The `destination` command."""

from __future__ import annotations

import logging
from typing import Annotated

import typer
from salesforce_destination import __version__

from destination_cli import connecting, operating, setting_up

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"destination {__version__}")
        raise typer.Exit


@app.callback()
def destination(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Deliver customer profiles and their audience memberships to Salesforce."""


connecting.register(app)
setting_up.register(app)
operating.register(app)


def main() -> None:
    """Run the command line."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    app()


@app.command()
def schema() -> None:
    """Print the JSON Schema of destination files, for editors that complete and check them."""
    from destination_cli.schema import destination_schema

    print(destination_schema(), end="")
