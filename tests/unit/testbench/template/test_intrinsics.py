from __future__ import annotations

import pytest
from destination_testbench.template.intrinsics import IntrinsicError, Resolver


def a_resolver(**values: str) -> Resolver:
    conditions = {"IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}}
    return Resolver({"Stage": "dev", **values}, conditions, lambda name: f"ref:{name}", lambda name, of: f"{name}.{of}")


@pytest.mark.parametrize(
    ("value", "resolved"),
    [
        ("text", "text"),
        (5, 5),
        ({"Ref": "Stage"}, "dev"),
        ({"Ref": "Queue"}, "ref:Queue"),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, "Queue.Arn"),
        ({"Fn::GetAtt": "Queue.Arn"}, "Queue.Arn"),
        ({"Fn::Sub": "${Stage}/${Queue}/${Queue.Arn}/${!Left}"}, "dev/ref:Queue/Queue.Arn/${Left}"),
        ({"Fn::Sub": ["${A}-${Stage}", {"A": {"Ref": "Queue"}}]}, "ref:Queue-dev"),
        ({"Fn::Select": [1, {"Fn::Split": [".", "a.b.c"]}]}, "b"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Stage"}]]}, "a-dev"),
        ({"Fn::If": ["IsProd", "yes", "no"]}, "no"),
        ({"Fn::Not": [{"Condition": "IsProd"}]}, True),
        ({"Fn::And": [{"Condition": "IsProd"}, {"Fn::Equals": ["a", "a"]}]}, False),
        ({"Fn::Or": [{"Condition": "IsProd"}, {"Fn::Equals": ["a", "a"]}]}, True),
        ({"a": {"Ref": "AWS::NoValue"}, "b": [{"Ref": "AWS::NoValue"}, 1]}, {"b": [1]}),
    ],
)
def test_a_value_of_the_template_is_worked_out(value: object, resolved: object) -> None:
    assert a_resolver().resolve(value) == resolved


def test_a_condition_follows_its_parameters() -> None:
    assert a_resolver(Stage="prod").holds("IsProd")
    assert not a_resolver(Stage="dev").holds("IsProd")


def test_a_function_that_is_not_known_is_an_error_and_not_a_guess() -> None:
    with pytest.raises(IntrinsicError):
        a_resolver().resolve({"Fn::ImportValue": "other-stack"})
