from __future__ import annotations

from typing import Any

import pytest
from destination_testbench.alarms.metric_alarm import Habits, State, read_alarm
from destination_testbench.alarms.metrics import MetricId, Metrics, Periods, UnsupportedError

SENT = MetricId.of("AWS/SQS", "NumberOfMessagesSent", {"QueueName": "q"})
DELETED = MetricId.of("AWS/SQS", "NumberOfMessagesDeleted", {"QueueName": "q"})


def one_metric(**changes: Any) -> dict[str, Any]:
    return {
        "Namespace": "AWS/SQS",
        "MetricName": SENT.name,
        "Dimensions": [{"Name": "QueueName", "Value": "q"}],
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 5,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        **changes,
    }


def stat(id: str, metric: MetricId, period: int = 300) -> dict[str, Any]:
    said = {
        "Namespace": metric.namespace,
        "MetricName": metric.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
    }
    return {"Id": id, "ReturnData": False, "MetricStat": {"Metric": said, "Period": period, "Stat": "Sum"}}


def several(*metrics: dict[str, Any], expression: str = "sent - deleted", **changes: Any) -> dict[str, Any]:
    common = {name: one_metric()[name] for name in ("EvaluationPeriods", "Threshold", "ComparisonOperator")}
    return {"Metrics": [{"Id": "result", "Expression": expression}, *metrics], **common, **changes}


def published(*values: tuple[float, float], metric: MetricId = SENT) -> Metrics:
    metrics = Metrics()
    for at, value in values:
        metrics.add(metric, at, value)
    return metrics


def state(said: dict[str, Any], metrics: Metrics, now: float, habits: Habits | None = None) -> State:
    return read_alarm("AnAlarm", said).state(metrics, now, State.OK, habits or Habits())


@pytest.mark.parametrize(
    ("comparison", "value", "wanted"),
    [
        ("GreaterThanThreshold", 5, State.OK),
        ("GreaterThanThreshold", 6, State.ALARM),
        ("GreaterThanOrEqualToThreshold", 5, State.ALARM),
        ("LessThanThreshold", 5, State.OK),
        ("LessThanThreshold", 4, State.ALARM),
        ("LessThanOrEqualToThreshold", 5, State.ALARM),
    ],
)
def test_a_value_is_compared_as_the_alarm_says(comparison: str, value: float, wanted: State) -> None:
    assert state(one_metric(ComparisonOperator=comparison), published((30, value)), 60) is wanted


@pytest.mark.parametrize(
    ("statistic", "wanted"), [("Sum", 9), ("Maximum", 6), ("Minimum", 1), ("Average", 3), ("SampleCount", 3)]
)
def test_a_period_has_the_statistic_of_its_values(statistic: str, wanted: float) -> None:
    metrics = published((10, 1), (20, 2), (60, 6), (61, 100))

    assert metrics.series(SENT, statistic, Periods(60, 60, 2)) == [None, wanted]


def test_the_window_slides_with_every_minute() -> None:
    metrics, alarm = published((100, 3), (200, 3)), one_metric(Period=120)

    assert [state(alarm, metrics, now) for now in (120, 180, 240)] == [State.OK, State.OK, State.OK]
    assert state({**alarm, "Threshold": 2}, metrics, 180) is State.ALARM
    assert [state({**alarm, "Period": 180}, metrics, now) for now in (180, 240)] == [State.OK, State.ALARM]


def test_a_value_is_not_seen_before_it_has_come() -> None:
    metrics = published((30, 6)).delayed(120)

    assert [state(one_metric(Period=300), metrics, now) for now in (60, 120, 180)] == [State.OK, State.OK, State.ALARM]


def test_an_expression_of_an_expression_is_worked_out() -> None:
    metrics = published((10, 8))
    metrics.add(DELETED, 20, 1)
    alarm = several(
        stat("sent", SENT),
        stat("deleted", DELETED),
        {"Id": "left", "Expression": "sent - deleted", "ReturnData": False},
        expression="left * 10",
        Threshold=69,
    )

    assert state(alarm, metrics, 300) is State.ALARM
    assert state({**alarm, "Threshold": 70}, metrics, 300) is State.OK


@pytest.mark.parametrize(
    "said",
    [
        one_metric(Period=90),
        one_metric(EvaluationPeriods=1441),
        one_metric(EvaluationPeriods=2, DatapointsToAlarm=3),
        one_metric(ComparisonOperator="LessThanLowerOrGreaterThanUpperThreshold"),
        several(stat("sent", SENT, 60), stat("deleted", DELETED, 300)),
        several(stat("sent", SENT), stat("sent", DELETED)),
        several(stat("Sent", SENT), expression="1"),
        several(stat("sent", SENT), {"Id": "more", "Expression": "sent", "ReturnData": True}),
        several(*(stat(f"m{number}", SENT) for number in range(11)), expression="m1"),
        several(stat("sent", SENT), *({"Id": f"e{n}", "Expression": "sent", "ReturnData": False} for n in range(10))),
        {**several(), "Metrics": [{**stat("sent", SENT), "ReturnData": True}]},
        several(stat("sent", SENT), expression=" + ".join(["sent"] * 300)),
    ],
    ids=[
        *("period", "a day", "M of N", "comparison", "periods", "id twice", "id", "two results", "11 metrics"),
        *("11 expressions", "no expression", "2,097 characters"),
    ],
)
def test_what_cloudwatch_would_refuse_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedError):
        read_alarm("AnAlarm", said)


def test_expressions_that_need_each_other_or_nothing_are_refused() -> None:
    circle = several(
        stat("sent", SENT), {"Id": "other", "Expression": "result", "ReturnData": False}, expression="other"
    )

    for said in (circle, several(stat("sent", SENT), expression="nobody + sent")):
        with pytest.raises(UnsupportedError):
            state(said, Metrics(), 300)
