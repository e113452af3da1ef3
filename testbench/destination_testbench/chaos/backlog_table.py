"""The cases of a backlog, and their table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from rich.console import Console
from rich.table import Column, Table
from salesforce_destination.outcome import Wait

from destination_testbench.chaos.outage import Case, Outcome, simulate
from destination_testbench.template.numbers import Numbers

PROBES = (60.0, 300.0, 900.0)
LONGER_DELAYS = (7_200, 21_600)

COLUMNS: Sequence[tuple[str, Callable[[Outcome], str]]] = (
    ("most in flight", lambda outcome: f"{outcome.most_in_flight:,}"),
    ("hours at the limit", lambda outcome: f"{outcome.hours_at_limit:.1f}"),
    ("API calls meanwhile", lambda outcome: f"{outcome.calls_in_outage:,.0f}"),
    ("invocations meanwhile", lambda outcome: f"{outcome.invocations_in_outage:,.0f}"),
    ("SQS requests meanwhile", lambda outcome: f"{outcome.sqs_requests_in_outage:,}"),
    ("deliveries of a message", lambda outcome: f"{outcome.deliveries_per_message:.1f}"),
    ("half done after, min", lambda outcome: f"{outcome.half_after_minutes:.0f}"),
    ("all done after, min", lambda outcome: f"{outcome.drained_after_hours * 60:.0f}"),
    ("API calls for them", lambda outcome: f"{outcome.calls_after:,.0f}"),
    ("first delivery after, h", lambda outcome: f"{outcome.first_wait_hours:.1f}"),
)


def cases(numbers: Numbers, messages: int, hours: float) -> Iterator[Case]:
    """An outage, and a spent daily limit: doing nothing, longer delays, pausing; and a field that is missing."""
    base = Case("outage", numbers, messages, hours, hours)
    yield base
    for longest in LONGER_DELAYS:
        slower = replace(numbers, redelivery_max_seconds=longest)
        yield replace(base, name=f"delays up to {longest // 3600} h", numbers=slower)
    for probe in PROBES:
        yield replace(base, name=f"paused, probe {probe / 60:.0f} min", probe_seconds=probe)
    yield replace(base, name="daily limit", wait=Wait.DAILY_LIMIT)
    yield replace(base, name="daily limit, paused, 5 min", wait=Wait.DAILY_LIMIT, probe_seconds=300.0)
    yield replace(base, name="field missing", wait=Wait.UNTIL_MENDED, failing_seconds=base.working_seconds)


def show_backlog(console: Console, numbers: Numbers, messages: int, hours: float) -> None:
    """Simulate every case and print the table."""
    title = f"{messages:,} messages arrive while nothing is taken for {hours:g} hours"
    table = Table(Column(no_wrap=True), *(name for name, _ in COLUMNS), title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    for case in cases(numbers, messages, hours):
        outcome = simulate(case)
        table.add_row(case.name, *(value(outcome) for _, value in COLUMNS))
    console.print(table)
