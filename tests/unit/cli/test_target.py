from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from destination_cli.checkout import StackFile
from destination_cli.target import Target, TargetError, explained
from destination_testbench.local.endpoints import write_stack_file
from moto import mock_aws

TEMPLATE = {
    "Parameters": {"DestinationFile": {"Type": "String", "Default": "leads.toml"}},
    "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
    "Outputs": {"QueueUrl": {"Value": {"Ref": "Queue"}}},
}


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with mock_aws():
        yield


def a_stack_file(pid: int) -> StackFile:
    return StackFile("local", "http://127.0.0.1:1", "eu-west-1", {"QueueUrl": "q"}, {}, "contacts.toml", pid)


def test_a_deployed_stack_is_known_by_its_outputs_and_parameters() -> None:
    boto3.client("cloudformation").create_stack(StackName="prod", TemplateBody=json.dumps(TEMPLATE))

    target = Target.of("prod", local=False)

    assert target.queue_url.startswith("https://")
    assert (target.name, target.destination_file, target.destination) == ("prod", "leads.toml", "leads")
    assert not target.is_local


def test_a_stack_that_is_not_there_is_named_with_what_to_look_at() -> None:
    with pytest.raises(TargetError, match=r"no stack prod in this account and region.*AWS_REGION"):
        Target.of("prod", local=False)


def test_an_output_that_an_older_stack_has_not_asks_for_a_deployment() -> None:
    boto3.client("cloudformation").create_stack(StackName="prod", TemplateBody=json.dumps(TEMPLATE))

    with pytest.raises(TargetError, match=r"no output DeadLetterQueueUrl: it is too old\. Deploy"):
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
