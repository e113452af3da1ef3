"""How nested stacks are written out in their parent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from destination_testbench.template.intrinsics import Resolver
from destination_testbench.template.template import NestedStackError, Template, read_template

PARENT: dict[str, Any] = {
    "Parameters": {"Name": {"Type": "String", "Default": "a"}, "Wanted": {"Type": "String", "Default": "yes"}},
    "Conditions": {"IsWanted": {"Fn::Equals": [{"Ref": "Wanted"}, "yes"]}},
    "Resources": {
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Below": {
            "Type": "AWS::CloudFormation::Stack",
            "Condition": "IsWanted",
            "Properties": {
                "TemplateURL": "below.yaml",
                "Parameters": {"Label": {"Fn::Sub": "${Name}-label"}, "QueueArn": {"Fn::GetAtt": ["Queue", "Arn"]}},
            },
        },
    },
    "Outputs": {"Topic": {"Value": {"Fn::GetAtt": ["Below", "Outputs.Topic"]}}},
}
BELOW: dict[str, Any] = {
    "Parameters": {"Label": {"Type": "String"}, "QueueArn": {"Type": "String"}},
    "Conditions": {"IsA": {"Fn::Equals": [{"Ref": "Label"}, "a-label"]}},
    "Resources": {
        "Topic": {
            "Type": "AWS::SNS::Topic",
            "Properties": {
                "DisplayName": {"Fn::Sub": "${Label} of ${QueueArn} in ${AWS::Region}, ${Other.Arn}, ${!Label}"},
                "Tags": [{"Fn::Sub": ["${Mine}${Label}", {"Mine": {"Ref": "Label"}}]}],
                "Kind": {"Fn::If": ["IsA", {"Ref": "QueueArn"}, {"Ref": "Other"}]},
                "Policy": {"Effect": "Allow", "Condition": {"ArnLike": {"aws:SourceArn": {"Ref": "QueueArn"}}}},
            },
        },
        "Other": {"Type": "AWS::SNS::Topic", "Condition": "IsA"},
    },
    "Outputs": {"Topic": {"Value": {"Fn::GetAtt": ["Topic", "TopicArn"]}}},
}


def read(folder: Path, parent: dict[str, Any] = PARENT, **below: Any) -> Template:
    (folder / "template.yaml").write_text(yaml.safe_dump(parent), encoding="utf-8")
    (folder / "below.yaml").write_text(yaml.safe_dump({**BELOW, **below}), encoding="utf-8")
    return read_template(folder / "template.yaml")


def resolver(template: Template, **parameters: str) -> Resolver:
    values = {name: it["Default"] for name, it in template.parameters.items()} | parameters
    pseudo = {"AWS::Region": "eu-west-1", "AWS::NoValue": None}
    return Resolver({**pseudo, **values}, template.conditions, lambda name: name, lambda name, of: f"{name}.{of}")


def test_parameters_become_what_the_parent_gives_for_them(tmp_path: Path) -> None:
    template = read(tmp_path)

    topic = resolver(template).resolve(template.resources["Topic"]["Properties"])

    assert topic == {
        "DisplayName": "a-label of Queue.Arn in eu-west-1, Other.Arn, ${Label}",
        "Tags": ["a-labela-label"],
        "Kind": "Queue.Arn",
        "Policy": {"Effect": "Allow", "Condition": {"ArnLike": {"aws:SourceArn": "Queue.Arn"}}},
    }
    assert resolver(template, Name="b").resolve(template.resources["Topic"]["Properties"])["Kind"] == "Other"


@pytest.mark.parametrize(
    ("wanted", "name", "there"),
    [("yes", "a", {"Topic", "Other"}), ("yes", "b", {"Topic"}), ("no", "a", set()), ("no", "b", set())],
)
def test_a_resource_is_there_where_its_stack_is_and_its_own_condition_holds(
    wanted: str, name: str, there: set[str], tmp_path: Path
) -> None:
    template = read(tmp_path)

    says = resolver(template, Wanted=wanted, Name=name)

    found = {name: it.get("Condition") for name, it in template.resources.items()}
    assert {name for name, condition in found.items() if condition is None or says.holds(condition)} == {
        "Queue"
    } | there


def test_an_output_of_the_nested_stack_is_what_it_is_of(tmp_path: Path) -> None:
    template = read(tmp_path)

    assert resolver(template).resolve(template.outputs["Topic"]["Value"]) == "Topic.TopicArn"
    assert "Below" not in template.resources


@pytest.mark.parametrize(
    ("below", "text"),
    [
        ({"Parameters": {"Label": {"Type": "String"}}}, "QueueArn"),
        ({"Parameters": {**BELOW["Parameters"], "More": {"Type": "String"}}}, "More"),
        ({"Resources": {"Topic": {"Type": "T", "Properties": {"Name": {"Ref": "AWS::StackName"}}}}}, "AWS::StackName"),
        (
            {"Resources": {"Topic": {"Type": "T", "Properties": {"Name": {"Fn::Sub": "${AWS::StackId}"}}}}},
            "AWS::StackId",
        ),
        ({"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}, "Queue"),
    ],
)
def test_what_does_not_fit_together_is_an_error_by_name(below: dict[str, Any], text: str, tmp_path: Path) -> None:
    with pytest.raises(NestedStackError, match=text):
        read(tmp_path, **below)
