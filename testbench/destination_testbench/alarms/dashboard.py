"""What the widgets of a dashboard show ("Dashboard body structure and syntax"), and what nobody emits of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from destination_testbench.alarms.metrics import MetricId, UnsupportedError
from destination_testbench.alarms.stack_alarms import EVERYTHING, read_alarms, read_dashboard
from destination_testbench.alarms.stage import DESTINATION
from destination_testbench.alarms.trial import ScenarioTrial
from destination_testbench.template.template import Template

SAME, SAME_ROW = ".", "..."
"""In place of a value: that of the row above, and all of them."""

_SEARCH = re.compile(r"SEARCH\('\{([^}]*)\}\s*([^']*)', '(\w+)'(?:, (\d+))?\)")
_TERM = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Search:
    """A search for metrics: those with exactly these dimensions, of which some have a given value."""

    namespace: str
    dimensions: frozenset[str]
    terms: Mapping[str, str]

    def finds(self, metric: MetricId) -> bool:
        """Whether a metric is one of those."""
        known = {**dict(metric.dimensions), "MetricName": metric.name}
        return (
            metric.namespace == self.namespace
            and {name for name, _ in metric.dimensions} == self.dimensions
            and all(known.get(name) == value for name, value in self.terms.items())
        )


def shown(body: Mapping[str, Any]) -> Iterator[tuple[str, MetricId | Search]]:
    """Every metric of every widget, with the widget's title."""
    for widget in body["widgets"]:
        if widget["type"] == "metric":
            properties = widget["properties"]
            yield from ((properties["title"], what) for what in _rows(properties["metrics"]))


def alarms_shown(body: Mapping[str, Any]) -> list[str]:
    """The alarms of the alarm widgets."""
    widgets = [widget["properties"] for widget in body["widgets"] if widget["type"] == "alarm"]
    return [alarm for properties in widgets for alarm in properties["alarms"]]


def _rows(rows: Sequence[Sequence[Any]]) -> Iterator[MetricId | Search]:
    above: list[str] = []
    for row in rows:
        words = [word for word in row if isinstance(word, str)]
        if not words:
            yield parse_search(row[0]["expression"])
            continue
        above = above if words == [SAME_ROW] else _written_out(words, above)
        namespace, name, *pairs = above
        yield MetricId.of(namespace, name, dict(zip(pairs[::2], pairs[1::2], strict=True)))


def _written_out(words: Sequence[str], above: Sequence[str]) -> list[str]:
    if SAME in words and len(words) != len(above):
        raise UnsupportedError(f"a row of a widget that repeats what is not above it: {words}")
    return [above[place] if word == SAME else word for place, word in enumerate(words)]


def parse_search(expression: str) -> Search:
    """A SEARCH over one schema, all of whose terms are exact ("CloudWatch search expression syntax")."""
    found = _SEARCH.fullmatch(expression)
    if not found:
        raise UnsupportedError(f"the search {expression!r}")
    namespace, *dimensions = found[1].split(",")
    terms = dict(_TERM.findall(found[2]))
    if _TERM.sub("", found[2]).strip():
        raise UnsupportedError(f"the terms {found[2]!r} of a search")
    return Search(namespace, frozenset(dimensions), terms)


def unheard(template: Template, trials: Iterable[ScenarioTrial]) -> list[str]:
    """What is watched or shown and was not in any trial, and the alarms that the dashboard lacks."""
    emitted = frozenset().union(*(trial.metrics.names for trial in trials))
    parameters = {"DestinationFile": DESTINATION.name, **EVERYTHING}
    alarms, body = read_alarms(template, parameters), read_dashboard(template, parameters)
    wrong = [
        f"{name} watches an unknown metric: {metric}"
        for name, alarm in alarms.metric.items()
        for metric in sorted(alarm.metrics - emitted, key=str)
    ]
    for title, what in shown(body):
        found = what in emitted if isinstance(what, MetricId) else any(map(what.finds, emitted))
        if not found:
            wrong.append(f"the widget {title!r} shows an unknown metric: {what}")
    lacking = set(alarms.names) ^ set(alarms_shown(body))
    return [*wrong, *(f"{name} is missing in the dashboard or in the template" for name in sorted(lacking))]
