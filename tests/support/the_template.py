"""
template.yaml and its nested stacks for tests: as they are written, as one template that SAM has transformed, and what
that says with given parameters.
"""

from __future__ import annotations

import json
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from typing import Any

from destination_testbench.local.places import ROOT
from destination_testbench.template.intrinsics import Resolver
from destination_testbench.template.parameters import parameter_values
from destination_testbench.template.template import Template, read_parts, whole
from samtranslator.yaml_helper import yaml_parse

PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::StackName": "a-stack",
    "AWS::URLSuffix": "amazonaws.com",
}

INFORMING = {
    "RejectedMessagesAlarm",
    "ApiUsageAlarm",
    "DeliverSlowAlarm",
    "SchedulesFailingAlarm",
    "LimitsMetAlarm",
    "FrontDoorRefusingAlarm",
}
"""The alarms that tell somebody and wake nobody, as their tests and the runbook's want them."""

EVERY_OPTION = {
    "AlarmEmail": "alarms@example.com",
    "CredentialsRotate": "true",
    "CustomerManagedKey": "true",
    "HttpApiKeys": "both",
    "HttpEndpoint": "true",
    "HttpSourceRanges": "a:203.0.113.0/24,198.51.100.7/32",
    "NoticeEmail": "notices@example.com",
    "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/teams/boundary",
    "SecurityGroupIds": "sg-0123456789abcdef0",
    "SenderArns": "arn:aws:sns:eu-west-1:123456789012:profiles,arn:aws:events:eu-west-1:123456789012:rule/profiles",
    "SetGatewayLogRole": "true",
    "SubnetIds": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
}
"""All that can be switched on together."""

OUTLIVES_THE_STACK = ("RetainExceptOnCreate", "Retain")
"""DeletionPolicy and UpdateReplacePolicy of what stays with its data, but not after a first deployment that failed."""

A_TOPIC = "arn:aws:sns:eu-west-1:123456789012:alarms"


NESTED = {"HttpFrontDoor": "stacks/front-door.yaml", "Alarms": "stacks/alarms.yaml"}
"""The files of the nested stacks, by the logical ids that they have in template.yaml."""


@cache
def template() -> Template:
    """All parts together."""
    return whole(parts())


@cache
def parts() -> dict[str, Template]:
    """Each part by itself: template.yaml by "", nested stacks by their logical ids."""
    return read_parts()


@cache
def previous_parts() -> dict[str, Template]:
    """Each part of the version before this one, without descriptions and what the dashboard shows."""
    written = json.loads((ROOT / "tests" / "fixtures" / "previous_template.json").read_text(encoding="utf-8"))
    return {
        part: Template(it["Parameters"], it["Conditions"], it["Resources"], it["Outputs"])
        for part, it in written.items()
    }


@cache
def source() -> dict[str, Any]:
    """template.yaml as it is written."""
    parsed: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    return parsed


def overrides(environment: str) -> dict[str, str]:
    """The parameters that samconfig.toml names."""
    config: dict[str, Any] = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
    words = shlex.split(config[environment]["global"]["parameters"]["parameter_overrides"])
    return dict(word.split("=", 1) for word in words)


def resolver(**parameters: Any) -> Resolver:
    """What the template says with these parameters; a resource is known by its logical id."""
    values = parameter_values(template().parameters, {}, parameters)
    return Resolver({**PSEUDO, **values}, template().conditions, lambda name: name, lambda name, attribute: name)


def resolved(resource_type: str, **parameters: Any) -> dict[str, Any]:
    """The properties of the resources of a type that there are with these parameters, by logical id."""
    says = resolver(**parameters)
    found = {
        name: says.resolve(properties)
        for name, properties in template().of_type(resource_type).items()
        if exists(name, **parameters)
    }
    assert found, f"the template has no {resource_type}"
    return found


def exists(logical_id: str, **parameters: Any) -> bool:
    """Whether the template's conditions let a resource be."""
    condition = template().resources[logical_id].get("Condition")
    return condition is None or resolver(**parameters).holds(condition)


def statements(document: Any) -> Iterator[Any]:
    """The statements of a policy, of which each has an Sid."""
    for statement in document["Statement"]:
        assert statement["Sid"]
        yield statement


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
