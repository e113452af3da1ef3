"""
The template's alarms on what the functions really emit.

A few scenarios stand here; `make test-all` runs those of `make alarms`, all of them.
"""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from destination_testbench.alarms.dashboard import unheard
from destination_testbench.alarms.scenarios import FAULTS, HEALTHY, AlarmScenario
from destination_testbench.alarms.trial import ScenarioTrial, examined, lines, tried, unshown
from destination_testbench.template.template import Template, read_template

SHORT = [
    replace(HEALTHY[0], minutes=40),
    *(
        scenario
        for scenario in FAULTS
        if scenario.name in ("one message in five is not JSON", "Lambda throttles deliver")
    ),
    *(
        scenario
        for scenario in FAULTS
        if scenario.name in ("the client secret was changed", "the sender has a wrong key")
    ),
]


@cache
def template() -> Template:
    return read_template()


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> list[ScenarioTrial]:
    assert len(SHORT) == 5
    return tried(template(), SHORT, tmp_path_factory.mktemp("alarms"))


def changed(name: str, **properties: Any) -> Template:
    """The template with one alarm, or the dashboard, otherwise."""
    resources: dict[str, Mapping[str, Any]] = copy.deepcopy(dict(template().resources))
    resources[name] = {**resources[name], "Properties": {**resources[name]["Properties"], **properties}}
    return replace(template(), resources=resources)


def test_alarms_go_on_by_their_faults_and_stay_off_where_all_is_well(trials: list[ScenarioTrial]) -> None:
    assert [text for trial in trials for text in trial.mistakes] == []
    assert trials[0].on == frozenset()
    assert trials[0].metrics.names


def test_an_alarm_on_a_metric_that_nobody_emits_is_found(trials: list[ScenarioTrial]) -> None:
    broken = changed("SchemaMismatchAlarm", MetricName="SchemaMismatches")

    assert [text for text in unheard(broken, trials) if "SchemaMismatches" in text] == [
        "SchemaMismatchAlarm watches an unknown metric: SalesforceDestination SchemaMismatches of "
        "destination watched, service a-stack"
    ]


def test_an_alarm_on_a_dimension_that_nobody_emits_is_found(trials: list[ScenarioTrial]) -> None:
    broken = changed("DeliverFailingAlarm", Dimensions=[{"Name": "FunctionName", "Value": "deliver"}])

    assert "DeliverFailingAlarm watches an unknown metric: AWS/Lambda Errors of FunctionName deliver" in unheard(
        broken, trials
    )


def test_an_alarm_on_another_stage_of_the_front_door_is_found(trials: list[ScenarioTrial]) -> None:
    text = json.dumps(template().resources["FrontDoorRefusingAlarm"]["Properties"]["Metrics"])
    broken = changed("FrontDoorRefusingAlarm", Metrics=json.loads(text.replace('"v1"', '"prod"')))

    assert (
        "FrontDoorRefusingAlarm watches an unknown metric: AWS/ApiGateway 4XXError of ApiName a-stack, Stage prod"
        in unheard(broken, trials)
    )


def test_a_widget_on_a_metric_that_nobody_emits_is_found(trials: list[ScenarioTrial]) -> None:
    body = str(template().resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"][0])
    names = template().resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"][1]
    broken = changed("Dashboard", DashboardBody={"Fn::Sub": [body.replace("SalesforceLatency", "Latency"), names]})

    assert any("'Latency" in text and " Latency of" in text for text in unheard(broken, trials))


def test_an_alarm_that_can_never_go_on_is_found(trials: list[ScenarioTrial]) -> None:
    broken = changed("TokenRefreshFailingAlarm", Threshold=1_000_000)
    trial = next(trial for trial in trials if "secret" in trial.scenario.name)

    mistakes = examined(broken, trial.scenario, trial.metrics).mistakes

    assert any("TokenRefreshFailingAlarm stayed off" in text for text in mistakes)
    assert any("woken by nobody" in text for text in mistakes)


def test_an_alarm_that_is_always_on_is_found(trials: list[ScenarioTrial]) -> None:
    broken = changed("OldestMessageAlarm", Threshold=-1)
    names = ["OldestMessageAlarm", "RejectedShareAlarm"]

    judged = [examined(broken, trial.scenario, trial.metrics) for trial in trials]

    assert any("OldestMessageAlarm went on" in text for text in judged[0].mistakes)
    assert unshown(names, judged[:1], judged[1:]) == ["OldestMessageAlarm was on although nothing was wrong"]


def test_an_alarm_that_was_not_seen_on_is_named_under_the_table(trials: list[ScenarioTrial]) -> None:
    printed = list(lines(["NearGivingUpAlarm", "RejectedShareAlarm"], trials[:1], trials[1:]))

    assert "NearGivingUpAlarm did not go on for any fault" in printed
    assert any(line.startswith("RejectedShareAlarm") and "●" in line for line in printed)
    assert all(len(line) <= 80 for line in printed)


def test_every_scenario_has_a_name_of_its_own_that_fits_the_table() -> None:
    scenarios: list[AlarmScenario] = [*HEALTHY, *FAULTS]

    assert len({scenario.name for scenario in scenarios}) == len(scenarios) >= 15
    assert all(len(scenario.name) <= 32 for scenario in scenarios)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_every_alarm_is_shown_on_and_off() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "destination_testbench.alarms"],
        cwd=Path(__file__).parents[4],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "COLUMNS": "80"},
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "alarms are right: on for their faults, off when nothing is wrong." in ran.stdout
    assert max(map(len, ran.stdout.splitlines())) <= 80
