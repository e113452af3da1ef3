"""
The project's models beside LocalStack, an AWS that is not ours: queue, stack, front door, envelopes, alarms.

What LocalStack does otherwise stands in tests/support/localstack.py, with the reason; whatever else differs fails here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from deployed import Deployed
from destination_testbench.alarms.metric_alarm import Habits, MetricAlarm, State, Treatment, read_alarm
from destination_testbench.alarms.metrics import MetricId, Metrics
from destination_testbench.alarms.stack_alarms import EVERYTHING, METRIC_ALARM, alarms_said
from destination_testbench.aws.front_door import DoorAnswer, FrontDoor
from destination_testbench.aws.front_door_server import QueueQuery
from destination_testbench.aws_lambda.event_source import event_of
from destination_testbench.local.places import ROOT
from destination_testbench.template.template import NESTED_STACK
from local_stack import wait_until
from localstack import (
    BY_PLACE,
    NO_PROFILES,
    NOT_MADE,
    SECONDS_LATE,
    LocalStackServer,
    extra_periods,
)
from queue_scripts import SCRIPTS, Place, Seen, expected, place_in_simulation, place_on
from salesforce_destination.aws.sqs_event import messages_in
from salesforce_destination.profile.profile import profiles_in, read_body, time_of_notification
from salesforce_destination.profile.source import compile_source
from the_template import A_TOPIC, EVERY_OPTION, exists, resolved, template

pytestmark = [pytest.mark.localstack, pytest.mark.timeout(300)]

PROFILE = {"identityMap": {"crmID": [{"id": "003Ab0000000001IAA"}]}, "person": {"name": {"lastName": "Böhm & Söhne"}}}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStackServer]:
    with LocalStackServer(tmp_path_factory.mktemp("localstack")) as server:
        yield server


@dataclass(frozen=True)
class Whole:
    """The stack with all that can be switched on together."""

    options: Mapping[str, str]
    stack: Deployed


@pytest.fixture(scope="module")
def whole(aws: LocalStackServer) -> Whole:
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24") for number in range(2)]
    group = ec2.create_security_group(VpcId=vpc, GroupName="functions", Description="functions")["GroupId"]
    network = {"SubnetIds": ",".join(it["Subnet"]["SubnetId"] for it in subnets), "SecurityGroupIds": group}
    options = {**EVERY_OPTION, **network}
    return Whole(options, aws.deploy(options))


def should_have(options: Mapping[str, str]) -> set[str]:
    """What the template says that a stack with these options has, without what LocalStack never makes."""
    there = {name for name in template().resources if exists(name, **options)}
    return {name for name in there if template().resources[name]["Type"] not in NOT_MADE}


def made(stack: Deployed) -> set[str]:
    return {
        name for name, (kind, physical) in stack.resources.items() if physical != "unknown" and kind != NESTED_STACK
    }


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_the_model_of_the_queue_answers_as_localstacks_does(
    aws: LocalStackServer, script: Callable[[Place], Seen]
) -> None:
    account = f"{SCRIPTS.index(script) + 1:012}"

    seen = script(place_on(aws.client("sqs", account), SECONDS_LATE))

    assert seen == expected(script, BY_PLACE)


def test_the_whole_stack_is_made_with_every_option(whole: Whole) -> None:
    assert made(whole.stack) == should_have(whole.options)
    assert len(made(whole.stack)) > 70


@pytest.mark.parametrize("options", [{}, {"ExistingAlarmTopicArn": A_TOPIC, "ExistingNoticeTopicArn": A_TOPIC}])
def test_the_stack_is_made_with_fewer_options(aws: LocalStackServer, options: dict[str, str]) -> None:
    stack = aws.deploy(options, f"fewer-{len(options)}")

    assert made(stack) == should_have(options)


def test_the_stack_is_what_the_template_says(aws: LocalStackServer, whole: Whole) -> None:
    queue = aws.client("sqs").get_queue_attributes(QueueUrl=whole.stack.physical("Queue"), AttributeNames=["All"])
    function = aws.client("lambda").get_function_configuration(FunctionName=whole.stack.physical("DeliverFunction"))
    variables = function["Environment"]["Variables"]
    policy = aws.client("secretsmanager").get_resource_policy(SecretId=whole.stack.physical("AccessTokenSecret"))

    assert queue["Attributes"]["KmsMasterKeyId"] == whole.stack.outputs["KeyArn"]
    assert json.loads(queue["Attributes"]["RedrivePolicy"])["deadLetterTargetArn"].endswith(
        whole.stack.physical("DeadLetterQueue").rpartition("/")[2]
    )
    assert variables["QUEUE_URL"] == whole.stack.outputs["QueueUrl"]
    assert variables["ACCESS_TOKEN_SECRET_ID"] == whole.stack.outputs["AccessTokenSecretArn"]
    assert len(function["Layers"]) == 3
    assert ",".join(function["VpcConfig"]["SubnetIds"]) == whole.options["SubnetIds"]
    assert {it["Sid"] for it in json.loads(policy["ResourcePolicy"])["Statement"]} >= {
        "WrittenByTheRefreshFunctionOnly"
    }


LARGEST = 1_044_480
AROUND = len(json.dumps({"a": ""}))


def a_body(size: int) -> bytes:
    return json.dumps({"a": "x" * (size - AROUND)}).encode()


REQUESTS: dict[str, tuple[bytes, dict[str, str]]] = {
    "a profile": (json.dumps(PROFILE, ensure_ascii=False).encode(), {}),
    "a list": (json.dumps({"profiles": [PROFILE, PROFILE]}).encode(), {}),
    **{f"event {n}": (record["body"].encode(), {}) for n, record in enumerate(
        json.loads((ROOT / "events" / "deliver-adobe.json").read_text(encoding="utf-8"))["Records"])},
    "the largest": (a_body(LARGEST), {}),
    "too large": (a_body(LARGEST + 1), {}),
    "a character that no queue takes": ('{"a": "\uffff"}'.encode(), {}),
    **{f"no profile: {body}": (body.encode(), {}) for body in NO_PROFILES},
    "no key": (b'{"a": 1}', {"x-api-key": ""}),
    "another key": (b'{"a": 1}', {"x-api-key": "another"}),
    **{kind: (b'{"a": 1}', {"Content-Type": kind}) for kind in (
        "text/plain", "application/xml", "application/json; charset=utf-8", "application/json;charset=UTF-8")},
}  # fmt: skip


@dataclass(frozen=True)
class Doors:
    """LocalStack's API and our model of it, both before LocalStack's queue."""

    url: str
    key: str
    model: FrontDoor

    def posted(self, name: str) -> requests.Response:
        body, headers = REQUESTS[name]
        return requests.post(self.url, body, headers=self._with_key(headers), timeout=30)

    def modelled(self, name: str) -> DoorAnswer:
        body, headers = REQUESTS[name]
        return self.model.post("/profiles", body, self._with_key(headers))

    def _with_key(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {"x-api-key": self.key, "Content-Type": "application/json", **headers}


@pytest.fixture(scope="module")
def doors(aws: LocalStackServer, whole: Whole) -> Doors:
    key = aws.client("apigateway").get_api_key(apiKey=whole.stack.outputs["HttpApiKeyId"], includeValue=True)["value"]
    definition = resolved("AWS::ApiGateway::RestApi", **whole.options)["FrontDoor"]["Body"]
    queue = whole.stack.physical("Queue").rpartition("/")[2]
    here = json.loads(json.dumps(definition).replace("/Queue", f"/{queue}"))
    url = f"{aws.url}/_aws/execute-api/{whole.stack.physical('FrontDoor')}/v1/profiles"
    return Doors(url, key, FrontDoor(here, key, QueueQuery(aws.url)))


@pytest.fixture
def arrived(aws: LocalStackServer, whole: Whole) -> Callable[[int], list[Any]]:
    """Takes what is on the stack's queue, which is empty before."""
    sqs, url = aws.client("sqs"), whole.stack.physical("Queue")
    sqs.purge_queue(QueueUrl=url)

    def take(wanted: int) -> list[Any]:
        found: list[Any] = []
        deadline = time.monotonic() + 20
        while len(found) < wanted and time.monotonic() < deadline:
            asked = {"MaxNumberOfMessages": 10, "WaitTimeSeconds": 1, "MessageAttributeNames": ["All"]}
            found += sqs.receive_message(QueueUrl=url, AttributeNames=["All"], **asked).get("Messages", [])
        return found

    return take


