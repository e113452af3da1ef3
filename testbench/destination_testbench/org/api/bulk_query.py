"""Query jobs of Bulk API 2.0: a query is given, asked after until it is done, and its rows are fetched as CSV."""

from __future__ import annotations

import base64
import csv
import io
from dataclasses import dataclass
from typing import Any

from destination_testbench.org.api.call import ApiCall, known
from destination_testbench.org.exchange import JsonAnswer
from destination_testbench.org.facts import OrgConfig
from destination_testbench.org.faults.failure import RequestFailure, not_found, not_simulated
from destination_testbench.org.query.conditions import Column
from destination_testbench.org.query.query import Queries
from destination_testbench.org.records.record_id import BASE, to_long
from destination_testbench.org.schema.schema import Field
from destination_testbench.org.values.moments import from_epoch

MEMBERS = {"operation", "query", "contentType", "columnDelimiter", "lineEnding"}
FIXED = {"contentType": "CSV", "columnDelimiter": "COMMA", "lineEnding": "LF"}
"""What a job may name beside its query, with the only values that are built."""

CSV = {"Content-Type": "text/csv"}
LARGEST_PLAIN = 10**7
"""From here on Java writes a number with its exponent."""


@dataclass(slots=True)
class QueryJob:
    """One job, its rows as they were found when it was made, and how often somebody has asked after it."""

    told: dict[str, Any]
    columns: list[Column]
    rows: list[dict[str, Any]]
    asked: int = 0

    @property
    def state(self) -> str:
        """It waits, it runs when it is asked after for the first time, and then it is done."""
        return ("UploadComplete", "InProgress", "JobComplete")[min(self.asked, 2)]


class BulkQueries:
    """Keeps the jobs of everybody. Each call counts, as every other one does."""

    def __init__(self, queries: Queries, config: OrgConfig) -> None:
        self._queries, self._config = queries, config
        self._jobs: dict[str, QueryJob] = {}
        self._made = 0

    def create(self, call: ApiCall) -> JsonAnswer:
        """POST jobs/query."""
        body = call.json_object()
        known(body, MEMBERS, "query job")
        operation = body.get("operation")
        if operation not in ("query", "queryAll"):
            raise not_simulated(f"the operation {operation} of a query job")
        if others := [name for name, value in FIXED.items() if body.get(name, value) != value]:
            raise not_simulated(f"another {others[0]} of a query job than {FIXED[others[0]]}")
        columns, rows = self._queries.table(call, str(body.get("query", "")), operation == "queryAll")
        self._made += 1
        job_id, now = to_long(f"750{BASE}{self._made:06d}"), from_epoch(call.now)
        dates = {"createdById": call.user.id, "createdDate": now, "systemModstamp": now}
        told = {"id": job_id, "operation": operation, "object": columns[0].sobject.name, **dates, **FIXED}
        told |= {"concurrencyMode": "Parallel", "apiVersion": float(call.version)}
        self._jobs[job_id] = job = QueryJob(told, columns, rows)
        return JsonAnswer(200, {**job.told, "state": job.state})

    def info(self, call: ApiCall, job_id: str) -> JsonAnswer:
        """GET jobs/query/{id}."""
        job = self._job(call, job_id)
        job.asked += 1 if self._config.bulk_query_runs else 2
        done = {"numberRecordsProcessed": len(job.rows) if job.state == "JobComplete" else 0, "retries": 0}
        return JsonAnswer(200, {**job.told, "state": job.state, "jobType": "V2Query", **done})

    def results(self, call: ApiCall, job_id: str) -> JsonAnswer:
        """GET jobs/query/{id}/results: a part of the rows, each part under the names of the columns."""
        job = self._job(call, job_id)
        if job.state != "JobComplete":
            raise not_found()
        if float(call.version) != job.told["apiVersion"]:
            raise RequestFailure(409, "API_ERROR", "The job was created with another version of the API.")
        start, most = _offset(call.query.get("locator", "")), call.query.get("maxRecords", "")
        size = min(int(most) if most.isdigit() and int(most) else len(job.rows), self._config.bulk_query_page)
        part, end = job.rows[start : start + size], start + size
        text = io.StringIO()
        lines = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
        paths = [[*(str(hop.relationship) for hop in one.hops), one.field.name] for one in job.columns]
        lines.writerow(map(".".join, paths))
        lines.writerows(
            [_text(_at(row, path), one.field) for path, one in zip(paths, job.columns, strict=True)] for row in part
        )
        following = base64.b64encode(str(end).encode()).decode().rstrip("=") if end < len(job.rows) else "null"
        headers = {"Sforce-NumberOfRecords": str(len(part)), "Sforce-Locator": following}
        return JsonAnswer(200, text.getvalue().encode(), CSV | headers)

    def delete(self, call: ApiCall, job_id: str) -> JsonAnswer:
        """DELETE jobs/query/{id}."""
        if self._job(call, job_id).state != "JobComplete":
            raise RequestFailure(400, "API_ERROR", "A job that is not done cannot be deleted.")
        del self._jobs[job_id]
        return JsonAnswer(204)

    def _job(self, call: ApiCall, job_id: str) -> QueryJob:
        job = self._jobs.get(job_id)
        if job is None or job.told["createdById"] != call.user.id:
            raise not_found()
        return job


def _offset(locator: str) -> int:
    text = base64.b64decode(locator + "=" * (-len(locator) % 4)).decode("latin-1")
    if text and not text.isdecimal():
        raise RequestFailure(400, "API_ERROR", "The locator is none of this job's.")
    return int(text or 0)


def _at(row: dict[str, Any], path: list[str]) -> object:
    value: Any = row
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _text(value: object, field: Field) -> str:
    """A value as the CSV has it: numbers as Java writes them, times with a Z."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float) and field.type != "int":
        number = float(value)
        if abs(number) < LARGEST_PLAIN:
            return str(number)
        digits, _, exponent = f"{number:.16e}".partition("e")
        return f"{float(digits)}E{int(exponent)}"
    return str(value).replace("+0000", "Z") if field.type == "datetime" else str(value)
