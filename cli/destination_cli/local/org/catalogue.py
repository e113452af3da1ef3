"""What there is: resources, sObjects and their fields, limits."""

from __future__ import annotations

from destination_cli.local.org.access import Access, Level
from destination_cli.local.org.call import Call
from destination_cli.local.org.describe import described, described_field, overview
from destination_cli.local.org.exchange import Answer
from destination_cli.local.org.failure import not_found
from destination_cli.local.org.limits import Usage
from destination_cli.local.org.schema import SObject
from destination_cli.local.org.store import Store

RESOURCES = ("composite", "limits", "query", "queryAll", "sobjects", "tooling")


class Catalogue:
    """The resources that describe the org."""

    def __init__(self, store: Store, access: Access, usage: Usage) -> None:
        self._store, self._access, self._usage = store, access, usage

    def resources(self, call: Call) -> Answer:
        """GET /services/data/vXX.X: the resources of this version."""
        return Answer(200, {name: f"{call.root}/{name}" for name in RESOURCES})

    def sobjects(self, call: Call) -> Answer:
        """GET sobjects: every sObject."""
        found = [overview(sobject, call.root) for sobject in self._store.schema.sobjects.values()]
        return Answer(200, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": found})

    def basic(self, call: Call, name: str) -> Answer:
        """GET sobjects/{sObject}: the sObject without its fields."""
        return Answer(200, {"objectDescribe": overview(self._sobject(name), call.root), "recentItems": []})

    def describe(self, call: Call, name: str) -> Answer:
        """GET sobjects/{sObject}/describe: the fields this user may see, with this user's rights."""
        sobject = self._sobject(name)
        fields = []
        for field in sobject.fields.values():
            level = self._access.level(call.user, sobject.name, field.name)
            if level is not Level.NONE:
                edit = level is Level.EDIT
                fields.append(described_field(field, edit and field.createable, edit and field.updateable))
        return Answer(200, described(sobject, call.root, fields))

    def limits(self, call: Call) -> Answer:
        """GET limits."""
        return Answer(200, self._usage.report(call.now))

    def record_count(self, call: Call) -> Answer:
        """GET limits/recordCount?sObjects=: how many records there are."""
        names = [name for name in call.query.get("sObjects", "").split(",") if name]
        chosen = [found for name in names if (found := self._store.schema.find(name))]
        counts = [{"count": len(self._store.table(sobject)), "name": sobject.name} for sobject in chosen]
        return Answer(200, {"sObjects": counts})

    def _sobject(self, name: str) -> SObject:
        if sobject := self._store.schema.find(name):
            return sobject
        raise not_found()
