"""`python -m destination_testbench.alarms`: what `make alarms` calls."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from destination_testbench.alarms.dashboard import unheard
from destination_testbench.alarms.scenarios import FAULTS, HEALTHY
from destination_testbench.alarms.stack_alarms import EVERYTHING, read_alarms
from destination_testbench.alarms.trial import show, tried, unshown
from destination_testbench.template.template import read_template


def main() -> int:
    """Run every scenario, print the table, and return the exit status."""
    template, console = read_template(), Console()
    with TemporaryDirectory() as folder, console.status("Running the functions with one fault after another"):
        trials = tried(template, [*HEALTHY, *FAULTS], Path(folder))
    healthy, faults = trials[: len(HEALTHY)], trials[len(HEALTHY) :]
    names = read_alarms(template, EVERYTHING).names
    show(console, names, healthy, faults)
    missing = unheard(template, trials)
    for text in missing:
        console.print(text, highlight=False, markup=False)
    mistakes = [*missing, *unshown(names, healthy, faults), *(text for trial in trials for text in trial.mistakes)]
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
