"""examples/kinesis-pipe.yaml: nothing that the pipe gives up disappears, and somebody is told."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from destination_testbench.local.places import ROOT
from destination_testbench.template.intrinsics import Resolver
from samtranslator.yaml_helper import yaml_parse
from the_template import PSEUDO

TOPIC = "arn:aws:sns:eu-west-1:123456789012:alarms"


@cache
def template() -> Any:
    return yaml_parse((ROOT / "examples" / "kinesis-pipe.yaml").read_text(encoding="utf-8"))


def properties(logical_id: str, topic: str = TOPIC) -> Any:
    values = {**PSEUDO, "QueueArn": "the-queue", "KeyArn": "", "AlarmTopicArn": topic}
    says = Resolver(values, template()["Conditions"], lambda name: name, lambda name, attribute: name)
    return says.resolve(template()["Resources"][logical_id]["Properties"])


def test_what_the_pipe_gives_up_goes_to_a_queue_that_its_role_may_send_to() -> None:
    source = properties("Pipe")["SourceParameters"]["KinesisStreamParameters"]
    rights = properties("PipeRole")["Policies"][0]["PolicyDocument"]["Statement"]
    (sending,) = (statement for statement in rights if statement["Sid"] == "WriteToTheQueue")

    assert source["DeadLetterConfig"] == {"Arn": "PipeDeadLetterQueue"}
    assert sending["Resource"] == ["the-queue", "PipeDeadLetterQueue"]
    assert properties("PipeDeadLetterQueue")["MessageRetentionPeriod"] == 14 * 86_400


@pytest.mark.parametrize(
    ("alarm", "watched"),
    [("PipeDeadLettersAlarm", "PipeDeadLetterQueue"), ("PipeFailingAlarm", "Pipe")],
)
def test_an_alarm_tells_the_topic_if_one_is_given(alarm: str, watched: str) -> None:
    told = properties(alarm)

    assert [dimension["Value"] for dimension in told["Dimensions"]] == [watched]
    assert told["AlarmActions"] == [TOPIC]
    assert "AlarmActions" not in properties(alarm, topic="")
