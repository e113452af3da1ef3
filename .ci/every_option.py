"""
Prints template.yaml as CloudFormation gets it from SAM, with every condition true, as JSON.

Checkov leaves out what a condition leaves out with the parameters' defaults: the key, the front door, the VPC.
"""

from __future__ import annotations

import json
from typing import Any

from destination_testbench.template.template import read_template


def holding(value: Any) -> Any:
    """The value with the first branch of each `Fn::If`, and without what is `AWS::NoValue`."""
    if isinstance(value, dict):
        if set(value) == {"Fn::If"}:
            return holding(value["Fn::If"][1])
        return {
            key: held
            for key, held in ((key, holding(held)) for key, held in value.items())
            if held != {"Ref": "AWS::NoValue"}
        }
    if isinstance(value, list):
        return [held for held in map(holding, value) if held != {"Ref": "AWS::NoValue"}]
    return value


def as_it_is(resource: Any, resources: Any) -> Any:
    """The resource where its condition holds. SAM makes a stage without the metadata of its API: it has them here."""
    api = resource.get("Properties", {}).get("RestApiId", {}).get("Ref")
    metadata = resources[api].get("Metadata", {}) if api else {}
    return holding({"Metadata": metadata} | {key: value for key, value in resource.items() if key != "Condition"})


if __name__ == "__main__":
    template = read_template()
    resources = {name: as_it_is(resource, template.resources) for name, resource in template.resources.items()}
    print(json.dumps({"Parameters": template.parameters, "Resources": resources}, indent=1, default=str))
