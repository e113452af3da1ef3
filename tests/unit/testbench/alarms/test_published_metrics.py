"""The model of what SQS, Lambda and API Gateway publish, and the reading of what functions emit and widgets show."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from destination_testbench.alarms.aws_metrics import (
    OF_QUEUES,
    EmittedMetrics,
    QueueCounts,
    function_metric,
    publish_invocation,
    publish_queue,
    publish_request,
    publish_throttle,
    queue_metric,
)
from destination_testbench.alarms.dashboard import Search, alarms_shown, parse_search, shown
from destination_testbench.alarms.metrics import MetricId, Metrics, Periods, UnsupportedError
from destination_testbench.aws.queue import QueueConfig, StandardQueue

OF_REQUESTS = ("Count", "4XXError", "5XXError", "Latency", "IntegrationLatency")


class Clock:
    time = 1000.0

    def __call__(self) -> float:
        return self.time


def last(metrics: Metrics, metric: MetricId, now: float) -> float | None:
    return metrics.series(metric, "Maximum", Periods(now, 60, 1))[0]


def test_sqs_leaves_a_message_that_was_received_three_times_out_of_the_age() -> None:
    clock, metrics = Clock(), Metrics()
    queue = StandardQueue("q", QueueConfig(visibility_seconds=1), clock, random.Random(1))
    queue.add("old", {})
    ages = []
    for _ in range(3):
        clock.time += 60
        publish_queue(metrics, "q", queue, QueueCounts(), clock.time)
        ages.append(last(metrics, queue_metric("q", "ApproximateAgeOfOldestMessage"), clock.time))
        queue.receive(1)
    clock.time += 60

    publish_queue(metrics, "q", queue, QueueCounts(), clock.time)

    assert ages == [60, 120, 180]
    assert last(metrics, queue_metric("q", "ApproximateAgeOfOldestMessage"), clock.time) is None
    assert last(metrics, queue_metric("q", "ApproximateNumberOfMessagesVisible"), clock.time) == 1


def test_sqs_publishes_zeros_and_counts_each_minute_anew() -> None:
    clock, metrics, counts = Clock(), Metrics(), QueueCounts(sent=3, received=2, deleted=1)
    queue = StandardQueue("q", QueueConfig(), clock, random.Random(1))

    publish_queue(metrics, "q", queue, counts, 60)
    publish_queue(metrics, "q", queue, counts, 120)

    assert [last(metrics, queue_metric("q", name), 60) for name in OF_QUEUES] == [3, 2, 1, 0, 0, None]
    assert [last(metrics, queue_metric("q", name), 120) for name in OF_QUEUES] == [0, 0, 0, 0, 0, None]


def test_lambda_counts_a_throttled_request_as_no_invocation() -> None:
    metrics = Metrics()

    publish_invocation(metrics, "f", 10, 0.25, failed=True)
    publish_throttle(metrics, "f", 20)

    sums = {
        name: metrics.series(function_metric("f", name), "Sum", Periods(60, 60, 1))[0]
        for name in ("Invocations", "Errors", "Throttles", "Duration")
    }
    assert sums == {"Invocations": 1, "Errors": 1, "Throttles": 1, "Duration": 250}


def test_api_gateway_counts_each_request_by_name_and_by_stage() -> None:
    metrics = Metrics()

    for status in (200, 403, 503, 200):
        publish_request(metrics, "an-api", "v1", 10, status, called=status != 403)

    for dimensions in ({"ApiName": "an-api"}, {"ApiName": "an-api", "Stage": "v1"}):
        of = {name: MetricId.of("AWS/ApiGateway", name, dimensions) for name in OF_REQUESTS}
        assert {name: metrics.series(metric, "SampleCount", Periods(60, 60, 1))[0] for name, metric in of.items()} == {
            **dict.fromkeys(OF_REQUESTS, 4),
            "IntegrationLatency": 3,
        }
        assert metrics.series(of["4XXError"], "Average", Periods(60, 60, 1)) == [0.25]
        assert metrics.series(of["5XXError"], "Sum", Periods(60, 60, 1)) == [1]


def emf(**values: Any) -> str:
    metrics = [{"Name": name, "Unit": "Count"} for name in values]
    directive = {"Namespace": "Ours", "Dimensions": [["service"], ["service", "stage"]], "Metrics": metrics}
    return json.dumps({"_aws": {"CloudWatchMetrics": [directive]}, "service": "s", "stage": "t", **values})


def test_a_log_is_read_as_it_grows(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    emitted = EmittedMetrics(log)
    before = list(emitted.new())
    log.write_text('{"level": "INFO"}\nSTART\n' + emf(Done=[1, 2]) + "\n" + emf(Done=5)[:20], encoding="utf-8")

    first = list(emitted.new())
    with log.open("a", encoding="utf-8") as file:
        file.write(emf(Done=5)[20:] + "\n")
    second = list(emitted.new())

    by_service = MetricId.of("Ours", "Done", {"service": "s"})
    assert before == []
    assert [value for metric, value in first if metric == by_service] == [1, 2]
    assert [value for metric, value in second if metric == by_service] == [5]
    assert {len(metric.dimensions) for metric, _ in first} == {1, 2}


def body(*rows: list[Any]) -> dict[str, Any]:
    return {
        "widgets": [
            {"type": "text", "properties": {"markdown": "x"}},
            {"type": "alarm", "properties": {"alarms": ["One"]}},
            {"type": "metric", "properties": {"title": "A widget", "metrics": list(rows)}},
        ]
    }


def test_a_widget_shows_what_its_rows_say_in_short() -> None:
    dashboard = body(
        ["A", "One", "service", "s", "destination", "d"],
        [".", "Two", ".", ".", ".", ".", {"stat": "Sum"}],
        ["...", {"stat": "p50"}],
    )

    found = [metric for _, metric in shown(dashboard)]

    assert alarms_shown(dashboard) == ["One"]
    assert found == [MetricId.of("A", name, {"service": "s", "destination": "d"}) for name in ("One", "Two", "Two")]


def test_a_row_that_repeats_what_is_not_there_is_refused() -> None:
    with pytest.raises(UnsupportedError):
        list(shown(body(["A", "One", "service", "s"], [".", "Two", ".", ".", ".", "."])))


def test_a_search_finds_metrics_of_exactly_its_dimensions() -> None:
    search = parse_search("SEARCH('{A,service,mapping_id} MetricName=\"Written\" service=\"s\"', 'Sum', 300)")

    assert isinstance(search, Search)
    assert search.finds(MetricId.of("A", "Written", {"service": "s", "mapping_id": "x"}))
    assert not search.finds(MetricId.of("A", "Written", {"service": "other", "mapping_id": "x"}))
    assert not search.finds(MetricId.of("A", "Written", {"service": "s"}))
    assert not search.finds(MetricId.of("A", "Else", {"service": "s", "mapping_id": "x"}))


@pytest.mark.parametrize("expression", ["SEARCH('x', 'Sum')", "SEARCH('{A,b} MetricName=c', 'Sum', 300)", "m1 + m2"])
def test_a_search_that_is_not_understood_is_refused(expression: str) -> None:
    with pytest.raises(UnsupportedError):
        parse_search(expression)
