"""`python -m destination_testbench.chaos`: the long run that `make chaos` calls."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from destination_testbench.chaos.chaos import run_chaos
from destination_testbench.chaos.settings import Settings
from destination_testbench.chaos.table import show_chaos

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
DEFAULT = Settings()


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
) -> None:
    """Deliver many messages while everything goes wrong; check that none is lost and no value is stale."""
    console = Console()
    results = []
    for all_errors_at_once in (True, False):
        habit = "all errors of a record" if all_errors_at_once else "only the first error of a record"
        with console.status(f"seed {seed}, an org that reports {habit}"):
            settings = Settings(
                seed=seed,
                people=profiles,
                messages=messages,
                hours=hours,
                workers=workers,
                all_errors_at_once=all_errors_at_once,
            )
            results.append(run_chaos(settings))
    show_chaos(console, results)
    raise typer.Exit(0 if all(result.verdict.is_good for result in results) else 1)


if __name__ == "__main__":
    app()
