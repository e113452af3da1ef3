from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from destination_testbench.local.places import ROOT
from destination_testbench.template.intrinsics import Resolver
from destination_testbench.template.parameters import parameter_values
from salesforce_destination import __version__
from salesforce_destination.login.token import MESSAGE_GROUP, RefreshReason, RefreshRequest
from the_template import EVERY_OPTION, OUTLIVES_THE_STACK, PSEUDO, resolved, resolver, source, template

NUMBERS_OF_DESIGN = {
    "BatchSize": 1000,
    "BatchWindowSeconds": 60,
    "MaximumConcurrency": 2,
    "FunctionTimeoutSeconds": 300,
    "VisibilityTimeoutSeconds": 1800,
    "RetentionSeconds": 14 * 24 * 3600,
    "MaxReceiveCount": 600,
    "RedeliveryBaseSeconds": 30,
    "RedeliveryMaxSeconds": 1800,
    "GiveUpAfterSeconds": 432_000,
    "RecordsPerCollection": 200,
    "ApiUsageCeilingPercent": 90,
}

LARGEST_OF_SQS = 1024 * 1024

OUTPUTS = {
    "Version": __version__,
    "QueueUrl": "Queue",
    "QueueArn": "Queue.Arn",
    "DeadLetterQueueUrl": "DeadLetterQueue",
    "RefreshQueueUrl": "RefreshQueue",
    "ScheduleDeadLetterQueueUrl": "ScheduleDeadLetterQueue",
    "CredentialsSecretArn": "CredentialsSecret",
    "AccessTokenSecretArn": "AccessTokenSecret",
    "OutcomeKeySecretArn": "OutcomeKeySecret",
    "SuppressionBucketName": "SuppressionBucket",
    "RefusalSecretArn": "RefusalSecret",
    "DeliverFunctionName": "DeliverFunction",
    "RefreshTokenFunctionName": "RefreshTokenFunction",
    "CheckConnectionFunctionName": "CheckConnectionFunction",
    "DeliverLogGroupName": "DeliverLogGroup",
    "RefreshTokenLogGroupName": "RefreshTokenLogGroup",
    "CheckConnectionLogGroupName": "CheckConnectionLogGroup",
    "DashboardUrl": (
        "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#dashboards:name=Dashboard"
    ),
    "AlarmTopicArn": "AlarmTopic",
    "KeyArn": "Key.Arn",
    "AlarmKeyArn": "AlarmKey.Arn",
    "HttpEndpointUrl": "https://FrontDoor.execute-api.eu-west-1.amazonaws.com/v1/profiles",
    "HttpApiKeyId": "HttpApiKey",
    "SecondHttpApiKeyId": "SecondHttpApiKey",
}
"""What each output is of; a Ref is the resource's name here, an attribute stands behind it."""

PHYSICAL_NAMES = {
    "AWS::SQS::Queue": "QueueName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SecretsManager::Secret": "Name",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::IAM::Role": "RoleName",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::CompositeAlarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::Scheduler::Schedule": "Name",
}


def test_parameters_have_the_numbers_of_the_design() -> None:
    defaults = {name: int(template().parameters[name]["Default"]) for name in NUMBERS_OF_DESIGN}

    assert defaults == NUMBERS_OF_DESIGN


@pytest.mark.parametrize("name", list(source()["Parameters"]))
def test_a_parameter_explains_itself_and_says_what_it_allows(name: str) -> None:
    parameter = source()["Parameters"][name]

    assert parameter["Description"]
    assert parameter["ConstraintDescription"]
    assert "MinValue" in parameter if parameter["Type"] == "Number" and "AllowedValues" not in parameter else True
    assert parameter.keys() & {"AllowedPattern", "AllowedValues"} if parameter["Type"] == "String" else True
    default = str(parameter["Default"])
    assert re.fullmatch(parameter.get("AllowedPattern", ".*"), default)
    assert "AllowedValues" not in parameter or default in map(str, parameter["AllowedValues"])


