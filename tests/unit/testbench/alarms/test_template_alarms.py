"""What can be said of the template's alarms and dashboard without running anything."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import boto3
import pytest
from destination_testbench.alarms.dashboard import alarms_shown, shown
from destination_testbench.alarms.metric_alarm import read_alarm
from destination_testbench.alarms.scenarios import FAULTS, HEALTHY
from destination_testbench.alarms.stack_alarms import (
    COMPOSITE_ALARM,
    DASHBOARD,
    EVERYTHING,
    METRIC_ALARM,
    StackAlarms,
    alarms_said,
    read_alarms,
    read_dashboard,
    resolver,
)
from destination_testbench.template.template import Template, read_template
from moto import mock_aws
from the_template import INFORMING

A_TOPIC = "arn:aws:sns:eu-west-1:123456789012:night"
ANOTHER_TOPIC = "arn:aws:sns:eu-west-1:123456789012:chat"
ANSWERS = ("false", "true")
FRONT_DOOR = {"FrontDoorFailingAlarm", "FrontDoorRefusingAlarm", "ProfilesNotTakenAlarm"}


@cache
def template() -> Template:
    return read_template()


def alarms(**parameters: Any) -> StackAlarms:
    return read_alarms(template(), {**EVERYTHING, **parameters})


def said(**parameters: Any) -> dict[str, Any]:
    everything = {**EVERYTHING, **parameters}
    return {
        **alarms_said(template(), METRIC_ALARM, everything),
        **alarms_said(template(), COMPOSITE_ALARM, everything),
    }


def test_every_alarm_is_one_that_cloudwatch_takes() -> None:
    assert len(alarms().metric) >= 17
    assert len(alarms().composite) >= 5


def test_every_description_ends_in_the_address_of_its_section() -> None:
    for name, alarm in said(RunbookUrl="https://example.com/runbook.md").items():
        assert alarm["AlarmDescription"].endswith(f" https://example.com/runbook.md#{name.lower()}"), name
        assert 40 < len(alarm["AlarmDescription"]) <= 1024


def test_only_composites_wake_somebody_and_say_when_it_is_over() -> None:
    for name, alarm in said(ExistingAlarmTopicArn=A_TOPIC, ExistingNoticeTopicArn=ANOTHER_TOPIC).items():
        wanted = [A_TOPIC] if name in alarms().composite else [ANOTHER_TOPIC] if name in INFORMING else None
        assert alarm.get("AlarmActions") == alarm.get("OKActions") == wanted, name


def test_without_topics_alarms_go_to_the_stacks_own_and_notices_nowhere() -> None:
    actions = {name: alarm.get("AlarmActions") for name, alarm in said().items()}

    assert {name for name, found in actions.items() if found == ["AlarmTopic"]} == set(alarms().composite)
    assert all("AlarmActions" not in said()[name] for name in INFORMING)


def test_an_address_for_notices_has_a_topic_that_wakes_nobody() -> None:
    actions = {
        name: (alarm.get("AlarmActions"), alarm.get("OKActions"))
        for name, alarm in said(NoticeEmail="a@example.com").items()
    }

    assert {name for name, found in actions.items() if found == (["NoticeTopic"], ["NoticeTopic"])} == INFORMING
    assert all(actions[name] == (["AlarmTopic"], ["AlarmTopic"]) for name in alarms().composite)


def test_every_alarm_is_told_by_a_composite_or_informs() -> None:
    told = {child for composite in alarms().composite.values() for child in composite.children}

    assert told | INFORMING == set(alarms().metric)


@pytest.mark.parametrize("name", list(read_alarms(read_template(), EVERYTHING).metric))
def test_the_treatment_of_missing_data_is_chosen(name: str) -> None:
    hourly = {"SchedulesStoppedAlarm", "NeverScheduledAlarm"}
    assert template().of_type(METRIC_ALARM)[name]["TreatMissingData"] == (
        "breaching" if name in hourly else "notBreaching"
    )


def test_give_up_time_out_and_ceiling_are_those_of_the_parameters() -> None:
    texts = str(said(GiveUpAfterSeconds=777, FunctionTimeoutSeconds=99, ApiUsageCeilingPercent=55))

    assert "used / 55" in texts
    assert "/ 777" in texts
    assert "99 - duration" in texts


def test_the_alarm_on_connection_problems_covers_two_checks() -> None:
    alarm = alarms().metric["ConnectionProblemsAlarm"]

    assert (alarm.period, alarm.periods, alarm.to_alarm) == (3600, 2, 1)


def test_every_alarm_is_meant_to_go_on_by_some_fault() -> None:
    meant = {name for scenario in FAULTS for name in scenario.alarms}

    assert meant == set(alarms().names)
    assert all(scenario.alarms == frozenset() for scenario in HEALTHY)


def test_one_cause_wakes_once_but_for_what_is_about_to_be_given_up() -> None:
    twice = [scenario.name for scenario in FAULTS if len(scenario.wakes) > 1]

    assert twice == ["Salesforce is down for good"]


def test_a_stack_without_a_front_door_neither_watches_nor_shows_one() -> None:
    without, door = alarms(HttpEndpoint="false"), alarms()

    titles = {on: {title for title, _ in shown(read_dashboard(template(), {"HttpEndpoint": on}))} for on in ANSWERS}
    listed = {on: set(alarms_shown(read_dashboard(template(), {"HttpEndpoint": on}))) for on in ANSWERS}

    assert set(door.names) - set(without.names) == FRONT_DOOR
    assert not any("ApiGateway" in metric.namespace for metric in without.metrics)
    assert listed == {"false": set(without.names), "true": set(door.names)}
    assert {title.partition(":")[0] for title in titles["true"] - titles["false"]} == {"The front door"}


def test_no_rule_names_an_alarm_that_a_condition_leaves_out() -> None:
    without = alarms(HttpEndpoint="false")

    assert {child for composite in without.composite.values() for child in composite.children} <= set(without.names)


def test_the_dashboard_is_json_and_shows_what_the_parameters_say() -> None:
    body = read_dashboard(template(), {"ApiUsageCeilingPercent": 57, "DestinationFile": "leads.toml"})
    texts = str(body)

    assert len(body["widgets"]) >= 10
    assert "'value': 57" in texts
    assert "'destination', 'leads'" in texts
    assert not re.search(r"\$\{", texts)


def test_no_widget_covers_another() -> None:
    taken: set[tuple[int, int]] = set()
    for widget in read_dashboard(template(), EVERYTHING)["widgets"]:
        cells = {
            (column, row)
            for column in range(widget["x"], widget["x"] + widget["width"])
            for row in range(widget["y"], widget["y"] + widget["height"])
        }
        assert not taken & cells
        assert max(column for column, _ in cells) < 24
        taken |= cells


def test_every_metric_widget_says_its_region() -> None:
    widgets = [widget for widget in read_dashboard(template(), EVERYTHING)["widgets"] if widget["type"] == "metric"]

    assert len(widgets) >= 8
    assert {widget["properties"]["region"] for widget in widgets} == {"eu-west-1"}


def test_moto_takes_dashboard_and_alarms() -> None:
    with mock_aws():
        put_dashboard_and_alarms()


def put_dashboard_and_alarms() -> None:
    resolve = resolver(template(), EVERYTHING).resolve
    (dashboard,) = template().of_type(DASHBOARD).values()
    cloudwatch = boto3.client("cloudwatch")

    cloudwatch.put_dashboard(DashboardName="d", DashboardBody=resolve(dashboard)["DashboardBody"])
    for name, properties in alarms_said(template(), METRIC_ALARM, EVERYTHING).items():
        cloudwatch.put_metric_alarm(AlarmName=name, **numbers(properties))

    assert cloudwatch.get_dashboard(DashboardName="d")["DashboardBody"].startswith('{"start"')
    assert len(cloudwatch.describe_alarms()["MetricAlarms"]) == len(alarms().metric)


def numbers(alarm: dict[str, Any]) -> dict[str, Any]:
    """With the threshold as a number, as CloudFormation passes what a parameter says."""
    return {**alarm, "Threshold": float(alarm["Threshold"])}


def test_an_alarm_of_the_template_can_be_read_by_itself() -> None:
    alarm = read_alarm("OldestMessageAlarm", said()["OldestMessageAlarm"])

    assert {metric.name for metric in alarm.metrics} == {"OldestMessageAge", "ApproximateAgeOfOldestMessage"}
