"""Values of metrics over time, and their statistics by period."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

Series = list[float | None]
"""One value for each period, the oldest first; None where there was none."""

STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "Sum": sum,
    "Maximum": max,
    "Minimum": min,
    "Average": fmean,
    "SampleCount": len,
}


class UnsupportedError(Exception):
    """An alarm or a widget says something that is not modelled here, or that CloudWatch does not take."""


@dataclass(frozen=True, slots=True)
class MetricId:
    """A metric: all of its dimensions belong to its name."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str]) -> MetricId:
        """With the dimensions as they are written in code."""
        return cls(namespace, name, frozenset(dimensions.items()))

    @classmethod
    def from_template(cls, said: Mapping[str, Any]) -> MetricId:
        """As an alarm names it."""
        dimensions = {dimension["Name"]: str(dimension["Value"]) for dimension in said.get("Dimensions", [])}
        return cls.of(said["Namespace"], said["MetricName"], dimensions)

    def __str__(self) -> str:
        return f"{self.namespace} {self.name} of {', '.join(f'{k} {v}' for k, v in sorted(self.dimensions))}"


@dataclass(frozen=True, slots=True)
class Periods:
    """The periods that an evaluation looks at: `count` of so many seconds, the last one ending now.

    CloudWatch's evaluation window slides: it advances whenever an alarm is evaluated ("Alarm evaluation window").
    """

    end: float
    seconds: int
    count: int

    @property
    def start(self) -> float:
        """Where the oldest one begins."""
        return self.end - self.seconds * self.count

    def ends(self) -> Iterable[float]:
        """The end of each period, the oldest first; the next one begins there."""
        start = self.start
        return (start + self.seconds * (n + 1) for n in range(self.count))


@dataclass(slots=True)
class _Points:
    """The values of one metric, the oldest first, and the time of each."""

    times: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)


_NOTHING = _Points()


@dataclass(slots=True)
class Metrics:
    """Every value that was published. A value is seen `delay` seconds after the time that it is for."""

    delay: float = 0.0
    _points: dict[MetricId, _Points] = field(default_factory=dict)

    def add(self, metric: MetricId, at: float, value: float) -> None:
        """Publish one value."""
        points = self._points.setdefault(metric, _Points())
        place = bisect_right(points.times, at)
        points.times.insert(place, at)
        points.values.insert(place, value)

    @property
    def names(self) -> frozenset[MetricId]:
        """The metrics that have a value at any time."""
        return frozenset(self._points)

    def delayed(self, seconds: float) -> Metrics:
        """The same values, seen later."""
        return Metrics(seconds, self._points)

    def series(self, metric: MetricId, statistic: str, periods: Periods) -> Series:
        """A statistic of each period. A period holds what is later than its start, up to its end."""
        if statistic not in STATISTICS:
            raise UnsupportedError(f"the statistic {statistic}")
        points, seen_until = self._points.get(metric, _NOTHING), periods.end - self.delay
        series: Series = []
        first = bisect_right(points.times, min(periods.start, seen_until))
        for end in periods.ends():
            last = bisect_right(points.times, min(end, seen_until), first)
            series.append(STATISTICS[statistic](points.values[first:last]) if last > first else None)
            first = last
        return series
