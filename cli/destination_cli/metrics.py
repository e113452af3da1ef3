"""What a stack counted in the last day, from CloudWatch or from the logs of the local stack."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from destination_cli.function_logs import local_lines
from destination_cli.target import Target
from destination_cli.terminal import moment

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
STATUSES, EXITS = "StatusesWritten", "ExitsWritten"
AGE = "OldestMessageAge"

COUNTED = (
    *("ProfilesReceived", "RecordsDelivered", "RecordsSuperseded", "RecordsCreated", "CreationsHeld"),
    *("LeadsBesideContacts", "PartsSuperseded", "MembersKept", "IdentitiesPassedOver", "ProfilesNotPermitted"),
    *("ProfilesSuppressed", "ProfilesSkipped", "MessagesDeferred", "MessagesRejected", "FieldsOmitted"),
    *("TokenRefreshed", "TokenRefreshFailed"),
)
"""The metrics that are shown, in this order."""

MISMATCH, IGNORED, CONNECTION = "SchemaMismatch", "UpdateOnlyIgnored", "ConnectionProblems"

LAST_IS_GOOD_FOR_MS = {MISMATCH: HOUR_MS, IGNORED: HOUR_MS, CONNECTION: DAY_MS}
"""The metrics of which the last value counts, and how old it may be. A mismatch is told whenever one of its messages
comes back, every 30 min at the latest, never as none; a schedule checks the connection, and reports none too."""

AGE_IS_GOOD_FOR_MS = 900_000
"""How old a report of the oldest message's age may be: a batch every minute is usual, and a pause of five not rare."""

NAMESPACE = "SalesforceDestination"
PERIOD_SECONDS = 300
FUNCTIONS_THAT_COUNT = ("deliver", "refresh_token", "check_connection")

