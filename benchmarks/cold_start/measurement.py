"""Starts functions cold, again and again and in turn, and says what each start and each first batch took."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from destination_testbench.aws_lambda.emulator import EmulatedFunction, Package
from destination_testbench.aws_lambda.execution_environment import FunctionError
from destination_testbench.local.options import StackOptions
from destination_testbench.local.places import ROOT
from destination_testbench.local.stack import LocalStack

from benchmarks.cold_start.contenders import BUILT, WITH_BATCHES
from benchmarks.cold_start.figures import DELIVER, Milliseconds, Rounds

NOTHING: dict[str, list[Any]] = {"Records": []}
DONE: dict[str, list[Any]] = {"batchItemFailures": []}
NAMES = {"POWERTOOLS_METRICS_NAMESPACE": "SalesforceDestination", "POWERTOOLS_SERVICE_NAME": "cold-start"}
"""All that a function gets whose start alone is measured: its invocation ends at once, for want of settings."""

BATCHES = 2


def starts(packages: Mapping[str, Package], rounds: int, folder: Path) -> dict[str, Rounds]:
    """What each takes; a round starts every one of them once."""
    event = json.loads((ROOT / "events" / "deliver-same-record.json").read_text(encoding="utf-8"))
    batch = {"Records": event["Records"][:1]}
    taken: dict[str, Rounds] = {name: [] for name in packages}
    with LocalStack(StackOptions(state=folder / "state")) as stack:
        settings = stack.function(BUILT[DELIVER]).environment
        for _ in range(rounds + 1):
            for name, package in packages.items():
                has_batches = name in WITH_BATCHES
                # A marker in /tmp would tell of the environment before.
                with TemporaryDirectory(dir=folder) as tmp:
                    variables = {**settings, "TMPDIR": tmp} if has_batches else NAMES
                    with EmulatedFunction(package, variables, folder / "log") as function:
                        costs = [_initialization(function)]
                        costs += [_cost(function, batch) for _ in range(BATCHES if has_batches else 0)]
                taken[name].append(costs)
    # The first round reads the files from the disk, the others from memory.
    return {name: each[1:] for name, each in taken.items()}


def _initialization(function: EmulatedFunction) -> Milliseconds:
    with suppress(FunctionError):  # some do not know what to do without settings
        function.invoke(NOTHING)
    return Milliseconds(function.cpu_ms, function.initialization_ms)


def _cost(function: EmulatedFunction, event: Any) -> Milliseconds:
    cpu, started = function.cpu_ms, perf_counter()
    answer = function.invoke(event)
    if answer != DONE:
        raise FunctionError(f"the batch was not delivered: {answer}")
    return Milliseconds(function.cpu_ms - cpu, (perf_counter() - started) * 1000)
