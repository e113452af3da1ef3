"""Writes template.yaml as SAM transforms it, and each of its nested stacks, into a folder: every condition true.

Checkov leaves out what a condition leaves out with the parameters' defaults: the key, the front door, the VPC. Of a
nested stack it knows no parameter at all.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from destination_testbench.template.template import Template, read_parts


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


def everything(part: Template) -> dict[str, Any]:
    """The resources of a template where all of its conditions hold."""
    resources = {
        name: holding({key: value for key, value in resource.items() if key != "Condition"})
        for name, resource in part.resources.items()
    }
    return {"Parameters": part.parameters, "Resources": resources}


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for logical_id, part in read_parts().items():
        text = json.dumps(everything(part), indent=1, default=str)
        (folder / f"{logical_id or 'template'}.json").write_text(text, encoding="utf-8")
