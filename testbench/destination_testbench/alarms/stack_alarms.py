"""The alarms and the dashboard as the template says them; a resource is known by its logical id."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from destination_testbench.alarms.alarm_history import StackAlarms
from destination_testbench.alarms.composite_alarm import read_composite
from destination_testbench.alarms.metric_alarm import read_alarm
from destination_testbench.local.places import ACCOUNT_ID, REGION
from destination_testbench.template.intrinsics import Resolver
from destination_testbench.template.parameters import parameter_values
from destination_testbench.template.template import Template

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
