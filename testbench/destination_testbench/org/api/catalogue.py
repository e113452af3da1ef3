"""What there is: resources, sObjects and their fields, limits."""

from __future__ import annotations

from email.utils import formatdate, parsedate_to_datetime
from typing import Any

from destination_testbench.org.api.call import Call
from destination_testbench.org.api.limits import Usage
from destination_testbench.org.exchange import Answer
from destination_testbench.org.facts import OrgConfig
from destination_testbench.org.faults.failure import not_found
from destination_testbench.org.records.access import Access, Level
from destination_testbench.org.records.record_id import to_long
from destination_testbench.org.records.store import Store
from destination_testbench.org.schema.describe import described, described_field, overview
from destination_testbench.org.schema.schema import SObject

LOGIN = "https://login.salesforce.com"
RESOURCES = ("composite", "limits", "query", "queryAll", "sobjects", "tooling")


class Catalogue:
    """The resources that describe the org."""

    def __init__(self, store: Store, access: Access, usage: Usage, config: OrgConfig) -> None:
        self._store, self._access, self._usage, self._config = store, access, usage, config
        self._version, self._changed = (-1, -1), 0

    def resources(self, call: Call) -> Answer:
        """GET /services/data/vXX.X: the resources of this version."""
        identity = f"{LOGIN}/id/{to_long(self._config.organization_id[:15])}/{call.user.id}"
        return Answer(200, {**{name: f"{call.root}/{name}" for name in RESOURCES}, "identity": identity})

    def sobjects(self, call: Call) -> Answer:
        """GET sobjects: every sObject."""
        schema = self._store.schema
        found = [overview(s, call.root) for s in schema.sobjects.values() if s.name not in schema.hidden]
        return self._unless_unchanged(call, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": found})

    def basic(self, call: Call, name: str) -> Answer:
        """GET sobjects/{sObject}: the sObject without its fields."""
        return Answer(200, {"objectDescribe": overview(self._sobject(name), call.root), "recentItems": []})

    def describe(self, call: Call, name: str) -> Answer:
        """GET sobjects/{sObject}/describe: the fields this user may see, with this user's rights."""
        sobject = self._sobject(name)
        fields = []
        may = self._access.rights(call.user, sobject.name)
        if "Read" not in may:
            raise not_found()
        for field in sobject.fields.values():
            level = self._access.level(call.user, sobject.name, field.name)
            if level is not Level.NONE:
                edit = level is Level.EDIT
                fields.append(described_field(field, edit and field.createable, edit and field.updateable))
        rights = {"createable": "Create" in may, "updateable": "Edit" in may, "deletable": "Delete" in may}
        return self._unless_unchanged(call, described(sobject, call.root, fields) | rights)

    def limits(self, call: Call) -> Answer:
        """GET limits."""
        return Answer(200, self._usage.report(call.now))

    def record_count(self, call: Call) -> Answer:
        """GET limits/recordCount?sObjects=: how many records there are."""
        names = [name for name in call.query.get("sObjects", "").split(",") if name]
        chosen = [found for name in names if (found := self._store.schema.find(name))]
        counts = [{"count": len(self._store.table(sobject)), "name": sobject.name} for sobject in chosen]
        return Answer(200, {"sObjects": counts})

    def _unless_unchanged(self, call: Call, body: Any) -> Answer:
        """The answer, or 304 where If-Modified-Since is not earlier than the last change that anyone noticed."""
        version = (self._store.schema.version, self._access.version)
        if version != self._version:
            self._version, self._changed = version, int(call.now)
        tag = f'"{hash(version) & 0xFFFFFFFF:08x}"'
        headers = {"ETag": tag, "Last-Modified": formatdate(self._changed, usegmt=True)}
        try:
            since = parsedate_to_datetime(call.headers.get("if-modified-since", "")).timestamp()
        except ValueError:
            return Answer(200, body, headers)
        return Answer(304, None, headers) if since >= self._changed else Answer(200, body, headers)

    def _sobject(self, name: str) -> SObject:
        if sobject := self._store.schema.find(name):
            return sobject
        raise not_found()