def test_every_parameter_stands_in_one_group_of_the_console() -> None:
    groups = source()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]

    assert sorted(name for group in groups for name in group["Parameters"]) == sorted(source()["Parameters"])


def test_the_queue_is_polled_as_the_design_says() -> None:
    mapping = resolved("AWS::Lambda::EventSourceMapping")["DeliverFunctionQueue"]

    assert mapping == {
        "EventSourceArn": "Queue",
        "FunctionName": "DeliverFunction",
        "BatchSize": "1000",
        "MaximumBatchingWindowInSeconds": "60",
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": "2"},
    }


def test_every_mapping_reports_partial_failures() -> None:
    for mapping in resolved("AWS::Lambda::EventSourceMapping").values():
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_the_queues_are_as_the_design_says() -> None:
    queues = resolved("AWS::SQS::Queue")

    assert queues["Queue"]["VisibilityTimeout"] == "1800"
    assert queues["Queue"]["RedrivePolicy"] == {"deadLetterTargetArn": "DeadLetterQueue", "maxReceiveCount": "600"}
    assert queues["Queue"]["MessageRetentionPeriod"] == queues["DeadLetterQueue"]["MessageRetentionPeriod"] == "1209600"


def test_a_message_of_any_size_finds_room_in_the_dead_letter_queue_with_its_reason() -> None:
    queues = resolved("AWS::SQS::Queue")

    assert queues["Queue"]["MaximumMessageSize"] < LARGEST_OF_SQS
    assert queues["DeadLetterQueue"].get("MaximumMessageSize", LARGEST_OF_SQS) == LARGEST_OF_SQS


def test_a_message_stays_hidden_for_six_times_as_long_as_the_function_may_run() -> None:
    function = resolved("AWS::Lambda::Function")["DeliverFunction"]

    assert int(resolved("AWS::SQS::Queue")["Queue"]["VisibilityTimeout"]) >= 6 * int(function["Timeout"])


def test_one_token_refresh_runs_at_a_time_and_a_failed_one_again_after_a_minute() -> None:
    queue = resolved("AWS::SQS::Queue")["RefreshQueue"]
    function = resolved("AWS::Lambda::Function")["RefreshTokenFunction"]

    assert queue["FifoQueue"] is True
    assert queue["ContentBasedDeduplication"] is True
    assert queue["VisibilityTimeout"] == 60
    assert function["Timeout"] < 60
    assert queue["MessageRetentionPeriod"] < 3600


def test_the_schedule_asks_for_a_token_through_the_refresh_queue() -> None:
    target = resolved("AWS::Scheduler::Schedule")["RefreshTokenSchedule"]["Target"]

    assert (target["Arn"], target["RoleArn"]) == ("RefreshQueue", "RefreshScheduleRole")
    assert target["SqsParameters"]["MessageGroupId"] == MESSAGE_GROUP
    assert RefreshRequest.from_body(target["Input"]) == RefreshRequest(RefreshReason.SCHEDULE)


def test_both_schedules_are_on() -> None:
    schedules = resolved("AWS::Scheduler::Schedule")

    assert set(schedules) == {"RefreshTokenSchedule", "CheckConnectionSchedule"}
    assert {schedule.get("State", "ENABLED") for schedule in schedules.values()} == {"ENABLED"}


def test_what_a_schedule_could_not_start_goes_to_a_queue_of_the_kind_that_the_scheduler_takes() -> None:
    schedules = resolved("AWS::Scheduler::Schedule").values()

    assert [it["Target"]["DeadLetterConfig"] for it in schedules] == [{"Arn": "ScheduleDeadLetterQueue"}] * 2
    assert "FifoQueue" not in resolved("AWS::SQS::Queue")["ScheduleDeadLetterQueue"]


