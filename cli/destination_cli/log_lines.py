"""What the functions have logged, on this machine and in CloudWatch."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from destination_cli.target import Target

Line = Mapping[str, Any]


def local_lines(target: Target, function: str) -> Iterator[Line]:
    """What a function of the local stack has logged as JSON, oldest first; `function` is the name of its folder."""
    log = target.log_folder / f"{function}.log" if target.log_folder else None
    if log is None or not log.is_file():
        return
    yield from _parsed(log.read_text(encoding="utf-8", errors="replace").splitlines())


def cloud_lines(target: Target, log_group: str, pattern: str, seconds: int) -> Iterator[Line]:
    """What a deployed function has logged in the last seconds, as far as a pattern of CloudWatch Logs fits it."""
    start = int((time.time() - seconds) * 1000)
    pages = target.client("logs").get_paginator("filter_log_events")
    for page in pages.paginate(logGroupName=log_group, filterPattern=pattern, startTime=start):
        yield from _parsed(event["message"] for event in page["events"])


def _parsed(texts: Iterator[str] | list[str]) -> Iterator[Line]:
    for text in texts:
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict):
            yield line
