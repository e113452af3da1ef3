from __future__ import annotations

import json
from pathlib import Path

from destination_testbench.demo.delivery import metric_sums


def a_line(**values: object) -> str:
    metrics = [{"Name": name, "Unit": "Count"} for name in values]
    directive = {"Namespace": "SalesforceDestination", "Dimensions": [["service"]], "Metrics": metrics}
    return json.dumps({"_aws": {"Timestamp": 1, "CloudWatchMetrics": [directive]}, "service": "a", **values})


def test_metrics_are_added_up_over_all_lines(tmp_path: Path) -> None:
    log = tmp_path / "deliver.log"
    lines = [
        a_line(RecordsDelivered=[2.0, 3.0]),
        '{"level": "INFO"}',
        "text",
        a_line(RecordsDelivered=1, RequestsSent=[1]),
    ]
    log.write_text("\n".join(lines), encoding="utf-8")

    assert metric_sums(log) == {"RecordsDelivered": 6, "RequestsSent": 1}
