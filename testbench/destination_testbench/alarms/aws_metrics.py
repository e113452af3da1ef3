"""The metrics of a stack: a model of those that SQS, Lambda and API Gateway publish by themselves, and those that a
function has really emitted, as lines of the embedded metric format in its log.

Modelled as documented ("Available CloudWatch metrics for Amazon SQS", "Types of metrics for Lambda functions", "Amazon
API Gateway dimensions and metrics"). SQS publishes every minute, zeros too, while a queue is active, which it is as
long as Lambda polls it or it holds messages, but an age only where there is a message that counts. Lambda publishes
with each invocation, dated by its start; a throttled request counts neither as an invocation nor as an error. API
Gateway has a value for each request, 0 where it is no error, so that the errors' average is their share; it publishes
by the API's name, and by name and stage.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from destination_testbench.alarms.metrics import MetricId, Metrics
from destination_testbench.aws.queue import StandardQueue

RECEIVES_UNTIL_LEFT_OUT = 3
"""A message that was received three times and not deleted is left out of the age of the oldest."""

SQS, LAMBDA, API_GATEWAY = "AWS/SQS", "AWS/Lambda", "AWS/ApiGateway"
OF_QUEUES = (
    "NumberOfMessagesSent",
    "NumberOfMessagesReceived",
    "NumberOfMessagesDeleted",
    "ApproximateNumberOfMessagesVisible",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateAgeOfOldestMessage",
)
OF_FUNCTIONS = ("Invocations", "Errors", "Throttles", "Duration")
LATENCY_MS, CALL_MS = 25.0, 15.0
"""Of every request, and of its call of SQS. No alarm looks at them."""


def queue_metric(queue: str, name: str) -> MetricId:
    """A metric of SQS."""
    assert name in OF_QUEUES
    return MetricId.of(SQS, name, {"QueueName": queue})


def function_metric(function: str, name: str) -> MetricId:
    """A metric of Lambda."""
    assert name in OF_FUNCTIONS
    return MetricId.of(LAMBDA, name, {"FunctionName": function})


@dataclass(slots=True)
class QueueCounts:
    """What happened at a queue since the last minute."""

    sent: int = 0
    received: int = 0
    deleted: int = 0


def publish_queue(metrics: Metrics, name: str, queue: StandardQueue, counts: QueueCounts, now: float) -> None:
    """Publish a minute of a queue; the counts begin anew. What SQS itself moves to a queue does not count as sent."""
    visible, in_flight = queue.counts()
    figures = (counts.sent, counts.received, counts.deleted, visible, in_flight, _age_of_oldest(queue))
    for metric, figure in zip(OF_QUEUES, figures, strict=True):
        if figure is not None:
            metrics.add(queue_metric(name, metric), now, figure)
    counts.sent = counts.received = counts.deleted = 0


def _age_of_oldest(queue: StandardQueue) -> float | None:
    counted = (message for message in queue.all() if message.receive_count < RECEIVES_UNTIL_LEFT_OUT)
    return max((queue.now() - message.sent_at for message in counted), default=None)


def publish_invocation(metrics: Metrics, function: str, now: float, seconds: float, failed: bool) -> None:
    """Publish what Lambda does for one invocation that ran."""
    for metric, value in _of_invocation(seconds, failed):
        metrics.add(function_metric(function, metric), now, value)


def publish_throttle(metrics: Metrics, function: str, now: float) -> None:
    """Publish what Lambda does for one that it did not let run."""
    metrics.add(function_metric(function, "Throttles"), now, 1.0)


def publish_request(metrics: Metrics, api: str, stage: str, now: float, status: int, called: bool) -> None:
    """Publish what API Gateway does for one request, and for the call that it made, if it did."""
    for name, value in _of_request(status, called):
        for dimensions in ({"ApiName": api}, {"ApiName": api, "Stage": stage}):
            metrics.add(MetricId.of(API_GATEWAY, name, dimensions), now, value)


def _of_request(status: int, called: bool) -> Iterator[tuple[str, float]]:
    hundreds = status // 100
    yield from (("Count", 1.0), ("4XXError", float(hundreds == 4)), ("5XXError", float(hundreds == 5)))
    yield "Latency", LATENCY_MS
    if called:
        yield "IntegrationLatency", CALL_MS


def _of_invocation(seconds: float, failed: bool) -> Iterator[tuple[str, float]]:
    yield from (("Invocations", 1.0), ("Errors", float(failed)), ("Throttles", 0.0), ("Duration", seconds * 1000))


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
