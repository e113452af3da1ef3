"""A built function under Lambda's own programs: AWS's runtime interface emulator, and its runtime client for Python.

The emulator comes with the SAM CLI; the client lies in .venv-runtime, which holds what Lambda's runtime holds and no
more. Only what was built is on the path. What is different from Lambda: layers cannot be mounted at /opt, so that a
variable that names a file there gets the place where it was built; memory and processor time are not limited.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from destination_testbench.aws_lambda.built import THIS_PROCESSOR, Built, NotHereError
from destination_testbench.aws_lambda.execution_environment import FunctionError
from destination_testbench.local.places import REGION, ROOT

PYTHON = ROOT / ".venv-runtime" / "bin" / "python"
INVOKE = "2015-03-31/functions/function/invocations"
SECONDS_TO_START = 10.0
INITIALIZED = re.compile(rb"INIT REPORT\(durationMs: ([0-9.]+)")


@dataclass(frozen=True, slots=True)
class Package:
    """A function as it is deployed: the folder of /var/task, those of /opt, and the handler's name."""

    task: Path
    layers: tuple[Path, ...]
    handler: str = "app.lambda_handler"

    @classmethod
    def of(cls, built: Built, logical_id: str) -> Package:
        """A function of the template."""
        handler = built.template()["Resources"][logical_id]["Properties"]["Handler"]
        return cls(built.function(logical_id), built.layers(logical_id), handler)

    def found(self, value: str) -> str:
        """A path below /opt as the path that was built; anything else as it is."""
        if not value.startswith("/opt/"):
            return value
        places = (layer / value.removeprefix("/opt/") for layer in self.layers)
        return next((str(place) for place in places if place.exists()), value)

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        """All that its process sees. As in Lambda, /var/task comes before /opt, and nothing is written to either."""
        path = [self.task, *(layer / "python" for layer in self.layers)]
        return {
            "PATH": os.defpath,
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PYTHONPATH": os.pathsep.join(map(str, path)),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONNOUSERSITE": "1",
            "LAMBDA_TASK_ROOT": str(self.task),
            "_HANDLER": self.handler,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            **{name: self.found(value) for name, value in variables.items()},
        }


class EmulatedFunction:
    """One execution environment. It starts with the first invocation, whose answer comes when both are over."""

    def __init__(
        self, package: Package, variables: Mapping[str, str], log: Path, seconds: float = 60.0, memory: int = 512
    ) -> None:
        if not PYTHON.exists():
            raise NotHereError("Lambda's runtime client is not here; make .venv-runtime/.made")
        self._log, self._seconds = log, seconds
        emulator, runtime = _free_addresses(2)
        self._url = f"http://{emulator}/{INVOKE}"
        limits = {"AWS_LAMBDA_FUNCTION_TIMEOUT": f"{seconds:.0f}", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory)}
        addresses = ["--runtime-interface-emulator-address", emulator, "--runtime-api-address", runtime]
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [_emulator(), *addresses, str(PYTHON), "-m", "awslambdaric", package.handler],
                cwd=package.task,
                env=package.environment({**variables, **limits}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._wait_for(emulator)

    def invoke(self, event: Any) -> Any:
        """The handler's response to an event, or FunctionError with what Lambda would report."""
        request = urllib.request.Request(self._url, json.dumps(event).encode(), method="POST")  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=self._seconds + SECONDS_TO_START) as reply:  # noqa: S310  # nosec B310
                text = reply.read()
        except urllib.error.HTTPError as error:
            text = error.read()
        try:
            answer = json.loads(text)
        except ValueError:
            raise FunctionError(text.decode(errors="replace")) from None
        if isinstance(answer, dict) and "errorType" in answer:
            raise FunctionError(f"{answer['errorType']}: {answer.get('errorMessage', '')}")
        return answer

    @property
    def initialization_ms(self) -> float:
        """How long the function took to import, by the emulator. The Init Duration of its REPORT line says nothing."""
        (found,) = INITIALIZED.findall(self._log.read_bytes())
        return float(found)

    @property
    def cpu_ms(self) -> float:
        """Processor time of the function's process so far, by Linux's scheduler."""
        emulator = Path(f"/proc/{self._process.pid}/task")
        children = " ".join(each.read_text() for each in emulator.glob("*/children")).split()
        threads = [thread for child in children for thread in Path(f"/proc/{child}/task").glob("*/schedstat")]
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1_000_000

    def _wait_for(self, address: str) -> None:
        host, port = address.split(":")
        deadline = time.monotonic() + SECONDS_TO_START
        while True:
            try:
                socket.create_connection((host, int(port)), 1).close()
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.close()
                    raise FunctionError(f"the emulator did not start: {self._log.read_text()}") from None
                time.sleep(0.01)

    def close(self) -> None:
        """End it, and the function's process, which the emulator kills."""
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> EmulatedFunction:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _emulator() -> Path:
    places = ROOT.glob(f".venv-sam/lib/python3.*/site-packages/samcli/local/rapid/aws-lambda-rie-{THIS_PROCESSOR}")
    for program in places:
        program.chmod(0o755)
        return program
    raise NotHereError("AWS's emulator is not here; make .venv-sam/.made")


def _free_addresses(count: int) -> list[str]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [f"127.0.0.1:{at.getsockname()[1]}" for at in sockets]
    finally:
        for at in sockets:
            at.close()