def test_every_difference_is_of_a_call_that_is_made() -> None:
    calls = {(script.__name__, place) for script in SCRIPTS for place in range(len(script(place_in_simulation())))}

    assert set(BY_PLACE) <= calls | REQUESTS.keys()


@pytest.mark.parametrize("name", REQUESTS)
def test_the_model_of_the_front_door_answers_as_localstacks_does(doors: Doors, name: str) -> None:
    answer, modelled = doors.posted(name), doors.modelled(name)

    told = (modelled.status, "" if modelled.status == 200 else modelled.document["message"])
    assert (answer.status_code, "" if answer.ok else answer.json()["message"]) == BY_PLACE.get(name, told)


def test_what_is_posted_is_on_the_queue_byte_for_byte(doors: Doors, arrived: Callable[[int], list[Any]]) -> None:
    names = ["a profile", "a list", "event 0", "event 1", "event 2", "the largest"]

    answers = {name: doors.posted(name).json()["message_id"] for name in names}

    messages = {message["MessageId"]: message["Body"].encode() for message in arrived(len(names))}
    assert {name: messages[answers[name]] for name in names} == {name: REQUESTS[name][0] for name in names}


SENT_AT = "1767571200000"
EVENT_TIME = {"EventTime": {"DataType": "Number", "StringValue": SENT_AT}}


