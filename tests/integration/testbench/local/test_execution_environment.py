from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from destination_testbench.aws_lambda.execution_environment import ExecutionEnvironment, FunctionError
from destination_testbench.aws_lambda.function_process import SLEEP_RATE
from destination_testbench.aws_lambda.invoker import Invoker
from local_stack import a_local_function, wait_until

FUNCTION = """
import os, time

calls = 0

def lambda_handler(event, context):
    global calls
    calls += 1
    if event == "die":
        os._exit(3)
    if event == "raise":
        raise ValueError("as told")
    if event == "sleep":
        print("sleeping", flush=True)
        time.sleep(60)
    if event == "unserialisable":
        return object()
    return {
        "calls": calls, "pid": os.getpid(), "environ": dict(os.environ), "request": context.aws_request_id,
        "function": context.function_name, "left": context.get_remaining_time_in_millis(),
    }
"""


@pytest.fixture
def an_invoker(tmp_path: Path) -> Iterator[Callable[..., Invoker]]:
    with ExitStack() as closing:

        def make(code: str = FUNCTION, timeout: float = 20.0, handler: str = "app.lambda_handler") -> Invoker:
            invoker = Invoker(a_local_function(tmp_path, code, timeout, handler))
            closing.callback(invoker.close)
            return invoker

        yield make


def test_an_environment_is_used_again(an_invoker: Callable[..., Invoker]) -> None:
    invoker = an_invoker()

    first, second = invoker.invoke({}), invoker.invoke({})

    assert (first["calls"], second["calls"]) == (1, 2)
    assert first["pid"] == second["pid"]
    assert first["request"] != second["request"]
    assert 0 < second["left"] <= 20_000


def test_a_function_may_sleep_less_and_believe_that_it_slept_all(tmp_path: Path) -> None:
    code = """
from time import monotonic, sleep
def lambda_handler(event, context):
    before = monotonic()
    sleep(30)
    return monotonic() - before
"""
    function = a_local_function(tmp_path, code).with_variables({SLEEP_RATE: "300"})
    with closing(Invoker(function)) as invoker:
        started = time.monotonic()

        assert 30 <= invoker.invoke({}) < 35

        assert time.monotonic() - started < 15


def test_a_function_sees_its_own_environment_and_nothing_of_the_persons(
    an_invoker: Callable[..., Invoker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "a-persons-own")

    environ = an_invoker().invoke({})["environ"]

    assert environ["MINE"] == "1"
    assert environ["AWS_LAMBDA_FUNCTION_NAME"] == "deliver"
    assert "AWS_PROFILE" not in environ
    assert "HOME" not in environ


def test_an_error_of_the_handler_fails_the_invocation_and_keeps_the_environment(
    an_invoker: Callable[..., Invoker],
) -> None:
    invoker = an_invoker()

    with pytest.raises(FunctionError, match="ValueError: as told"):
        invoker.invoke("raise")

    assert invoker.invoke({})["calls"] == 2
    assert "as told" in invoker.function.log.read_text(encoding="utf-8")


def test_a_function_that_overruns_its_time_is_ended_and_begins_anew(an_invoker: Callable[..., Invoker]) -> None:
    invoker = an_invoker(timeout=0.5)
    invoker.warm_up()

    with pytest.raises(FunctionError, match=r"Task timed out after 0\.50 seconds"):
        invoker.invoke("sleep")

    assert invoker.invoke({})["calls"] == 1


def test_a_function_that_dies_fails_the_invocation_and_begins_anew(an_invoker: Callable[..., Invoker]) -> None:
    invoker = an_invoker()

    with pytest.raises(FunctionError, match=r"Runtime\.ExitError"):
        invoker.invoke("die")

    assert invoker.invoke({})["calls"] == 1


def test_a_process_that_is_killed_while_it_waits_is_replaced(an_invoker: Callable[..., Invoker]) -> None:
    invoker = an_invoker()
    pid = invoker.invoke({})["pid"]

    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

    assert invoker.invoke({})["pid"] != pid


@pytest.mark.parametrize("size", [1, 5_000_000])
def test_a_process_that_is_killed_before_an_event_is_written_fails_the_invocation(tmp_path: Path, size: int) -> None:
    environment = ExecutionEnvironment(a_local_function(tmp_path, FUNCTION), 0)
    os.kill(environment.invoke({})["pid"], signal.SIGKILL)

    with pytest.raises(FunctionError, match=r"Runtime\.ExitError"):
        environment.invoke("x" * size)

    assert not environment.alive
    environment.close()


def test_closing_does_not_wait_for_an_invocation_that_runs(an_invoker: Callable[..., Invoker]) -> None:
    invoker = an_invoker(timeout=60)
    invoker.warm_up()
    with ThreadPoolExecutor() as callers:
        running = callers.submit(invoker.invoke, "sleep")
        wait_until(lambda: "sleeping" in invoker.function.log.read_text(encoding="utf-8"))
        started = time.monotonic()

        invoker.close()

        with pytest.raises(FunctionError, match=r"Runtime\.ExitError"):
            running.result(10)
    assert time.monotonic() - started < 10


def test_a_response_that_is_no_json_fails_the_invocation(an_invoker: Callable[..., Invoker]) -> None:
    with pytest.raises(FunctionError, match="not JSON serializable"):
        an_invoker().invoke("unserialisable")


def test_a_function_that_cannot_be_imported_says_why(an_invoker: Callable[..., Invoker]) -> None:
    with pytest.raises(FunctionError, match=r"ModuleNotFoundError.*nowhere_to_be_found"):
        an_invoker("import nowhere_to_be_found").warm_up()


def test_a_handler_that_is_not_there_says_so(an_invoker: Callable[..., Invoker]) -> None:
    with pytest.raises(FunctionError, match="AttributeError"):
        an_invoker(handler="app.nobody").warm_up()


def test_no_process_remains_when_it_is_closed(an_invoker: Callable[..., Invoker]) -> None:
    invoker = an_invoker()
    pid = invoker.invoke({})["pid"]

    invoker.close()

    wait_until(lambda: not os.path.exists(f"/proc/{pid}") if os.path.exists("/proc/self") else True)
    with pytest.raises(FunctionError, match="stopping"):
        invoker.invoke({})


def test_two_invocations_at_one_time_have_two_environments(an_invoker: Callable[..., Invoker]) -> None:
    invoker = an_invoker(FUNCTION.replace("calls += 1", "calls += 1\n    time.sleep(0.3)"))
    invoker.warm_up()
    started = time.monotonic()

    with ThreadPoolExecutor() as callers:
        pids = {answer["pid"] for answer in callers.map(invoker.invoke, [{}, {}])}

    assert len(pids) == 2
    assert time.monotonic() - started < 5
