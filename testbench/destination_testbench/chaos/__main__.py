"""`python -m destination_testbench.chaos`: the long run that `make chaos` calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from destination_testbench.chaos.chaos import ChaosResult, run_chaos
from destination_testbench.chaos.settings import ChaosSettings

MOST_LINES = 20

ROWS: Sequence[tuple[str, Callable[[ChaosResult], object]]] = (
    ("events", lambda result: result.settings.messages),
    ("messages sent", lambda result: result.sent),
    ("different messages", lambda result: result.messages),
    ("duplicates by the sender and SQS", lambda result: result.duplicates),
    ("redriven dead letters", lambda result: result.redriven),
    ("invocations", lambda result: result.invocations),
    ("requests to the org", lambda result: result.requests),
    ("deferrals", lambda result: result.deferrals.total()),
    ("delivered", lambda result: result.outcomes["delivered"]),
    ("superseded", lambda result: result.outcomes["superseded"]),
    ("rejected", lambda result: result.outcomes["rejected"]),
    ("dead letters", lambda result: result.accounting.dead_letters.total()),
    ("wrong dead letters", lambda result: len(result.accounting.wrong_dead_letters)),
    ("lost", lambda result: len(result.accounting.lost)),
    ("stale", lambda result: len(result.accounting.stale)),
    ("mixed", lambda result: len(result.accounting.mixed)),
    ("created twice", lambda result: len(result.accounting.created_twice)),
    ("simulated hours", lambda result: f"{result.hours:.1f}"),
    ("seed", lambda result: result.settings.seed),
)
"""Delivered, superseded and rejected count messages by their last outcome; copies count as one message."""


def show_chaos(console: Console, results: Sequence[ChaosResult]) -> None:
    """Print the table, and what is wrong where something is."""
    table = Table(Column(no_wrap=True), *map(_habit, results), title="Chaos")
    for column in table.columns[1:]:
        column.justify = "right"
    _add_counts(table, "faults", [result.faults for result in results])
    _add_counts(table, "dead letters", [result.accounting.dead_letters for result in results])
    for name, value in ROWS:
        table.add_row(name, *(_number(value(result)) for result in results))
    console.print(table)
    for result in results:
        for line in result.accounting.lines[:MOST_LINES]:
            console.print(line, markup=False, highlight=False)
    if all(result.accounting.is_good for result in results):
        console.print("No message was lost, and no value is stale.", style="green")


def _add_counts(table: Table, title: str, counts: Sequence[Counter[str]]) -> None:
    table.add_row(title, style="bold")
    for name in sorted({name for counter in counts for name in counter}):
        table.add_row(f"  {name}", *(_number(counter[name]) for counter in counts))
    table.add_section()


def _habit(result: ChaosResult) -> str:
    return "all errors at once" if result.settings.all_errors_at_once else "one error at a time"


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
DEFAULT = ChaosSettings()


@app.callback()
def main() -> None:
    """Simulations of the whole delivery on a simulated clock."""


@app.command()
def chaos(
    seed: Annotated[int, typer.Option(help="A seed always gives the same run.")] = DEFAULT.seed,
    messages: Annotated[int, typer.Option(min=1)] = DEFAULT.messages,
    profiles: Annotated[int, typer.Option(min=1)] = DEFAULT.people,
    hours: Annotated[float, typer.Option(help="Hours in which messages are sent and faults happen.")] = DEFAULT.hours,
    workers: Annotated[int, typer.Option(min=1)] = DEFAULT.workers,
    by_rules: Annotated[bool, typer.Option(help="Find people by rules, on contacts and leads; some are new.")] = False,
    rows: Annotated[bool, typer.Option(help="Let members of campaigns and rows follow people.")] = False,
    language: Annotated[str, typer.Option(help="What the org speaks: en_US, fr, ja or es.")] = DEFAULT.language,
) -> None:
    """Deliver many messages while everything goes wrong; check that none is lost and no value is stale."""
    console = Console()
    results = []
    for all_errors_at_once in (True, False):
        habit = "all errors of a record" if all_errors_at_once else "only the first error of a record"
        with console.status(f"seed {seed}, an org that reports {habit}"):
            settings = ChaosSettings(
                seed=seed,
                people=profiles,
                messages=messages,
                hours=hours,
                workers=workers,
                all_errors_at_once=all_errors_at_once,
                language=language,
                by_rules=by_rules,
                with_parts=rows,
            )
            results.append(run_chaos(settings))
    show_chaos(console, results)
    raise typer.Exit(0 if all(result.accounting.is_good for result in results) else 1)


if __name__ == "__main__":
    app()
