"""What an update from the previous version keeps: the queues, secrets, keys, topics, logs and addresses of a stack."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from destination_testbench.template.intrinsics import Resolver
from destination_testbench.template.template import Template, whole
from the_template import A_TOPIC, EVERY_OPTION, OUTLIVES_THE_STACK, PSEUDO, parts, previous_parts

REPLACES: Mapping[str, set[str]] = {
    "AWS::ApiGateway::ApiKey": {"GenerateDistinctId", "Name", "Value"},
    "AWS::ApiGateway::RestApi": set(),
    "AWS::ApiGateway::Stage": {"RestApiId", "StageName"},
    "AWS::KMS::Alias": {"AliasName"},
    "AWS::KMS::Key": {"KeySpec", "KeyUsage", "MultiRegion", "Origin"},
    "AWS::Logs::LogGroup": {"LogGroupName"},
    "AWS::SNS::Subscription": {"Endpoint", "Protocol", "TopicArn"},
    "AWS::SNS::Topic": {"FifoTopic", "TopicName"},
    "AWS::SQS::Queue": {"FifoQueue", "QueueName"},
    "AWS::SecretsManager::Secret": {"Name"},
}
"""
By the type, the properties of which a change makes a new resource, or is refused ("Update requires: Replacement").

Of what holds data, tells somebody, or has an address or a key that others know.
"""

ATTRIBUTES = ("Type", "DeletionPolicy", "UpdateReplacePolicy")
OPTIONS = [{}, EVERY_OPTION, {"ExistingAlarmTopicArn": A_TOPIC}, *({name: EVERY_OPTION[name]} for name in EVERY_OPTION)]

ALL_NAMED = {"RunbookUrl"}
"""Whose previous default is no longer taken: samconfig.toml names every parameter."""


def kept(parts: Mapping[str, Template]) -> dict[tuple[str, str], dict[str, Any]]:
    """What has to stay of each resource, by its part and its logical id."""
    return {
        (part, name): {
            **{it: resource.get(it) for it in ATTRIBUTES},
            **{it: resource.get("Properties", {}).get(it) for it in REPLACES[resource["Type"]]},
        }
        for part, template in parts.items()
        for name, resource in template.resources.items()
        if resource["Type"] in REPLACES
    }


def lost(before: Mapping[str, Template], now: Mapping[str, Template]) -> set[tuple[str, str]]:
    """What is gone or would be made anew."""
    known = kept(now)
    return {where for where, what in kept(before).items() if not stays(what, known.get(where))}


def stays(before: Mapping[str, Any], now: Mapping[str, Any] | None) -> bool:
    """Whether a resource is what it was; what used to go with the stack may stay."""
    return now is not None and all(
        now[it] in (was, *OUTLIVES_THE_STACK * (was == "Delete")) for it, was in before.items()
    )


def there(parts: Mapping[str, Template], options: Mapping[str, str]) -> set[str]:
    """Which of these resources there are with these options."""
    template = whole(parts)
    values = {name: str(options.get(name, it["Default"])) for name, it in template.parameters.items()}
    says = Resolver({**PSEUDO, **values}, template.conditions, lambda name: name, lambda name, attribute: name)
    return {
        name
        for name, resource in template.resources.items()
        if resource["Type"] in REPLACES and ("Condition" not in resource or says.holds(resource["Condition"]))
    }


def test_what_holds_data_or_is_known_to_others_is_updated_in_its_place() -> None:
    assert len(kept(previous_parts())) >= 20
    assert lost(previous_parts(), parts()) == set()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("Queue", {"QueueName": "a-name"}),
        ("CredentialsSecret", {"Name": "a-name"}),
        ("DeliverLogGroup", {"LogGroupName": "/aws/lambda/another"}),
    ],
)
def test_a_property_that_makes_a_resource_anew_is_found(name: str, change: dict[str, Any]) -> None:
    changed = copy.deepcopy(dict(parts()))
    changed[""].resources[name]["Properties"].update(change)

    assert lost(previous_parts(), changed) == {("", name)}


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: " ".join(options) or "none")
def test_the_same_options_keep_the_same_resources(options: dict[str, str]) -> None:
    before = there(previous_parts(), options)

    assert len(before) >= 10
    assert before <= there(parts(), options)


def takes(declared: Mapping[str, Any], value: Any) -> bool:
    """Whether CloudFormation takes a value for a parameter."""
    text = str(value)
    return (
        text in map(str, declared.get("AllowedValues", [text]))
        and bool(re.fullmatch(declared.get("AllowedPattern", ".*"), text))
        and (
            declared["Type"] != "Number" or declared.get("MinValue", 0) <= float(text) <= declared.get("MaxValue", 1e9)
        )
    )


def defaults_no_longer_taken() -> Iterator[str]:
    before, now = previous_parts()[""].parameters, parts()[""].parameters
    yield from (name for name in before.keys() & now.keys() if not takes(now[name], before[name]["Default"]))


def test_an_update_asks_for_no_parameter_and_takes_those_that_were_left_out() -> None:
    assert [name for name, it in parts()[""].parameters.items() if "Default" not in it] == []
    assert set(defaults_no_longer_taken()) == ALL_NAMED
