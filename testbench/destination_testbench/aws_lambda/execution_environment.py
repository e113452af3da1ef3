"""One execution environment of a function: a process that serves one invocation after another."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from typing import Any

from destination_testbench.aws_lambda.function import Function

SECONDS_TO_START = 60.0


class FunctionError(Exception):
    """An invocation that did not end with a response: an error of the handler, a time-out, a process that died."""


class ExecutionEnvironment:
    """One process of a function. It serves one invocation at a time and keeps what the function keeps in memory.

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
        self._answers = ours.makefile("rb")
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
        payload = self._answer(seconds, json.dumps(request).encode() + b"\n")["payload"]
        return json.loads(payload)

    def _answer(self, seconds: float, request: bytes = b"") -> dict[str, Any]:
        try:
            self._channel.settimeout(seconds)
            self._channel.sendall(request)
            line = self._answers.readline()
        except TimeoutError:
            self.close()
            raise FunctionError(f"Sandbox.Timedout: Task timed out after {seconds:.2f} seconds") from None
        except (OSError, ValueError):  # its process was killed, or another thread has closed this environment
            line = b""
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
        """End the process, whatever it is doing. It raises nothing, also where the process has died before."""
        with suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)  # whoever waits for an answer learns that there is none
        self._process.kill()
        self._process.wait()
        self._answers.close()
        self._channel.close()
