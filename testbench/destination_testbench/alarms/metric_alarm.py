"""A metric alarm of the template, held to what CloudWatch takes, and its state at a time: M of N data points.

Missing ones count as documented in "Configuring how CloudWatch alarms treat missing data": CloudWatch fetches more
periods than it needs, takes the newest values that there are, fills up with the treatment only as far as it must, and
takes an old lone breach as one.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from destination_testbench.alarms.metric_math import Arithmetic, Node, Value, parse, references
from destination_testbench.alarms.metrics import MetricId, Metrics, Periods, UnsupportedError


class State(StrEnum):
    """What an alarm can be."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Treatment(StrEnum):
    """What a missing data point counts as."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


def state_of(
    breaches: Sequence[bool | None], periods: int, to_alarm: int, treatment: Treatment, current: State
) -> State:
    """The state after this evaluation range, the oldest first; None is a missing data point."""
    real = [breach for breach in breaches if breach is not None][-periods:]
    to_fill = periods - len(real)
    if not to_fill or treatment in (Treatment.BREACHING, Treatment.NOT_BREACHING):
        filled = to_fill if treatment is Treatment.BREACHING else 0
        return State.ALARM if sum(real) + filled >= to_alarm else State.OK
    if sum(real) >= to_alarm:
        return State.ALARM
    if False in real:
        return State.OK
    if treatment is Treatment.IGNORE:
        return current
    return State.ALARM if real and _age_of_oldest(breaches) >= to_alarm else State.INSUFFICIENT_DATA


def _age_of_oldest(breaches: Sequence[bool | None]) -> int:
    """How many periods ago the oldest breach was; 1 is the newest."""
    return len(breaches) - breaches.index(True)


MOST_METRICS = MOST_EXPRESSIONS = 10
"""An alarm is based on 10 metrics and 10 expressions at most (MetricDataQuery)."""

MOST_CHARACTERS = 2_048
"""In an expression (MetricDataQuery)."""

MOST_SECONDS, MOST_SECONDS_OF_LONG_PERIODS, LONG_PERIOD = 86_400, 604_800, 3_600
"""Period times evaluation periods; with periods of an hour and more it may be a week (PutMetricAlarm)."""

_ID = re.compile(r"[a-z][A-Za-z0-9_]*")
_COMPARISONS = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """A statistic of one metric."""

    metric: MetricId
    statistic: str


@dataclass(frozen=True, slots=True)
class Habits:
    """What AWS does not tell of its evaluation: an alarm has to be right either way. How many more periods than it
    needs are fetched, and what `Arithmetic` is told.
    """

    extra_periods: int = 2
    fills_nothing: bool = True
    counts_nothing: bool = False
    drops_nothing: bool = False


@dataclass(frozen=True, slots=True)
class MetricAlarm:
    """An alarm on one metric, or on an expression of several."""

    name: str
    queries: Mapping[str, MetricQuery]
    expressions: Mapping[str, Node]
    returned: str
    period: int
    periods: int
    to_alarm: int
    threshold: float
    comparison: str
    treatment: Treatment
    order: tuple[str, ...]
    """The expressions, each after those that it needs."""

    actions: tuple[str, ...] = ()

    @property
    def metrics(self) -> frozenset[MetricId]:
        """Everything that it watches."""
        return frozenset(query.metric for query in self.queries.values())

    def state(self, metrics: Metrics, now: float, current: State, habits: Habits) -> State:
        """Its state, going by what has been published by now."""
        periods = Periods(now, self.period, self.periods + habits.extra_periods)
        series: dict[str, Value] = {
            name: metrics.series(query.metric, query.statistic, periods) for name, query in self.queries.items()
        }
        arithmetic = Arithmetic(series, habits.fills_nothing, habits.counts_nothing, habits.drops_nothing)
        for name in self.order:
            series[name] = arithmetic.value(self.expressions[name])
        values = series[self.returned]
        if not isinstance(values, list):
            raise UnsupportedError(f"{self.name} is about a number and not a time series")
        breaks = _COMPARISONS[self.comparison]
        breaches = [None if value is None else breaks(value, self.threshold) for value in values]
        return state_of(breaches, self.periods, self.to_alarm, self.treatment, current)


def read_alarm(name: str, said: Mapping[str, Any]) -> MetricAlarm:
    """An alarm from its resolved properties; UnsupportedError where CloudWatch would refuse it."""
    queries, expressions, returned, period = _several(name, said) if "Metrics" in said else _single(said)
    periods = int(said["EvaluationPeriods"])
    alarm = MetricAlarm(
        name=name,
        queries=queries,
        expressions=expressions,
        returned=returned,
        period=period,
        periods=periods,
        to_alarm=int(said.get("DatapointsToAlarm", periods)),
        threshold=float(said["Threshold"]),
        comparison=said["ComparisonOperator"],
        treatment=Treatment(said.get("TreatMissingData", "missing")),
        order=_in_order(name, queries, expressions),
        actions=tuple(said.get("AlarmActions", ())),
    )
    _check(alarm)
    return alarm


def _in_order(alarm: str, queries: Collection[str], expressions: Mapping[str, Node]) -> tuple[str, ...]:
    done, order = set(queries), list[str]()
    while waiting := [name for name in expressions if name not in done]:
        ready = [name for name in waiting if set(references(expressions[name])) <= done]
        if not ready:
            raise UnsupportedError(f"{alarm}: {waiting} need what is not there, or each other")
        order += ready
        done |= set(ready)
    return tuple(order)


def _single(said: Mapping[str, Any]) -> tuple[dict[str, MetricQuery], dict[str, Node], str, int]:
    return {"metric": MetricQuery(MetricId.from_template(said), said["Statistic"])}, {}, "metric", int(said["Period"])


def _several(name: str, said: Mapping[str, Any]) -> tuple[dict[str, MetricQuery], dict[str, Node], str, int]:
    entries = said["Metrics"]
    stats = {entry["Id"]: entry["MetricStat"] for entry in entries if "MetricStat" in entry}
    queries = {key: MetricQuery(MetricId.from_template(stat["Metric"]), stat["Stat"]) for key, stat in stats.items()}
    expressions = {entry["Id"]: parse(entry["Expression"]) for entry in entries if "Expression" in entry}
    returned = [entry["Id"] for entry in entries if entry.get("ReturnData", True)]
    periods = {int(stat["Period"]) for stat in stats.values()}
    for wrong, text in (
        (len({entry["Id"] for entry in entries}) < len(entries), "has an Id twice"),
        (not all(_ID.fullmatch(entry["Id"]) for entry in entries), "has an Id that does not begin in lower case"),
        (len(returned) != 1, "returns not exactly one of its values"),
        (len(periods) != 1, "has metrics of several periods"),
        (len(stats) > MOST_METRICS, "has more than 10 metrics"),
        (len(expressions) > MOST_EXPRESSIONS, "has more than 10 expressions"),
        (returned and returned[0] not in expressions, "returns a metric and no expression"),
        (any(len(entry.get("Expression", "")) > MOST_CHARACTERS for entry in entries), "has too long an expression"),
    ):
        if wrong:
            raise UnsupportedError(f"{name} {text}")
    return queries, expressions, returned[0], periods.pop()


def _check(alarm: MetricAlarm) -> None:
    most = MOST_SECONDS_OF_LONG_PERIODS if alarm.period >= LONG_PERIOD else MOST_SECONDS
    for wrong, text in (
        (alarm.period % 60, "has a period that is not whole minutes"),
        (alarm.period * alarm.periods > most, "looks back too far"),
        (not 1 <= alarm.to_alarm <= alarm.periods, "needs more data points than it looks at"),
        (alarm.comparison not in _COMPARISONS, "compares in a way that is not modelled"),
    ):
        if wrong:
            raise UnsupportedError(f"{alarm.name} {text}")
