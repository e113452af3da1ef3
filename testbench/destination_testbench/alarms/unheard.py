"""Alarms and widgets that watch what nobody emits: a name or a dimension that is wrong makes no noise by itself."""

from __future__ import annotations

from collections.abc import Iterable

from destination_testbench.alarms.dashboard import alarms_shown, shown
from destination_testbench.alarms.metrics import MetricId
from destination_testbench.alarms.stack_alarms import EVERYTHING, read_alarms, read_dashboard
from destination_testbench.alarms.stage import DESTINATION
from destination_testbench.alarms.trial import Trial
from destination_testbench.template.template import Template


def unheard(template: Template, trials: Iterable[Trial]) -> list[str]:
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
