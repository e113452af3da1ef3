"""One execution environment of a function: a process that serves one invocation after another."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import uuid
from typing import Any

from destination_testbench.aws_lambda.function import Function

SECONDS_TO_START = 60.0


class FunctionError(Exception):
    """An invocation that did not end with a response: an error of the handler, a time-out, a process that died."""


class ExecutionEnvironment:
    """
    One process of a function. It serves one invocation at a time and keeps what the function keeps in memory.

    `number` tells its /tmp from those of the others; the process that is started after one has died gets the same, as
    Lambda keeps /tmp when it resets an environment.
    """

    def __init__(self, function: Function, number: int) -> None:
        self._function, self.number = function, number
        ours, theirs = socket.socketpair()
        function.log.parent.mkdir(parents=True, exist_ok=True)
        with theirs, function.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "destination_testbench.aws_lambda.function_process", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=function.folder,
                env=function.process_environment(number),
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._channel = ours
        self._lines = ours.makefile("rw", encoding="utf-8")
        self._answer(SECONDS_TO_START)

    def invoke(self, event: Any) -> Any:
        """The handler's response to an event; raise FunctionError if there is none, or none in time."""
        seconds = self._function.timeout_seconds
        request = {
            "request_id": str(uuid.uuid4()),
            "function_arn": self._function.arn,
            "deadline_ms": round((time.time() + seconds) * 1000),
            "event": event,
        }
        try:
            self._lines.write(json.dumps(request) + "\n")
            self._lines.flush()
        except OSError:
            self.close()
            raise FunctionError("Runtime.ExitError: the function's process has ended") from None
        payload = self._answer(seconds)["payload"]
        return json.loads(payload)

    def _answer(self, seconds: float) -> dict[str, Any]:
        self._channel.settimeout(seconds)
        try:
            line = self._lines.readline()
        except TimeoutError:
            self.close()
            raise FunctionError(f"Sandbox.Timedout: Task timed out after {seconds:.2f} seconds") from None
        except OSError:
            line = ""
        if not line:
            self.close()
            raise FunctionError("Runtime.ExitError: the function's process has ended")
        answer: dict[str, Any] = json.loads(line)
        if error := answer.get("error"):
            raise FunctionError(f"{error['errorType']}: {error['errorMessage']}")
        return answer

    @property
    def alive(self) -> bool:
        """Whether it can take another invocation."""
        return self._process.poll() is None and self._channel.fileno() != -1

    def close(self) -> None:
        """End the process: at once if it is in the middle of an invocation."""
        self._lines.close()
        self._channel.close()
        try:
            self._process.wait(0 if self._process.poll() is None else None)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
