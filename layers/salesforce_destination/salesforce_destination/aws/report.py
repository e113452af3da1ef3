"""
What a batch came to, as CloudWatch metrics and as one line in the log.

Codes, counts and field names only: no identity, no value and no text of Salesforce's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit, single_metric

from salesforce_destination.delivery.batch import Batch
from salesforce_destination.errors import Mistake
from salesforce_destination.outcome import Delivery, OutcomeKind

METRIC_OF: Mapping[OutcomeKind, str] = {
    OutcomeKind.SKIPPED: "ProfilesSkipped",
    OutcomeKind.DEFERRED: "MessagesDeferred",
    OutcomeKind.REJECTED: "MessagesRejected",
}
"""The metric of each outcome that is counted by message; records are counted where they are written."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """
    What a report tells beside the batch: the oldest message's age, the org's calls, how long ago the access token was
    issued.
    """

    oldest_message_seconds: float
    api_usage_percent: float | None = None
    access_token_seconds: float | None = None


def report(batch: Batch, circumstances: Circumstances, logger: Logger, metrics: Metrics) -> None:
    """Write metrics and one log line."""
    outcomes = batch.kinds()
    _count(metrics, "MessagesReceived", len(batch.messages))
    _count(metrics, "ProfilesReceived", batch.profiles)
    _count(metrics, "RecordsDelivered", batch.records_delivered)
    _count(metrics, "RecordsSuperseded", batch.records_superseded)
    _count(metrics, "RequestsSent", batch.requests)
    _count(metrics, "FieldsOmitted", sum(batch.omitted.values()))
    _count(metrics, "SchemaMismatch", len(batch.missing))
    for outcome, name in METRIC_OF.items():
        _count(metrics, name, outcomes[outcome])
    metrics.add_metric("OldestMessageAge", MetricUnit.Seconds, max(circumstances.oldest_message_seconds, 0))
    if batch.requests:
        metrics.add_metric("SalesforceLatency", MetricUnit.Milliseconds, batch.slowest_request_seconds * 1000)
    if circumstances.access_token_seconds is not None:
        metrics.add_metric("AccessTokenAge", MetricUnit.Seconds, max(circumstances.access_token_seconds, 0))
    if circumstances.api_usage_percent is not None:
        metrics.add_metric("ApiUsagePercent", MetricUnit.Percent, circumstances.api_usage_percent)
    log = logger.error if batch.missing else logger.info
    log(
        "fields are missing in the org; their messages wait" if batch.missing else "batch delivered",
        messages=len(batch.messages),
        profiles=batch.profiles,
        outcomes={outcome.value: count for outcome, count in outcomes.items()},
        records_delivered=batch.records_delivered,
        records_superseded=batch.records_superseded,
        requests=batch.requests,
        reasons=_reasons(batch.exceptions.values()),
        salesforce_codes=dict(batch.codes),
        fields_omitted=dict(batch.omitted),
        fields_missing=dict(batch.missing),
        delays_refused=batch.delays_refused,
        dead_letters_refused=batch.dead_letters_refused,
    )


def report_statuses(statuses: Mapping[str, int], destination: str) -> None:
    """Count the statuses written, by Mapping ID: few names, each a metric of its own in CloudWatch's bill."""
    for mapping_id, count in statuses.items():
        dimensions = {"destination": destination, "mapping_id": mapping_id}
        with single_metric("StatusesWritten", MetricUnit.Count, count, default_dimensions=dimensions):
            pass


def report_mistakes(
    mistakes: Sequence[Mistake], messages: int, oldest_message_seconds: float, logger: Logger, metrics: Metrics
) -> None:
    """Say which keys of the destination file or which settings are wrong. Every message waits until they are mended."""
    metrics.add_metric("SchemaMismatch", MetricUnit.Count, len(mistakes))
    _count(metrics, "MessagesReceived", messages)
    _count(metrics, "MessagesDeferred", messages)
    metrics.add_metric("OldestMessageAge", MetricUnit.Seconds, max(oldest_message_seconds, 0))
    logger.error("the destination cannot be used; all messages wait", mistakes=[str(mistake) for mistake in mistakes])


def _count(metrics: Metrics, name: str, count: int) -> None:
    if count:
        metrics.add_metric(name, MetricUnit.Count, count)


def _reasons(deliveries: Iterable[Delivery]) -> dict[str, int]:
    reasons = (delivery.outcome.reason for delivery in deliveries)
    return dict(Counter(reason.code for reason in reasons if reason is not None))
