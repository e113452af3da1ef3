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
from benchmarks.events import Variant, write_events
from benchmarks.figures import COMMAND, RESULT, load, result_of
from benchmarks.measurement import measure
from benchmarks.pictures import draw
from benchmarks.plan import LONG, SHORT
from benchmarks.processes import run
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
    variant: Annotated[Variant, typer.Option()] = Variant.PLAIN,
) -> None:
    """Print CPU, memory and calls of some contenders beside the first one's, in seconds."""
    names = names or ["floor", "deliver"]
    with tempfile.TemporaryDirectory() as folder:
        events = Path(folder, "events")
        write_events(events, profiles, variant)
        runs = [(name, run(name, events, variant, profiles)) for _ in range(QUICK_REPEATS) for name in names]
    first = median(each.cpu_seconds for name, each in runs if name == names[0])
    for name in names:
        own = [each for other, each in runs if other == name]
        cpu, wall = median(each.cpu_seconds for each in own), median(each.wall_seconds for each in own)
        print(
            f"{name:12} {cpu / profiles * 1e6:7.1f} us CPU per profile ({cpu / first:4.2f}), wall {wall:6.2f} s,"
            f" peak {own[0].peak_rss / 2**20:4.0f} MiB (after 30 batches {own[0].first_batches_rss / 2**20:4.0f}),"
            f" {own[0].calls} calls, {own[0].bytes_in / profiles:.0f} + {own[0].bytes_out / profiles:.0f} bytes,"
            f" log {own[0].log_bytes / profiles:.1f}, AWS {own[0].aws_calls}"
        )


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
