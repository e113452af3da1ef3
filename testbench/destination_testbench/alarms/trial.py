"""One scenario on the stage, what the template's alarms make of what was recorded, and the table of all trials."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from destination_testbench.alarms.faults import BEGINS
from destination_testbench.alarms.metric_alarm import Habits
from destination_testbench.alarms.metrics import Metrics
from destination_testbench.alarms.scenarios import AlarmScenario
from destination_testbench.alarms.stack_alarms import Watched, read_alarms, watch
from destination_testbench.alarms.stage import DESTINATION, START, AlarmStage
from destination_testbench.template.template import Template

AT_A_TIME = 4

TOPIC = "AlarmTopic"
"""Who is woken: the stack's own topic, by its logical id."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A way in which CloudWatch may read metrics: how late they come, and what its documentation leaves open."""

    habits: Habits = field(default_factory=Habits)
    delay: float = 0.0


READINGS: Sequence[Reading] = (
    Reading(),
    Reading(Habits(extra_periods=0, fills_nothing=False), delay=120.0),
    Reading(Habits(extra_periods=5, counts_nothing=True, drops_nothing=True), delay=180.0),
)
"""The alarms must be right by each of them."""


@dataclass(frozen=True, slots=True)
class ScenarioTrial:
    """What was recorded of a scenario, and what was seen of it by each reading."""

    scenario: AlarmScenario
    metrics: Metrics
    seen: Sequence[Watched]

    @property
    def on(self) -> frozenset[str]:
        """The alarms that went on, as CloudWatch is likeliest to read."""
        return frozenset(self.seen[0].went_on)

    @property
    def wakes(self) -> tuple[str, ...]:
        """The alarms that told the topic, in their order."""
        return tuple(name for _, name in self.seen[0].wakes(TOPIC))

    def minutes_until_told(self, name: str) -> int:
        """How long after the fault began an alarm told the topic."""
        first = min(at for at, who in self.seen[0].wakes(TOPIC) if who == name)
        return round((first - START) / 60) - BEGINS

    @property
    def mistakes(self) -> list[str]:
        """Where what was seen is not what the scenario says, by any reading."""
        return [
            text for seen, reading in zip(self.seen, READINGS, strict=True) for text in self._compared(seen, reading)
        ]

    def _compared(self, seen: Watched, reading: Reading) -> list[str]:
        on, wanted = frozenset(seen.went_on), self.scenario.alarms
        wakes = tuple(name for _, name in seen.wakes(TOPIC))
        where = f"{self.scenario.name} ({reading.delay:g} s late)"
        wrong = [f"{where}: {name} went on unexpectedly" for name in sorted(on - wanted - self.scenario.may)]
        wrong += [f"{where}: {name} stayed off" for name in sorted(wanted - on)]
        wrong += [
            f"{where}: {name} went on {len(times)} times"
            for name, times in seen.went_on.items()
            if len(times) > 1 and name not in self.scenario.may
        ]
        if wakes != self.scenario.wakes:
            wrong.append(f"{where}: woken by {wakes or 'nobody'}, expected {self.scenario.wakes or 'nobody'}")
        if self.scenario.cured_at >= 0:
            wrong += [
                f"{where}: {name} is still on after the cure"
                for name in seen.went_on
                if seen.is_on(name) and name != "RejectedMessagesAlarm"
            ]
        return wrong


def record(template: Template, scenario: AlarmScenario, folder: Path) -> Metrics:
    """Run a scenario, and give everything that was emitted and published."""
    stage = AlarmStage(template, scenario.parameters, folder, scenario.is_new)
    try:
        for minute in range(scenario.minutes):
            if minute == BEGINS:
                scenario.begins(stage)
            if minute == scenario.cured_at:
                scenario.cured(stage)
            scenario.traffic(stage, minute)
            stage.minute()
        return stage.metrics
    finally:
        stage.close()


def examined(template: Template, scenario: AlarmScenario, metrics: Metrics) -> ScenarioTrial:
    """Evaluate the template's alarms on what was recorded."""
    alarms = read_alarms(template, {"DestinationFile": DESTINATION.name, **scenario.parameters})
    end = START + scenario.minutes * 60
    seen = [watch(alarms, metrics.delayed(reading.delay), START, end, reading.habits) for reading in READINGS]
    return ScenarioTrial(scenario, metrics, seen)


def tried(template: Template, scenarios: Sequence[AlarmScenario], folder: Path) -> list[ScenarioTrial]:
    """Every scenario, four at a time: much of the work is in the functions' processes, and some of it is waiting."""

    def one(number: int) -> ScenarioTrial:
        scenario = scenarios[number]
        return examined(template, scenario, record(template, scenario, folder / str(number)))

    with ThreadPoolExecutor(AT_A_TIME) as running:
        return list(running.map(one, range(len(scenarios))))


ON, OFF = "●", "·"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def show(
    console: Console, names: Sequence[str], healthy: Sequence[ScenarioTrial], faults: Sequence[ScenarioTrial]
) -> None:
    """The table, what its columns are, and what is wrong."""
    for line in lines(names, healthy, faults):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def lines(names: Sequence[str], healthy: Sequence[ScenarioTrial], faults: Sequence[ScenarioTrial]) -> Iterator[str]:
    """The same as text."""
    width = max(map(len, names))
    numbers = [str(number) for number in range(1, len(healthy) + 1)]
    letters = LETTERS[: len(faults)]
    yield f"{'':{width}}  {''.join(numbers)}  {''.join(letters)}"
    for name in names:
        quiet, loud = ("".join(ON if name in trial.on else OFF for trial in trials) for trials in (healthy, faults))
        yield f"{name:{width}}  {quiet}  {loud}"
    yield ""
    for label, trial in zip([*numbers, *letters], [*healthy, *faults], strict=True):
        first, *more = woken(trial)
        yield f"{label} {trial.scenario.name:32} {first}"
        yield from (f"{'':34} {text}" for text in more)
    yield ""
    mistakes = [*(text for trial in (*healthy, *faults) for text in trial.mistakes), *unshown(names, healthy, faults)]
    yield from mistakes or [f"All {len(names)} alarms are right: on for their faults, off when nothing is wrong."]


def woken(trial: ScenarioTrial) -> list[str]:
    """Which alarm wakes somebody, and how long after it began."""
    return [f"{name} after {trial.minutes_until_told(name)} min" for name in trial.wakes] or ["wakes nobody"]


def unshown(names: Sequence[str], healthy: Sequence[ScenarioTrial], faults: Sequence[ScenarioTrial]) -> list[str]:
    """The alarms that were not seen both on and off."""
    off = {name for name in names if healthy and all(name not in trial.on for trial in healthy)}
    on = {name for trial in faults for name in trial.on}
    return [
        *(f"{name} did not go on for any fault" for name in names if name not in on),
        *(f"{name} was on although nothing was wrong" for name in names if name not in off),
    ]
