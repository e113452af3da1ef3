"""Schedules of the template: what they send to a queue, they send once at the start and then at their rate."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

SECONDS: Mapping[str, int] = {"minute": 60, "hour": 3_600, "day": 86_400}

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A message that goes to a queue again and again."""

    queue_url: str
    body: str
    group: str | None
    every_seconds: float | None
    """None for a cron expression: it is only followed in AWS."""


def seconds_between(expression: str) -> float | None:
    """The seconds of a rate expression, such as `rate(1 hour)`."""
    rate = _RATE.fullmatch(expression)
    return float(int(rate[1]) * SECONDS[rate[2]]) if rate else None


class Scheduler:
    """Sends what one schedule says until it is stopped."""

    def __init__(self, schedule: Schedule, sqs: Any) -> None:
        self._schedule, self._sqs = schedule, sqs
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="schedule", daemon=True)

    def start(self) -> None:
        """Send the first message now: nothing is known to be up to date at the start."""
        self._thread.start()

    def stop(self) -> None:
        """Send nothing more."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._send()
            self._stopping.wait(self._schedule.every_seconds)

    def _send(self) -> None:
        group = {"MessageGroupId": self._schedule.group} if self._schedule.group else {}
        try:
            self._sqs.send_message(QueueUrl=self._schedule.queue_url, MessageBody=self._schedule.body, **group)
        except (BotoCoreError, ClientError) as error:
            if not self._stopping.is_set():
                logger.warning("A scheduled message was not sent: %s", error)
