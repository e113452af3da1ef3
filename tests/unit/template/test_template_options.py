"""What the template's options switch on, and that two stacks in one account do not collide."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping

import pytest
from destination_testbench.local.places import ROOT
from destination_testbench.template.intrinsics import Resolver
from destination_testbench.template.parameters import parameter_values
from the_template import (
    A_TOPIC,
    EVERY_OPTION,
    OUTLIVES_THE_STACK,
    PSEUDO,
    exists,
    overrides,
    resolved,
    resolver,
    source,
    template,
)

SUBNETS = {name: EVERY_OPTION[name] for name in ("SubnetIds", "SecurityGroupIds")}

NOTICES = {"NoticeEmail": EVERY_OPTION["NoticeEmail"]}

BY_OPTION = {
    "CustomerManagedKey": {"Key", "KeyAlias", "AlarmKey", "AlarmKeyAlias"},
    "HttpEndpoint": {
        "FrontDoor",
        "FrontDoorStage",
        "FrontDoorRole",
        "FrontDoorLogGroup",
        "HttpApiKey",
        "HttpUsagePlan",
        "HttpUsagePlanKey",
        "ProfilesNotTakenAlarm",
        "FrontDoorFailingAlarm",
        "FrontDoorRefusingAlarm",
    },
    "AlarmEmail": {"AlarmEmailSubscription"},
    "NoticeEmail": {"NoticeTopic", "NoticeTopicPolicy", "NoticeEmailSubscription"},
    "PermissionsBoundaryArn": set(),
    "SetGatewayLogRole": set(),
    "HttpApiKeys": set(),
    "SubnetIds": set(),
    "HttpSourceRanges": set(),
    "SenderArns": set(),
    "CredentialsRotate": set(),
}
"""The resources that come with an option."""

NAMED_BY_US = {
    "AWS::ApiGateway::Stage": "StageName",
    "AWS::KMS::Alias": "AliasName",
    "AWS::Logs::LogGroup": "LogGroupName",
}


def allowed(**parameters: str) -> bool:
    """What CloudFormation's rules say of these parameters."""
    values = parameter_values(template().parameters, {}, parameters)
    says = Resolver(values, {}, lambda name: name, lambda name, attribute: name)
    return all(
        says.resolve(assertion["Assert"])
        for rule in source()["Rules"].values()
        if says.resolve(rule["RuleCondition"])
        for assertion in rule["Assertions"]
    )


def there(**parameters: str) -> set[str]:
    return {
        re.sub(r"Deployment[0-9a-f]{10}$", "Deployment", name)
        for name in template().resources
        if exists(name, **parameters)
    }


@pytest.mark.parametrize("option", BY_OPTION)
def test_an_option_brings_its_resources_and_no_others(option: str) -> None:
    more = there(**{option: EVERY_OPTION[option]}) - there()

    assert more - {"FrontDoorDeployment"} == BY_OPTION[option]


def test_an_existing_topic_takes_the_place_of_the_stacks_own() -> None:
    assert there() - there(ExistingAlarmTopicArn=A_TOPIC) == {"AlarmTopic", "AlarmTopicPolicy"}
    encrypted = {"CustomerManagedKey": "true"}
    assert there(**encrypted) - there(**encrypted, ExistingAlarmTopicArn=A_TOPIC) == {
        "AlarmTopic",
        "AlarmTopicPolicy",
        "AlarmKey",
        "AlarmKeyAlias",
    }

    told = {
        action
        for kind in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
        for alarm in resolved(kind, ExistingAlarmTopicArn=A_TOPIC).values()
        for action in alarm.get("AlarmActions", [])
    }
    assert told == {A_TOPIC}
    assert resolver(ExistingAlarmTopicArn=A_TOPIC).resolve(template().outputs["AlarmTopicArn"]["Value"]) == A_TOPIC


def test_nothing_refers_to_what_an_option_leaves_out() -> None:
    options: list[dict[str, str]] = [{}, EVERY_OPTION, {"ExistingAlarmTopicArn": A_TOPIC}]
    options += [{"ExistingNoticeTopicArn": A_TOPIC}]
    options += [{"ExistingAlarmTopicArn": A_TOPIC, "CustomerManagedKey": "true", **more} for more in ({}, NOTICES)]
    options += [{option: value} for option, value in EVERY_OPTION.items()]

    for parameters in options:
        asked: list[str] = []
        values = parameter_values(template().parameters, {}, parameters)
        says = Resolver({**PSEUDO, **values}, template().conditions, *noting(asked))
        for name, resource in template().resources.items():
            if exists(name, **parameters):
                says.resolve(resource.get("Properties", {}))
        for output in template().outputs.values():
            if output.get("Condition") is None or says.holds(output["Condition"]):
                says.resolve(output["Value"])

        assert "Queue" in asked
        assert {name for name in asked if not exists(name, **parameters)} == set(), parameters


