"""A stack in an AWS that is not ours: waiting until it is settled, and what CloudFormation says of it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from destination_testbench.template.template import NESTED_STACK

SETTLED = re.compile(r"(CREATE|UPDATE)_COMPLETE")


@dataclass(frozen=True)
class Deployed:
    """A stack: what CloudFormation says of it and of its nested stacks."""

    name: str
    outputs: Mapping[str, str]
    resources: Mapping[str, tuple[str, str]]
    """Type and physical id by logical id."""

    def physical(self, logical_id: str) -> str:
        return self.resources[logical_id][1]


def described(cloudformation: Any, name: str) -> dict[str, Any]:
    """What CloudFormation says of a stack itself."""
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    return dict(stack)


def settled(cloudformation: Any, name: str, seconds: float) -> dict[str, Any]:
    """Wait until a stack is complete, and describe it; what failed is in the error."""
    deadline = time.monotonic() + seconds
    while (stack := described(cloudformation, name))["StackStatus"].endswith("IN_PROGRESS"):
        assert time.monotonic() < deadline, f"{name} is {stack['StackStatus']}"
        time.sleep(0.2)
    assert SETTLED.fullmatch(stack["StackStatus"]), "\n".join(_failures(cloudformation, name))
    return stack


def deployed(cloudformation: Any, stack: Mapping[str, Any]) -> Deployed:
    """A stack with its outputs, and all resources of it and its nested stacks."""
    outputs = {it["OutputKey"]: it["OutputValue"] for it in stack.get("Outputs", ())}
    return Deployed(stack["StackName"], outputs, dict(_resources(cloudformation, stack["StackName"])))


def _resources(cloudformation: Any, name: str) -> Iterator[tuple[str, tuple[str, str]]]:
    for it in cloudformation.list_stack_resources(StackName=name)["StackResourceSummaries"]:
        yield it["LogicalResourceId"], (it["ResourceType"], it["PhysicalResourceId"])
        if it["ResourceType"] == NESTED_STACK:
            yield from _resources(cloudformation, it["PhysicalResourceId"])


def _failures(cloudformation: Any, name: str) -> Iterator[str]:
    for event in cloudformation.describe_stack_events(StackName=name)["StackEvents"]:
        if "FAILED" in event["ResourceStatus"]:
            yield f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}"
