"""
An update in MiniStack: the previous version, then this one, then its options on and off.

What is on the queues and in the secrets stays there. The functions are empty. What AWS updates in its place is held by
tests/unit/template/test_template_updates.py.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from deployed import Deployed
from destination_testbench.aws_lambda.built import NotHereError
from destination_testbench.template.template import Template
from ministack import MiniStack, Package
from the_template import A_TOPIC, EVERY_OPTION, overrides, parts, previous_parts
from trusted_org import Trust, a_certificate

pytestmark = [pytest.mark.ministack, pytest.mark.timeout(300)]

HOLDS = ("AWS::SQS::Queue", "AWS::SecretsManager::Secret", "AWS::SNS::Topic", "AWS::Logs::LogGroup", "AWS::KMS::Key")
CODE = ("DeliverFunction", "RefreshTokenFunction", "CheckConnectionFunction")
LAYERS = ("DependenciesLayer", "SalesforceDestinationLayer", "DestinationsLayer")
PARAMETERS = overrides("dev")
OPTIONS: Mapping[str, dict[str, str]] = {
    "a key": {"CustomerManagedKey": "true"},
    "a network": {name: EVERY_OPTION[name] for name in ("SubnetIds", "SecurityGroupIds")},
    "an endpoint": {"HttpEndpoint": "true", "SetGatewayLogRole": "true", "HttpApiKeys": "both"},
    "topics of the account": {"ExistingAlarmTopicArn": A_TOPIC, "ExistingNoticeTopicArn": A_TOPIC},
    "topics of its own": {name: EVERY_OPTION[name] for name in ("AlarmEmail", "NoticeEmail")},
    "senders": {"SenderArns": EVERY_OPTION["SenderArns"]},
    "everything": EVERY_OPTION,
}


def a_package(versions: Mapping[str, Template], folder: Path) -> Package:
    """What fails at each message, so that it stays."""
    file = folder / "empty.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("app.py", "def lambda_handler(event, context):\n    raise RuntimeError\n")
    return Package(versions, dict.fromkeys((*CODE, *LAYERS), file), folder)


@dataclass(frozen=True)
class Updated:
    """A stack that the previous version made and this one has updated; `first` is what the previous one made."""

    aws: MiniStack
    first: Deployed
    held: Mapping[str, Any]
    now: Package

    def update(self, parameters: Mapping[str, str]) -> Deployed:
        return self.aws.deploy(self.now, parameters)

    def parameter(self, name: str) -> str:
        (stack,) = self.aws.client("cloudformation").describe_stacks(StackName=self.first.name)["Stacks"]
        return next(str(it["ParameterValue"]) for it in stack["Parameters"] if it["ParameterKey"] == name)


def held(aws: MiniStack, stack: Deployed) -> dict[str, Any]:
    """What is in the queues and secrets of a stack as it was first made."""
    sqs, secrets = aws.client("sqs"), aws.client("secretsmanager")
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found: dict[str, Any] = {}
    for logical_id, (kind, physical) in stack.resources.items():
        if kind == "AWS::SQS::Queue":
            counts = sqs.get_queue_attributes(QueueUrl=physical, AttributeNames=names)["Attributes"]
            found[logical_id] = sum(map(int, counts.values()))
        if kind == "AWS::SecretsManager::Secret":
            found[logical_id] = secrets.get_secret_value(SecretId=physical)["SecretString"]
    letters = sqs.receive_message(QueueUrl=stack.physical("DeadLetterQueue"), VisibilityTimeout=0)["Messages"]
    return {**found, "letters": [letter["Body"] for letter in letters]}


def moved(before: Deployed, now: Deployed) -> set[str]:
    """What holds something and is not the resource that it was."""
    kept = {name: it for name, it in before.resources.items() if it[0] in HOLDS and name in now.resources}
    assert len(kept) >= 10
    return {name for name, it in kept.items() if now.resources[name] != it}


@pytest.fixture(scope="module")
def updated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Updated]:
    folder = tmp_path_factory.mktemp("updates")
    try:
        with MiniStack(folder / "aws", Trust(*a_certificate(folder), {})) as aws:
            first = aws.deploy(a_package(previous_parts(), folder), {"LogRetentionDays": "90"})
            sqs, secrets = aws.client("sqs"), aws.client("secretsmanager")
            for name in ("Queue", "DeadLetterQueue"):
                sqs.send_message(QueueUrl=first.physical(name), MessageBody=f"in {name}")
            for name in ("Credentials", "AccessToken"):
                secrets.put_secret_value(SecretId=first.outputs[f"{name}SecretArn"], SecretString=f"of {name}")
            now = a_package(parts(), folder)
            updated = Updated(aws, first, held(aws, first), now)
            updated.update(PARAMETERS)
            yield updated
    except NotHereError as error:
        pytest.skip(str(error))


def test_this_version_takes_over_what_the_previous_one_made(updated: Updated) -> None:
    stack = updated.update(PARAMETERS)

    assert updated.held["letters"] == ["in DeadLetterQueue"]
    assert (updated.held["Queue"], updated.held["CredentialsSecret"]) == (1, "of Credentials")
    assert moved(updated.first, stack) == set()
    assert held(updated.aws, updated.first) == updated.held


def test_the_schedules_of_a_stack_learn_where_their_failures_go(updated: Updated) -> None:
    stack, scheduler = updated.update(PARAMETERS), updated.aws.client("scheduler")

    for name in ("RefreshTokenSchedule", "CheckConnectionSchedule"):
        target = scheduler.get_schedule(Name=updated.first.physical(name))["Target"]

        queue = target["DeadLetterConfig"]["Arn"].rpartition(":")[2]
        assert queue == stack.physical("ScheduleDeadLetterQueue").rpartition("/")[2]


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_is_switched_on_and_off_and_nothing_is_lost(updated: Updated, option: str) -> None:
    for parameters in (PARAMETERS, {**PARAMETERS, **OPTIONS[option]}, PARAMETERS):
        stack = updated.update(parameters)

        assert moved(updated.first, stack) == set()
        assert held(updated.aws, updated.first) == updated.held


def test_a_line_that_is_removed_from_samconfig_changes_nothing(updated: Updated) -> None:
    updated.update({**PARAMETERS, "LogRetentionDays": "180", "SenderArns": EVERY_OPTION["SenderArns"]})
    fewer = {name: value for name, value in PARAMETERS.items() if name not in ("LogRetentionDays", "SenderArns")}

    stack = updated.update({**fewer, "MemoryMegabytes": "1024"})

    assert updated.parameter("LogRetentionDays") == "180"
    assert updated.parameter("SenderArns") == EVERY_OPTION["SenderArns"]
    assert moved(updated.first, stack) == set()
    updated.update(PARAMETERS)
    assert updated.parameter("SenderArns") == ""


def test_a_key_that_is_switched_off_stays_for_what_it_encrypted(updated: Updated) -> None:
    key = updated.update({**PARAMETERS, "CustomerManagedKey": "true"}).physical("Key")

    updated.update(PARAMETERS)

    assert updated.aws.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"


def test_a_queue_that_is_made_anew_is_found(updated: Updated) -> None:
    stack = updated.aws.deploy(updated.now, PARAMETERS, "another")
    queue = parts()[""].resources["Queue"]
    named = {**queue, "Properties": {**queue["Properties"], "QueueName": "a-name"}}
    template = replace(parts()[""], resources={**parts()[""].resources, "Queue": named})

    other = updated.aws.deploy(replace(updated.now, parts={**parts(), "": template}), PARAMETERS, "another")

    assert moved(stack, other) == {"Queue"}
