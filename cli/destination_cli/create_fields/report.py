"""What a person reads: the plan, each step when it is taken, and what the integration user sees afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from destination_cli.create_fields.plan import Plan
from destination_cli.create_fields.step import Step
from destination_cli.create_fields.wanted import Wanted


@dataclass(frozen=True, slots=True)
class Sight:
    """What the integration user sees of the fields that the file writes."""

    edits: tuple[str, ...]
    only_reads: tuple[str, ...]
    lacks: tuple[str, ...]
    edits_records: bool

    @property
    def is_whole(self) -> bool:
        """Whether it can write everything."""
        return self.edits_records and not self.only_reads and not self.lacks


def sight_of(described: Mapping[str, Any], wanted: Wanted) -> Sight:
    """Judge a describe that the integration user asked for."""
    fields = {str(field["name"]).lower(): field for field in described["fields"]}
    names = wanted.integration.fields
    seen = [name for name in names if name.lower() in fields]
    edits = tuple(name for name in seen if fields[name.lower()].get("updateable"))
    return Sight(
        edits=edits,
        only_reads=tuple(name for name in seen if name not in edits),
        lacks=tuple(name for name in names if name not in seen),
        edits_records=described.get("updateable") is True,
    )


def show_plan(wanted: Wanted, todo: Plan, console: Console) -> None:
    """Print what will be done, and what only a person can do."""
    if todo.is_empty:
        console.print(f"[green]✓[/] The org has everything that the file needs on {wanted.sobject}.", highlight=False)
    else:
        table = Table("What", "Name", "", box=None, pad_edge=False, header_style="dim")
        for step in todo.steps:
            table.add_row(*map(escape, step.shown()))
        console.print(table)
    for problem in todo.problems:
        console.print(f"[red]✗[/] [bold]{escape(problem.key)}[/]", highlight=False)
        console.print(Padding(escape(f"{problem.problem} {problem.cure}"), (0, 0, 0, 4)), highlight=False)


def show_done(step: Step, console: Console) -> None:
    """Print that a step was taken."""
    kind, name, detail = step.shown()
    console.print(f"[green]✓[/] {kind} [bold]{escape(name)}[/] {escape(detail)}", highlight=False)


def show_sight(sight: Sight | None, wanted: Wanted, console: Console) -> None:
    """Print what the integration user sees."""
    if sight is None:
        name = wanted.integration.name
        console.print(
            f"You named no stack: assign {name} to the integration user by hand (Setup > Permission Sets).",
            highlight=False,
        )
        return
    total = len(wanted.integration.fields)
    sign = "[green]✓[/]" if sight.is_whole else "[red]✗[/]"
    console.print(f"{sign} The integration user can write {len(sight.edits)} of {total} fields.", highlight=False)
    if not sight.edits_records:
        console.print(f"    It may not edit {wanted.sobject}. Is {wanted.integration.name} assigned to it?")
    if sight.only_reads:
        console.print(f"    Read-only: {', '.join(sight.only_reads)}", highlight=False, markup=False)
    if sight.lacks:
        console.print(f"    Not visible: {', '.join(sight.lacks)}", highlight=False, markup=False)
    if not sight.is_whole:
        console.print("    A licence or a muting permission set may prevent it. Ask the administrator.")
