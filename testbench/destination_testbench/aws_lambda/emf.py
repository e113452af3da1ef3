"""Metrics as the functions really emit them: lines of CloudWatch's embedded metric format on standard output."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def metric_sums(log: Path) -> Counter[str]:
    """The sum of each metric in a function's log, whatever its dimensions."""
    sums: Counter[str] = Counter()
    for line in _lines(log):
        for directive in line["_aws"]["CloudWatchMetrics"]:
            for metric in directive["Metrics"]:
                values = line[metric["Name"]]
                sums[metric["Name"]] += sum(values if isinstance(values, list) else [values])
    return sums


def _lines(log: Path) -> Iterator[dict[str, Any]]:
    for text in log.read_text(encoding="utf-8").splitlines():
        if text.startswith("{") and '"_aws"' in text:
            yield json.loads(text)
