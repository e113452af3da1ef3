"""
What MiniStack does otherwise than AWS documents, and what a template is given so that it means there what it says.

tests/integration/aws/test_differences.py looks for each: one that MiniStack has mended fails there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from destination_testbench.template.intrinsics import Resolver

Json = Any

DIFFERENCES: Mapping[str, str] = {
    "resource types": "CloudFormation knows no policies of secrets, dashboards, alarms of alarms or of metric math",
    "Ref of a secret": "is its name; AWS documents the ARN",
    "constants": "of Mappings stay numbers, with which no variable of a function can be set; AWS makes texts of them",
    "Number parameters": "stay texts, which an event source mapping does not take",
    "actions of batches": "are IAM actions of their own (sqs:SendMessageBatch); AWS asks for sqs:SendMessage",
    "aws:PrincipalArn": "of a role's session is the session's ARN; AWS documents the role's",
    "logs": "are for IAM the group's ARN; AWS documents that with :* after it",
    "/opt": "is not where layers are; each process unpacks them in a folder of its own",
    "batches": "have at most ten messages, and nothing waits for the batch window",
    "metrics in logs": "stay log lines; CloudWatch takes them as metrics",
    "the root user": "is not held by a secret's policy",
    "redrive by SQS": "is an action that it does not know",
    "alarms": "have no ARN in an update of a nested stack that leaves them as they are",
    "conditions": "do not know Fn::Split",
    "integrations of the type aws": "are left out when an API is imported, so that the front door does not answer",
}
"""What is adjusted below, or has no part in what is tested."""

BY_CALL = {
    "AWS::SecretsManager::ResourcePolicy": ("secretsmanager", "put_resource_policy"),
    "AWS::CloudWatch::CompositeAlarm": ("cloudwatch", "put_composite_alarm"),
    "AWS::CloudWatch::Alarm": ("cloudwatch", "put_metric_alarm"),
    "AWS::CloudWatch::Dashboard": ("cloudwatch", "put_dashboard"),
}
"""
Types that CloudFormation does not make, though the services know the calls; alarms only if they are of metric math.

