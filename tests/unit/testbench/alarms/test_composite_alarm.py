from __future__ import annotations

import pytest
from destination_testbench.alarms.composite_alarm import CompositeAlarm, parse_rule, read_composite
from destination_testbench.alarms.metric_alarm import Habits, MetricAlarm, State, read_alarm
from destination_testbench.alarms.metrics import MetricId, Metrics, UnsupportedError
from destination_testbench.alarms.stack_alarms import StackAlarms, Watched, watch


@pytest.mark.parametrize(
    ("rule", "on", "wanted"),
    [
        ('ALARM("a") OR ALARM("b")', "b", True),
        ('ALARM("a") OR ALARM("b")', "c", False),
        ('ALARM("a") AND ALARM("b")', "a", False),
        ('ALARM("a") AND ALARM("b")', "ab", True),
        ('ALARM("a") AND NOT ALARM("b")', "a", True),
        ('ALARM("a") AND NOT ALARM("b")', "ab", False),
        ('ALARM("c") OR ((ALARM("a") OR ALARM("b")) AND NOT ALARM("d"))', "b", True),
        ('ALARM("c") OR ((ALARM("a") OR ALARM("b")) AND NOT ALARM("d"))', "bd", False),
        ("OK(a)", "", True),
        ("INSUFFICIENT_DATA(a)", "", False),
    ],
)
def test_a_rule_holds_as_it_reads(rule: str, on: str, wanted: bool) -> None:
    holds, children = parse_rule(rule)

    assert holds({name: State.ALARM if name in on else State.OK for name in "abcd"}) is wanted
    assert children


@pytest.mark.parametrize("rule", ["", "a", 'ALARM("a"', 'ALARM("a") ALARM("b")', 'ALARM("a") OR', "ALARM() OR OK(b)"])
def test_a_rule_that_is_none_is_refused(rule: str) -> None:
    with pytest.raises(UnsupportedError):
        parse_rule(rule)


def test_and_beside_or_needs_parentheses() -> None:
    with pytest.raises(UnsupportedError, match="parentheses"):
        parse_rule("ALARM(a) OR ALARM(b) AND ALARM(c)")


def test_a_rule_may_be_about_a_hundred_alarms() -> None:
    rule = " OR ".join(f"ALARM(a{number})" for number in range(100))

    assert len(parse_rule(rule)[1]) == 100
    with pytest.raises(UnsupportedError, match="100 alarms"):
        parse_rule(f"{rule} OR ALARM(one-more)")


def metric(name: str) -> MetricId:
    return MetricId.of("Test", name, {})


def child(name: str) -> MetricAlarm:
    said = {
        "Namespace": "Test",
        "MetricName": name,
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }
    return read_alarm(name, said)


def watched(symptom: range, cause: range, wait: int = 3, extension: int = 5) -> Watched:
    """A symptom and its cause, each on in these minutes; both tell the topic."""
    metrics = Metrics()
    for name, minutes in (("symptom", symptom), ("cause", cause)):
        for minute in minutes:
            metrics.add(metric(name), minute * 60, 1)
    said = {
        "AlarmRule": "ALARM(symptom)",
        "AlarmActions": ["topic"],
        "ActionsSuppressor": "Cause",
        "ActionsSuppressorWaitPeriod": wait * 60,
        "ActionsSuppressorExtensionPeriod": extension * 60,
    }
    composites = {
        "Symptom": read_composite("Symptom", said),
        "Cause": CompositeAlarm("Cause", *parse_rule("ALARM(cause)"), ("topic",)),
    }
    children = {name: child(name) for name in ("symptom", "cause")}
    return watch(StackAlarms(children, composites), metrics, 0, 3600, Habits(extra_periods=0))


def told(seen: Watched) -> list[tuple[int, str]]:
    return [(round(at / 60), name) for at, name in seen.wakes("topic")]


def test_a_symptom_alone_tells_after_its_wait() -> None:
    assert told(watched(range(10, 30), range(0))) == [(13, "Symptom")]


def test_a_symptom_is_quiet_while_its_cause_is_on() -> None:
    assert told(watched(range(10, 30), range(8, 40))) == [(8, "Cause")]


def test_a_cause_that_comes_within_the_wait_is_in_time() -> None:
    assert told(watched(range(10, 30), range(12, 40))) == [(12, "Cause")]


def test_a_symptom_that_ends_within_the_extension_is_never_told() -> None:
    assert told(watched(range(10, 33), range(8, 30))) == [(8, "Cause")]


def test_a_symptom_that_outlasts_its_cause_is_told_after_the_extension() -> None:
    assert told(watched(range(10, 50), range(8, 30))) == [(8, "Cause"), (35, "Symptom")]


def test_a_symptom_is_told_once_each_time_that_it_goes_on() -> None:
    seen = watched(range(10, 20), range(0))

    assert told(seen) == [(13, "Symptom")]
    assert (seen.was_on("Symptom"), seen.is_on("Symptom")) == (True, False)