def noting(asked: list[str]) -> tuple[Callable[[str], str], Callable[[str, str], str]]:
    """Name every resource by its logical id, and note that it was asked for."""

    def reference(name: str) -> str:
        asked.append(name)
        return name

    return reference, lambda name, attribute: reference(name)


def test_subnets_and_security_groups_are_given_both_or_neither() -> None:
    assert allowed()
    assert allowed(**SUBNETS)
    assert not allowed(SubnetIds=SUBNETS["SubnetIds"])
    assert not allowed(SecurityGroupIds=SUBNETS["SecurityGroupIds"])


def test_the_front_door_asks_who_sets_the_role_that_all_apis_of_the_account_log_by() -> None:
    assert not allowed(HttpEndpoint="true")
    assert allowed(HttpEndpoint="true", SetGatewayLogRole="true")
    assert allowed(HttpEndpoint="true", SetGatewayLogRole="false")

    role = {"GatewayAccount", "GatewayLogRole"}
    assert role <= there(HttpEndpoint="true", SetGatewayLogRole="true")
    assert not role & there(HttpEndpoint="true", SetGatewayLogRole="false")
    assert not role & there(SetGatewayLogRole="true")


def test_an_address_is_not_subscribed_to_a_topic_of_somebody_elses() -> None:
    assert allowed(AlarmEmail="a@example.com")
    assert allowed(ExistingAlarmTopicArn=A_TOPIC)
    assert not allowed(AlarmEmail="a@example.com", ExistingAlarmTopicArn=A_TOPIC)
    assert allowed(NoticeEmail="a@example.com")
    assert allowed(ExistingNoticeTopicArn=A_TOPIC)
    assert not allowed(NoticeEmail="a@example.com", ExistingNoticeTopicArn=A_TOPIC)


def test_every_option_can_be_on_at_once() -> None:
    assert allowed(**EVERY_OPTION)
    for name, value in {**EVERY_OPTION, "ExistingAlarmTopicArn": A_TOPIC, "ExistingNoticeTopicArn": A_TOPIC}.items():
        declared = template().parameters[name]
        assert re.fullmatch(declared.get("AllowedPattern", ".*"), value), name
        assert value in declared.get("AllowedValues", [value]), name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SubnetIds", "subnet-1"),
        ("SubnetIds", "subnet-0123456789abcdef0, subnet-0123456789abcdef1"),
        ("SecurityGroupIds", "subnet-0123456789abcdef0"),
        ("SenderArns", "*"),
        ("SenderArns", "arn:aws:iam::123456789012:role/sender"),
        ("SenderArns", "arn:aws:sns:eu-west-1:123456789012:a, arn:aws:sns:eu-west-1:123456789012:b"),
        ("ExistingAlarmTopicArn", "alarms"),
        ("PermissionsBoundaryArn", "boundary"),
        ("RunbookUrl", "docs/runbook.md"),
        ("RunbookUrl", 'https://example.com/"runbook'),
        ("RunbookUrl", "https://example.com/'runbook"),
        ("RunbookUrl", "https://example.com/run book"),
        ("RunbookUrl", "https://example.com\\runbook"),
    ],
)
def test_a_parameter_refuses_what_would_fail_later(name: str, value: str) -> None:
    assert not re.fullmatch(template().parameters[name]["AllowedPattern"], value)


def test_the_runbook_may_be_any_address() -> None:
    assert re.fullmatch(
        template().parameters["RunbookUrl"]["AllowedPattern"], "https://example.com/a_b/runbook.md?plain=1&x=%20"
    )


def test_the_functions_run_in_the_subnets() -> None:
    outside, inside = resolved("AWS::Lambda::Function"), resolved("AWS::Lambda::Function", **SUBNETS)

    assert not any("VpcConfig" in function for function in outside.values())
    for function in inside.values():
        assert function["VpcConfig"] == {
            "SubnetIds": SUBNETS["SubnetIds"].split(","),
            "SecurityGroupIds": SUBNETS["SecurityGroupIds"].split(","),
        }


def test_every_log_is_declared_and_kept_as_long_as_the_parameter_says() -> None:
    groups = resolved("AWS::Logs::LogGroup", HttpEndpoint="true", LogRetentionDays="365")

    assert len(groups) == 4
    assert {group["RetentionInDays"] for group in groups.values()} == {"365"}


