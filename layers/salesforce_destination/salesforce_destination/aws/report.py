"""What a batch came to, as metrics and a line of the log: codes, counts and field names, and nothing of a profile."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_lambda_powertools import Logger
from pydantic_core import to_json

from salesforce_destination.aws.outcome_log import IN_LINE
from salesforce_destination.delivery.batch import Batch
from salesforce_destination.errors import Mistake
from salesforce_destination.outcome import OutcomeKind, Wait

COUNT = "Count"
Outcomes = Mapping[str, Sequence[str]]

MOST_NOT_FOUND = 50  # a batch of one profile lacks nearly all audiences of a large file; a few of them will do

NOTED_OF_A_BATCH = (
    *("records_superseded", "records_created", "records_unchanged", "creations_held", "leads_beside_contacts"),
    *("delays_refused", "dead_letters_refused", "own_messages_refused", "problem", "looked_through"),
)
"""What the log tells of a batch by the names that the batch has for it, unless it is nothing."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a report tells beside the batch: the token's age, and what the slowest call took (None: there was none)."""

    oldest_message_seconds: float
    api_usage_percent: float | None = None
    access_token_seconds: float | None = None
    slowest_call_seconds: float | None = None

    def measured(self) -> dict[str, tuple[str, float]]:
        """What of it is a metric, with its unit and value."""
        found = [
            ("OldestMessageAge", "Seconds", self.oldest_message_seconds, 1),
            ("AccessTokenAge", "Seconds", self.access_token_seconds, 1),
            ("ApiUsagePercent", "Percent", self.api_usage_percent, 1),
            ("SalesforceLatency", "Milliseconds", self.slowest_call_seconds, 1000),
        ]
        return {name: (unit, max(value * of_one, 0)) for name, unit, value, of_one in found if value is not None}


class MetricLines:
    """Writes metrics into the log, as CloudWatch's embedded metric format; why not by Powertools says decision 0023."""

    def __init__(self, namespace: str, service: str, destination: str) -> None:
        self._namespace, self._dimensions = namespace, {"service": service, "destination": destination}

    def write(self, now_ms: int, measured: Mapping[str, tuple[str, float]], **more: str) -> None:
        """Write a line of metrics, each with its unit and value; `more` are dimensions beside those that all have."""
        dimensions = {**self._dimensions, **more}
        described = {
            "Namespace": self._namespace,
            "Dimensions": [list(dimensions)],
            "Metrics": [{"Name": name, "Unit": unit} for name, (unit, _) in measured.items()],
        }
        values = {name: [float(value)] for name, (_, value) in measured.items()}
        head = {"_aws": {"Timestamp": now_ms, "CloudWatchMetrics": [described]}}
        sys.stdout.write(to_json({**head, **dimensions, **values}).decode() + "\n")


def report(
    batch: Batch, around: Circumstances, profiles: Sequence[Outcomes], logger: Logger, metrics: MetricLines, now_ms: int
) -> None:
    """Write metrics and one line of the log, or more where `profiles` (see outcome_log) need them."""
    outcomes = batch.kinds()
    counts = {
        "MessagesReceived": len(batch.messages),
        "ProfilesReceived": batch.profiles,
        "RecordsDelivered": batch.records_delivered,
        "RecordsSuperseded": batch.records_superseded,
        "RequestsSent": batch.requests,
        "FieldsOmitted": sum(batch.omitted.values()),
        "ProfilesNotPermitted": batch.not_permitted,
        "ProfilesSuppressed": batch.suppressed,
        "IdentitiesPassedOver": batch.passed_over,
        "RecordsCreated": batch.records_created,
        "CreationsHeld": batch.creations_held,
        "LeadsBesideContacts": batch.leads_beside_contacts,
        "PartsSuperseded": batch.parts_superseded,
        "MembersKept": batch.members_kept,
        "SchemaMismatch": len(batch.missing) + batch.update_only_ignored,
        "UpdateOnlyIgnored": int(batch.update_only_ignored),
        "LimitsMet": sum(delivery.outcome.wait is Wait.ORG_LIMIT for delivery in batch.exceptions.values()),
        "ProfilesSkipped": outcomes.get(OutcomeKind.SKIPPED, 0),
        "MessagesDeferred": outcomes.get(OutcomeKind.DEFERRED, 0),
        "MessagesRejected": outcomes.get(OutcomeKind.REJECTED, 0),
    }
    metrics.write(now_ms, _counted(counts) | around.measured())
    # Few Mapping IDs, each a metric of its own in CloudWatch's bill.
    for mapping_id, count in batch.statuses.items():
        written = _counted({"StatusesWritten": count, "ExitsWritten": batch.exits[mapping_id]})
        metrics.write(now_ms, written, mapping_id=ascii(mapping_id)[1:-1])  # CloudWatch takes no other characters
    reasons = (delivery.outcome.reason for delivery in batch.exceptions.values())
    exceptional = {
        **{name: getattr(batch, name) for name in NOTED_OF_A_BATCH},
        "identities_passed_over": batch.passed_over,
        "reasons": dict(Counter(reason.code for reason in reasons if reason is not None)),
        "salesforce_codes": dict(batch.codes),
        "fields_omitted": dict(batch.omitted),
        "fields_missing": dict(batch.missing),
        "not_found": [*batch.not_found][:MOST_NOT_FOUND] if batch.looked_through else [],
        IN_LINE: next(iter(profiles), None),
    }
    log = logger.error if batch.missing else logger.info
    log(
        "fields are missing in the org; their messages wait" if batch.missing else "batch delivered",
        messages=len(batch.messages),
        profiles=batch.profiles,
        outcomes={outcome.value: count for outcome, count in outcomes.items()},
        records_delivered=batch.records_delivered,
        requests=batch.requests,
        extra={name: value for name, value in exceptional.items() if value},
    )
    for more in profiles[1:]:
        logger.info("more of the batch", extra={IN_LINE: more})


def report_mistakes(
    mistakes: Sequence[Mistake], messages: int, around: Circumstances, logger: Logger, metrics: MetricLines, now_ms: int
) -> None:
    """Say which keys of the destination file or which settings are wrong. Every message waits until they are mended."""
    counts = {"SchemaMismatch": len(mistakes), "MessagesReceived": messages, "MessagesDeferred": messages}
    metrics.write(now_ms, _counted(counts) | around.measured())
    logger.error("the destination cannot be used; all messages wait", mistakes=[str(mistake) for mistake in mistakes])


def _counted(counts: Mapping[str, int]) -> dict[str, tuple[str, float]]:
    return {name: (COUNT, count) for name, count in counts.items() if count}
