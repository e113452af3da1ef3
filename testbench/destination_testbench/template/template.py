"""template.yaml as CloudFormation would get it: transformed by SAM's own translator, without an AWS account.

Nested stacks are written out in the template that they stand in: parameters become what the parent gives for them, and
outputs what they are of. So the local stack and the tests see all that one deployment makes as one template.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from destination_testbench.local.places import ACCOUNT_ID, REGION, ROOT

SOURCE_BUCKET = "this-checkout"
"""SAM's translator takes code only from S3: the bucket that stands for the folder that holds template.yaml."""

TEMPLATES_KEPT = 8
"""A template is read once, however often it is asked for in one process; nobody changes what comes of it."""

NESTED_STACK = "AWS::CloudFormation::Stack"
OF_THE_NESTED_STACK = ("AWS::StackName", "AWS::StackId", "AWS::NotificationARNs")
"""Pseudo parameters that are others in a nested stack than in its parent."""

Json = Any
"""A value of a template: what JSON can hold, of any shape."""

_CONSTANT = re.compile(r"!FindInMap \[Constants, \w+, (\w+)\]")
_VARIABLE = re.compile(r"\$\{([^!}]+)\}")


class NestedStackError(Exception):
    """A nested stack and its parent do not fit together."""


@dataclass(frozen=True, slots=True)
class Template:
    """The parts of a transformed template."""

    parameters: Mapping[str, Mapping[str, Json]]
    conditions: Mapping[str, Json]
    resources: Mapping[str, Mapping[str, Json]]
    outputs: Mapping[str, Mapping[str, Json]]

    def of_type(self, resource_type: str) -> dict[str, Mapping[str, Json]]:
        """The properties of every resource of this type, by logical id."""
        return {
            logical_id: resource.get("Properties", {})
            for logical_id, resource in self.resources.items()
            if resource["Type"] == resource_type
        }


def read_template(path: Path = ROOT / "template.yaml") -> Template:
    """Read and transform a template, with its nested stacks written out in it: all that one deployment makes."""
    return whole(read_parts(path))


def read_parts(path: Path = ROOT / "template.yaml") -> dict[str, Template]:
    """A transformed template by "", and the templates of its nested stacks by their logical ids."""
    parent = _transformed(path.read_text(encoding="utf-8"))
    urls = {name: stack["TemplateURL"] for name, stack in parent.of_type(NESTED_STACK).items()}
    texts = {name: (path.parent / url).read_text(encoding="utf-8") for name, url in urls.items()}
    return {"": parent, **{name: _parsed(text) for name, text in texts.items()}}


def whole(parts: Mapping[str, Template]) -> Template:
    """Write nested stacks out in the template that they stand in."""
    parent = parts[""]
    nested = {name: _NestedStack(name, parent.resources[name], part) for name, part in parts.items() if name}
    conditions, resources = dict(parent.conditions), dict[str, Mapping[str, Json]]()
    for name, resource in parent.resources.items():
        added = nested[name].resources() if name in nested else {name: _with_outputs(resource, nested)}
        if taken := sorted(added.keys() & resources.keys()):
            raise NestedStackError(f"{name} has a resource of the same logical id as another part: {', '.join(taken)}")
        resources |= added
        conditions |= nested[name].conditions() if name in nested else {}
    return Template(parent.parameters, conditions, resources, _with_outputs(parent.outputs, nested))


def _template(parsed: Mapping[str, Json]) -> Template:
    return Template(
        parameters=parsed.get("Parameters", {}),
        conditions=parsed.get("Conditions", {}),
        resources=parsed["Resources"],
        outputs=parsed.get("Outputs", {}),
    )


@lru_cache(TEMPLATES_KEPT)
def _parsed(text: str) -> Template:
    return _template(yaml_parse(text))


@lru_cache(TEMPLATES_KEPT)
def _transformed(text: str) -> Template:
    """Transform one template.

    Local folders become objects of `SOURCE_BUCKET`, by their paths; constants become parameters that a test can give.
    """
    source = yaml_parse(_CONSTANT.sub(r"!Ref \1", text))
    for constants in source.pop("Mappings", {}).get("Constants", {}).values():
        for name, it in constants.items():
            source["Parameters"][name] = {"Type": "Number" if isinstance(it, int) else "String", "Default": it}
    for resource in source["Resources"].values():
        properties = resource.get("Properties", {})
        for key in ("CodeUri", "ContentUri"):
            if key in properties:
                properties[key] = f"s3://{SOURCE_BUCKET}/{properties[key]}"
    logging.getLogger("samtranslator").setLevel(logging.ERROR)  # it warns of statistics that it did not send home
    session = boto3.Session(
        aws_access_key_id=ACCOUNT_ID, aws_secret_access_key="none", region_name=REGION, aws_session_token=None
    )
    transformed = Translator(None, Parser(), boto_session=session).translate(source, {}, get_managed_policy_map=dict)
    return _template(transformed)


