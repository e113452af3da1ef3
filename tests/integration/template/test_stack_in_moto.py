"""
The whole template with its nested stacks as stacks of moto's CloudFormation, with the defaults and with every option.

moto leaves out what it does not know (secrets, policies of queues and topics, alarms, schedules) with a warning; those
are held to the transformed template by tests/unit/test_template*.py, and here it may warn of nothing else.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from destination_testbench.template.template import NESTED_STACK, SOURCE_BUCKET, Template
from moto import mock_aws
from the_template import A_TOPIC, EVERY_OPTION, exists, parts, resolved, resolver, source, template

NOT_MADE_BY_MOTO = {
    "AWS::ApiGateway::Account",
    # moto's CloudFormation makes an API without what its definition says, and cannot deploy that.
    "AWS::ApiGateway::ApiKey",
    "AWS::ApiGateway::Deployment",
    "AWS::ApiGateway::Stage",
    "AWS::ApiGateway::UsagePlan",
    "AWS::ApiGateway::UsagePlanKey",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::SNS::Subscription",
    "AWS::Scheduler::Schedule",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::S3::BucketPolicy",
    "AWS::SecretsManager::ResourcePolicy",
    "AWS::SecretsManager::Secret",
}
UNKNOWN_TO_MOTO = r"Tried to parse (AWS::[\w:]+) but it's not supported by moto"

STACK = "salesforce-destination-test"

OPTIONS: Mapping[str, Mapping[str, str]] = {
    "defaults": {},
    "every option": EVERY_OPTION,
    "existing topics": {"ExistingAlarmTopicArn": A_TOPIC, "ExistingNoticeTopicArn": A_TOPIC},
}


@dataclass
class Stack:
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]
    resources: Mapping[str, tuple[str, str]]
    """Type and physical id by logical id, those of the nested stacks too."""
    left_out: frozenset[str]
    """The types of which moto said that it does not make them."""

    def physical(self, logical_id: str) -> str:
        return self.resources[logical_id][1]


def a_package() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", "")
    return packed.getvalue()


def upload_code() -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=SOURCE_BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for properties in template().of_type("AWS::Lambda::Function").values():
        s3.put_object(Bucket=SOURCE_BUCKET, Key=properties["Code"]["S3Key"], Body=a_package())
    for properties in template().of_type("AWS::Lambda::LayerVersion").values():
        s3.put_object(Bucket=SOURCE_BUCKET, Key=properties["Content"]["S3Key"], Body=a_package())


def lacks(logical_id: str) -> bool:
    return template().resources.get(logical_id, {}).get("Type") in NOT_MADE_BY_MOTO


def an_arn(logical_id: str) -> str:
    return f"arn:aws:iam::123456789012:{logical_id}"


def without_what_moto_lacks(value: Any) -> Any:
    """The value with a made-up ARN for each resource that moto does not make, and for its attributes."""
    if isinstance(value, list):
        return [without_what_moto_lacks(each) for each in value]
    if isinstance(value, str):
        return re.sub(r"\$\{(\w+)\.Arn\}", lambda it: an_arn(it[1]) if lacks(it[1]) else it[0], value)
    if not isinstance(value, dict):
        return value
    if "Fn::GetAtt" in value and lacks(value["Fn::GetAtt"][0]):
        return an_arn(value["Fn::GetAtt"][0])
    if "Ref" in value and lacks(value["Ref"]):
        return an_arn(value["Ref"])
    return {key: without_what_moto_lacks(each) for key, each in value.items()}


def body_of(part: Template) -> dict[str, Any]:
    """A template as moto takes it."""
    resources = without_what_moto_lacks(json.loads(json.dumps(part.resources, default=str)))
    return {
        "Parameters": part.parameters,
        "Conditions": part.conditions,
        "Resources": {
            name: it
            for name, it in resources.items()
            if not it["Type"].startswith("AWS::ApiGateway") or not lacks(name)
        },
        "Outputs": {name: it for name, it in part.outputs.items() if not is_lacking(name, it["Value"])},
    }


def is_lacking(output: str, value: Any) -> bool:
    """Whether moto does not know an output: what is of a nested stack, or of a key that it does not make."""
    return output.endswith("HttpApiKeyId") or (
        isinstance(value, dict) and value.get("Fn::GetAtt", [""])[0] in nested_stacks()
    )


def upload_nested_stacks() -> None:
    """Put them where `sam package` puts them."""
    for name in nested_stacks():
        body = json.dumps(body_of(parts()[name]))
        boto3.client("s3").put_object(Bucket=SOURCE_BUCKET, Key=f"{name}.template", Body=body)


def stacks_below(stack: str) -> Iterator[tuple[Any, list[Any]]]:
    """A stack and those below it, each with its resources."""
    cloudformation = boto3.client("cloudformation")
    resources = cloudformation.list_stack_resources(StackName=stack)["StackResourceSummaries"]
    (described,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    yield described, resources
    for it in resources:
        if it["ResourceType"] == NESTED_STACK:
            yield from stacks_below(it["PhysicalResourceId"])


def nested_stacks() -> dict[str, Any]:
    return {name: it for name, it in parts()[""].resources.items() if it["Type"] == NESTED_STACK}


def is_made(resource: Mapping[str, Any], parameters: Mapping[str, str]) -> bool:
    return "Condition" not in resource or resolver(**parameters).holds(resource["Condition"])


def is_there(value: Any, parameters: Mapping[str, str]) -> bool:
    return "Fn::If" not in value or resolver(**parameters).holds(value["Fn::If"][0])


def create(parameters: Mapping[str, str]) -> Stack:
    upload_code()
    upload_nested_stacks()
    body = {**body_of(parts()[""]), "Rules": source()["Rules"]}
    for name in nested_stacks():
        url = f"https://{SOURCE_BUCKET}.s3.amazonaws.com/{name}.template"
        body["Resources"][name]["Properties"]["TemplateURL"] = url
    for role in (it["Properties"] for it in body["Resources"].values() if it["Type"] == "AWS::IAM::Role"):
        # Where the condition of a policy is false, moto looks for a name in nothing.
        role["Policies"] = [it for it in role.get("Policies", []) if is_there(it, parameters)]
    # CloudFormation chooses a name that ends in .fifo by itself, moto does not.
    body["Resources"]["RefreshQueue"]["Properties"]["QueueName"] = f"{STACK}-RefreshQueue-1.fifo"
    with pytest.warns(UserWarning, match=UNKNOWN_TO_MOTO) as warned:
        boto3.client("cloudformation").create_stack(
            StackName=STACK,
            TemplateBody=json.dumps(body),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        )
    made = list(stacks_below(STACK))
    assert {described["StackStatus"] for described, _ in made} == {"CREATE_COMPLETE"}
    assert len(made) == 1 + sum(is_made(it, parameters) for it in nested_stacks().values())
    return Stack(
        parameters,
        {it["OutputKey"]: it["OutputValue"] for described, _ in made for it in described.get("Outputs", [])},
        # moto knows a subscription without the name that it has in the template.
        {
            it["LogicalResourceId"]: (it["ResourceType"], it["PhysicalResourceId"])
            for _, resources in made
            for it in resources
            if it["LogicalResourceId"] and it["ResourceType"] != NESTED_STACK
        },
        frozenset(found[1] for it in warned if (found := re.search(UNKNOWN_TO_MOTO, str(it.message)))),
    )


@pytest.fixture(params=OPTIONS, scope="module")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    with mock_aws():
        yield create(OPTIONS[request.param])


with_everything = pytest.mark.parametrize("stack", ["every option"], indirect=True)


def test_the_stack_is_made_of_what_its_options_let_be(stack: Stack) -> None:
    wanted = {
        name
        for name, resource in template().resources.items()
        if exists(name, **stack.parameters) and resource["Type"] not in NOT_MADE_BY_MOTO
    }

    assert len(wanted) >= 20
    assert wanted <= set(stack.resources)
    assert not {name for name in stack.resources if not exists(name, **stack.parameters)}
    assert stack.left_out <= NOT_MADE_BY_MOTO


def queue_attributes(stack: Stack, logical_id: str) -> Mapping[str, str]:
    answer = boto3.client("sqs").get_queue_attributes(QueueUrl=stack.physical(logical_id), AttributeNames=["All"])
    attributes: Mapping[str, str] = answer["Attributes"]
    return attributes


def test_the_queues_are_wired_together(stack: Stack) -> None:
    queue = queue_attributes(stack, "Queue")

    redrive = json.loads(queue["RedrivePolicy"])
    assert redrive["deadLetterTargetArn"] == queue_attributes(stack, "DeadLetterQueue")["QueueArn"]
    assert queue["MaximumMessageSize"] == "1044480"
    assert queue_attributes(stack, "RefreshQueue")["FifoQueue"] == "true"


def test_the_functions_are_fed_by_their_queues(stack: Stack) -> None:
    functions = boto3.client("lambda")

    mappings = functions.list_event_source_mappings()["EventSourceMappings"]

    assert len(functions.list_functions()["Functions"]) == 3
    assert {mapping["EventSourceArn"] for mapping in mappings} == {
        queue_attributes(stack, name)["QueueArn"] for name in ("Queue", "RefreshQueue")
    }
    assert all(mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"] for mapping in mappings)


def test_the_logs_are_kept_as_long_as_the_parameter_says(stack: Stack) -> None:
    groups = boto3.client("logs").describe_log_groups()["logGroups"]

    assert {group["retentionInDays"] for group in groups} == {30}
    assert {group["logGroupName"].split("/")[-1] for group in groups} >= {"deliver", "refresh-token"}


@with_everything
def test_the_key_encrypts_the_queues_and_obeys_its_policy(stack: Stack) -> None:
    arn = stack.outputs["KeyArn"]
    kms = boto3.client("kms")

    policy = kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"]

    assert kms.get_key_rotation_status(KeyId=arn)["KeyRotationEnabled"] is True
    assert {statement["Sid"] for statement in policy["Statement"]} == {
        "TheAccountDecidesByItsPolicies",
        "LogsOfThisStack",
        "TopicsSend",
        "RulesSend",
    }
    for name in ("Queue", "DeadLetterQueue", "RefreshQueue"):
        assert queue_attributes(stack, name)["KmsMasterKeyId"] == arn


@with_everything
def test_the_topics_of_the_alarms_have_a_key_of_their_own(stack: Stack) -> None:
    arn = stack.outputs["AlarmKeyArn"]
    kms = boto3.client("kms")

    policy = kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"]

    assert arn != stack.outputs["KeyArn"]
    assert kms.get_key_rotation_status(KeyId=arn)["KeyRotationEnabled"] is True
    assert {statement["Sid"] for statement in policy["Statement"]} == {
        "TheAccountDecidesByItsPolicies",
        "AlarmsTellTheTopic",
    }
    for name in ("AlarmTopic", "NoticeTopic"):
        topic = boto3.client("sns").get_topic_attributes(TopicArn=stack.physical(name))
        assert topic["Attributes"]["KmsMasterKeyId"] == arn


@with_everything
def test_what_the_front_door_is_defined_by_can_be_imported_and_deployed(stack: Stack) -> None:
    gateway = boto3.client("apigateway")
    api = stack.physical("FrontDoor")
    definition = resolved("AWS::ApiGateway::RestApi", **EVERY_OPTION)["FrontDoor"]["Body"]
    definition["paths"]["/profiles"]["post"]["x-amazon-apigateway-integration"]["credentials"] = an_arn("FrontDoorRole")

    gateway.put_rest_api(restApiId=api, mode="overwrite", failOnWarnings=True, body=json.dumps(definition))
    gateway.create_deployment(restApiId=api, stageName="v1")

    assert stack.outputs["HttpEndpointUrl"].startswith(f"https://{api}.execute-api.")
    resources = gateway.get_resources(restApiId=api)["items"]
    assert {resource["path"]: list(resource.get("resourceMethods", {})) for resource in resources} == {
        "/": [],
        "/profiles": ["POST"],
    }
