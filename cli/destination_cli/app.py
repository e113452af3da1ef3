"""The `destination` command."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Deliver customer profiles to Salesforce.")


def main() -> None:
    """Run the command line."""
    app()
