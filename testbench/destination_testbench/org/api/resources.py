"""The resources of the data API, wired to their paths."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from destination_testbench.org.api.bulk_query import BulkQueries
from destination_testbench.org.api.call import ApiCall
from destination_testbench.org.api.catalogue import Catalogue, Usage
from destination_testbench.org.api.collection import CollectionResource
from destination_testbench.org.api.composite import Composite
from destination_testbench.org.api.rows import Retrieve, Rows
from destination_testbench.org.api.tooling import Tooling, ToolingStore
from destination_testbench.org.api.upsert import Upsert
from destination_testbench.org.exchange import JsonAnswer
from destination_testbench.org.faults.failure import (
    NOT_FOUND_TEXT,
    RequestFailure,
    method_not_allowed,
    not_found,
    not_simulated,
)
from destination_testbench.org.faults.faults import Faults
from destination_testbench.org.formulas.rules import Rules
from destination_testbench.org.query.query import Queries
from destination_testbench.org.records.save import Saving

Handler = Callable[..., JsonAnswer]
UNBUILT_OF_SOBJECTS = (
    *("deleted", "updated", "listviews(?:/.*)?", "quickActions(?:/.*)?", "defaultValues", "namedLayouts/.*"),
    *("describe/(?:layouts|compactLayouts|approvalLayouts).*", "relevantItems", "[^/]+/richTextImageFields/.*"),
)


class Router:
    """Resources by the pattern of their path below the version: `{name}` stands for one part of it.

    Paths are tried in the order in which they were added. A slash at the end is no difference. `missing` is what a
    path is answered with that nobody added, `early` one that came with a later version.
    """

    def __init__(
        self, missing: Callable[[ApiCall], RequestFailure], early: Callable[[], RequestFailure] = not_found
    ) -> None:
        self._routes: list[Route] = []
        self._missing, self._early = missing, early

    def add(
        self, pattern: str, takes: str | None = None, since: int = 0, unbuilt: str = "", **handlers: Handler
    ) -> None:
        """Let these handlers, one per method, answer a path; they get the parts of the path after the call.

        `takes` names the parameters of the query, None for any; `since` is the version that brought the path; `unbuilt`
        are methods that Salesforce takes here and this org does not: without handlers all.
        """
        expression = re.compile(re.sub(r"\{\w+\}", "([^/]+)", pattern) + r"/?\Z")
        parameters = None if takes is None else {"_HttpMethod", *takes.split()}
        more = [*unbuilt.split(), *(["HEAD"] if "GET" in handlers else [])]
        self._routes.append(Route(expression, parameters, since, more, handlers))

    def dispatch(self, call: ApiCall) -> JsonAnswer:
        """The answer to a call: 405 where Salesforce takes other methods, NOT_SIMULATED where this org takes fewer."""
        for route in self._routes:
            if (match := route.pattern.match(call.resource)) and float(call.version or 0) >= route.since:
                if handler := route.handlers.get(call.method):
                    if route.parameters is not None and (more := call.query.keys() - route.parameters):
                        raise not_simulated(f"the parameter {min(more)} of {call.method} {call.resource}")
                    return handler(call, *map(unquote, match.groups()))
                if call.method in route.unbuilt or not route.handlers:
                    raise not_simulated(f"{call.method} {call.resource}")
                raise method_not_allowed(call.method, sorted(route.handlers))
            if match:
                raise self._early()
        raise self._missing(call)


@dataclass(frozen=True, slots=True)
class Route:
    """One path and what it takes."""

    pattern: re.Pattern[str]
    parameters: set[str] | None
    since: int
    unbuilt: list[str]
    handlers: dict[str, Handler]


class Resources:
    """Answers the calls to one org's data API."""

    def __init__(self, saving: Saving, faults: Faults, usage: Usage, tooling: ToolingStore, rules: Rules) -> None:
        store, access, config = saving.store, saving.access, saving.config
        self._router = Router(
            lambda call: not_simulated(f"{call.method} {call.root}/{call.resource}"),
            lambda: RequestFailure(*config.facts.before_its_version, NOT_FOUND_TEXT),
        )
        collections = CollectionResource(saving, config, faults)
        upsert = Upsert(collections)
        rows = Rows(saving, upsert)
        self._wire_collections(collections, upsert, Retrieve(store, access, rows))
        self._wire_composite(Composite(config, faults, self.dispatch))
        self._wire_sobjects(rows, Catalogue(store, access, usage, config))
        queries = Queries(store, access, config)
        self._wire_queries(queries, BulkQueries(queries, config))
        tooling_queries = Queries(tooling.store, access, config)
        self.tooling = Tooling(tooling, store, access, rules, tooling_queries)
        self._wire_tooling(self.tooling)

    def dispatch(self, call: ApiCall) -> JsonAnswer:
        """The answer to one call."""
        return self._router.dispatch(call)

    def _wire_collections(self, collections: CollectionResource, upsert: Upsert, retrieve: Retrieve) -> None:
        add = self._router.add
        writes: dict[str, Any] = {"POST": collections.create, "PATCH": collections.update, "DELETE": collections.delete}
        add("composite/sobjects", "ids allOrNone", 42, **writes)
        add("composite/sobjects/{name}", "ids fields", 42, GET=retrieve.get, POST=retrieve.post)
        add("composite/sobjects/{name}/{field}", "updateOnly", 46, PATCH=upsert.upsert)

    def _wire_composite(self, composite: Composite) -> None:
        self._router.add("composite", "", 38, POST=composite.run, GET=composite.listing)

    def _wire_sobjects(self, rows: Rows, catalogue: Catalogue) -> None:
        add = self._router.add
        add("", "", GET=catalogue.resources)
        add("limits", "", GET=catalogue.limits)
        add("limits/recordCount", "sObjects", 40, GET=catalogue.record_count)
        add("sobjects", "", GET=catalogue.sobjects)
        add("sobjects/{name}", "", GET=catalogue.basic, POST=rows.create)
        add("sobjects/{name}/describe", "", GET=catalogue.describe)
        for resource in UNBUILT_OF_SOBJECTS:
            add(f"sobjects/{{name}}/{resource}")
        add("sobjects/{name}/{id}", "fields", GET=rows.get, PATCH=rows.update, DELETE=rows.delete)
        by_key: dict[str, Any] = {"GET": rows.get_by, "PATCH": rows.upsert_by, "DELETE": rows.delete_by}
        add("sobjects/{name}/{field}/{value}", "fields updateOnly", unbuilt="POST", **by_key)

    def _wire_queries(self, queries: Queries, jobs: BulkQueries) -> None:
        add = self._router.add
        add("query", "q columns", GET=queries.query)
        add("queryAll", "q columns", 29, GET=queries.query_all)
        add("query(?:All)?/{locator}", "", GET=queries.more)
        add("jobs/query", "", 47, unbuilt="GET", POST=jobs.create)
        add("jobs/query/{id}", "", 47, unbuilt="PATCH", GET=jobs.info, DELETE=jobs.delete)
        add("jobs/query/{id}/results", "locator maxRecords", 47, GET=jobs.results)

    def _wire_tooling(self, tooling: Tooling) -> None:
        add = self._router.add
        add("tooling/query", "q columns", GET=tooling.query)
        add("tooling/sobjects/{name}", "", unbuilt="GET", POST=tooling.create)
        add("tooling/sobjects/{name}/describe")
        add("tooling/sobjects/{name}/{id}", "", GET=tooling.get, PATCH=tooling.update, DELETE=tooling.delete)
