"""Carrying out a plan: all contenders in turn, again and again, so that what disturbs the machine disturbs them all."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.client import Run
from benchmarks.events import Variant, write_events
from benchmarks.figures import Figures, figures_of
from benchmarks.plan import BenchPlan, Cell
from benchmarks.processes import run

Runs = dict[Cell, list[Run]]


class Events:
    """The files of events, written when they are first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def file(self, profiles: int, variant: Variant) -> Path:
        """The file of so many profiles."""
        file = self._folder / f"{variant}-{profiles}"
        if not file.exists():
            write_events(file, profiles, variant)
        return file


def measure(plan: BenchPlan, tell: Callable[[str], None]) -> list[Figures]:
    """Run a plan and give its figures, in the order of its cells."""
    cells = list(plan.cells())
    run_for = {cell: cell.measured(plan.longest_seconds) for cell in cells}
    wanted = list(dict.fromkeys(run_for.values()))
    in_turn = [cell for cell in wanted if not cell.ms_per_record]
    slow = [cell for cell in wanted if cell.ms_per_record]
    runs: Runs = {cell: [] for cell in wanted}
    with tempfile.TemporaryDirectory() as folder:
        events = Events(Path(folder))
        for repeat in range(plan.repeats):
            for number, cell in enumerate(in_turn):
                tell(f"round {repeat + 1} of {plan.repeats}, run {number + 1} of {len(in_turn)}: {cell.name}")
                runs[cell].append(_run(cell, events))
        if slow:
            tell("the slow org, side by side: all of them wait")
            _side_by_side(slow, plan.repeats, events, runs)
    return [figures_of(cell, run_for[cell].profiles, runs[run_for[cell]]) for cell in cells]


def _run(cell: Cell, events: Events) -> Run:
    return run(cell.name, events.file(cell.profiles, cell.variant), cell.variant, cell.profiles, cell.org)


def _side_by_side(cells: list[Cell], repeats: int, events: Events, runs: Runs) -> None:
    """Run cells at once: where an org takes 50 s for a call, a processor does nothing for 50 s."""
    for cell in cells:
        events.file(cell.profiles, cell.variant)
    jobs = [cell for _ in range(repeats) for cell in cells]
    with ThreadPoolExecutor(len(jobs)) as pool:
        for cell, found in zip(jobs, pool.map(lambda job: _run(job, events), jobs), strict=True):
            runs[cell].append(found)
