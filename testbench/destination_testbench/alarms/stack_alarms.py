"""The alarms of a stack as the template says them, their states minute by minute, and who is told of what."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from destination_testbench.alarms.composite_alarm import CompositeAlarm, read_composite
from destination_testbench.alarms.metric_alarm import Habits, MetricAlarm, State, read_alarm
from destination_testbench.alarms.metrics import MetricId, Metrics
from destination_testbench.local.places import ACCOUNT_ID, REGION
from destination_testbench.template.intrinsics import Resolver
from destination_testbench.template.parameters import parameter_values
from destination_testbench.template.template import Template

MINUTE = 60
"""How often an alarm is evaluated."""


@dataclass(frozen=True, slots=True)
class StackAlarms:
    """The alarms of one stack by their names."""

    metric: Mapping[str, MetricAlarm]
    composite: Mapping[str, CompositeAlarm]

    @property
    def names(self) -> list[str]:
        """All of them."""
        return [*self.composite, *self.metric]

    @property
    def metrics(self) -> frozenset[MetricId]:
        """Everything that they watch."""
        return frozenset().union(*(alarm.metrics for alarm in self.metric.values()))


@dataclass(slots=True)
class Watched:
    """What was seen: when each alarm went on and off, and every message that an alarm's actions sent."""

    went_on: dict[str, list[float]] = field(default_factory=dict)
    went_off: dict[str, list[float]] = field(default_factory=dict)
    told: list[tuple[float, str, str]] = field(default_factory=list)

    def was_on(self, name: str) -> bool:
        """Whether an alarm was on at any time."""
        return name in self.went_on

    def is_on(self, name: str) -> bool:
        """Whether an alarm is still on at the end."""
        return len(self.went_on.get(name, ())) > len(self.went_off.get(name, ()))

    def wakes(self, topic: str) -> list[tuple[float, str]]:
        """Who told this topic, and when."""
        return [(at, name) for at, name, action in self.told if action == topic]


def watch(alarms: StackAlarms, metrics: Metrics, start: float, end: float, habits: Habits) -> Watched:
    """Evaluate every alarm every minute. Before the start all is well."""
    watch = _Watch(alarms, metrics, habits)
    now = start
    while now <= end:
        watch.minute(now)
        now += MINUTE
    return watch.watched


class _Watch:
    """The states of all alarms, from minute to minute."""

    def __init__(self, alarms: StackAlarms, metrics: Metrics, habits: Habits) -> None:
        self._alarms, self._metrics, self._habits = alarms, metrics, habits
        self._order = _inner_first(alarms.composite)
        self._states = dict.fromkeys(alarms.names, State.OK)
        self._actions = {name: _Actions(alarm) for name, alarm in alarms.composite.items()}
        self.watched = Watched()

    def minute(self, now: float) -> None:
        """Evaluate all alarms, and take the actions that are due."""
        before, self._states = self._states, dict(self._states)
        for name, alarm in self._alarms.metric.items():
            self._states[name] = alarm.state(self._metrics, now, before[name], self._habits)
        for name in self._order:
            self._states[name] = self._alarms.composite[name].state(self._states)
        changed = [name for name in self._states if self._is_on(name) != (before[name] is State.ALARM)]
        for name in changed:
            changes = self.watched.went_on if self._is_on(name) else self.watched.went_off
            changes.setdefault(name, []).append(now)
        self._tell(now, [name for name in changed if name in self._alarms.metric and self._is_on(name)])

    def _tell(self, now: float, gone_on: Sequence[str]) -> None:
        told = [(name, self._alarms.metric[name].actions) for name in gone_on]
        for name, actions in self._actions.items():
            if actions.are_due(self._states, now):
                told.append((name, self._alarms.composite[name].actions))
        self.watched.told += [(now, name, action) for name, actions in told for action in actions]

    def _is_on(self, name: str) -> bool:
        return self._states[name] is State.ALARM


def _inner_first(composites: Mapping[str, CompositeAlarm]) -> Sequence[str]:
    """Composites, each after those in its rule."""
    done: list[str] = []
    while len(done) < len(composites):
        ready = [n for n, c in composites.items() if n not in done and c.children & composites.keys() <= set(done)]
        assert ready, "composite alarms depend on each other"
        done += ready
    return done


class _Actions:
    """When the actions of a composite alarm are taken ("Suppressing composite alarm actions").

    Once it is on, they wait for `wait` seconds for the suppressor to go on; while the suppressor is on, and `extension`
    seconds longer, they are held back; if the alarm is still on then, they are taken.
    """

    def __init__(self, alarm: CompositeAlarm) -> None:
        self._alarm = alarm
        self._pending_since: float | None = None
        self._suppressed_until = 0.0
        self._was_on = False

    def are_due(self, states: Mapping[str, State], now: float) -> bool:
        """Whether they are taken now; called once a minute."""
        alarm = self._alarm
        is_on = states[alarm.name] is State.ALARM
        if alarm.suppressor and states[alarm.suppressor] is State.ALARM:
            self._suppressed_until = now + alarm.extension + 1
        if is_on and not self._was_on:
            self._pending_since = now
        self._was_on = is_on
        if not is_on:
            self._pending_since = None
        if self._pending_since is None or now < self._suppressed_until:
            return False
        if alarm.suppressor and now < self._pending_since + alarm.wait:
            return False
        self._pending_since = None
        return True


STACK = "a-stack"
METRIC_ALARM, COMPOSITE_ALARM, DASHBOARD = (
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CloudWatch::Dashboard",
)


EVERYTHING: Mapping[str, str] = {"HttpEndpoint": "true"}
"""The parameters with which the template has all of its alarms."""


def its_name(logical_id: str) -> str:
    """What a reference to a resource is where nothing else is said: its logical id."""
    return logical_id


def resolver(template: Template, parameters: Mapping[str, Any], reference: Callable[[str], str] = its_name) -> Resolver:
    """What the template says; each attribute of a resource is its logical id."""
    pseudo = {
        "AWS::StackName": STACK,
        "AWS::Region": REGION,
        "AWS::AccountId": ACCOUNT_ID,
        "AWS::Partition": "aws",
        "AWS::URLSuffix": "amazonaws.com",
    }
    values = parameter_values(template.parameters, {}, parameters)
    return Resolver({**pseudo, **values}, template.conditions, reference, lambda name, attribute: name)


def read_alarms(template: Template, parameters: Mapping[str, Any]) -> StackAlarms:
    """The alarms that a stack with these parameters has."""
    return StackAlarms(
        {name: read_alarm(name, said) for name, said in alarms_said(template, METRIC_ALARM, parameters).items()},
        {name: read_composite(name, said) for name, said in alarms_said(template, COMPOSITE_ALARM, parameters).items()},
    )


def alarms_said(template: Template, kind: str, parameters: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The properties of the alarms of a kind, those that a condition leaves out left out."""
    says = resolver(template, parameters)

    def is_there(name: str) -> bool:
        condition = template.resources[name].get("Condition")
        return condition is None or says.holds(condition)

    return {name: says.resolve(said) for name, said in template.of_type(kind).items() if is_there(name)}


def read_dashboard(template: Template, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The body of the one dashboard."""
    (said,) = template.of_type(DASHBOARD).values()
    body: dict[str, Any] = json.loads(resolver(template, parameters).resolve(said)["DashboardBody"])
    return body
