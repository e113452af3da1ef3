"""The alarms by what went wrong, for 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console

from destination_testbench.alarms.trial import Trial

ON, OFF = "●", "·"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def show(console: Console, names: Sequence[str], healthy: Sequence[Trial], faults: Sequence[Trial]) -> None:
    """The table, what its columns are, and what is wrong."""
    for line in lines(names, healthy, faults):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def lines(names: Sequence[str], healthy: Sequence[Trial], faults: Sequence[Trial]) -> Iterator[str]:
    """The same as text."""
    width = max(map(len, names))
    numbers = [str(number) for number in range(1, len(healthy) + 1)]
    letters = LETTERS[: len(faults)]
    yield f"{'':{width}}  {' '.join(numbers)}  {' '.join(letters)}"
    for name in names:
        quiet, loud = (" ".join(ON if name in trial.on else OFF for trial in trials) for trials in (healthy, faults))
        yield f"{name:{width}}  {quiet}  {loud}"
    yield ""
    for label, trial in zip([*numbers, *letters], [*healthy, *faults], strict=True):
        first, *more = woken(trial)
        yield f"{label} {trial.scenario.name:32} {first}"
        yield from (f"{'':34} {text}" for text in more)
    yield ""
    mistakes = [*(text for trial in (*healthy, *faults) for text in trial.mistakes), *unshown(names, healthy, faults)]
    yield from mistakes or [f"All {len(names)} alarms are right: on for their faults, off when nothing is wrong."]


def woken(trial: Trial) -> list[str]:
    """Which alarm wakes somebody, and how long after it began."""
    return [f"{name} after {trial.minutes_until_told(name)} min" for name in trial.wakes] or ["wakes nobody"]


def unshown(names: Sequence[str], healthy: Sequence[Trial], faults: Sequence[Trial]) -> list[str]:
    """The alarms that were not seen both on and off."""
    off = {name for name in names if healthy and all(name not in trial.on for trial in healthy)}
    on = {name for trial in faults for name in trial.on}
    return [
        *(f"{name} did not go on for any fault" for name in names if name not in on),
        *(f"{name} was on although nothing was wrong" for name in names if name not in off),
    ]