QUERIES_PER_CALL = 100
"""GetMetricData takes up to 500 queries; a hundred Mapping IDs of a day's points fit into one answer."""


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a metric; `mapping_id` is that of StatusesWritten and ExitsWritten."""

    name: str
    at: int
    value: float
    mapping_id: str = ""


@dataclass(slots=True)
class Activity:
    """Counts by metric, statuses by Mapping ID, the age of the oldest message received lately, and last values."""

    hour: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))
    day: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))
    statuses: dict[str, int] = field(default_factory=dict)
    oldest_received_seconds: float | None = None
    last: dict[str, Point] = field(default_factory=dict)

    def last_value(self, name: str) -> int | None:
        """The last value of one of LAST_IS_GOOD_FOR_MS; None where there was none lately."""
        return round(self.last[name].value) if name in self.last else None


def activity_of(points: Iterable[Point], now_ms: int) -> Activity:
    """Add up what happened up to now. Points older than a day do not count."""
    activity = Activity()
    newest = now_ms - AGE_IS_GOOD_FOR_MS
    for point in points:
        if point.name == AGE and point.at >= newest:
            newest, activity.oldest_received_seconds = point.at, point.value
        elif point.name in LAST_IS_GOOD_FOR_MS:
            last = activity.last.get(point.name)
            if point.at > now_ms - LAST_IS_GOOD_FOR_MS[point.name] and (last is None or point.at >= last.at):
                activity.last[point.name] = point
        elif point.at > now_ms - DAY_MS:
            if point.name == STATUSES:
                activity.statuses[point.mapping_id] = activity.statuses.get(point.mapping_id, 0) + round(point.value)
            elif point.name in COUNTED:
                activity.day[point.name] += round(point.value)
                activity.hour[point.name] += round(point.value) if point.at > now_ms - HOUR_MS else 0
    return activity


def points_of(target: Target, now_ms: int) -> Iterator[Point]:
    """What was counted in the last day."""
    if not target.is_local:
        return _in_cloudwatch(target, now_ms)
    return (point for name in FUNCTIONS_THAT_COUNT for line in local_lines(target, name) for point in _in_line(line))


def statuses_by_day(target: Target, audience: str, seconds: int, now_ms: int) -> dict[str, dict[str, int]]:
    """Count the statuses of an audience that were written, by day (UTC): of those who are in, and exits."""
    begin, mapping_id = (now_ms - seconds * 1000) // DAY_MS * DAY_MS, ascii(audience)[1:-1]
    named = {"service": target.name, "destination": target.destination, "mapping_id": mapping_id}
    dimensions = [{"Name": name, "Value": value} for name, value in named.items()]
    queries = [(_query(name, dimensions, "Sum"), mapping_id) for name in (STATUSES, EXITS)]
    for query, _ in queries:
        query["MetricStat"]["Period"] = DAY_MS // 1000
    found = {moment(day)[:10]: Counter[str]() for day in range(begin, now_ms, DAY_MS)}
    for point in points_of(target, now_ms) if target.is_local else _asked(target, queries, begin, now_ms):
        if point.mapping_id == mapping_id and (day := moment(point.at)[:10]) in found:
            found[day][point.name] += round(point.value)
    return {day: {"in": each[STATUSES] - each[EXITS], "exited": each[EXITS]} for day, each in found.items()}


def seconds_back(points: Iterable[Point], now_ms: int, profiles: int) -> int:
    """How far back the last so many profiles reach; a day at most."""
    received = sorted(((point.at, point.value) for point in points if point.name == "ProfilesReceived"), reverse=True)
    summed = zip(received, accumulate(value for _, value in received), strict=True)
    return next(((now_ms - at) // 1000 + 1 for (at, _), count in summed if count >= profiles), DAY_MS // 1000)


def oldest_waiting_seconds(target: Target, now_ms: int) -> float | None:
    """The age of the oldest message on the queue as SQS tells it; on this machine nobody does."""
    if target.is_local:
        return None
    queue = [{"Name": "QueueName", "Value": target.queue_url.rsplit("/", 1)[-1]}]
    query = _query("ApproximateAgeOfOldestMessage", queue, "Maximum", "AWS/SQS")
    points = list(_asked(target, [(query, "")], now_ms - 3 * PERIOD_SECONDS * 1000, now_ms))
    return max(points, key=lambda point: point.at).value if points else None


def _in_line(line: Mapping[str, Any]) -> Iterator[Point]:
    """The points in a line of the embedded metric format; a line without metrics has none."""
    about = line.get("_aws")
    if not isinstance(about, Mapping):
        return
    for directive in about["CloudWatchMetrics"]:
        for name in (metric["Name"] for metric in directive["Metrics"]):
            for value in line[name] if isinstance(line[name], list) else [line[name]]:
                yield Point(name, int(about["Timestamp"]), float(value), str(line.get("mapping_id", "")))


def _in_cloudwatch(target: Target, now_ms: int) -> Iterator[Point]:
    ours = [{"Name": "service", "Value": target.name}, {"Name": "destination", "Value": target.destination}]
    queries = [(_query(name, ours, "Sum"), "") for name in COUNTED]
    queries += [(_query(name, ours, "Maximum"), "") for name in (AGE, *LAST_IS_GOOD_FOR_MS)]
    for mapping_id in _mapping_ids(target, ours):
        queries.append((_query(STATUSES, [*ours, {"Name": "mapping_id", "Value": mapping_id}], "Sum"), mapping_id))
    for start in range(0, len(queries), QUERIES_PER_CALL):
        yield from _asked(target, queries[start : start + QUERIES_PER_CALL], now_ms - DAY_MS, now_ms)


def _mapping_ids(target: Target, dimensions: Sequence[Mapping[str, str]]) -> list[str]:
    pages = target.client("cloudwatch").get_paginator("list_metrics")
    found = pages.paginate(Namespace=NAMESPACE, MetricName=STATUSES, Dimensions=list(dimensions))
    described = [each for page in found for metric in page["Metrics"] for each in metric["Dimensions"]]
    return sorted({each["Value"] for each in described if each["Name"] == "mapping_id"})


def _query(name: str, dimensions: Sequence[Mapping[str, str]], stat: str, namespace: str = NAMESPACE) -> dict[str, Any]:
    metric = {"Namespace": namespace, "MetricName": name, "Dimensions": list(dimensions)}
    return {"MetricStat": {"Metric": metric, "Period": PERIOD_SECONDS, "Stat": stat}, "ReturnData": True}


def _asked(target: Target, queries: Sequence[tuple[Mapping[str, Any], str]], begin: int, end: int) -> Iterator[Point]:
    numbered = [{"Id": f"m{number}", **query} for number, (query, _) in enumerate(queries)]
    pages = target.client("cloudwatch").get_paginator("get_metric_data")
    for page in pages.paginate(MetricDataQueries=numbered, StartTime=begin / 1000, EndTime=end / 1000):
        for result in page["MetricDataResults"]:
            query, mapping_id = queries[int(result["Id"][1:])]
            name = query["MetricStat"]["Metric"]["MetricName"]
            for at, value in zip(result["Timestamps"], result["Values"], strict=True):
                yield Point(name, int(at.timestamp() * 1000), float(value), mapping_id)
