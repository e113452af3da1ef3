"""The result of chaos runs, as a person reads it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table

from destination_cli.simulation.chaos import Result

MOST_LINES = 20

ROWS: Sequence[tuple[str, Callable[[Result], object]]] = (
    ("messages sent", lambda result: result.sent),
    ("duplicates among them, and of SQS", lambda result: result.duplicates),
    ("sent again from the dead-letter queue", lambda result: result.redriven),
    ("invocations", lambda result: result.invocations),
    ("requests to the org", lambda result: result.requests),
    ("deferred, times", lambda result: result.deferrals.total()),
    ("delivered", lambda result: result.outcomes["delivered"]),
    ("superseded", lambda result: result.outcomes["superseded"]),
    ("rejected", lambda result: result.outcomes["rejected"]),
    ("dead letters", lambda result: result.verdict.dead_letters.total()),
    ("misplaced", lambda result: len(result.verdict.misplaced)),
    ("lost", lambda result: len(result.verdict.lost)),
    ("stale", lambda result: len(result.verdict.stale)),
    ("simulated hours", lambda result: f"{result.hours:.1f}"),
    ("seed", lambda result: result.settings.seed),
)
"""Delivered, superseded and rejected count messages by their last fate; a copy of one is the same message."""


def show_chaos(console: Console, results: Sequence[Result]) -> None:
    """Print the table, and what is wrong where something is."""
    table = Table("", *map(_habit, results), title="Chaos")
    for column in table.columns[1:]:
        column.justify = "right"
    for fault in sorted({name for result in results for name in result.faults}):
        table.add_row(f"fault: {fault}", *(_number(result.faults[fault]) for result in results))
    table.add_section()
    for code in sorted({code for result in results for code in result.verdict.dead_letters}):
        table.add_row(f"dead letter: {code}", *(_number(result.verdict.dead_letters[code]) for result in results))
    table.add_section()
    for name, value in ROWS:
        table.add_row(name, *(_number(value(result)) for result in results))
    console.print(table)
    for result in results:
        verdict = result.verdict
        for line in [*verdict.lost, *verdict.stale, *verdict.misplaced][:MOST_LINES]:
            console.print(line, markup=False, highlight=False)


def _habit(result: Result) -> str:
    return "all errors at once" if result.settings.all_errors_at_once else "one error at a time"


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
