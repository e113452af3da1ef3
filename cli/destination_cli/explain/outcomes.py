"""What the deliver function's log says about one identity."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from salesforce_destination.aws.outcome_log import LINE

from destination_cli.log_lines import Line, cloud_lines, local_lines
from destination_cli.target import Target


@dataclass(frozen=True, slots=True)
class Event:
    """What became of one message about the contact, at one delivery; times in ms."""

    at: int
    outcome: str
    code: str
    event_time: int | None
    message_id: str
    """The beginning of the id that SQS gave the sender."""


def events_of(target: Target, identity_hash: str, seconds: int) -> list[Event]:
    """Every delivery in the last seconds, the oldest first."""
    if target.is_local:
        lines = local_lines(target, "deliver")
    else:
        lines = cloud_lines(target, target.deliver_log_group, f'"{identity_hash}"', seconds)
    since = (time.time() - seconds) * 1000
    return sorted((event for event in _events(lines, identity_hash) if event.at >= since), key=lambda event: event.at)


def _events(lines: Iterable[Line], identity_hash: str) -> Iterator[Event]:
    for line in lines:
        outcomes = line.get(LINE)
        if line.get("message") != LINE or not isinstance(outcomes, dict):
            continue
        for outcome, entries in outcomes.items():
            for entry in entries:
                if entry.startswith(identity_hash):
                    yield _event(_logged_at(line.get("timestamp")), outcome, entry)


def _event(at: int, outcome: str, entry: str) -> Event:
    word, _, code = outcome.partition(" ")
    _, message_id, event_time = entry.split(" ")
    return Event(at, word, code, int(event_time) if event_time.isdigit() else None, message_id)


def _logged_at(timestamp: Any) -> int:
    """The time of a line as Powertools writes it: `2026-01-11 21:24:39,123+0000`."""
    return int(datetime.strptime(str(timestamp), "%Y-%m-%d %H:%M:%S,%f%z").timestamp() * 1000)
