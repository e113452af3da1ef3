"""The resources of the data API, wired to their paths."""

from __future__ import annotations

from destination_cli.local.org.access import Level
from destination_cli.local.org.call import Call
from destination_cli.local.org.collection import Collections
from destination_cli.local.org.composite import Composite
from destination_cli.local.org.describe import described, described_field, overview
from destination_cli.local.org.exchange import Answer
from destination_cli.local.org.failure import not_found
from destination_cli.local.org.faults import Faults
from destination_cli.local.org.limits import Usage
from destination_cli.local.org.router import Router
from destination_cli.local.org.rows import Rows
from destination_cli.local.org.saving import Saving
from destination_cli.local.org.schema import SObject
from destination_cli.local.org.upsert import Upsert


class Resources:
    """Answers the calls to one org's data API."""

    def __init__(self, saving: Saving, faults: Faults, usage: Usage) -> None:
        self._saving, self._faults, self._usage = saving, faults, usage
        self.router = Router()
        collections = Collections(saving, saving.config, faults)
        upsert = Upsert(collections)
        self._collections(collections, upsert)
        self._sobjects(Rows(saving, upsert))
        self._others()

    def dispatch(self, call: Call) -> Answer:
        """The answer to one call."""
        return self.router.dispatch(call)

    def _collections(self, collections: Collections, upsert: Upsert) -> None:
        config = self._saving.config
        composite = Composite(config, self._faults, self.dispatch)
        add = self.router.add
        add("composite", POST=composite.run, GET=self._listing)
        add("composite/sobjects", POST=collections.create, PATCH=collections.update, DELETE=collections.delete)
        add("composite/sobjects/{name}/{field}", PATCH=upsert.upsert)

    def _sobjects(self, rows: Rows) -> None:
        add = self.router.add
        add("sobjects", GET=self._global)
        add("sobjects/{name}", GET=self._basic, POST=rows.create)
        add("sobjects/{name}/describe", GET=self._describe)
        add("sobjects/{name}/{id}", GET=rows.get, PATCH=rows.update, DELETE=rows.delete)
        add("sobjects/{name}/{field}/{value}", GET=rows.get_by, PATCH=rows.upsert_by)

    def _others(self) -> None:
        self.router.add("limits", GET=self._limits)
        self.router.add("limits/recordCount", GET=self._record_count)

    def _listing(self, call: Call) -> Answer:
        return Answer(200, {"sobjects": f"{call.root}/composite/sobjects"})

    def _global(self, call: Call) -> Answer:
        sobjects = [overview(sobject, call.root) for sobject in self._saving.store.schema.sobjects.values()]
        return Answer(200, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": sobjects})

    def _basic(self, call: Call, name: str) -> Answer:
        return Answer(200, {"objectDescribe": overview(self._sobject(name), call.root), "recentItems": []})

    def _describe(self, call: Call, name: str) -> Answer:
        sobject = self._sobject(name)
        fields = []
        for field in sobject.fields.values():
            level = self._saving.access.level(call.user, sobject.name, field.name)
            if level is not Level.NONE:
                edit = level is Level.EDIT
                fields.append(described_field(field, edit and field.createable, edit and field.updateable))
        return Answer(200, described(sobject, call.root, fields))

    def _limits(self, call: Call) -> Answer:
        return Answer(200, self._usage.report(call.now))

    def _record_count(self, call: Call) -> Answer:
        names = [name for name in call.query.get("sObjects", "").split(",") if name]
        chosen = [found for name in names if (found := self._saving.store.schema.find(name))]
        counts = [{"count": len(self._saving.store.table(sobject)), "name": sobject.name} for sobject in chosen]
        return Answer(200, {"sObjects": counts})

    def _sobject(self, name: str) -> SObject:
        if sobject := self._saving.store.schema.find(name):
            return sobject
        raise not_found()
