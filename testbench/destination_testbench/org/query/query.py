"""The query resources: SOQL over the records that a user may see."""

from __future__ import annotations

from typing import Any

from destination_testbench.org.api.call import ApiCall, no_such_column, unsupported_type
from destination_testbench.org.exchange import JsonAnswer
from destination_testbench.org.facts import OrgConfig
from destination_testbench.org.faults.failure import RequestFailure
from destination_testbench.org.query.conditions import candidates, content, tested
from destination_testbench.org.query.soql import Comparison, Query, Word, pointed, read_query
from destination_testbench.org.records.access import Access
from destination_testbench.org.records.json_form import attributes, shown
from destination_testbench.org.records.record_id import BASE
from destination_testbench.org.records.store import RecordStore, StoredRecord
from destination_testbench.org.schema.schema import Field, SObject

CURSORS = 100


class Queries:
    """Answers queries, page by page."""

    def __init__(self, store: RecordStore, access: Access, config: OrgConfig) -> None:
        self._store, self._access, self._config = store, access, config
        self._cursors: dict[str, list[dict[str, Any]]] = {}

    def query(self, call: ApiCall) -> JsonAnswer:
        """GET query?q=: records that are not deleted."""
        return self._run(call, deleted=False)

    def query_all(self, call: ApiCall) -> JsonAnswer:
        """GET queryAll?q=: records in the recycle bin too, among them those that were merged into others."""
        return self._run(call, deleted=True)

    def more(self, call: ApiCall, locator: str) -> JsonAnswer:
        """GET query/{locator}: the next page."""
        cursor, _, start = locator.partition("-")
        if cursor not in self._cursors or not start.isdigit():
            raise RequestFailure(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(call, cursor, int(start))

    def _run(self, call: ApiCall, deleted: bool) -> JsonAnswer:
        if not (source := call.query.get("q", "")):
            raise RequestFailure(400, "MALFORMED_QUERY", "SOQL statements cannot be empty or null")
        query = read_query(source)
        sobject = self._sobject(call, query)
        found = self._found(call, query, sobject, deleted)
        if not query.fields:
            return JsonAnswer(200, {"totalSize": len(found), "done": True, "records": []})
        columns = [(word.text, self._path(call, query, sobject, word)) for word in query.fields]
        rows = [self._row(call, sobject, record, columns) for record in found]
        cursor = f"01g{BASE}{len(self._cursors) + 1:06d}AAA"
        if len(rows) > self._config.query_page:
            self._cursors[cursor] = rows
            while len(self._cursors) > CURSORS:
                del self._cursors[next(iter(self._cursors))]
            return self._page(call, cursor, 0)
        return JsonAnswer(200, {"totalSize": len(rows), "done": True, "records": rows})

    def _page(self, call: ApiCall, cursor: str, start: int) -> JsonAnswer:
        rows, size = self._cursors[cursor], self._config.query_page
        body: dict[str, Any] = {"totalSize": len(rows), "done": start + size >= len(rows)}
        if not body["done"]:
            body["nextRecordsUrl"] = f"{call.root}/query/{cursor}-{start + size}"
        return JsonAnswer(200, {**body, "records": rows[start : start + size]})

    def _sobject(self, call: ApiCall, query: Query) -> SObject:
        sobject = self._store.schema.find(query.sobject.text)
        if sobject and (sobject.setup or "Read" in self._access.rights(call.user, sobject.name)):
            return sobject
        text = unsupported_type(query.sobject.text)
        raise RequestFailure(400, "INVALID_TYPE", pointed(query.source, query.sobject.at, text))

    def _found(self, call: ApiCall, query: Query, sobject: SObject, deleted: bool) -> list[StoredRecord]:
        def field_of(comparison: Comparison) -> Field:
            field = self._field(call, query, sobject, comparison.field)
            if not field.filterable:
                text = f"field '{field.name}' can not be filtered in a query call"
                raise RequestFailure(400, "INVALID_FIELD", pointed(query.source, comparison.field.at, text))
            return field

        table = self._store.table(sobject)
        test = tested(sobject, query.where, field_of) if query.where else None
        few = candidates(table, query.where, field_of, live=not deleted)
        found = [
            record
            for record in (table.records.values() if few is None else few)
            if (deleted or not record.deleted) and (test is None or test(record))
        ]
        for word, descending in reversed(query.order):
            field = self._field(call, query, sobject, word)
            found.sort(key=lambda record, by=field: sort_key(content(sobject, record, by)), reverse=descending)  # type: ignore[misc]
        return found[query.offset :][: query.limit]

    def _field(self, call: ApiCall, query: Query, sobject: SObject, word: Word, name: str | None = None) -> Field:
        field = sobject.find(name or word.text)
        if field is None or not self._access.level(call.user, sobject.name, field.name):
            text = no_such_column(name or word.text, sobject.name)
            raise RequestFailure(400, "INVALID_FIELD", pointed(query.source, word.at, text))
        return field

    def _path(self, call: ApiCall, query: Query, sobject: SObject, word: Word) -> tuple[Field, Field | None]:
        """A field, or the reference field and the field of the record behind it."""
        if "." not in word.text or sobject.find(word.text):
            return self._field(call, query, sobject, word), None
        relation, _, name = word.text.partition(".")
        reference = sobject.by_relationship(relation)
        parent = self._store.schema.find(reference.reference_to[0]) if reference else None
        if reference is None or parent is None:
            text = f"Didn't understand relationship '{relation}' in field path."
            raise RequestFailure(400, "INVALID_FIELD", pointed(query.source, word.at, text))
        return reference, self._field(call, query, parent, word, name)

    def _row(
        self,
        call: ApiCall,
        sobject: SObject,
        record: StoredRecord,
        columns: list[tuple[str, tuple[Field, Field | None]]],
    ) -> dict[str, Any]:
        row: dict[str, Any] = attributes(call, sobject, record)
        for text, (field, beyond) in columns:
            if beyond is None:
                row[field.name] = shown(sobject, record, field)
            else:
                relation = text.partition(".")[0]
                related = self._store.find(str(record.get(field.name)))
                row[relation] = self._related(call, row.get(relation), related, beyond)
        return row

    def _related(
        self, call: ApiCall, known: dict[str, Any] | None, related: tuple[SObject, StoredRecord] | None, field: Field
    ) -> dict[str, Any] | None:
        if related is None:
            return None
        sobject, record = related
        value = shown(sobject, record, field)
        return {**(known or attributes(call, sobject, record)), field.name: value}


def sort_key(value: object) -> tuple[bool, Any]:
    """Orders values of one field, empty ones first."""
    return (value is not None, value if value is not None else 0)