def by_topic(aws: LocalStackServer, queue_arn: str, raw: str) -> None:
    sns = aws.client("sns")
    topic = sns.create_topic(Name=f"profiles-{raw}")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn, Attributes={"RawMessageDelivery": raw})
    sns.publish(TopicArn=topic, Message=json.dumps(PROFILE, ensure_ascii=False), MessageAttributes=EVENT_TIME)


def by_rule(aws: LocalStackServer, queue_arn: str) -> None:
    events = aws.client("events")
    events.put_rule(Name="profiles", EventPattern=json.dumps({"source": ["cdp"]}))
    events.put_targets(Rule="profiles", Targets=[{"Id": "queue", "Arn": queue_arn}])
    events.put_events(Entries=[{"Source": "cdp", "DetailType": "Profile", "Detail": json.dumps(PROFILE)}])


SENDERS: dict[str, tuple[Callable[[LocalStackServer, str], None], str, str | None]] = {
    "a topic": (lambda aws, arn: by_topic(aws, arn, "false"), "powertools_json(Message)", SENT_AT),
    "a topic with raw message delivery": (lambda aws, arn: by_topic(aws, arn, "true"), "@", SENT_AT),
    "a rule": (by_rule, "detail", None),
}
"""Each with the `profiles.select` that docs/aws-setup.md names, and the time that the message has of its own."""


@pytest.mark.parametrize("sender", SENDERS)
def test_what_others_put_on_the_queue_is_read_as_the_guide_says(
    aws: LocalStackServer, whole: Whole, arrived: Callable[[int], list[Any]], sender: str
) -> None:
    send, select, event_time = SENDERS[sender]

    send(aws, whole.stack.outputs["QueueArn"])

    (message,) = messages_in(event_of(arrived(1), whole.stack.outputs["QueueArn"]), now_ms=0)
    assert profiles_in(read_body(message.body), compile_source(select)) == [PROFILE]
    assert (message.event_time or time_of_notification(message.body)) == event_time


