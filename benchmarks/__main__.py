"""`python -m benchmarks`: what `make bench` calls."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.docs import parts, rewrite
from benchmarks.figures import COMMAND, RESULT, load, result_of
from benchmarks.measurement import measure
from benchmarks.pictures import draw
from benchmarks.plan import LONG, SHORT
from benchmarks.prices import load_prices
from benchmarks.tables import tables

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
SHORT_RESULT = Path(".local") / "bench-short.json"


def tell(text: str) -> None:
    """Say how far it is, where somebody is looking."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


@app.callback()
def main() -> None:
    """Measures what delivering costs."""


@app.command()
def bench(
    short: Annotated[bool, typer.Option(help="Fewer profiles, orgs and repeats; documents stay as they are.")] = False,
    result_file: Annotated[
        Path | None, typer.Option("--result", help="Where the figures go, and nowhere else.")
    ] = None,
) -> None:
    """Measure all contenders, print the tables, keep the figures as JSON, and bring the documents up to date."""
    figures = measure(SHORT if short else LONG, tell)
    tell("")
    result = result_of(figures, f"{COMMAND} SHORT=1" if short else COMMAND)
    result.save(result_file or (SHORT_RESULT if short else RESULT))
    for table in tables(result, load_prices()):
        print(table.text())
    if not short and result_file is None:
        docs()


@app.command()
def docs() -> None:
    """Write tables and pictures of what is kept into the documents."""
    rewrite(parts(load(), load_prices()))
    draw(load())


@app.command()
def show() -> None:
    """Print the tables of the figures that are kept."""
    for table in tables(load(), load_prices()):
        print(table.text())


if __name__ == "__main__":
    app()
