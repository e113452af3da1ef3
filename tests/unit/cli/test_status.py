from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from destination_cli.metrics import DAY_MS, HOUR_MS, Point, activity_of, points_of
from destination_cli.status import DELETED, OrgStatus, org_status, show, show_audience, status_of
from destination_cli.target import Target, TargetError
from destination_cli.terminal import moment
from moto import mock_aws
from operated_stack import OperatedStack
from rich.console import Console

NOW = int(time.time() * 1000)
FILE = Path(__file__).parents[3] / "layers" / "destinations" / "contacts.toml"
COMPOSITE = dict.fromkeys(("DeliveryStoppedAlarm", "StaleUpdatesAlarm"), "Composite")


@pytest.fixture
def stack() -> Iterator[OperatedStack]:
    with mock_aws():
        yield OperatedStack()


def an_alarm(stack: OperatedStack, logical_id: str, state: str) -> None:
    """An alarm of the stack in this state; moto's CloudFormation makes none."""
    boto3.client("cloudwatch").put_metric_alarm(
        AlarmName=f"{stack.target.name}-{logical_id}",
        MetricName="Errors",
        Namespace="AWS/Lambda",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    boto3.client("cloudwatch").set_alarm_state(
        AlarmName=f"{stack.target.name}-{logical_id}", StateValue=state, StateReason="as told"
    )


class WithComposites:
    """CloudWatch with composite alarms, which moto has not; they are told of only if they are asked for."""

    def __init__(self, client: Any, states: Mapping[str, str]) -> None:
        self._client, self._states = client, states

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def describe_alarms(self, **asked: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self._client.describe_alarms(**asked)
        wanted = "CompositeAlarm" in asked["AlarmTypes"]
        found = [{"AlarmName": name, "StateValue": state} for name, state in self._states.items()]
        return {
            **answer,
            "CompositeAlarms": [alarm for alarm in found if wanted and alarm["AlarmName"] in asked["AlarmNames"]],
        }


class Resources:
    """CloudFormation with a stack whose alarms are two nested stacks below it, beside one that could not be made."""

    def __init__(self, *logical_ids: str) -> None:
        self._found: dict[str, list[dict[str, str]]] = {
            "a-stack": [a_resource("Queue", "SQS::Queue"), a_nested_stack("Inner"), a_nested_stack("Failed")],
            an_arn("Inner"): [a_nested_stack("Alarms")],
            an_arn("Alarms"): [a_resource(name, f"CloudWatch::{COMPOSITE.get(name, '')}Alarm") for name in logical_ids],
        }
        del self._found["a-stack"][-1]["PhysicalResourceId"]

    def get_paginator(self, name: str) -> Resources:
        assert name == "list_stack_resources"
        return self

    def paginate(self, StackName: str) -> list[dict[str, object]]:  # noqa: N803  # boto3's name
        return [{"StackResourceSummaries": [each]} for each in self._found[StackName]]


def a_resource(logical_id: str, kind: str) -> dict[str, str]:
    return {
        "LogicalResourceId": logical_id,
        "PhysicalResourceId": f"a-stack-{logical_id}",
        "ResourceType": f"AWS::{kind}",
    }


def a_nested_stack(logical_id: str) -> dict[str, str]:
    return {**a_resource(logical_id, "CloudFormation::Stack"), "PhysicalResourceId": an_arn(logical_id)}


def an_arn(nested: str) -> str:
    return f"arn:aws:cloudformation:eu-west-1:123456789012:stack/a-stack-{nested}-1AB2CD/0123"


def with_alarms(stack: OperatedStack, *logical_ids: str) -> Target:
    make = stack.target.make_client
    stack.target.make_client = lambda service: Resources(*logical_ids) if service == "cloudformation" else make(service)
    return stack.target


def counted(name: str, value: float, minutes_ago: int = 5, **dimensions: str) -> None:
    found = {"service": "a-stack", "destination": "contacts", **dimensions}
    boto3.client("cloudwatch").put_metric_data(
        Namespace="SalesforceDestination",
        MetricData=[
            {
                "MetricName": name,
                "Value": value,
                "Timestamp": datetime.fromtimestamp(NOW / 1000 - 60 * minutes_ago, UTC),
                "Dimensions": [{"Name": key, "Value": value} for key, value in found.items()],
            }
        ],
    )


def test_what_happened_is_counted_by_hour_and_day() -> None:
    points = [
        Point("RecordsDelivered", NOW - 1_000, 7),
        Point("RecordsDelivered", NOW - HOUR_MS - 1, 5),
        Point("RecordsDelivered", NOW - DAY_MS - 1, 100),
        Point("StatusesWritten", NOW - 1_000, 3, "CDP_Loyal__c"),
        Point("StatusesWritten", NOW - HOUR_MS - 1, 4, "CDP_Loyal__c"),
        Point("SomethingElse", NOW, 9),
    ]

    activity = activity_of(points, NOW)

    assert (activity.hour["RecordsDelivered"], activity.day["RecordsDelivered"]) == (7, 12)
    assert activity.statuses == {"CDP_Loyal__c": 7}
    assert "SomethingElse" not in activity.day


def test_the_last_value_is_the_newest_and_a_schema_mismatch_of_long_ago_has_ended() -> None:
    points = [
        Point("ConnectionProblems", NOW - 1_000, 0),
        Point("ConnectionProblems", NOW - HOUR_MS, 3),
        Point("SchemaMismatch", NOW - HOUR_MS - 1, 2),
    ]

    activity = activity_of(points, NOW)

    assert activity.last_value("ConnectionProblems") == 0
    assert activity.last_value("SchemaMismatch") is None


def test_the_oldest_message_is_that_of_the_last_report_if_it_is_recent() -> None:
    recent = [Point("OldestMessageAge", NOW - 60_000, 30), Point("OldestMessageAge", NOW - 1_000, 90)]

    assert activity_of(recent, NOW).oldest_received_seconds == 90
    assert activity_of([Point("OldestMessageAge", NOW - HOUR_MS, 90)], NOW).oldest_received_seconds is None


def test_a_deployed_stack_is_known_by_its_metrics_alarms_and_queues(stack: OperatedStack) -> None:
    counted("RecordsDelivered", 40)
    counted("RecordsDelivered", 2, minutes_ago=300)
    counted("StatusesWritten", 40, mapping_id="CDP_Loyal__c")
    counted("StatusesWritten", 9, mapping_id="CDP_Loyal__c", service="another-stack")
    stack.reject("a", {"ErrorCode": "NOT_JSON"})
    stack.sqs.send_message(QueueUrl=stack.queue_url, MessageBody="b")
    an_alarm(stack, "OldestMessageAlarm", "ALARM")
    an_alarm(stack, "DeliverFailingAlarm", "OK")
    names = ("OldestMessageAlarm", "DeliverFailingAlarm", "DeliveryStoppedAlarm", "StaleUpdatesAlarm")
    target = with_alarms(stack, *names)
    make, composites = target.make_client, {"a-stack-DeliveryStoppedAlarm": "ALARM", "a-stack-StaleUpdatesAlarm": "OK"}
    target.make_client = lambda service: (
        WithComposites(make(service), composites) if service == "cloudwatch" else make(service)
    )
    stack.feed()

    status = status_of(target, NOW)

    assert (status.activity.hour["RecordsDelivered"], status.activity.day["RecordsDelivered"]) == (40, 42)
    assert status.activity.statuses == {"CDP_Loyal__c": 40}
    assert (status.queue.visible, status.dead_letters, status.reasons) == (1, 1, {"NOT_JSON": 1})
    assert status.alarms == ["DeliveryStoppedAlarm", "OldestMessageAlarm"]
    assert status.org.problem == "NOT_CONNECTED"
    *findings, new = status.findings
    assert new == "The stack is not connected yet. Run `destination connect --stack NAME`."
    assert findings == [
        "DeliveryStoppedAlarm is on: see docs/runbook.md#deliverystoppedalarm.",
        "OldestMessageAlarm is on: see docs/runbook.md#oldestmessagealarm.",
        "Dead letters: 1. To see the reasons, run `destination dead-letters`.",
    ]
    assert len(stack.dead()) == 1


class Logs:
    """CloudWatch Logs with one line of the refresh-token function; with none it refuses."""

    def __init__(self, **line: str) -> None:
        self._line = line

    def get_paginator(self, operation: str) -> Logs:
        if not self._line:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "FilterLogEvents")
        return self

    def paginate(self, **asked: object) -> list[dict[str, Any]]:
        return [{"events": [{"message": json.dumps({"message": "no log-in", **self._line})}]}]


REFUSED = "The destination has no access token that Salesforce accepts."
WRONG = {"code": "CLIENT_SECRET_WRONG", "field": "client_secret", "problem": "is wrong.", "cure": "Copy it anew."}


@pytest.mark.parametrize(
    ("secret", "log", "code", "words"),
    [
        ("{}", {}, "NOT_CONNECTED", "The stack is not connected yet. Run"),
        ("{}", WRONG, "NOT_CONNECTED", "The stack is not connected yet. client_secret is wrong. Copy it anew."),
        ("not a token", {}, "NO_ACCESS_TOKEN", f"{REFUSED} The refresh-token function logs"),
        ("not a token", WRONG, "NO_ACCESS_TOKEN", f"{REFUSED} client_secret is wrong. Copy it anew."),
        (None, WRONG, "SECRETS_UNAVAILABLE", "The access token cannot be read from Secrets Manager"),
    ],
)
def test_the_first_sentence_about_the_org_is_that_of_the_code_and_a_failed_log_in_stands_where_it_is_the_cause(
    stack: OperatedStack, secret: str | None, log: dict[str, str], code: str, words: str
) -> None:
    if secret is None:
        stack.secrets.delete_secret(SecretId=stack.token_id, RecoveryWindowInDays=7)
    else:
        stack.secrets.put_secret_value(SecretId=stack.token_id, SecretString=secret)
    target, make = stack.target, stack.target.make_client
    target.make_client = lambda service: Logs(**log) if service == "logs" else make(service)
    target.outputs = {**target.outputs, "RefreshTokenLogGroupName": "/aws/lambda/a-stack/refresh-token"}

    org = org_status(target)

    assert org.problem == code
    assert org.cause.startswith(words)


def test_a_new_stack_says_how_it_is_connected_and_where_it_is(stack: OperatedStack) -> None:
    stack.feed()
    target = with_alarms(stack)
    target.where = {"account": "123456789012", "region": "eu-west-1"}
    console = Console(record=True, width=120)

    status = status_of(target, NOW)
    show(status, console)

    text = console.export_text()
    assert status.findings == ["The stack is not connected yet. Run `destination connect --stack NAME`."]
    assert re.search("AWS account, region +123456789012, eu-west-1", text)
    assert re.search("Last access token +NOT_CONNECTED", text)
    assert json.loads(status.as_json())["where"] == {"account": "123456789012", "region": "eu-west-1"}


@pytest.mark.parametrize(("received", "kept_out"), [(1_200, 1_200), (20, 20), (19, 19), (21, 20), (0, 0)])
def test_whom_the_filter_keeps_out_is_shown_and_found_where_it_is_everybody(
    stack: OperatedStack, received: int, kept_out: int
) -> None:
    counted("ProfilesReceived", received)
    counted("ProfilesNotPermitted", kept_out)
    stack.feed()
    console = Console(record=True, width=120)

    status = status_of(with_alarms(stack), NOW)
    show(status, console)

    told = f"only_if kept out all {received:,} profiles of the last hour: see docs/runbook.md#nobodypermittedalarm."
    assert (told in status.findings) is (received == kept_out >= 20)
    assert re.search(f"ProfilesNotPermitted +{kept_out:,} +{kept_out:,}", console.export_text())


LOYAL, TRIAL = "audience Loyal customers -> CDP_Loyal__c", "audience Trial users -> CDP_Trial__c"
NAME = "person.name.fristName -> FirstName"


def logged(stack: OperatedStack, minutes_ago: int, looked_through: int, *not_found: str) -> None:
    line = {"message": "batch delivered", "looked_through": looked_through, "not_found": not_found}
    boto3.client("logs").put_log_events(
        logGroupName=stack.log_group,
        logStreamName="s",
        logEvents=[{"timestamp": NOW - 60_000 * minutes_ago, "message": json.dumps(line)}],
    )


@pytest.mark.parametrize(
    ("last", "named"),
    [
        pytest.param((900, NAME, LOYAL, TRIAL), [NAME, TRIAL], id="an audience that was written today is no surprise"),
        pytest.param((900, LOYAL), [], id="the last batch had it"),
        pytest.param((800, NAME, LOYAL, TRIAL), [], id="too few profiles"),
    ],
)
def test_what_the_file_maps_and_none_of_the_last_profiles_had_is_named(
    stack: OperatedStack, last: tuple[Any, ...], named: list[str]
) -> None:
    boto3.client("logs").create_log_stream(logGroupName=stack.log_group, logStreamName="s")
    counted("ProfilesReceived", 9_000, minutes_ago=20)
    counted("ProfilesReceived", 1_000, minutes_ago=30)
    counted("StatusesWritten", 1, minutes_ago=600, mapping_id="CDP_Loyal__c")
    logged(stack, 100, 800, *last[1:])
    logged(stack, 15, 100, NAME, TRIAL, LOYAL)
    logged(stack, 10, *last)
    stack.feed()
    console = Console(record=True, width=80)

    status = status_of(with_alarms(stack), NOW)
    show(status, console)

    assert status.never_found == named
    found = f"None of the last 1,000 profiles has: {'; '.join(named)}. Compare the source, or"
    assert [text.startswith(found) for text in status.findings if "profiles has" in text] == [True] * bool(named)
    assert ("fristName -> FirstName; audience Trial" in " ".join(console.export_text().split())) is bool(named)


def test_who_may_not_read_the_log_is_told_the_rest(stack: OperatedStack) -> None:
    stack.feed()
    target = with_alarms(stack)
    make = target.make_client
    target.make_client = lambda service: Logs() if service == "logs" else make(service)

    status = status_of(target, NOW)

    assert (status.looked_through, status.never_found, status.dead_letters) == (0, [], 0)


def test_a_schema_mismatch_and_problems_of_the_connection_are_for_a_person_to_look_at(stack: OperatedStack) -> None:
    counted("SchemaMismatch", 2)
    counted("ConnectionProblems", 3)
    stack.feed()
    console = Console(record=True, width=160)

    status = status_of(with_alarms(stack), NOW)
    show(status, console)

    text = console.export_text()
    endings = [finding.rsplit(" ", 1)[-1] for finding in status.findings[:2]]
    assert endings == ["(SchemaMismatch)", "(ConnectionProblems)"]
    assert re.search(r"SchemaMismatch +2 at ", text)
    assert re.search(r"ConnectionProblems +3 at ", text)
    assert "RecordsDelivered counts records" in text
    assert json.loads(status.as_json())["activity"]["last"]["SchemaMismatch"]["value"] == 2


@pytest.mark.parametrize(
    ("missing", "told"), [(0, ["(UpdateOnlyIgnored)"]), (2, ["(SchemaMismatch)", "(UpdateOnlyIgnored)"])]
)
def test_that_salesforce_created_records_for_updates_has_a_sentence_of_its_own(
    stack: OperatedStack, missing: int, told: list[str]
) -> None:
    counted("SchemaMismatch", missing + 1)
    counted("UpdateOnlyIgnored", 1)
    stack.feed()

    status = replace(status_of(with_alarms(stack), NOW), org=OrgStatus())

    assert [finding.rsplit(" ", 1)[-1] for finding in status.findings] == told
    assert status.findings[-1].startswith("UPDATE_ONLY_IGNORED: Salesforce created records for updates. Run `dest")


@pytest.mark.parametrize(("held", "waiting", "is_told"), [(10, 1, True), (9, 1, False), (1_200, 0, False)])
def test_new_people_who_wait_are_for_a_person_to_look_at(
    stack: OperatedStack, held: int, waiting: int, is_told: bool
) -> None:
    counted("RecordsCreated", 100)
    counted("CreationsHeld", held)
    counted("CreationsHeld", 5_000, minutes_ago=70)
    for _ in range(waiting):
        stack.sqs.send_message(QueueUrl=stack.queue_url, MessageBody="b")
    stack.feed()
    console = Console(record=True, width=120)

    status = replace(status_of(with_alarms(stack), NOW), org=OrgStatus())
    show(status, console)

    told = f"They were held back {held:,} times in the last hour: see docs/runbook.md#creationsheldalarm."
    assert [finding.endswith(told) for finding in status.findings] == [True] * is_told
    assert re.search(f"CreationsHeld +{held:,} +{held + 5_000:,}", console.export_text())


@pytest.mark.parametrize(("waiting", "written", "is_told"), [(1, 0, True), (1, 3, False), (0, 0, False)])
def test_messages_that_wait_while_nothing_is_written_are_for_a_person_to_look_at(
    stack: OperatedStack, waiting: int, written: int, is_told: bool
) -> None:
    counted("MessagesDeferred", 40)
    if written:
        counted("RecordsDelivered", written)
    for _ in range(waiting):
        stack.sqs.send_message(QueueUrl=stack.queue_url, MessageBody="b")
    stack.feed()

    status = replace(status_of(with_alarms(stack), NOW), org=OrgStatus())

    told = "Messages wait, and no record was written in the last hour: see docs/runbook.md#nothingdeliveredalarm."
    assert status.findings == ([told] if is_told else [])


@pytest.mark.parametrize(("minutes", "waiting", "is_told"), [(1, 1, True), (61, 1, False), (1, 0, False)])
def test_one_refusal_for_a_common_cause_is_told_for_an_hour_while_messages_wait(
    stack: OperatedStack, minutes: int, waiting: int, is_told: bool
) -> None:
    at, code = NOW - 60_000 * minutes, "CANNOT_EXECUTE_FLOW_TRIGGER"
    words = json.dumps({"at": at, "code": code, "text": "Flow [x] says no", "fields": []})
    secret = stack.secrets.create_secret(Name="refusal", SecretString=words)
    target = with_alarms(stack)
    target.outputs = {**target.outputs, "RefusalSecretArn": secret["ARN"]}
    for _ in range(waiting):
        stack.sqs.send_message(QueueUrl=stack.queue_url, MessageBody="b")
    stack.feed()
    console = Console(record=True, width=200)

    status = status_of(target, NOW)
    show(status, console)

    assert (f"{code} at 20" in " ".join(status.findings)) is is_told
    assert ("in its own words: Flow [x] says no" in console.export_text()) is is_told
    assert "Flow" not in repr(status)


def test_a_person_and_a_program_read_the_same(stack: OperatedStack) -> None:
    counted("RecordsDelivered", 1_234)
    stack.feed()
    status = status_of(with_alarms(stack), NOW)
    console = Console(record=True, width=120)

    show(status, console)

    text = console.export_text()
    assert "a-stack uses contacts.toml" in text
    assert "1,234" in text
    assert max(map(len, text.splitlines())) <= 120
    assert "none" in text
    assert json.loads(status.as_json())["activity"]["hour"]["RecordsDelivered"] == 1_234


def test_on_this_machine_the_functions_own_logs_tell(tmp_path: Path) -> None:
    line = {
        "_aws": {"Timestamp": NOW, "CloudWatchMetrics": [{"Metrics": [{"Name": "StatusesWritten"}]}]},
        "StatusesWritten": [3.0, 2.0],
        "mapping_id": "CDP_Loyal__c",
    }
    (tmp_path / "deliver.log").write_text(f"START\n{json.dumps(line)}\n{{\n", encoding="utf-8")
    target = Target("local", {}, {}, lambda service: None, is_local=True, log_folder=tmp_path)

    assert list(points_of(target, NOW)) == [
        Point("StatusesWritten", NOW, 3.0, "CDP_Loyal__c"),
        Point("StatusesWritten", NOW, 2.0, "CDP_Loyal__c"),
    ]


DAYS = [moment(NOW - DAY_MS * ago)[:10] for ago in range(7, -1, -1)]


@pytest.mark.parametrize("name", ["Loyal customers", "CDP_LOYAL__C", "7841ba61-23c1-4bb3-a495-00d3g5fe1e93"])
def test_an_audience_is_shown_by_day_in_80_columns_of_plain_characters(
    stack: OperatedStack, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    day = 24 * 60
    counted("StatusesWritten", 3_000, mapping_id="CDP_Loyal__c")
    counted("ExitsWritten", 1_000, mapping_id="CDP_Loyal__c")
    counted("StatusesWritten", 45, 7 * day, mapping_id="CDP_Loyal__c")
    counted("StatusesWritten", 5, 3 * day, mapping_id="CDP_Loyal__c")
    counted("ExitsWritten", 5, 3 * day, mapping_id="CDP_Loyal__c")
    counted("StatusesWritten", 900, 9 * day, mapping_id="CDP_Loyal__c")
    counted("StatusesWritten", 900, mapping_id="CDP_Trial__c")
    counted("StatusesWritten", 900, mapping_id="CDP_Loyal__c", service="another-stack")
    console = Console(record=True, width=80, file=StringIO())

    assert show_audience(stack.target, console, name, FILE, "7d", as_json=False) == 0
    capsys.readouterr()
    assert show_audience(stack.target, console, name, FILE, "7d", as_json=True) == 0

    heading, _, columns, *rows = console.export_text().splitlines()
    none = {day: {"in": 0, "exited": 0} for day in DAYS}
    seen = {DAYS[0]: {"in": 45, "exited": 0}, DAYS[4]: {"in": 0, "exited": 5}, DAYS[7]: {"in": 2_000, "exited": 1_000}}
    told = {"audience": "Loyal customers", "counted_as": "CDP_Loyal__c", "days": none | seen}
    assert json.loads(capsys.readouterr().out) == told
    assert heading == "Loyal customers (CDP_Loyal__c): statuses written, by day (UTC)"
    assert columns.split() == ["in", "+", "exited", "-"]
    assert [row.split() for row in (rows[0], rows[1], rows[4])] == [
        [DAYS[0], "45", "0", "+"],
        [DAYS[1], "0", "0"],
        [DAYS[4], "0", "5", "-"],
    ]
    assert rows[7].split() == [DAYS[7], "2,000", "1,000", "+" * 30 + "-" * 15]
    assert max(map(len, rows)) <= 80


def test_on_this_machine_an_audience_is_counted_from_the_functions_logs_and_its_longest_bar_has_room(
    tmp_path: Path,
) -> None:
    told = {"StatusesWritten": [60.0, 40.0], "ExitsWritten": [98.0]}
    metrics = {"Timestamp": NOW, "CloudWatchMetrics": [{"Metrics": [{"Name": name} for name in told]}]}
    lines = [{"_aws": metrics, **told, "mapping_id": name} for name in ("v\\xedp", "CDP_Trial__c")]
    (tmp_path / "deliver.log").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    (tmp_path / "rows.toml").write_text(ROWS_ALONE, encoding="utf-8")
    target = Target("local", {}, {}, lambda service: None, is_local=True, log_folder=tmp_path)
    console = Console(record=True, width=80, file=StringIO())

    assert show_audience(target, console, "víp", tmp_path / "rows.toml", "1h", as_json=False) == 0

    assert console.export_text().splitlines()[-1].split() == [DAYS[-1], "2", "98", "+" + "-" * 45]


ROWS_ALONE = """
name = "Rows"
salesforce_object = "Contact"
identity = { source = "id", target = "SalesforceId" }
audiences = [{ id = "víp" }]

[memberships]
object = "CDP_Membership__c"
key = "CDP_Key__c"
person = "Contact__c"
audience = "Audience__c"
status = "Status__c"
since = "Since_Ms__c"
"""


@pytest.mark.parametrize("name", ["Loyal", ""])
def test_an_audience_that_the_file_has_not_is_refused(stack: OperatedStack, name: str) -> None:
    with pytest.raises(TargetError, match="Type its name, id or Mapping ID"):
        show_audience(stack.target, Console(), name, FILE, "7d", as_json=False)


def test_settings_that_somebody_changed_so_that_messages_are_lost_are_named(stack: OperatedStack) -> None:
    stack.feed()
    stack.sqs.set_queue_attributes(QueueUrl=stack.dead_letters_url, Attributes={"MessageRetentionPeriod": "3600"})

    found = status_of(with_alarms(stack), NOW).findings

    assert "RETENTION_SECONDS: is 3600: messages expire without a dead letter. Set at least 604800." in found
    assert DELETED not in found


def test_a_trigger_by_which_lambda_deletes_what_waits_is_named(stack: OperatedStack) -> None:
    stack.feed()
    boto3.client("lambda").update_event_source_mapping(UUID=stack.mapping, FunctionResponseTypes=[])

    assert DELETED in status_of(with_alarms(stack), NOW).findings