A parameter of SSM stands for such a resource: it holds the properties worked out, with which the call is made then.
"""

PREFIX = "/not-made-by-cloudformation"


def adjusted(template: Mapping[str, Json], values: Mapping[str, str], opt: str) -> dict[str, Json]:
    """A transformed template as MiniStack has to be given it; `opt` is where the layers lie on this machine."""
    body: dict[str, Json] = json.loads(json.dumps(template, default=str))
    secrets = {name for name, it in body["Resources"].items() if it["Type"] == "AWS::SecretsManager::Secret"}
    body = each(body, lambda value: name_secrets_by_their_arns(value, secrets))
    body = each(body, actions_of_batches)
    body = each(body, log_groups)
    body = each(body, lambda value: under_opt(value, opt))
    body["Conditions"] = dict(conditions(body.get("Conditions", {}), values))
    alarms = {name for name, it in body["Resources"].items() if "Alarm" in it["Type"]}
    body = each(body, lambda value: arns_by_names(value, alarms))
    for constants in body.get("Mappings", {}).values():
        for its in constants.values():
            its.update({name: str(value) for name, value in its.items()})
    for logical_id, resource in body["Resources"].items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Lambda::EventSourceMapping":
            properties.update(each(properties, lambda value: numbers(value, body["Parameters"], values)))
        if resource["Type"] in BY_CALL and (resource["Type"] != "AWS::CloudWatch::Alarm" or "Metrics" in properties):
            if resource["Type"] == "AWS::SecretsManager::ResourcePolicy":
                properties = each(properties, roles_by_their_sessions)
            held = {"type": resource["Type"], "properties": properties}
            resource["Properties"] = {
                "Name": {"Fn::Sub": f"{PREFIX}/${{AWS::StackName}}/{logical_id}"},
                "Type": "String",
                "Tier": "Advanced",
                "Value": {"Fn::ToJsonString": held},
            }
            resource["Type"] = "AWS::SSM::Parameter"
    return {**body, "Transform": "AWS::LanguageExtensions"}


def each(value: Json, change: Callable[[Json], Json]) -> Json:
    """A value with what is inside it changed, and then itself."""
    if isinstance(value, dict):
        return change({key: each(inner, change) for key, inner in value.items()})
    if isinstance(value, list):
        return change([each(inner, change) for inner in value])
    return change(value)


def name_secrets_by_their_arns(value: Json, secrets: set[str]) -> Json:
    if isinstance(value, dict) and value.get("Ref") in secrets:
        return {"Fn::GetAtt": [value["Ref"], "Id"]}
    return value


def actions_of_batches(value: Json) -> Json:
    if isinstance(value, dict) and value.get("Effect") and "Action" in value:
        named = value["Action"] if isinstance(value["Action"], list) else [value["Action"]]
        batches = ("sqs:SendMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility")
        return {**value, "Action": [*named, *(f"{name}Batch" for name in named if name in batches)]}
    return value


def log_groups(value: Json) -> Json:
    if isinstance(value, dict) and value.get("Effect") and str(value.get("Action")).find("logs:") >= 0:
        group = {"Group": {"Ref": value["Resource"]["Fn::GetAtt"][0]}}
        arn = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${Group}"
        return {**value, "Resource": [value["Resource"], {"Fn::Sub": [arn, group]}]}
    return value


def roles_by_their_sessions(value: Json) -> Json:
    if isinstance(value, dict) and "Fn::GetAtt" in value and value["Fn::GetAtt"][1] == "Arn":
        role = {"Ref": value["Fn::GetAtt"][0]}
        return {"Fn::Sub": ["arn:aws:sts::${AWS::AccountId}:assumed-role/${Role}/*", {"Role": role}]}
    return value


def conditions(said: Mapping[str, Json], values: Mapping[str, str]) -> Iterator[tuple[str, Json]]:
    says = Resolver(values, said, lambda name: "", lambda name, attribute: "")
    for name, condition in said.items():
        is_split = "Fn::Split" in json.dumps(condition)
        yield name, {"Fn::Equals": ["true", str(says.holds(name)).lower()]} if is_split else condition


def arns_by_names(value: Json, alarms: set[str]) -> Json:
    if isinstance(value, str) and ".Arn}" in value:
        arn = "arn:aws:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:${%s}"
        return re.sub(r"\$\{(\w+)\.Arn\}", lambda it: arn % it[1] if it[1] in alarms else it[0], value)
    return value


def numbers(value: Json, declared: Mapping[str, Json], values: Mapping[str, str]) -> Json:
    if isinstance(value, dict) and declared.get(str(value.get("Ref")), {}).get("Type") == "Number":
        name = value["Ref"]
        return int(values.get(name, declared[name].get("Default")))
    return value


def under_opt(value: Json, opt: str) -> Json:
    if isinstance(value, dict) and str(value.get("Fn::Sub", "")).startswith("/opt/"):
        return {"Fn::Sub": value["Fn::Sub"].replace("/opt", opt, 1)}
    return value


def make_by_call(client: Callable[[str], Any]) -> int:
    """Make what CloudFormation has left as parameters; an alarm of alarms after those that it names."""
    found = dict(_held(client("ssm")))
    order = list(BY_CALL)
    for name, it in sorted(found.items(), key=lambda item: -order.index(item[1]["type"])):
        service, call = BY_CALL[it["type"]]
        maker = client(service)
        shape = maker.meta.service_model.operation_model(maker.meta.method_to_api_mapping[call]).input_shape
        getattr(maker, call)(**_typed(_arguments(name, it["type"], it["properties"]), shape))
    return len(found)


def _typed(value: Json, shape: Any) -> Json:
    """With numbers where CloudFormation has left texts."""
    match shape.type_name:
        case "structure":
            return {key: _typed(inner, shape.members[key]) for key, inner in value.items()}
        case "list":
            return [_typed(inner, shape.member) for inner in value]
        case "integer" | "long":
            return int(value)
        case "double" | "float":
            return float(value)
        case _:
            return value


def _held(ssm: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for page in ssm.get_paginator("get_parameters_by_path").paginate(Path=PREFIX, Recursive=True):
        for it in page["Parameters"]:
            yield it["Name"], json.loads(it["Value"])


def _arguments(name: str, kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    if kind == "AWS::SecretsManager::ResourcePolicy":
        return {**properties, "ResourcePolicy": json.dumps(properties["ResourcePolicy"])}
    if kind == "AWS::CloudWatch::Dashboard":
        return {**properties, "DashboardName": name.rpartition("/")[2]}
    return {**properties, "AlarmName": name}


def publish_metrics(logs: Any, cloudwatch: Any, group: str, since: int) -> int:
    """Make metrics of what a function has logged since this time (ms); give how many lines there were."""
    lines = logs.filter_log_events(logGroupName=group, startTime=since)["events"]
    parsed = [json.loads(line["message"]) for line in lines if line["message"].startswith('{"_aws"')]
    for line in parsed:
        for directive in line["_aws"]["CloudWatchMetrics"]:
            cloudwatch.put_metric_data(
                Namespace=directive["Namespace"],
                MetricData=[
                    {
                        "MetricName": metric["Name"],
                        "Dimensions": [{"Name": name, "Value": line[name]} for name in dimensions],
                        "Values": line[metric["Name"]],
                        "Unit": metric["Unit"],
                    }
                    for dimensions in directive["Dimensions"]
                    for metric in directive["Metrics"]
                ],
            )
    return len(parsed)
