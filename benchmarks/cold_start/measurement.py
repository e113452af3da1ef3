"""Starts functions cold, again and again and in turn, and says how long each took."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from destination_testbench.aws_lambda.emulator import EmulatedFunction, Package
from destination_testbench.aws_lambda.execution_environment import FunctionError
from destination_testbench.local.options import StackOptions
from destination_testbench.local.places import ROOT
from destination_testbench.local.stack import LocalStack

NOTHING: dict[str, list[Any]] = {"Records": []}
NAMES = {"POWERTOOLS_METRICS_NAMESPACE": "SalesforceDestination", "POWERTOOLS_SERVICE_NAME": "cold-start"}


@dataclass(frozen=True, slots=True)
class Series:
    """The milliseconds that the same thing took, each time it was done."""

    milliseconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Half of them took longer."""
        return median(self.milliseconds)


def initializations(packages: Mapping[str, Package], rounds: int, folder: Path) -> dict[str, Series]:
    """How long each takes to import, by the emulator; a round starts every one of them once."""
    taken: dict[str, list[float]] = {name: [] for name in packages}
    for _ in range(rounds + 1):
        for name, package in packages.items():
            with EmulatedFunction(package, NAMES, folder / "log") as function:
                with suppress(FunctionError):  # only its import is measured; some events mean nothing to some
                    function.invoke(NOTHING)
                taken[name].append(function.initialization_ms)
    # The first round reads the files from the disk, the others from memory.
    return {name: Series(tuple(each[1:])) for name, each in taken.items()}


def first_batches(package: Package, rounds: int, folder: Path) -> tuple[Series, Series]:
    """How long a new environment takes for its first batch of one profile, and for its second."""
    event = json.loads((ROOT / "events" / "deliver-same-record.json").read_text(encoding="utf-8"))
    batch = {"Records": event["Records"][:1]}
    first, second = [], []
    with LocalStack(StackOptions(state=folder / "state")) as stack:
        variables = stack.function("DeliverFunction").environment
        for number in range(rounds + 1):
            tmp = folder / f"tmp-{number}"
            tmp.mkdir()
            with EmulatedFunction(package, {**variables, "TMPDIR": str(tmp)}, folder / "log") as function:
                function.invoke(NOTHING)
                first.append(_milliseconds(function, batch))
                second.append(_milliseconds(function, batch))
    return Series(tuple(first[1:])), Series(tuple(second[1:]))


def _milliseconds(function: EmulatedFunction, event: Any) -> float:
    started = perf_counter()
    function.invoke(event)
    return (perf_counter() - started) * 1000
