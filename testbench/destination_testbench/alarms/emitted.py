"""The metrics that a function has really emitted: lines of the embedded metric format in its log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from destination_testbench.alarms.metrics import MetricId

MOST_DIMENSIONS = 30
"""CloudWatch drops a metric with more ("Embedded metric format specification")."""


class EmittedMetrics:
    """Reads a log as it grows."""

    def __init__(self, log: Path) -> None:
        self._log, self._read = log, 0

    def new(self) -> Iterator[tuple[MetricId, float]]:
        """Every value that was emitted since the last look."""
        if not self._log.exists():
            return
        with self._log.open("rb") as file:
            file.seek(self._read)
            lines = file.read().splitlines(keepends=True)
        for line in lines:
            if line.endswith(b"\n"):  # else it is still being written
                self._read += len(line)
                if line.startswith(b"{") and b'"_aws"' in line:
                    yield from values_in(json.loads(line))


def values_in(line: dict[str, Any]) -> Iterator[tuple[MetricId, float]]:
    """The values of one line, once for each set of dimensions."""
    for directive in line["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            assert len(names) <= MOST_DIMENSIONS
            dimensions = frozenset((name, str(line[name])) for name in names)
            for metric in directive["Metrics"]:
                values = line[metric["Name"]]
                identity = MetricId(directive["Namespace"], metric["Name"], dimensions)
                yield from ((identity, float(value)) for value in (values if isinstance(values, list) else [values]))
