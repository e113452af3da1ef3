from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from destination_testbench.aws.process import LocalAws
from destination_testbench.aws_lambda.event_source import EventSourceMapping
from destination_testbench.aws_lambda.invoker import Invoker
from destination_testbench.aws_lambda.poller import Invoke, Poller
from local_stack import RecordingFunction, a_local_function, wait_until, waiting

WRITES_DOWN_ITS_PID = """
import os, pathlib

def lambda_handler(event, context):
    pathlib.Path(os.environ["TMPDIR"], "pid").write_text(str(os.getpid()))
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws(Path(tmp_path_factory.mktemp("aws")) / "aws.log") as running:
        yield running


@pytest.fixture
def sqs(aws: LocalAws) -> Any:
    return aws.client("sqs")


@pytest.fixture
def polling(sqs: Any) -> Iterator[Callable[..., None]]:
    with ExitStack() as stopping:

        def start(
            queue_url: str,
            function: Invoke,
            size: int = 10,
            window: float = 0,
            pollers: int = 1,
            is_enabled: Callable[[], bool] = lambda: True,
        ) -> None:
            arn = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
            mapping = EventSourceMapping(queue_url, arn, size, window, pollers, True)
            poller = Poller(mapping, sqs, function, is_enabled)
            poller.start()
            stopping.callback(poller.join, 5)
            stopping.callback(poller.stop)

        yield start


def a_queue(sqs: Any, suffix: str = "", **attributes: str) -> str:
    url: str = sqs.create_queue(QueueName=f"q-{uuid4().hex}{suffix}", Attributes=attributes)["QueueUrl"]
    return url


def send(sqs: Any, queue_url: str, *bodies: str, **more: Any) -> None:
    for body in bodies:
        sqs.send_message(QueueUrl=queue_url, MessageBody=body, **more)


def test_what_succeeded_is_deleted(sqs: Any, polling: Callable[..., None]) -> None:
    queue, function = a_queue(sqs), RecordingFunction()
    send(sqs, queue, "a", "b", "c")

    polling(queue, function)

    wait_until(lambda: len(function.bodies) == 3)
    wait_until(lambda: waiting(sqs, queue) == (0, 0))


def test_a_batch_is_gathered_until_it_is_full(sqs: Any, polling: Callable[..., None]) -> None:
    queue, function = a_queue(sqs), RecordingFunction()
    send(sqs, queue, *map(str, range(25)))

    polling(queue, function, size=25, window=60)

    wait_until(lambda: function.batches)
    assert len(function.batches[0]) == 25


def test_a_batch_is_gathered_until_the_window_has_passed(sqs: Any, polling: Callable[..., None]) -> None:
    queue, function = a_queue(sqs), RecordingFunction()
    polling(queue, function, size=1000, window=1)

    send(sqs, queue, *map(str, range(12)))

    wait_until(lambda: function.batches)
    assert len(function.batches[0]) == 12


def test_only_what_failed_is_delivered_again_when_it_is_visible(sqs: Any, polling: Callable[..., None]) -> None:
    queue = a_queue(sqs, VisibilityTimeout="1")
    function = RecordingFunction()
    function.failing = lambda body: body == "bad" and len(function.batches) == 1
    send(sqs, queue, "good", "bad")

    polling(queue, function, window=0.2)

    wait_until(lambda: len(function.batches) == 2 and waiting(sqs, queue) == (0, 0))
    assert [record["body"] for record in function.batches[1]] == ["bad"]
    assert function.batches[1][0]["attributes"]["ApproximateReceiveCount"] == "2"


def test_a_function_that_fails_leaves_all_messages(sqs: Any, polling: Callable[..., None]) -> None:
    queue, function = a_queue(sqs, VisibilityTimeout="1"), RecordingFunction()
    function.crashes = True
    send(sqs, queue, "a", "b")

    polling(queue, function, window=0.2)
    wait_until(lambda: len(function.bodies) >= 4)
    function.crashes = False

    wait_until(lambda: waiting(sqs, queue) == (0, 0))
    assert set(function.bodies) == {"a", "b"}


@pytest.mark.parametrize("raised", [BrokenPipeError("as told"), KeyError("as told")])
def test_an_exception_that_nobody_foresaw_ends_no_poller(
    sqs: Any, polling: Callable[..., None], raised: Exception
) -> None:
    queue, function = a_queue(sqs, VisibilityTimeout="1"), RecordingFunction()
    function.crashes, function.raised = True, raised
    send(sqs, queue, "a")
    polling(queue, function)
    wait_until(lambda: function.bodies)

    function.crashes = False

    wait_until(lambda: waiting(sqs, queue) == (0, 0))
    assert set(function.bodies) == {"a"}


def test_function_processes_that_are_killed_end_no_poller(
    sqs: Any, polling: Callable[..., None], tmp_path: Path
) -> None:
    invoker = Invoker(a_local_function(tmp_path, WRITES_DOWN_ITS_PID))
    queue, killed = a_queue(sqs, VisibilityTimeout="1"), 0
    with closing(invoker):
        polling(queue, invoker, pollers=2)
        while killed < 4:
            send(sqs, queue, "a")
            wait_until(lambda: list(tmp_path.glob("tmp/*/pid")) and waiting(sqs, queue) == (0, 0))
            for file in tmp_path.glob("tmp/*/pid"):
                os.kill(int(file.read_text(encoding="utf-8")), signal.SIGKILL)
                file.unlink()
                killed += 1


def test_a_message_that_came_too_often_is_moved_by_the_queue_itself(sqs: Any, polling: Callable[..., None]) -> None:
    dead_letters = a_queue(sqs)
    arn = sqs.get_queue_attributes(QueueUrl=dead_letters, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})
    queue, function = a_queue(sqs, VisibilityTimeout="1", RedrivePolicy=redrive), RecordingFunction(lambda body: True)
    send(sqs, queue, "never")

    polling(queue, function)

    wait_until(lambda: waiting(sqs, dead_letters) == (1, 0))
    assert function.bodies == ["never", "never"]


def test_a_fifo_queue_keeps_its_order_and_holds_back_what_follows_a_failure(
    sqs: Any, polling: Callable[..., None]
) -> None:
    queue = a_queue(sqs, ".fifo", FifoQueue="true", ContentBasedDeduplication="true", VisibilityTimeout="1")
    function = RecordingFunction()
    function.failing = lambda body: len(function.batches) == 1
    send(sqs, queue, "first", "second", "third", MessageGroupId="refresh")

    polling(queue, function, size=1)

    wait_until(lambda: waiting(sqs, queue) == (0, 0))
    assert function.bodies == ["first", "first", "second", "third"]


def test_invocations_run_side_by_side_up_to_the_maximum(sqs: Any, polling: Callable[..., None]) -> None:
    queue, function = a_queue(sqs), RecordingFunction(seconds=0.3)
    send(sqs, queue, *map(str, range(8)))

    polling(queue, function, size=1, pollers=2)

    wait_until(lambda: len(function.bodies) == 8)
    assert function.most_running == 2
    assert sorted(function.bodies) == sorted(map(str, range(8)))


def test_a_message_has_its_attributes_and_times(sqs: Any, polling: Callable[..., None]) -> None:
    queue, function = a_queue(sqs), RecordingFunction()
    send(sqs, queue, "{}", MessageAttributes={"EventTime": {"StringValue": "1700000000000", "DataType": "Number"}})

    polling(queue, function)

    wait_until(lambda: function.batches)
    record = function.batches[0][0]
    assert record["messageAttributes"]["EventTime"]["stringValue"] == "1700000000000"
    assert int(record["attributes"]["SentTimestamp"]) > 1_700_000_000_000
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["eventSourceARN"].endswith(queue.rsplit("/", 1)[-1])


def test_a_paused_poller_takes_nothing_and_gives_back_what_it_was_gathering(
    sqs: Any, polling: Callable[..., None]
) -> None:
    queue, function, on = a_queue(sqs), RecordingFunction(), True
    polling(queue, function, window=60, is_enabled=lambda: on)
    send(sqs, queue, "a")
    wait_until(lambda: waiting(sqs, queue) == (0, 1))

    on = False

    wait_until(lambda: waiting(sqs, queue) == (1, 0))
    assert function.bodies == []
