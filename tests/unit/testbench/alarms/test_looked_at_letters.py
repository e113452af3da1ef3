"""The alarm on dead letters while somebody looks at them, by each way in which CloudWatch may read the metrics."""

from __future__ import annotations

import random

import pytest
from destination_cli.dead_letters.reader import DeadLetterReader
from destination_testbench.alarms.aws_metrics import QueueCounts, publish_queue, queue_metric
from destination_testbench.alarms.metrics import Metrics
from destination_testbench.alarms.stack_alarms import StackAlarms, read_alarms, watch
from destination_testbench.alarms.stage import DEAD_LETTERS, DESTINATION
from destination_testbench.alarms.trial import READINGS, Reading
from destination_testbench.aws.clients import SimulatedSqs
from destination_testbench.aws.queue import QueueConfig, StandardQueue
from destination_testbench.template.template import read_template

REJECTED, LOOKS, STOPS_LOOKING, PUT_BACK, ENDS = 10, 40, 54, 90, 120
"""The minutes of what happens. Nobody looks for longer than dead letters are hidden."""


@pytest.mark.parametrize("reading", READINGS, ids=lambda reading: f"{reading.delay:g} s late")
def test_no_alarm_ends_because_somebody_looks_at_the_dead_letters(reading: Reading) -> None:
    minute = 0
    queue = StandardQueue(DEAD_LETTERS, QueueConfig(), lambda: minute * 60.0, random.Random(1))
    reader, metrics = DeadLetterReader(SimulatedSqs({DEAD_LETTERS: queue}), DEAD_LETTERS), Metrics()
    for minute in range(ENDS):
        if minute == REJECTED:
            queue.add("{", {})
        if minute == LOOKS:
            assert [len(letters) for letters in reader.each(list)] == [1]
        if minute == STOPS_LOOKING:
            assert queue.counts() == (0, 1)
            with reader:
                pass
            assert queue.counts() == (1, 0)
        if minute == PUT_BACK:
            (message,) = queue.receive(1)
            queue.delete(message.handle)
        publish_queue(metrics, DEAD_LETTERS, queue, QueueCounts(), minute * 60.0)

    alarm = read_alarms(read_template(), {"DestinationFile": DESTINATION.name}).metric["RejectedMessagesAlarm"]
    seen = watch(StackAlarms({alarm.name: alarm}, {}), metrics.delayed(reading.delay), 0, ENDS * 60, reading.habits)

    assert queue_metric(DEAD_LETTERS, "ApproximateNumberOfMessagesNotVisible") in alarm.metrics
    assert [at // 60 for at in seen.went_on[alarm.name]] == [pytest.approx(REJECTED, abs=6)]
    assert [at // 60 for at in seen.went_off[alarm.name]] == [pytest.approx(PUT_BACK + 5, abs=7)]