def single_alarms() -> dict[str, dict[str, Any]]:
    """The alarms on one metric, as the template says them and with every other treatment that LocalStack models."""
    said = alarms_said(template(), METRIC_ALARM, EVERYTHING)
    alone = {name: it for name, it in said.items() if "MetricName" in it}
    treatments = (Treatment.BREACHING, Treatment.NOT_BREACHING)
    return {f"{name} {treat}": {**it, "TreatMissingData": treat} for name, it in alone.items() for treat in treatments}


def histories(alarm: MetricAlarm) -> dict[str, str]:
    """What was measured, a sign a period, the newest last: `x` breaks the threshold, `o` does not, `-` is nothing."""
    periods, to_alarm = alarm.periods, alarm.to_alarm
    return {
        "nothing": "",
        "quiet": "o" * periods,
        "broken throughout": "x" * periods,
        "just now": "x",
        "long ago": "x" + "o" * (periods - 1),
        "just enough": "o" * (periods - to_alarm) + "x" * to_alarm,
        "one too few": "o" * (periods - to_alarm + 1) + "x" * (to_alarm - 1),
        "enough, then nothing": "x" * to_alarm + "-" * (periods - to_alarm),
        "before the range": "xx" + "-" * periods,
        "before a silence": "x" + "-" * (periods - 1),
        "before a gap": "x" * to_alarm + "-o",
    }


def test_the_alarms_on_one_metric_are_in_the_states_of_localstacks_own_evaluator(aws: LocalStackServer) -> None:
    cloudwatch, now, ours = aws.client("cloudwatch"), time.time(), dict[str, State]()
    for title, said in single_alarms().items():
        for story, signs in histories(read_alarm(title, said)).items():
            # LocalStack takes a metric for another one whose dimension begins with the same text.
            case = f"{len(ours):04}"
            dimensions = [{"Name": "Case", "Value": case}]
            alarm = read_alarm(title, {**said, "Dimensions": dimensions})
            metrics = measured(alarm, signs, now)
            for metric, at, value in metrics:
                datum = {"MetricName": metric.name, "Dimensions": dimensions, "Value": value}
                data = [{**datum, "Timestamp": datetime.fromtimestamp(at, UTC)}]
                cloudwatch.put_metric_data(Namespace=metric.namespace, MetricData=data)
            ours[f"{title}, {story}"] = state(alarm, metrics, now)
            cloudwatch.put_metric_alarm(
                AlarmName=f"{title}, {story}",
                Dimensions=dimensions,
                Threshold=alarm.threshold,
                Period=alarm.period,
                EvaluationPeriods=alarm.periods,
                DatapointsToAlarm=alarm.to_alarm,
                **{
                    it: said[it]
                    for it in ("Namespace", "MetricName", "Statistic", "ComparisonOperator", "TreatMissingData")
                },
            )

    def theirs() -> dict[str, str]:
        pages = cloudwatch.get_paginator("describe_alarms").paginate()
        return {
            it["AlarmName"]: it["StateValue"]
            for page in pages
            for it in page["MetricAlarms"]
            if it["AlarmName"] in ours
        }

    assert len(ours) >= 40
    assert {State.OK, State.ALARM} <= set(ours.values())
    wait_until(lambda: State.INSUFFICIENT_DATA not in theirs().values(), 60)
    assert theirs() == ours


def measured(alarm: MetricAlarm, signs: str, now: float) -> list[tuple[MetricId, float, float]]:
    (metric,) = alarm.metrics
    middles = (now - (back + 0.5) * alarm.period for back in reversed(range(len(signs))))
    values = {"x": alarm.threshold + 1, "o": alarm.threshold}
    return [(metric, at, values[sign]) for at, sign in zip(middles, signs, strict=True) if sign in values]


def state(alarm: MetricAlarm, measured: list[tuple[MetricId, float, float]], now: float) -> State:
    metrics = Metrics()
    for point in measured:
        metrics.add(*point)
    return alarm.state(metrics, now, State.INSUFFICIENT_DATA, Habits(extra_periods=extra_periods(alarm.periods)))
