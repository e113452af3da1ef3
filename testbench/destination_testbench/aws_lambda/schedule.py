"""Schedules of the template: what they send to a queue or a function, once at the start and then at their rate."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from destination_testbench.aws_lambda.execution_environment import FunctionError
from destination_testbench.aws_lambda.poller import Invoke

SECONDS: Mapping[str, int] = {"minute": 60, "hour": 3_600, "day": 86_400}

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Schedule:
    """What goes to a queue or to a function again and again; `function` is its logical id."""

    body: str
    every_seconds: float | None
    """None for a cron expression: it is only followed in AWS."""

    queue_url: str | None = None
    group: str | None = None
    function: str | None = None


def seconds_between(expression: str) -> float | None:
    """The seconds of a rate expression, such as `rate(1 hour)`."""
    rate = _RATE.fullmatch(expression)
    return float(int(rate[1]) * SECONDS[rate[2]]) if rate else None


class Scheduler:
    """Does what one schedule says until it is stopped; `act` is the sending or the invoking."""

    def __init__(self, schedule: Schedule, act: Callable[[], None]) -> None:
        self._schedule, self._act = schedule, act
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="schedule", daemon=True)

    def start(self) -> None:
        """Do it now for the first time: nothing is known to be up to date at the start."""
        self._thread.start()

    def stop(self) -> None:
        """Do it no more."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._act()
            except (BotoCoreError, ClientError, FunctionError) as error:
                if not self._stopping.is_set():
                    logger.warning("What was scheduled was not done: %s", error)
            except Exception:  # it would never be done again, and nobody would be told
                if not self._stopping.is_set():
                    logger.exception("What was scheduled was not done.")
            self._stopping.wait(self._schedule.every_seconds)


def sending(schedule: Schedule, sqs: Any) -> Callable[[], None]:
    """Send what a schedule says to its queue."""
    group = {"MessageGroupId": schedule.group} if schedule.group else {}
    return lambda: sqs.send_message(QueueUrl=schedule.queue_url, MessageBody=schedule.body, **group)


def invoking(schedule: Schedule, function: Invoke) -> Callable[[], None]:
    """Invoke a function with what a schedule says."""
    return lambda: function.invoke(json.loads(schedule.body))
