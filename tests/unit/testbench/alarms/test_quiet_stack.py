"""A night with little traffic, by each way in which CloudWatch may read the metrics."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from destination_testbench.alarms.aws_metrics import queue_metric
from destination_testbench.alarms.metrics import MetricId, Metrics
from destination_testbench.alarms.stack_alarms import STACK, Watched, read_alarms, watch
from destination_testbench.alarms.stage import DESTINATION
from destination_testbench.alarms.trial import READINGS, TOPIC, Reading
from destination_testbench.template.template import read_template

DAY = 24 * 60
SENT, COMES_BACK = 30, 29
"""The minute of the message that is locked, and how long it stays away."""

pytestmark = pytest.mark.parametrize("reading", READINGS, ids=lambda reading: f"{reading.delay:g} s late")


def of_minute(minute: int, every: int) -> Iterator[tuple[MetricId, float]]:
    """What a queue with one locked message publishes, and a good one every so often that is gone within a minute."""
    is_good, age = minute % every == 0, minute - SENT
    for name, value in (
        ("NumberOfMessagesSent", is_good or age == 0),
        ("NumberOfMessagesDeleted", is_good),
        ("ApproximateNumberOfMessagesVisible", 0),
        ("ApproximateNumberOfMessagesNotVisible", age >= 0),
    ):
        yield queue_metric("Queue", name), float(value)
    if 0 <= age < 3 * COMES_BACK:
        yield queue_metric("Queue", "ApproximateAgeOfOldestMessage"), age * 60.0
    if age >= 0 and age % COMES_BACK == 0:
        yield ours("OldestMessageAge"), age * 60.0
        yield ours("MessagesDeferred"), 1.0
    if is_good:
        yield ours("RecordsDelivered"), 1.0


def ours(name: str) -> MetricId:
    return MetricId.of("SalesforceDestination", name, {"service": STACK, "destination": DESTINATION.stem})


def night(reading: Reading, every: int) -> Watched:
    metrics = Metrics()
    for minute in range(DAY):
        for metric, value in of_minute(minute, every):
            metrics.add(metric, minute * 60, value)
    alarms = read_alarms(read_template(), {"DestinationFile": DESTINATION.name})
    assert queue_metric("Queue", "NumberOfMessagesSent") in alarms.metrics
    assert ours("OldestMessageAge") in alarms.metrics
    return watch(alarms, metrics.delayed(reading.delay), 0, DAY * 60, reading.habits)


@pytest.mark.parametrize("every", [20, 90, 150, 240])
def test_one_locked_record_calls_once_however_little_is_sent_beside_it(reading: Reading, every: int) -> None:
    seen = night(reading, every)

    assert [name for _, name in seen.wakes(TOPIC)] == ["MessagesWaitingAlarm"]
    assert seen.was_on("StuckMessagesAlarm") is (every > 100)
    assert len(seen.went_on["OldestMessageAlarm"]) == 1