def test_the_connection_is_checked_every_hour() -> None:
    schedule = resolved("AWS::Scheduler::Schedule")["CheckConnectionSchedule"]

    assert schedule["ScheduleExpression"] == "rate(1 hour)"
    assert (schedule["Target"]["Arn"], schedule["Target"]["RoleArn"]) == (
        "CheckConnectionFunction",
        "CheckScheduleRole",
    )
    assert json.loads(schedule["Target"]["Input"]) == json.loads(
        (ROOT / "events" / "check_connection.json").read_text()
    )


def test_a_problem_of_the_connection_is_seen_though_checks_drift_over_the_hour() -> None:
    alarm = resolved("AWS::CloudWatch::Alarm")["ConnectionProblemsAlarm"]

    assert {metric["MetricStat"]["Period"] for metric in alarm["Metrics"] if "MetricStat" in metric} == {3600}
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (2, 1)


@pytest.mark.parametrize("resource_type", PHYSICAL_NAMES)
def test_cloudformation_chooses_the_names(resource_type: str) -> None:
    for properties in resolved(resource_type).values():
        assert PHYSICAL_NAMES[resource_type] not in properties


@pytest.mark.parametrize(
    "logical_id",
    ["Queue", "DeadLetterQueue", "RefreshQueue", "CredentialsSecret", "AccessTokenSecret", "OutcomeKeySecret"],
)
def test_what_holds_data_outlives_the_stack(logical_id: str) -> None:
    resource = template().resources[logical_id]

    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == OUTLIVES_THE_STACK


def test_the_secrets_that_somebody_fills_begin_empty() -> None:
    secrets = resolved("AWS::SecretsManager::Secret")
    generated = secrets.pop("OutcomeKeySecret")

    assert generated["GenerateSecretString"]["PasswordLength"] >= 43
    assert {name: json.loads(secret["SecretString"]) for name, secret in secrets.items()} == {
        "CredentialsSecret": {},
        "AccessTokenSecret": {},
        "RefusalSecret": {},
    }


def test_the_list_of_suppressed_people_is_kept_and_nobodys_to_read() -> None:
    (bucket,) = resolved("AWS::S3::Bucket").values()
    (policy,) = resolved("AWS::S3::BucketPolicy").values()

    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    (rule,) = policy["PolicyDocument"]["Statement"]
    assert (rule["Effect"], rule["Principal"], rule["Action"]) == ("Deny", "*", "s3:*")
    assert rule["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert rule["Resource"] == ["SuppressionBucket", "SuppressionBucket/*"]
    for logical_id in ("SuppressionBucket", "SuppressionBucketPolicy"):
        resource = template().resources[logical_id]
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == OUTLIVES_THE_STACK


def test_each_output_is_of_what_its_name_says() -> None:
    values = parameter_values(template().parameters, {}, EVERY_OPTION)
    says = Resolver({**PSEUDO, **values}, template().conditions, lambda name: name, lambda name, of: f"{name}.{of}")

    assert {name: says.resolve(output["Value"]) for name, output in template().outputs.items()} == OUTPUTS


def test_somebody_is_told_of_alarms_only_if_there_is_an_address() -> None:
    assert template().resources["AlarmEmailSubscription"]["Condition"] == "HasAlarmEmail"
    assert not resolver().holds("HasAlarmEmail")
    assert resolver(AlarmEmail="a@example.com").holds("HasAlarmEmail")


def test_each_environment_is_written_out_since_none_inherits() -> None:
    config = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
    dev, prod = (set(flat(config[name])) for name in ("dev", "prod"))

    assert dev <= prod
    for name in ("dev", "prod"):
        deploy = config[name]["deploy"]["parameters"]
        assert deploy["confirm_changeset"] is True
        assert set(deploy["capabilities"].split()) == {"CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"}
        assert config[name]["validate"]["parameters"]["lint"] is True


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_an_environment_gives_its_parameters_in_one_place(name: str) -> None:
    environment = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))[name]

    assert [command for command in environment if "parameter_overrides" in environment[command]["parameters"]] == [
        "global"
    ]


def flat(table: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in table.items():
        yield from flat(value, f"{prefix}{key}.") if isinstance(value, dict) else [f"{prefix}{key}"]
