from __future__ import annotations

import pytest
from destination_testbench.aws_lambda.execution_environment import FunctionError
from destination_testbench.aws_lambda.schedule import Schedule, Scheduler, invoking, seconds_between
from local_stack import RecordingFunction, wait_until

CHECK = Schedule('{"Records": [{"body": "check"}]}', every_seconds=0.01, function="CheckConnectionFunction")


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [("rate(1 minute)", 60), ("rate(45 minutes)", 2_700), ("rate(1 hour)", 3_600), ("rate(2 days)", 172_800)],
)
def test_a_rate_is_followed(expression: str, seconds: float) -> None:
    assert seconds_between(expression) == seconds


def test_a_cron_expression_is_only_followed_in_aws() -> None:
    assert seconds_between("cron(0 * * * ? *)") is None


def test_a_function_is_invoked_at_the_start_and_then_again_and_again() -> None:
    function = RecordingFunction()
    scheduler = Scheduler(CHECK, invoking(CHECK, function))

    scheduler.start()

    wait_until(lambda: len(function.bodies) >= 3)
    scheduler.stop()
    assert set(function.bodies) == {"check"}


@pytest.mark.parametrize("raised", [FunctionError("as told"), BrokenPipeError("as told"), KeyError("as told")])
def test_a_function_that_fails_in_any_way_is_invoked_again(raised: Exception) -> None:
    function = RecordingFunction()
    function.crashes, function.raised = True, raised
    scheduler = Scheduler(CHECK, invoking(CHECK, function))

    scheduler.start()

    wait_until(lambda: len(function.bodies) >= 2)
    scheduler.stop()
    with pytest.raises(type(raised)):
        function.invoke({"Records": []})
