"""`python -m benchmarks`: what `make bench` calls."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Annotated

import typer

from benchmarks.costs import load_prices
from benchmarks.docs import parts, rewrite
from benchmarks.events import MESSAGES_PER_EVENT, Variant
from benchmarks.figures import COMMAND, RESULT, figures_of, load, result_of
from benchmarks.measurement import Events, measure, run
from benchmarks.plan import LONG, SHORT, Cell
from benchmarks.tables import tables

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
QUICK_REPEATS = 5
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
def quick(
    names: Annotated[list[str] | None, typer.Argument(help="The contenders; by default the floor and deliver.")] = None,
    profiles: Annotated[int, typer.Option(min=1)] = 10_000,
    batch: Annotated[int, typer.Option(min=1, help="Profiles in an event.")] = MESSAGES_PER_EVENT,
    variant: Annotated[Variant, typer.Option(help="What is particular about profiles, file or org.")] = Variant.PLAIN,
    repeats: Annotated[int, typer.Option(min=1)] = QUICK_REPEATS,
) -> None:
    """Print CPU, memory and calls of some contenders in turn, each in pairs with the first one, in seconds."""
    cells = [Cell(name, profiles, variant=variant, batch=batch) for name in names or ["floor", "deliver"]]
    with tempfile.TemporaryDirectory() as folder:
        events = Events(Path(folder))
        rounds = [[run(cell, events) for cell in cells] for _ in range(repeats)]
    for place, cell in enumerate(cells):
        own = [runs[place] for runs in rounds]
        found = figures_of(cell, profiles, own)
        ratio = median(runs[place].cpu_seconds / runs[0].cpu_seconds for runs in rounds)
        print(
            f"{cell.name:12} {found.cpu_us:7.1f} us CPU per profile ({ratio:4.2f}), {found.batch_ms:6.2f} ms a batch,"
            f" wall {found.wall_seconds:6.2f} s, peak {found.peak_mib:4.0f} MiB (early {found.early_mib:4.0f}),"
            f" {own[0].calls} calls, {found.bytes_up:.0f} + {found.bytes_down:.0f} bytes, log {found.log_bytes:.1f},"
            f" AWS {own[0].aws_calls}"
        )


@app.command()
def docs() -> None:
    """Write the tables of what is kept into the documents."""
    rewrite(parts(load(), load_prices()))


@app.command()
def show() -> None:
    """Print the tables of the figures that are kept."""
    for table in tables(load(), load_prices()):
        print(table.text())


if __name__ == "__main__":
    app()