@pytest.mark.parametrize(
    "resource_type",
    ["AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "AWS::KMS::Key"],
)
def test_what_others_would_miss_outlives_the_stack(resource_type: str) -> None:
    of_failed_schedules = ("ScheduleDeadLetterQueue", "ScheduleDeadLetterQueuePolicy")
    found = [
        resource
        for name, resource in template().resources.items()
        if resource["Type"] == resource_type and name not in of_failed_schedules
    ]

    assert found
    for resource in found:
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == OUTLIVES_THE_STACK


@pytest.mark.parametrize("logical_id", ["GatewayAccount", "GatewayLogRole"])
def test_what_other_apis_log_by_stays_also_where_a_first_deployment_fails(logical_id: str) -> None:
    resource = template().resources[logical_id]

    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"


def test_what_else_there_is_goes_with_the_stack() -> None:
    kept = {resource.get("DeletionPolicy") for resource in template().resources.values()}

    assert kept == {None, "Delete", "Retain", "RetainExceptOnCreate"}
    assert {name for name, it in template().resources.items() if it.get("DeletionPolicy") == "Retain"} == {
        "GatewayAccount",
        "GatewayLogRole",
    }


@pytest.mark.parametrize("resource_type", NAMED_BY_US)
def test_a_name_that_we_choose_holds_the_stacks_name(resource_type: str) -> None:
    for properties in resolved(resource_type, **EVERY_OPTION).values():
        assert PSEUDO["AWS::StackName"] in properties[NAMED_BY_US[resource_type]] or "RestApiId" in properties


def test_the_secrets_tell_whose_they_are_since_their_names_do_not() -> None:
    secrets = resolved("AWS::SecretsManager::Secret")

    assert len(secrets) == 4
    assert all(PSEUDO["AWS::StackName"] in secret["Description"] for secret in secrets.values())


def test_two_stacks_in_one_account_share_no_name() -> None:
    refers = {"AWS::ApiGateway::Stage", "AWS::CloudWatch::Alarm", "AWS::Lambda::EventSourceMapping"}
    types = {name: resource["Type"] for name, resource in template().resources.items()}
    names = {
        (logical_id, key): value
        for logical_id, resource in template().resources.items()
        for key, value in resolver(**EVERY_OPTION).resolve(resource.get("Properties", {})).items()
        if key == "Name" or (key.endswith("Name") and types[logical_id] not in refers)
    }

    assert len(names) >= 5
    assert {place for place, name in names.items() if "a-stack" not in name} == set()
    assert not any("Export" in output for output in template().outputs.values())


def test_the_outputs_of_an_option_come_with_it() -> None:
    conditions = {name: output.get("Condition") for name, output in template().outputs.items()}

    assert {name for name, condition in conditions.items() if condition} == {
        "KeyArn",
        "AlarmKeyArn",
        "HttpEndpointUrl",
        "HttpApiKeyId",
        "SecondHttpApiKeyId",
    }
    url = resolver(HttpEndpoint="true").resolve(template().outputs["HttpEndpointUrl"]["Value"])
    assert url == "https://FrontDoor.execute-api.eu-west-1.amazonaws.com/v1/profiles"


def test_the_outputs_name_what_the_command_line_asks_for() -> None:
    code = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "cli" / "destination_cli").rglob("*.py"))
    asked = set(re.findall(r'\.output\("(\w+)"\)', code))

    assert len(asked) >= 8
    assert asked <= set(template().outputs)
    assert not any("Condition" in template().outputs[name] for name in asked)


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_an_environment_gives_only_parameters_that_there_are_with_values_that_they_allow(environment: str) -> None:
    given = overrides(environment)

    assert set(given) <= set(template().parameters)
    assert allowed(**given)
    for name, value in given.items():
        declared = template().parameters[name]
        assert re.fullmatch(declared.get("AllowedPattern", ".*"), value), name
        assert value in map(str, declared.get("AllowedValues", [value])), name


def left_out(given: Mapping[str, str]) -> set[str]:
    """Parameters whose previous value CloudFormation would keep."""
    return set(source()["Parameters"]) - set(given)


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_an_environment_gives_every_parameter(environment: str) -> None:
    given = overrides(environment)

    assert left_out(given) == set()
    assert left_out({name: value for name, value in given.items() if name != "SenderArns"}) == {"SenderArns"}


def test_the_runbook_is_an_address_of_the_repository_that_the_packages_name() -> None:
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]

    assert source()["Parameters"]["RunbookUrl"]["Default"] == f"{urls['Documentation']}/runbook.md"
    assert overrides("prod")["RunbookUrl"] == f"{urls['Documentation']}/runbook.md"


def test_production_encrypts_by_its_own_key_and_keeps_its_logs() -> None:
    given = overrides("prod")

    assert given["CustomerManagedKey"] == "true"
    assert int(given["LogRetentionDays"]) >= 365
