"""A process that is one execution environment of a Lambda function.

It is started in the function's folder and environment with a socket as its only argument, reads one request a line and
answers each with one line, as Lambda's runtime does over its own interface. It ends when the socket does.
"""

from __future__ import annotations

import importlib
import json
import os
import socket
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Handler = Callable[[Any, "LambdaContext"], Any]

SLEEP_RATE = "SLEEP_RATE"
"""A variable: how many seconds a function believes to have slept for each that it sleeps."""


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """What a handler may ask of its invocation, by the names of Lambda's own context."""

    aws_request_id: str
    deadline_ms: int
    function_name: str
    function_version: str
    invoked_function_arn: str
    memory_limit_in_mb: int
    log_group_name: str
    log_stream_name: str

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is ended."""
        return max(0, self.deadline_ms - round(time.time() * 1000))


def main() -> None:
    """Load the handler, then answer requests until there are no more."""
    with socket.socket(fileno=int(sys.argv[1])) as channel, channel.makefile("rw", encoding="utf-8") as lines:

        def answer(reply: dict[str, Any]) -> None:
            lines.write(json.dumps(reply) + "\n")
            lines.flush()

        sleep_less(float(os.environ.get(SLEEP_RATE, 1)))
        # Whatever the function's code raises becomes an answer: that is this process's work.
        try:
            handler = load_handler(os.environ["_HANDLER"])
        except BaseException as error:
            answer(failure(error))
            return
        answer({"ready": True})
        for line in iter(lines.readline, ""):
            try:
                answer({"payload": json.dumps(invoke(handler, json.loads(line)))})
            except Exception as error:
                answer(failure(error))


def sleep_less(rate: float) -> None:
    """Let code that is imported from now on sleep less, and take it for all that it asked for."""
    sleep, monotonic, skipped = time.sleep, time.monotonic, 0.0

    def sleep_in_part(seconds: Any) -> None:
        nonlocal skipped
        sleep(seconds / rate)
        skipped += seconds - seconds / rate

    time.sleep, time.monotonic = sleep_in_part, lambda: monotonic() + skipped


def load_handler(name: str) -> Handler:
    """The function that a handler's name, such as `app.lambda_handler`, stands for."""
    module, function = name.rsplit(".", 1)
    handler: Handler = getattr(importlib.import_module(module), function)
    return handler


def invoke(handler: Handler, request: dict[str, Any]) -> Any:
    """Hand one event to the handler; a line in the log says when, as Lambda's own does."""
    environ = os.environ
    context = LambdaContext(
        aws_request_id=request["request_id"],
        deadline_ms=request["deadline_ms"],
        function_name=environ["AWS_LAMBDA_FUNCTION_NAME"],
        function_version=environ["AWS_LAMBDA_FUNCTION_VERSION"],
        invoked_function_arn=request["function_arn"],
        memory_limit_in_mb=int(environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]),
        log_group_name=environ["AWS_LAMBDA_LOG_GROUP_NAME"],
        log_stream_name=environ["AWS_LAMBDA_LOG_STREAM_NAME"],
    )
    try:
        return handler(request["event"], context)
    finally:
        sys.stdout.flush()


def failure(error: BaseException) -> dict[str, Any]:
    """An error as Lambda reports it; the whole of it goes to the log."""
    traceback.print_exception(error)
    return {"error": {"errorType": type(error).__name__, "errorMessage": str(error)}}


if __name__ == "__main__":
    main()
