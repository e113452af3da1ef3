"""Which alarms of a stack are on."""

from __future__ import annotations

from destination_cli.target import Target

TYPES = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
"""Those that watch metrics, and those that watch alarms and wake people. CloudWatch tells the second only if asked."""

NESTED_STACK = "AWS::CloudFormation::Stack"
"""Its physical id is its ARN, which CloudFormation takes for a name."""

NAMES_PER_CALL = 100
"""DescribeAlarms takes up to 100 names."""


def alarms_on(target: Target) -> list[str] | None:
    """The logical ids of the alarms that are on; None on this machine, where nobody watches."""
    if target.is_local:
        return None
    logical_ids = _alarms_of(target)
    names = list(logical_ids)
    on: list[str] = []
    for start in range(0, len(names), NAMES_PER_CALL):
        answer = target.client("cloudwatch").describe_alarms(
            AlarmNames=names[start : start + NAMES_PER_CALL], AlarmTypes=["CompositeAlarm", "MetricAlarm"]
        )
        found = [*answer["CompositeAlarms"], *answer["MetricAlarms"]]
        on += [logical_ids[alarm["AlarmName"]] for alarm in found if alarm["StateValue"] == "ALARM"]
    return sorted(on)


def _alarms_of(target: Target) -> dict[str, str]:
    """The alarms of the stack and of its nested stacks: their names, each with its logical id."""
    pages = target.client("cloudformation").get_paginator("list_stack_resources")
    alarms: dict[str, str] = {}
    stacks = [target.name]
    while stacks:
        found = [it for page in pages.paginate(StackName=stacks.pop()) for it in page["StackResourceSummaries"]]
        # One that is being made, or could not be, has no physical id yet.
        there = [it for it in found if it.get("PhysicalResourceId")]
        alarms |= {it["PhysicalResourceId"]: it["LogicalResourceId"] for it in there if it["ResourceType"] in TYPES}
        stacks += [it["PhysicalResourceId"] for it in there if it["ResourceType"] == NESTED_STACK]
    return alarms
