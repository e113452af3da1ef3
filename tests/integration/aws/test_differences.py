"""Each difference of MiniStack from AWS is still one: what it has mended needs no adjustment any more."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from destination_testbench.local.places import ACCOUNT_ID
from destination_testbench.template.template import NESTED_STACK
from local_stack import wait_until
from ministack import BUCKET
from ministack_differences import BY_CALL, DIFFERENCES
from ministack_side import Side

pytestmark = [pytest.mark.ministack, pytest.mark.timeout(300)]


def made(side: Side, name: str, resources: Mapping[str, Any], **more: Any) -> tuple[str, dict[str, str]]:
    """What becomes of a stack of these resources, and its outputs; or the code with which it is refused."""
    cloudformation = side.aws.client("cloudformation")
    body = json.dumps({"Resources": resources, **more})
    is_there = name in {it["StackName"] for it in cloudformation.describe_stacks()["Stacks"]}
    try:
        call = cloudformation.update_stack if is_there else cloudformation.create_stack
        call(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_AUTO_EXPAND"])
    except ClientError as error:
        return error.response["Error"]["Message"], {}
    while True:
        (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        if not stack["StackStatus"].endswith("IN_PROGRESS"):
            return stack["StackStatus"], {it["OutputKey"]: it["OutputValue"] for it in stack.get("Outputs", ())}


def session(side: Side, name: str, *statements: Mapping[str, Any]) -> dict[str, str]:
    """Credentials of a new role with these rights."""
    iam = side.aws.client("iam")
    trust = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT_ID}}]}
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **it} for it in statements]}
    iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=json.dumps(policy))
    answer = side.aws.client("sts").assume_role(RoleArn=role, RoleSessionName="test")
    return dict(answer["Credentials"])


def unknown_types(side: Side) -> bool:
    properties = {"Metrics": [{"Id": "a", "Expression": "1"}], "EvaluationPeriods": 1, "Threshold": 1}
    alarm = {**properties, "ComparisonOperator": "GreaterThanThreshold"}
    said = [
        made(side, f"type-{number}", {"It": {"Type": kind, "Properties": alarm if kind.endswith("::Alarm") else {}}})[0]
        for number, kind in enumerate(BY_CALL)
    ]
    return all(re.search("Unrecognized resource types|ROLLBACK", it) for it in said)


def a_secrets_ref(side: Side) -> bool:
    outputs = {"Ref": {"Value": {"Ref": "Secret"}}}
    status, said = made(side, "secret", {"Secret": {"Type": "AWS::SecretsManager::Secret"}}, Outputs=outputs)
    return status == "CREATE_COMPLETE" and not said["Ref"].startswith("arn:")


def a_constant(side: Side) -> bool:
    constants = {"Constants": {"It": {"Seconds": 30}}}
    value = {"Fn::FindInMap": ["Constants", "It", "Seconds"]}
    properties = {"Name": "/constant", "Type": "String", "Value": {"Fn::ToJsonString": {"It": value}}}
    resources = {"Parameter": {"Type": "AWS::SSM::Parameter", "Properties": properties}}
    made(side, "constant", resources, Mappings=constants, Transform="AWS::LanguageExtensions")
    held = side.aws.client("ssm").get_parameter(Name="/constant")["Parameter"]["Value"]
    return bool(json.loads(held) == {"It": 30})


def a_number(side: Side) -> bool:
    queue = side.aws.client("sqs").create_queue(QueueName="numbers")["QueueUrl"].rpartition("/")[2]
    mapping = {
        "EventSourceArn": side.stack.outputs["QueueArn"].rpartition(":")[0] + f":{queue}",
        "FunctionName": side.stack.outputs["DeliverFunctionName"],
        "ScalingConfig": {"MaximumConcurrency": {"Ref": "Most"}},
    }
    parameters = {"Most": {"Type": "Number", "Default": 2}}
    made(
        side,
        "number",
        {"Mapping": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": mapping}},
        Parameters=parameters,
    )
    is_there = wait_until(lambda: re.search("SQS poller error.*'(int|str)' and '(int|str)'", side.aws.log()), 10)
    side.aws.client("cloudformation").delete_stack(StackName="number")
    return bool(is_there)


def a_batch(side: Side) -> bool:
    url = side.aws.client("sqs").create_queue(QueueName="batches")["QueueUrl"]
    sqs = side.aws.client("sqs", session(side, "sender", {"Action": "sqs:SendMessage", "Resource": "*"}))
    sqs.send_message(QueueUrl=url, MessageBody="body")
    return refused(lambda: sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "1", "MessageBody": "body"}]))


def refused(call: Callable[[], Any]) -> bool:
    try:
        call()
    except ClientError as error:
        return "AccessDenied" in error.response["Error"]["Code"]
    return False


def a_principal(side: Side) -> bool:
    reader = session(side, "reader", {"Action": "secretsmanager:GetSecretValue", "Resource": "*"})
    role = side.aws.client("iam").get_role(RoleName="reader")["Role"]["Arn"]
    return not refused(lambda: DeniedSecret(side, "principal", role).read(side, reader))


class DeniedSecret:
    """A secret whose policy denies everything to one principal."""

    def __init__(self, side: Side, name: str, principal: str) -> None:
        secrets = side.aws.client("secretsmanager")
        self.arn = secrets.create_secret(Name=name, SecretString="value")["ARN"]
        statement = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "secretsmanager:*",
            "Resource": "*",
            "Condition": {"ArnEquals": {"aws:PrincipalArn": principal}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        secrets.put_resource_policy(SecretId=self.arn, ResourcePolicy=policy)

    def read(self, side: Side, credentials: Mapping[str, str] | None = None) -> None:
        side.aws.client("secretsmanager", credentials).get_secret_value(SecretId=self.arn)


def logs(side: Side) -> bool:
    group = side.stack.outputs["DeliverLogGroupName"]
    arn = side.aws.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["arn"]
    client = side.aws.client("logs", session(side, "logger", {"Action": "logs:*", "Resource": arn}))
    return arn.endswith(":*") and refused(lambda: client.filter_log_events(logGroupName=group))


def layers(side: Side) -> bool:
    return any(side.aws.folder.glob("ministack-lambda-*/layer_0/python"))


def small_batches(side: Side) -> bool:
    logs, group = side.aws.client("logs"), side.stack.outputs["DeliverLogGroupName"]
    side.run("pause")
    ids = side.contacts(20)
    side.send(
        [json.dumps({"identityMap": {"crmID": [{"id": it}]}, "person": {"name": {"lastName": "X"}}}) for it in ids]
    )
    side.run("resume")
    side.drained()
    events = logs.filter_log_events(logGroupName=group)["events"]
    sizes = [int(found[1]) for it in events if (found := re.search(r'"messages":(\d+)', it["message"]))]
    return max(sizes) == 10


def metrics(side: Side) -> bool:
    group = side.stack.outputs["RefreshTokenLogGroupName"]
    lines = side.aws.client("logs").filter_log_events(logGroupName=group)["events"]
    listed = side.aws.client("cloudwatch").list_metrics(MetricName="TokenRefreshed")["Metrics"]
    return any('"TokenRefreshed"' in line["message"] for line in lines) and not listed


def root_reads(side: Side) -> bool:
    return not refused(lambda: DeniedSecret(side, "root", "arn:aws:iam::123456789012:root").read(side))


def moves(side: Side) -> bool:
    try:
        side.aws.client("sqs").start_message_move_task(SourceArn=side.stack.outputs["QueueArn"])
    except ClientError as error:
        return bool(error.response["Error"]["Code"] == "InvalidAction")
    return False


def integrations(side: Side) -> bool:
    gateway = side.aws.client("apigateway")
    integration = {
        "type": "aws",
        "httpMethod": "POST",
        "uri": "arn:aws:apigateway:eu-west-1:sqs:path/123456789012/queue",
    }
    paths = {"/profiles": {"post": {"responses": {}, "x-amazon-apigateway-integration": integration}}}
    document = {"openapi": "3.0.1", "info": {"title": "it", "version": "1"}, "paths": paths}
    api = gateway.import_rest_api(body=json.dumps(document))["id"]
    methods = [
        method
        for it in gateway.get_resources(restApiId=api, embed=["methods"])["items"]
        for method in it.get("resourceMethods", {}).values()
    ]
    return not any("methodIntegration" in method for method in methods)


def arns_of_alarms(side: Side) -> bool:
    threshold = {"Threshold": 1, "EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold"}
    alarm = {**threshold, "Namespace": "Test", "MetricName": "Test", "Period": 60, "Statistic": "Sum"}
    parameter = {"Type": "String", "Value": {"Fn::Sub": "${Alarm.Arn} ${Most}"}}
    resources = {
        "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm},
        "Parameter": {"Type": "AWS::SSM::Parameter", "Properties": parameter},
    }
    body = json.dumps({"Parameters": {"Most": {"Type": "Number"}}, "Resources": resources})
    side.aws.client("s3").put_object(Bucket=BUCKET, Key="alarm.template", Body=body)
    nested = {"TemplateURL": f"{side.aws.url}/{BUCKET}/alarm.template"}
    for most, said in (("1", "CREATE_COMPLETE"), ("2", "UPDATE_COMPLETE")):
        properties = {**nested, "Parameters": {"Most": most}}
        if made(side, "alarm", {"Nested": {"Type": NESTED_STACK, "Properties": properties}})[0] != said:
            return most == "2"
    return False


def split_conditions(side: Side) -> bool:
    is_a = {"Fn::Equals": [{"Fn::Select": [0, {"Fn::Split": ["=", "a=1"]}]}, "a"]}
    queue = {"Queue": {"Type": "AWS::SQS::Queue", "Condition": "IsA"}}
    try:
        made(side, "split", queue, Conditions={"IsA": is_a})
    except ResponseParserError:  # an error of its own, told as JSON
        return True
    return False


PROBES: Mapping[str, Callable[[Side], bool]] = {
    "resource types": unknown_types,
    "Ref of a secret": a_secrets_ref,
    "constants": a_constant,
    "Number parameters": a_number,
    "actions of batches": a_batch,
    "aws:PrincipalArn": a_principal,
    "logs": logs,
    "/opt": layers,
    "batches": small_batches,
    "metrics in logs": metrics,
    "the root user": root_reads,
    "redrive by SQS": moves,
    "alarms": arns_of_alarms,
    "conditions": split_conditions,
    "integrations of the type aws": integrations,
}


def test_each_difference_is_looked_for() -> None:
    assert PROBES.keys() == DIFFERENCES.keys()


@pytest.mark.parametrize("difference", PROBES)
def test_the_difference_is_still_one(side: Side, difference: str) -> None:
    assert PROBES[difference](side), f"MiniStack has mended this: {difference} {DIFFERENCES[difference]}"
