"""What there is: resources, sObjects and their fields, and how many calls are left of a day's."""

from __future__ import annotations

from collections import deque
from email.utils import formatdate, parsedate_to_datetime
from typing import Any

from destination_testbench.org.api.call import ApiCall
from destination_testbench.org.exchange import JsonAnswer
from destination_testbench.org.facts import OrgConfig
from destination_testbench.org.faults.failure import RequestFailure, not_found
from destination_testbench.org.records.access import Access, AccessLevel
from destination_testbench.org.records.record_id import to_long
from destination_testbench.org.records.store import RecordStore
from destination_testbench.org.schema.describe import children_of, described, described_field, described_type, overview
from destination_testbench.org.schema.schema import SObject

RESOURCES = ("composite", "limits", "query", "queryAll", "sobjects", "tooling")

DAY = 86_400.0
# Calls are counted by the minute: the window is a day give or take one.
GRAIN = 60.0


class Usage:
    """A rolling count of calls. A composite request is one call, whatever it holds."""

    def __init__(self, config: OrgConfig) -> None:
        self._config = config
        self._minutes: deque[list[float]] = deque()
        self._used = 0

    def used(self, now: float) -> int:
        """Calls of the last 24 hours."""
        while self._minutes and self._minutes[0][0] <= now - DAY:
            self._used -= int(self._minutes.popleft()[1])
        return self._used

    def spend(self, now: float, calls: int = 1) -> None:
        """Count calls."""
        minute = now - now % GRAIN
        if self._minutes and self._minutes[-1][0] == minute:
            self._minutes[-1][1] += calls
        else:
            self._minutes.append([minute, calls])
        self._used += calls

    def check(self, now: float) -> None:
        """Refuse a call when the day's are spent; a paying org may overrun them by a certain share first."""
        if self.used(now) >= self._config.daily_limit * (1 + self._config.daily_overrun):
            raise RequestFailure(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")

    def header(self, now: float) -> str:
        """The value of Sforce-Limit-Info."""
        return f"api-usage={self.used(now)}/{self._config.daily_limit}"

    def report(self, now: float, stored_kb: int = 0) -> dict[str, dict[str, int]]:
        """What /limits answers; the other limits stand still."""
        left = max(0, self._config.daily_limit - self.used(now))
        most, taken = self._config.data_storage_mb, self._config.data_storage_taken_mb + stored_kb // 1024
        return {
            "DailyApiRequests": {"Max": self._config.daily_limit, "Remaining": left},
            "DailyAsyncApexExecutions": {"Max": 250_000, "Remaining": 250_000},
            "DailyBulkApiBatches": {"Max": 15_000, "Remaining": 15_000},
            "DailyBulkV2QueryJobs": {"Max": 10_000, "Remaining": 10_000},
            "DataStorageMB": {"Max": most, "Remaining": max(0, most - taken)},
            "FileStorageMB": {"Max": 1024, "Remaining": 1024},
            "PermissionSets": {"Max": 1500, "Remaining": 1498},
        }


class Catalogue:
    """The resources that describe the org."""

    def __init__(self, store: RecordStore, access: Access, usage: Usage, config: OrgConfig) -> None:
        self._store, self._access, self._usage, self._config = store, access, usage, config
        self._version, self._changed = (-1, -1), 0

    def resources(self, call: ApiCall) -> JsonAnswer:
        """GET /services/data/vXX.X: the resources of this version."""
        host = "test" if self._config.sandbox else "login"
        identity = f"https://{host}.salesforce.com/id/{to_long(self._config.organization_id[:15])}/{call.user.id}"
        return JsonAnswer(200, {**{name: f"{call.root}/{name}" for name in RESOURCES}, "identity": identity})

    def sobjects(self, call: ApiCall) -> JsonAnswer:
        """GET sobjects: every sObject."""
        schema = self._store.schema
        found = [overview(s, call.root) for s in schema.sobjects.values() if s.name not in schema.hidden]
        return self._unless_unchanged(call, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": found})

    def basic(self, call: ApiCall, name: str) -> JsonAnswer:
        """GET sobjects/{sObject}: the sObject without its fields."""
        return JsonAnswer(200, {"objectDescribe": overview(self._sobject(name), call.root), "recentItems": []})

    def describe(self, call: ApiCall, name: str) -> JsonAnswer:
        """GET sobjects/{sObject}/describe: the fields this user may see, with this user's rights."""
        sobject = self._sobject(name)
        fields = []
        may = self._access.rights(call.user, sobject.name)
        if "Read" not in may:
            raise not_found()
        for field in sobject.fields.values():
            level = self._access.level(call.user, sobject.name, field.name)
            if level is not AccessLevel.NONE:
                edit = level is AccessLevel.EDIT
                fields.append(described_field(field, edit and field.createable, edit and field.updateable))
        told: dict[str, Any] = {
            "createable": "Create" in may,
            "updateable": "Edit" in may,
            "deletable": "Delete" in may,
        }
        told |= {"childRelationships": children_of(sobject, self._store.schema.sobjects.values())}
        return self._unless_unchanged(call, described(sobject, call.root, fields, self._types(call, sobject)) | told)

    def _types(self, call: ApiCall, sobject: SObject) -> list[dict[str, Any]]:
        """The record types of an sObject that a person has made."""
        return [
            described_type(
                call.root,
                sobject.name,
                record.id,
                str(record.get("DeveloperName")),
                str(record.get("Name")),
                record.get("IsActive") is True,
                self._access.may_give(record),
            )
            for record in self._store.table(self._store.schema.sobjects["RecordType"])
            if record.get("SobjectType") == sobject.name
        ]

    def limits(self, call: ApiCall) -> JsonAnswer:
        """GET limits."""
        return JsonAnswer(200, self._usage.report(call.now, self._store.storage_kb()))

    def record_count(self, call: ApiCall) -> JsonAnswer:
        """GET limits/recordCount?sObjects=: how many records there are."""
        names = [name for name in call.query.get("sObjects", "").split(",") if name]
        chosen = [found for name in names if (found := self._store.schema.asked(name))]
        counts = [{"count": len(self._store.table(sobject)), "name": sobject.name} for sobject in chosen]
        return JsonAnswer(200, {"sObjects": counts})

    def _unless_unchanged(self, call: ApiCall, body: Any) -> JsonAnswer:
        """The answer, or 304 where If-Modified-Since is not earlier than the last change that anyone noticed."""
        version = (self._store.schema.version, self._access.version)
        if version != self._version:
            self._version, self._changed = version, int(call.now)
        tag = f'"{hash(version) & 0xFFFFFFFF:08x}"'
        headers = {"ETag": tag, "Last-Modified": formatdate(self._changed, usegmt=True)}
        try:
            since = parsedate_to_datetime(call.headers.get("if-modified-since", "")).timestamp()
        except ValueError:
            return JsonAnswer(200, body, headers)
        return JsonAnswer(304, None, headers) if since >= self._changed else JsonAnswer(200, body, headers)

    def _sobject(self, name: str) -> SObject:
        if sobject := self._store.schema.asked(name):
            return sobject
        raise not_found()
