"""The resources of the data API, wired to their paths."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote

from destination_testbench.org.api.call import ApiCall
from destination_testbench.org.api.catalogue import Catalogue, Usage
from destination_testbench.org.api.collection import CollectionResource
from destination_testbench.org.api.composite import Composite
from destination_testbench.org.api.rows import Retrieve, Rows
from destination_testbench.org.api.tooling import Tooling, ToolingStore
from destination_testbench.org.api.upsert import Upsert
from destination_testbench.org.exchange import JsonAnswer
from destination_testbench.org.faults.failure import method_not_allowed, not_found
from destination_testbench.org.faults.faults import Faults
from destination_testbench.org.formulas.rules import Rules
from destination_testbench.org.query.query import Queries
from destination_testbench.org.records.save import Saving

Handler = Callable[..., JsonAnswer]


class Router:
    """
    Resources by the pattern of their path below the version: `{name}` stands for one part of it.

    Paths are tried in the order in which they were added. A slash at the end is no difference.
    """

    def __init__(self) -> None:
        self._routes: list[tuple[re.Pattern[str], dict[str, Handler]]] = []

    def add(self, pattern: str, **handlers: Handler) -> None:
        """Let these handlers, one per method, answer a path; they get the parts of the path after the call."""
        expression = re.sub(r"\{\w+\}", "([^/]+)", pattern)
        self._routes.append((re.compile(expression + r"/?\Z"), handlers))

    def dispatch(self, call: ApiCall) -> JsonAnswer:
        """The answer to a call: 404 where there is no such path, 405 where the method is another."""
        for pattern, handlers in self._routes:
            if match := pattern.match(call.resource):
                if handler := handlers.get(call.method):
                    return handler(call, *map(unquote, match.groups()))
                raise method_not_allowed(call.method, sorted(handlers))
        raise not_found()


class Resources:
    """Answers the calls to one org's data API."""

    def __init__(self, saving: Saving, faults: Faults, usage: Usage, tooling: ToolingStore, rules: Rules) -> None:
        self._router = Router()
        store, access, config = saving.store, saving.access, saving.config
        collections = CollectionResource(saving, config, faults)
        upsert = Upsert(collections)
        rows = Rows(saving, upsert)
        self._wire_collections(collections, upsert, Retrieve(store, rows))
        self._wire_composite(Composite(config, faults, self.dispatch))
        self._wire_sobjects(rows, Catalogue(store, access, usage, config))
        self._wire_queries(Queries(store, access, config))
        tooling_queries = Queries(tooling.store, access, config)
        self._wire_tooling(Tooling(tooling, store, access, rules, tooling_queries))

    def dispatch(self, call: ApiCall) -> JsonAnswer:
        """The answer to one call."""
        return self._router.dispatch(call)

    def _wire_collections(self, collections: CollectionResource, upsert: Upsert, retrieve: Retrieve) -> None:
        add = self._router.add
        add("composite/sobjects", POST=collections.create, PATCH=collections.update, DELETE=collections.delete)
        add("composite/sobjects/{name}", GET=retrieve.get, POST=retrieve.post)
        add("composite/sobjects/{name}/{field}", PATCH=upsert.upsert)

    def _wire_composite(self, composite: Composite) -> None:
        self._router.add("composite", POST=composite.run, GET=composite.listing)

    def _wire_sobjects(self, rows: Rows, catalogue: Catalogue) -> None:
        add = self._router.add
        add("", GET=catalogue.resources)
        add("limits", GET=catalogue.limits)
        add("limits/recordCount", GET=catalogue.record_count)
        add("sobjects", GET=catalogue.sobjects)
        add("sobjects/{name}", GET=catalogue.basic, POST=rows.create)
        add("sobjects/{name}/describe", GET=catalogue.describe)
        add("sobjects/{name}/{id}", GET=rows.get, PATCH=rows.update, DELETE=rows.delete)
        add("sobjects/{name}/{field}/{value}", GET=rows.get_by, PATCH=rows.upsert_by)

    def _wire_queries(self, queries: Queries) -> None:
        self._router.add("query", GET=queries.query)
        self._router.add("queryAll", GET=queries.query_all)
        self._router.add("query/{locator}", GET=queries.more)

    def _wire_tooling(self, tooling: Tooling) -> None:
        add = self._router.add
        add("tooling/query", GET=tooling.query)
        add("tooling/sobjects/{name}", POST=tooling.create)
        add("tooling/sobjects/{name}/{id}", GET=tooling.get, PATCH=tooling.update, DELETE=tooling.delete)
