from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from destination_cli.checkout import StackFile
from destination_cli.target import Target, TargetError, explained
from destination_testbench.local.endpoints import write_stack_file
from moto import mock_aws

TEMPLATE = {
    "Parameters": {"DestinationFile": {"Type": "String", "Default": "leads.toml"}},
    "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
    "Outputs": {"QueueUrl": {"Value": {"Ref": "Queue"}}},
}


REGIONS = {
    "--region": "eu-north-1",
    "AWS_REGION": "eu-west-2",
    "AWS_DEFAULT_REGION": "eu-west-3",
    "profile": "eu-south-1",
}
"""In the order in which they count."""


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with mock_aws():
        yield


def given(names: Sequence[str], monkeypatch: pytest.MonkeyPatch, folder: Path) -> str | None:
    """Name a region by these ways and no others; give that of the option."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
        if name in names:
            monkeypatch.setenv(name, REGIONS[name])
    if "profile" in names:
        (folder / "config").write_text(f"[default]\nregion = {REGIONS['profile']}\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
    return REGIONS["--region"] if "--region" in names else None


@pytest.mark.parametrize("names", [*combinations(REGIONS, 1), *combinations(REGIONS, 2), tuple(REGIONS)], ids="+".join)
def test_the_region_is_that_of_the_first_that_is_given(
    names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    option = given(names, monkeypatch, tmp_path)
    region = REGIONS[names[0]]
    with pytest.raises(TargetError, match=f"no stack prod in account 123456789012, region {region}"):
        Target.of("prod", local=False, region=option)
    boto3.client("cloudformation", region_name=region).create_stack(StackName="prod", TemplateBody=json.dumps(TEMPLATE))

    target = Target.of("prod", local=False, region=option)

    assert target.where == {"account": "123456789012", "region": region}
    assert target.client("sqs").meta.region_name == region


def test_without_any_region_the_ways_to_give_one_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given((), monkeypatch, tmp_path)

    with pytest.raises(TargetError, match=r"No AWS region is set\. Add --region, or set AWS_REGION"):
        Target.of("prod", local=False)


class Sns:
    """A topic with these subscriptions; with None it may not be asked."""

    def __init__(self, *arns: str | None) -> None:
        self._arns = arns

    def get_paginator(self, operation: str) -> Sns:
        assert operation == "list_subscriptions_by_topic"
        return self

    def paginate(self, TopicArn: str) -> list[dict[str, Any]]:  # noqa: N803  # boto3's name
        if None in self._arns:
            raise ClientError({"Error": {"Code": "AuthorizationError"}}, "ListSubscriptionsByTopic")
        return [{"Subscriptions": [{"SubscriptionArn": arn}]} for arn in self._arns]


@pytest.mark.parametrize(
    ("arns", "said"),
    [
        ((), "No alarm reaches anybody: deploy"),
        (("Deleted",), "No alarm reaches anybody: deploy"),
        (("PendingConfirmation",), "No alarm reaches anybody yet: open the link"),
        (("PendingConfirmation", "arn:aws:sns:eu-west-1:123456789012:alarms:1"), ""),
        ((None,), "Whether an alarm reaches anybody is not known: you need sns:ListSubscriptionsByTopic"),
    ],
)
def test_who_hears_the_alarms_is_known_by_the_topics_subscriptions(arns: tuple[str | None, ...], said: str) -> None:
    target = Target("prod", {"AlarmTopicArn": "topic"}, {}, lambda service: Sns(*arns))

    assert target.alarm_topic()[: len(said) or None] == said
    assert replace(target, is_local=True).alarm_topic() == replace(target, outputs={}).alarm_topic() == ""


def test_a_topic_that_somebody_deleted_reaches_nobody() -> None:
    arn = "arn:aws:sns:eu-west-1:123456789012:gone"

    assert "No alarm reaches anybody" in Target("prod", {"AlarmTopicArn": arn}, {}, boto3.client).alarm_topic()


def a_stack_file(pid: int) -> StackFile:
    return StackFile("local", "http://127.0.0.1:1", "eu-west-1", {"QueueUrl": "q"}, {}, "contacts.toml", pid)


def test_a_deployed_stack_is_known_by_its_outputs_and_parameters() -> None:
    boto3.client("cloudformation").create_stack(StackName="prod", TemplateBody=json.dumps(TEMPLATE))

    target = Target.of("prod", local=False)

    assert target.queue_url.startswith("https://")
    assert (target.name, target.destination_file, target.destination) == ("prod", "leads.toml", "leads")
    assert not target.is_local


def test_a_stack_that_is_not_there_is_named_with_what_to_look_at() -> None:
    with pytest.raises(
        TargetError,
        match=r"no stack prod in account 123456789012, region eu-west-1\. Check AWS_PROFILE and --region",
    ):
        Target.of("prod", local=False)


def test_an_output_that_an_older_stack_has_not_asks_for_a_deployment() -> None:
    boto3.client("cloudformation").create_stack(StackName="prod", TemplateBody=json.dumps(TEMPLATE))

    with pytest.raises(
        TargetError, match=r"no output DeadLetterQueueUrl: it is too old, or its deployment failed\. Deploy"
    ):
        _ = Target.of("prod", local=False).dead_letter_queue_url


def test_the_local_stack_is_found_by_its_file(tmp_path: Path) -> None:
    write_stack_file(a_stack_file(os.getpid()), tmp_path)

    target = Target.of(None, local=True, state=tmp_path)

    assert target.is_local
    assert target.queue_url == "q"
    assert target.log_folder == tmp_path / "logs"


def test_a_file_that_a_killed_stack_left_behind_is_no_stack(tmp_path: Path) -> None:
    ended = os.spawnlp(os.P_WAIT, "true", "true")
    write_stack_file(a_stack_file(pid=2**22 + 1 + ended), tmp_path)

    with pytest.raises(TargetError, match="make local"):
        Target.of(None, local=True, state=tmp_path)


@pytest.mark.parametrize(("stack", "local"), [(None, False), ("prod", True)])
def test_one_stack_has_to_be_named(stack: str | None, local: bool) -> None:
    with pytest.raises(TargetError, match="--stack NAME"):
        Target.of(stack, local)


def test_what_aws_refuses_is_a_sentence() -> None:
    with pytest.raises(TargetError, match="AWS refused GetQueueUrl on prod"), explained("prod"):
        boto3.client("sqs").get_queue_url(QueueName="not-there")


def test_a_stack_that_does_not_answer_is_named() -> None:
    client = boto3.client("sqs", endpoint_url="http://127.0.0.1:1")

    with pytest.raises(TargetError, match="does not answer"), explained("the local stack"):
        client.list_queues()
