"""Helpers for tests that run the local stack, or parts of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from destination_testbench.aws_lambda.execution_environment import FunctionError
from destination_testbench.aws_lambda.function import Function
from destination_testbench.local.stack import LocalStack
from destination_testbench.org import SimulatedOrg


def wait_until(holds: Callable[[], Any], seconds: float = 15.0) -> Any:
    """Ask again and again until the answer is true, and return it; fail if that takes too long."""
    deadline = time.monotonic() + seconds
    while not (answer := holds()):
        assert time.monotonic() < deadline, f"not so within {seconds:g} s"
        time.sleep(0.02)
    return answer


def waiting(sqs: Any, queue_url: str) -> tuple[int, int]:
    """How many messages of a queue are visible and in flight."""
    attributes = sqs.get_queue_attributes(
        QueueUrl=queue_url, AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    )["Attributes"]
    return int(attributes["ApproximateNumberOfMessages"]), int(attributes["ApproximateNumberOfMessagesNotVisible"])


def dead_letters(stack: LocalStack) -> list[Any]:
    """Take what lies in the dead-letter queue, up to ten messages."""
    url = stack.endpoints.dead_letter_queue_url
    answer = stack.sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"], MaxNumberOfMessages=10)
    taken = list(answer.get("Messages", []))
    for letter in taken:
        stack.sqs.delete_message(QueueUrl=url, ReceiptHandle=letter["ReceiptHandle"])
    return taken


def reset(stack: LocalStack, org: SimulatedOrg) -> None:
    """
    Let a stack that tests share be as it was at the start: no message, no fault, nothing in a log.

    Records stay as they are: each test takes its own.
    """
    org.faults.clear()
    wait_until(lambda: waiting(stack.sqs, stack.endpoints.queue_url) == (0, 0))
    while dead_letters(stack):
        pass
    for name in ("DeliverFunction", "RefreshTokenFunction", "CheckConnectionFunction"):
        os.truncate(stack.function(name).log, 0)


def a_function(folder: Path, code: str) -> Path:
    """A function's folder with this code in app.py."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "app.py").write_text(code, encoding="utf-8")
    return folder


def a_local_function(folder: Path, code: str, timeout: float = 20.0, handler: str = "app.lambda_handler") -> Function:
    """A function with this code, whose log and temporary files are in the folder too."""
    return Function(
        name="deliver",
        arn="arn:aws:lambda:eu-west-1:123456789012:function:deliver",
        handler=handler,
        folder=a_function(folder / "deliver", code),
        layers=(),
        timeout_seconds=timeout,
        memory_megabytes=512,
        environment={"MINE": "1"},
        log=folder / "logs" / "deliver.log",
    )


class RecordingFunction:
    """Stands for a function: keeps every batch, and fails messages as told."""

    def __init__(self, failing: Callable[[str], bool] = lambda body: False, seconds: float = 0.0) -> None:
        self.failing, self.seconds = failing, seconds
        self.crashes = False
        self.raised: Exception = FunctionError("Crashed: as told")
        self.batches: list[list[dict[str, Any]]] = []
        self.running = self.most_running = 0

    def invoke(self, event: Any) -> Any:
        """Answer as a function with partial batch responses does."""
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        self.batches.append(event["Records"])
        time.sleep(self.seconds)
        self.running -= 1
        if self.crashes:
            raise self.raised
        return {
            "batchItemFailures": [
                {"itemIdentifier": record["messageId"]} for record in event["Records"] if self.failing(record["body"])
            ]
        }

    @property
    def bodies(self) -> list[str]:
        """The body of every message it got, in the order of their coming."""
        return [record["body"] for batch in self.batches for record in batch]