class _NestedStack:
    """The template of a nested stack in the terms of its parent.

    `logical_id` and `resource` are those of the nested stack in its parent. Parameters become what the parent gives for
    them. Conditions get the logical id in front, and are false where the parent has no such stack.
    """

    def __init__(self, logical_id: str, resource: Mapping[str, Json], template: Template) -> None:
        self._logical_id, self._template = logical_id, template
        self._condition: str | None = resource.get("Condition")
        self._given: Mapping[str, Json] = resource["Properties"].get("Parameters", {})
        if differing := sorted(self._given.keys() ^ template.parameters.keys()):
            raise NestedStackError(f"{logical_id} is not given what its template declares: {', '.join(differing)}")

    def conditions(self) -> dict[str, Json]:
        """The conditions, by their new names."""
        return {
            self._name(name): self._with_the_stack(self._said(value))
            for name, value in self._template.conditions.items()
        }

    def resources(self) -> dict[str, dict[str, Json]]:
        """The resources, each with the condition under which it is there."""
        return {name: self._resource(resource) for name, resource in self._template.resources.items()}

    def output(self, name: str) -> Json:
        """What `Fn::GetAtt` of an output is."""
        return self._said(self._template.outputs[name]["Value"])

    def _resource(self, resource: Mapping[str, Json]) -> dict[str, Json]:
        own = resource.get("Condition")
        condition = self._name(own) if own else self._condition
        said = {key: self._said(value) for key, value in resource.items() if key != "Condition"}
        return {**said, **({"Condition": condition} if condition else {})}

    def _with_the_stack(self, condition: Json) -> Json:
        return {"Fn::And": [{"Condition": self._condition}, condition]} if self._condition else condition

    def _name(self, condition: str) -> str:
        return f"{self._logical_id}{condition}"

    def _said(self, value: Json) -> Json:
        if isinstance(value, list):
            return [self._said(each) for each in value]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1:
            ((function, argument),) = value.items()
            if function in _FUNCTIONS and isinstance(argument, str | list):
                return _FUNCTIONS[function](self, argument)
        return {key: self._said(each) for key, each in value.items()}

    def _ref(self, name: str) -> Json:
        if name in OF_THE_NESTED_STACK:
            raise NestedStackError(f"{self._logical_id} refers to {name}, which is another one in a nested stack")
        return self._given.get(name, {"Ref": name})

    def _sub(self, argument: str | list[Json]) -> Json:
        text, own = (argument, {}) if isinstance(argument, str) else argument
        names = {name for name in _VARIABLE.findall(text) if name not in own and "." not in name}
        given = {name: said for name in sorted(names) if (said := self._ref(name)) != {"Ref": name}}
        return {"Fn::Sub": [text, {**self._said(own), **given}]}

    def _if(self, argument: list[Json]) -> Json:
        condition, *branches = argument
        return {"Fn::If": [self._name(condition), *map(self._said, branches)]}

    def _condition_of(self, name: str) -> Json:
        return {"Condition": self._name(name)}


_FUNCTIONS: Mapping[str, Callable[[_NestedStack, Json], Json]] = {
    "Ref": _NestedStack._ref,
    "Fn::Sub": _NestedStack._sub,
    "Fn::If": _NestedStack._if,
    "Condition": _NestedStack._condition_of,
}


def _with_outputs(value: Json, nested: Mapping[str, _NestedStack]) -> Json:
    """A value of the parent, with what the outputs of its nested stacks are."""
    if isinstance(value, list):
        return [_with_outputs(each, nested) for each in value]
    if not isinstance(value, Mapping):
        return value
    attribute = value.get("Fn::GetAtt")
    if attribute:
        logical_id, name = attribute.split(".", 1) if isinstance(attribute, str) else attribute
        if logical_id in nested:
            return nested[logical_id].output(name.removeprefix("Outputs."))
    return {key: _with_outputs(each, nested) for key, each in value.items()}
