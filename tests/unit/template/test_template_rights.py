"""Who may do what: a table of rights for each role, and what the policies of queues, secrets, topic and key deny."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from rights import OF_ROLES as RIGHTS
from the_template import A_TOPIC, EVERY_OPTION, OUTLIVES_THE_STACK, as_list, resolved, statements, template

Right = tuple[str, str]

ACCOUNT = "123456789012"
VIA_SQS = "sqs.eu-west-1.amazonaws.com"
VIA_SECRETS_MANAGER = "secretsmanager.eu-west-1.amazonaws.com"

INTERFACES = "arn:aws:ec2:eu-west-1:123456789012:*/*"
NETWORK: set[Right] = {
    ("ec2:AssignPrivateIpAddresses", INTERFACES),
    ("ec2:CreateNetworkInterface", INTERFACES),
    ("ec2:DeleteNetworkInterface", INTERFACES),
    ("ec2:CreateNetworkInterface", "arn:aws:ec2:eu-west-1:*:security-group/*"),
    ("ec2:CreateNetworkInterface", "arn:aws:ec2:eu-west-1:*:subnet/*"),
    ("ec2:UnassignPrivateIpAddresses", INTERFACES),
    ("ec2:DescribeNetworkInterfaces", "*"),
    ("ec2:DescribeSubnets", "*"),
}
KEY: set[Right] = {("kms:Decrypt", "Key"), ("kms:GenerateDataKey", "Key")}

FUNCTION_ROLES = ["DeliverRole", "RefreshTokenRole", "CheckConnectionRole"]

MORE_BY_OPTION: dict[str, tuple[dict[str, str], dict[str, set[Right]]]] = {
    "CustomerManagedKey": (
        {"CustomerManagedKey": "true"},
        dict.fromkeys([*FUNCTION_ROLES, "RefreshScheduleRole"], KEY),
    ),
    "SubnetIds": (
        {name: EVERY_OPTION[name] for name in ("SubnetIds", "SecurityGroupIds")},
        dict.fromkeys(FUNCTION_ROLES, NETWORK),
    ),
    "CredentialsRotate": (
        {"CredentialsRotate": "true"},
        {"RefreshTokenRole": {("secretsmanager:PutSecretValue", "CredentialsSecret")}},
    ),
    "HttpEndpoint": (
        {"HttpEndpoint": "true", "SetGatewayLogRole": "false"},
        {"FrontDoorRole": {("sqs:SendMessage", "Queue")}},
    ),
    "ExistingAlarmTopicArn": ({"ExistingAlarmTopicArn": A_TOPIC}, {}),
    "SenderArns": ({"SenderArns": EVERY_OPTION["SenderArns"]}, {}),
}
"""What each option adds to the rights of which role."""


def statements_of(role: Any) -> Iterator[Any]:
    for policy in role["Policies"]:
        yield from statements(policy["PolicyDocument"])


def rights(role: Any, effect: str = "Allow") -> set[Right]:
    return {
        (action, resource.removesuffix("/suppressed.json"))
        for statement in statements_of(role)
        if statement["Effect"] == effect
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }


def test_each_role_may_do_what_it_needs_and_nothing_else() -> None:
    roles = resolved("AWS::IAM::Role")

    assert {name: rights(role) for name, role in roles.items()} == RIGHTS


@pytest.mark.parametrize("option", MORE_BY_OPTION)
def test_an_option_adds_the_rights_that_it_needs_and_no_others(option: str) -> None:
    parameters, more = MORE_BY_OPTION[option]

    roles = resolved("AWS::IAM::Role", **parameters)

    names = {*RIGHTS, *more}
    assert {name: rights(role) for name, role in roles.items()} == {
        name: RIGHTS.get(name, set()) | more.get(name, set()) for name in names
    }


def test_with_every_option_no_role_has_more_than_the_tables_say() -> None:
    roles = resolved("AWS::IAM::Role", **EVERY_OPTION)
    for_logs_of_all_apis = roles.pop("GatewayLogRole")

    tables = [RIGHTS, *(more for _, more in MORE_BY_OPTION.values()), {"FrontDoorRole": KEY}]
    assert {name: rights(role) for name, role in roles.items()} == {
        name: set().union(*(table.get(name, set()) for table in tables)) for name in roles
    }
    assert for_logs_of_all_apis["ManagedPolicyArns"] == [
        "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
    ]
    assert "Policies" not in for_logs_of_all_apis
    assert not any("ManagedPolicyArns" in role for role in roles.values())


def test_no_right_has_a_wildcard_but_those_that_ec2_wants_in_a_vpc() -> None:
    roles = resolved("AWS::IAM::Role", **EVERY_OPTION)
    roles.pop("GatewayLogRole")

    with_wildcards = {right for role in roles.values() for right in rights(role) if "*" in "".join(right)}

    assert with_wildcards == NETWORK


@pytest.mark.parametrize("role", FUNCTION_ROLES)
def test_a_function_in_a_vpc_cannot_use_the_networks_rights_itself(role: str) -> None:
    in_a_vpc = resolved("AWS::IAM::Role", **MORE_BY_OPTION["SubnetIds"][0])[role]

    (denied,) = [statement for statement in statements_of(in_a_vpc) if statement["Effect"] == "Deny"]

    assert {action for action, _ in NETWORK} <= set(denied["Action"])
    assert denied["Resource"] == "*"
    assert denied["Condition"] == {"Null": {"lambda:SourceFunctionArn": "false"}}
    assert rights(resolved("AWS::IAM::Role")[role], "Deny") == set()


def test_roles_use_the_key_only_through_the_services_that_they_use() -> None:
    roles = resolved("AWS::IAM::Role", CustomerManagedKey="true", HttpEndpoint="true", SetGatewayLogRole="false")

    ways = {
        (name, action): set(as_list(statement["Condition"]["StringEquals"]["kms:ViaService"]))
        for name, role in roles.items()
        for statement in statements_of(role)
        for action in as_list(statement["Action"])
        if action.startswith("kms:")
    }
    assert ways == {
        ("DeliverRole", "kms:Decrypt"): {VIA_SQS, VIA_SECRETS_MANAGER},
        ("DeliverRole", "kms:GenerateDataKey"): {VIA_SQS},
        ("RefreshTokenRole", "kms:Decrypt"): {VIA_SQS, VIA_SECRETS_MANAGER},
        ("RefreshTokenRole", "kms:GenerateDataKey"): {VIA_SECRETS_MANAGER},
        ("CheckConnectionRole", "kms:Decrypt"): {VIA_SQS, VIA_SECRETS_MANAGER},
        ("CheckConnectionRole", "kms:GenerateDataKey"): {VIA_SQS},
        ("RefreshScheduleRole", "kms:Decrypt"): {VIA_SQS},
        ("RefreshScheduleRole", "kms:GenerateDataKey"): {VIA_SQS},
        ("FrontDoorRole", "kms:Decrypt"): {VIA_SQS},
        ("FrontDoorRole", "kms:GenerateDataKey"): {VIA_SQS},
    }


@pytest.mark.parametrize(
    ("role", "service"),
    [
        ("DeliverRole", "lambda"),
        ("RefreshTokenRole", "lambda"),
        ("CheckConnectionRole", "lambda"),
        ("RefreshScheduleRole", "scheduler"),
        ("CheckScheduleRole", "scheduler"),
        ("FrontDoorRole", "apigateway"),
        ("GatewayLogRole", "apigateway"),
    ],
)
def test_a_role_is_taken_on_by_one_service_only(role: str, service: str) -> None:
    roles = resolved("AWS::IAM::Role", **EVERY_OPTION)

    (statement,) = roles[role]["AssumeRolePolicyDocument"]["Statement"]

    assert len(roles) == 7
    assert statement["Principal"] == {"Service": f"{service}.amazonaws.com"}
    assert statement["Action"] == "sts:AssumeRole"
    # EventBridge Scheduler may act for whoever names the role: of its accounts, this one only.
    assert statement.get("Condition") == (
        {"StringEquals": {"aws:SourceAccount": ACCOUNT}} if service == "scheduler" else None
    )


@pytest.mark.parametrize("boundary", ["", EVERY_OPTION["PermissionsBoundaryArn"]])
def test_every_role_has_the_boundary_that_the_account_demands(boundary: str) -> None:
    roles = resolved("AWS::IAM::Role", **{**EVERY_OPTION, "PermissionsBoundaryArn": boundary})

    assert len(roles) == 7
    assert {role.get("PermissionsBoundary", "") for role in roles.values()} == {boundary}


def policies(resource_type: str, of: str, **parameters: str) -> dict[str, list[Any]]:
    """The statements of each policy, by what the policy is of."""
    document = "ResourcePolicy" if resource_type.endswith("ResourcePolicy") else "PolicyDocument"
    return {
        as_list(policy[of])[0]: list(statements(policy[document]))
        for policy in resolved(resource_type, **parameters).values()
    }


def test_every_queue_demands_tls() -> None:
    of_queues = policies("AWS::SQS::QueuePolicy", "Queues")

    assert set(of_queues) == set(resolved("AWS::SQS::Queue"))
    for queue, (only_by_tls, *_) in of_queues.items():
        assert only_by_tls == {
            "Sid": "OnlyByTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:*",
            "Resource": queue,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }


def test_sqs_itself_redrives_no_dead_letter_and_nothing_that_our_redrive_does_is_denied() -> None:
    _, *more = policies("AWS::SQS::QueuePolicy", "Queues")["DeadLetterQueue"]

    assert [(rule["Effect"], rule["Principal"], rule["Action"], rule["Resource"]) for rule in more] == [
        ("Deny", "*", "sqs:StartMessageMoveTask", "DeadLetterQueue")
    ]
    assert "Condition" not in more[0]


def test_topics_and_rules_may_send_only_if_they_are_named() -> None:
    without = policies("AWS::SQS::QueuePolicy", "Queues")
    (_, sending) = policies("AWS::SQS::QueuePolicy", "Queues", SenderArns=EVERY_OPTION["SenderArns"])["Queue"]

    assert not [rule for rules in without.values() for rule in rules if rule["Effect"] == "Allow"]
    assert sending["Action"] == "sqs:SendMessage"
    assert sending["Principal"] == {"Service": ["events.amazonaws.com", "sns.amazonaws.com"]}
    assert sending["Condition"] == {"ArnEquals": {"aws:SourceArn": EVERY_OPTION["SenderArns"].split(",")}}


def test_only_the_refresh_function_writes_the_token() -> None:
    (rule, *_) = policies("AWS::SecretsManager::ResourcePolicy", "SecretId")["AccessTokenSecret"]

    assert (rule["Effect"], rule["Principal"]) == ("Deny", "*")
    assert set(rule["Action"]) == {"secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"}
    assert rule["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": "RefreshTokenRole"}}


def test_no_function_can_change_the_token_in_any_other_way() -> None:
    (_, *rules) = policies("AWS::SecretsManager::ResourcePolicy", "SecretId")["AccessTokenSecret"]

    assert all((rule["Effect"], rule["Principal"], rule["Resource"]) == ("Deny", "*", "*") for rule in rules)
    left = {
        role: {action.partition(":")[2] for action in as_list(rule["NotAction"])}
        for rule in rules
        for role in as_list(rule["Condition"]["ArnEquals"]["aws:PrincipalArn"])
    }
    assert left == {
        "DeliverRole": {"GetSecretValue"},
        "CheckConnectionRole": {"GetSecretValue"},
        "RefreshTokenRole": {"GetSecretValue", "PutSecretValue"},
    }


def test_the_other_functions_cannot_touch_the_credentials_whatever_their_roles_are_given() -> None:
    (others, refresh) = policies("AWS::SecretsManager::ResourcePolicy", "SecretId")["CredentialsSecret"]

    assert (others["Effect"], others["Action"]) == ("Deny", "secretsmanager:*")
    assert others["Condition"] == {"ArnEquals": {"aws:PrincipalArn": ["DeliverRole", "CheckConnectionRole"]}}
    assert refresh["Effect"] == "Deny"
    assert {"secretsmanager:PutSecretValue", "secretsmanager:UpdateSecret"} <= set(refresh["Action"])
    assert refresh["Condition"] == {"ArnEquals": {"aws:PrincipalArn": "RefreshTokenRole"}}


def test_nobody_but_functions_is_denied_the_credentials_so_that_a_person_can_fill_them() -> None:
    for parameters in ({}, EVERY_OPTION):
        for rule in policies("AWS::SecretsManager::ResourcePolicy", "SecretId", **parameters)["CredentialsSecret"]:
            (condition,) = rule["Condition"].items()
            assert condition[0] == "ArnEquals"
            assert all(name.endswith("Role") for name in as_list(condition[1]["aws:PrincipalArn"]))


def test_the_refresh_function_may_write_the_credentials_where_they_rotate() -> None:
    (others,) = policies("AWS::SecretsManager::ResourcePolicy", "SecretId", CredentialsRotate="true")[
        "CredentialsSecret"
    ]

    assert "RefreshTokenRole" not in json.dumps(others)


def test_secrets_are_never_open_to_other_accounts() -> None:
    for policy in resolved("AWS::SecretsManager::ResourcePolicy").values():
        assert policy["BlockPublicPolicy"] is True


@pytest.mark.parametrize("topic", ["AlarmTopic", "NoticeTopic"])
def test_alarms_may_publish_to_a_topic_and_nothing_may_without_tls(topic: str) -> None:
    (alarms, only_by_tls) = policies("AWS::SNS::TopicPolicy", "Topics", **EVERY_OPTION)[topic]

    assert alarms["Resource"] == only_by_tls["Resource"] == topic
    assert (alarms["Effect"], alarms["Action"]) == ("Allow", "sns:Publish")
    assert alarms["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert alarms["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    assert (only_by_tls["Effect"], only_by_tls["Principal"]) == ("Deny", "*")
    assert only_by_tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


KEYS = ["Key", "AlarmKey"]


def of_the_key(name: str = "Key", **parameters: str) -> dict[str, Any]:
    key = resolved("AWS::KMS::Key", CustomerManagedKey="true", **parameters)[name]
    return {statement["Sid"]: statement for statement in statements(key["KeyPolicy"])}


@pytest.mark.parametrize("key", KEYS)
def test_a_key_obeys_the_accounts_administrators_so_that_it_is_never_lost(key: str) -> None:
    rule = of_the_key(key)["TheAccountDecidesByItsPolicies"]

    assert rule["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert rule["Action"] == "kms:*"


def test_the_key_of_the_topic_serves_the_alarms_of_this_account_and_nothing_else() -> None:
    rules = of_the_key("AlarmKey", SenderArns=EVERY_OPTION["SenderArns"])

    assert set(rules) == {"TheAccountDecidesByItsPolicies", "AlarmsTellTheTopic"}
    alarms = rules["AlarmsTellTheTopic"]
    assert alarms["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert set(alarms["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey*"}
    assert alarms["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:eu-west-1:{ACCOUNT}:alarm:*"},
    }


def test_the_key_serves_the_logs_of_this_stack() -> None:
    log_groups = [group["LogGroupName"] for group in resolved("AWS::Logs::LogGroup", **EVERY_OPTION).values()]

    logs = of_the_key()["LogsOfThisStack"]
    # What CloudWatch Logs asks for in its guide to encryption by KMS.
    assert {action.rstrip("*") for action in logs["Action"]} == {
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:ReEncrypt",
    }
    assert logs["Principal"] == {"Service": "logs.eu-west-1.amazonaws.com"}
    patterns = logs["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    assert len(log_groups) == 4
    for name in log_groups:
        arn = f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:{name}"
        assert any(arn == pattern or arn.startswith(pattern.removesuffix("*")) for pattern in patterns), name


def test_the_key_serves_topics_and_rules_only_if_they_send() -> None:
    assert not {"TopicsSend", "RulesSend"} & set(of_the_key())

    rules = of_the_key(SenderArns=EVERY_OPTION["SenderArns"])
    topics, events = rules["TopicsSend"], rules["RulesSend"]

    assert set(topics["Action"]) == set(events["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert topics["Principal"] == {"Service": "sns.amazonaws.com"}
    assert topics["Condition"] == {"ArnLike": {"aws:SourceArn": EVERY_OPTION["SenderArns"].split(",")}}
    assert events["Principal"] == {"Service": "events.amazonaws.com"}
    # AWS passes no source of EventBridge's on to KMS.
    assert events["Condition"] == {"Null": {"kms:EncryptionContext:SecretARN": "true"}}


def test_an_alarm_arrives_though_the_key_of_the_queues_is_disabled() -> None:
    everything = {**EVERY_OPTION, "CustomerManagedKey": "true"}

    by_topic = {name: topic["KmsMasterKeyId"] for name, topic in resolved("AWS::SNS::Topic", **everything).items()}
    topics = set(by_topic.values())

    assert by_topic == {"AlarmTopic": "AlarmKey", "NoticeTopic": "AlarmKey"}
    assert not topics & {queue.get("KmsMasterKeyId") for queue in resolved("AWS::SQS::Queue", **everything).values()}
    assert "AlarmsTellTheTopic" not in of_the_key(), "the queues' key has nothing to do with alarms"


def test_there_is_a_key_for_alarms_only_where_a_topic_is_the_stacks_own() -> None:
    given = {"CustomerManagedKey": "true", "ExistingAlarmTopicArn": A_TOPIC}

    assert set(resolved("AWS::KMS::Key", **given)) == {"Key"}
    assert set(resolved("AWS::KMS::Key", **given, NoticeEmail="a@example.com")) == {"Key", "AlarmKey"}


def test_all_that_may_hold_data_is_encrypted_by_the_key_where_there_is_one() -> None:
    on = {"CustomerManagedKey": "true", "HttpEndpoint": "true"}
    queues = resolved("AWS::SQS::Queue", **on)
    of_failed_schedules = queues.pop("ScheduleDeadLetterQueue")

    assert {queue["KmsMasterKeyId"] for queue in queues.values()} == {"Key"}
    assert not any("SqsManagedSseEnabled" in queue for queue in queues.values())
    # It must take the letter that says that the key is disabled.
    assert of_failed_schedules == {"MessageRetentionPeriod": "1209600", "SqsManagedSseEnabled": True}
    assert {secret["KmsKeyId"] for secret in resolved("AWS::SecretsManager::Secret", **on).values()} == {"Key"}
    assert {group["KmsKeyId"] for group in resolved("AWS::Logs::LogGroup", **on).values()} == {"Key"}


def test_without_a_key_of_its_own_the_queues_are_encrypted_by_that_of_sqs() -> None:
    queues = resolved("AWS::SQS::Queue").values()

    assert all(queue["SqsManagedSseEnabled"] is True for queue in queues)
    assert "Key" not in json.dumps([resolved("AWS::SNS::Topic"), resolved("AWS::Logs::LogGroup")])


@pytest.mark.parametrize("name", KEYS)
def test_a_key_rotates_and_outlives_the_stack(name: str) -> None:
    key = template().resources[name]

    assert key["Properties"]["EnableKeyRotation"] is True
    assert (key["DeletionPolicy"], key["UpdateReplacePolicy"]) == OUTLIVES_THE_STACK
