"""The query resources: SOQL over the records that a user may see."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import Any

from destination_testbench.org.api.call import ApiCall, no_such_column, unsupported_type
from destination_testbench.org.exchange import JsonAnswer
from destination_testbench.org.facts import OrgConfig
from destination_testbench.org.faults.failure import RequestFailure, not_simulated
from destination_testbench.org.query.conditions import Column, candidates, tested
from destination_testbench.org.query.soql import (
    Aggregate,
    Comparison,
    Condition,
    Group,
    Query,
    Word,
    pointed,
    read_query,
)
from destination_testbench.org.records.access import Access
from destination_testbench.org.records.json_form import attributes, shown
from destination_testbench.org.records.record_id import BASE
from destination_testbench.org.records.store import RecordStore, StoredRecord
from destination_testbench.org.schema.schema import Field, SObject

CURSORS = 100
BATCH_SIZE = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)
LEAST_PAGE = 200
# Since Summer '20 they are there for users with View Setup and Configuration alone.
SETUP_ONLY = {"ObjectPermissions", "FieldPermissions", "DuplicateRule"}
APEX_TYPES = {
    "id": "Id",
    "reference": "Id",
    "boolean": "Boolean",
    "int": "Integer",
    "double": "Double",
    "currency": "Decimal",
    "date": "Date",
    "datetime": "Datetime",
    "address": "Address",
}


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

    def table(self, call: ApiCall, source: str, deleted: bool) -> tuple[list[Column], list[dict[str, Any]]]:
        """The columns and all rows of a query as a job of Bulk API 2.0 takes it."""
        query = read_query(source)
        sobject = self._sobject(call, query)
        columns = [self._column(call, query, sobject, word) for word in query.fields if isinstance(word, Word)]
        if grouped(query) or not columns or query.offset or any(one.field.type == "address" for one in columns):
            raise RequestFailure(400, *self._config.facts.bulk_query_without)
        found = self._found(call, query, sobject, deleted)[: query.limit]
        return columns, [self._row(call, record, columns) for record in found]

    def _run(self, call: ApiCall, deleted: bool) -> JsonAnswer:
        if not (source := call.query.get("q", "")):
            raise RequestFailure(400, "MALFORMED_QUERY", "SOQL statements cannot be empty or null")
        query = read_query(source)
        sobject = self._sobject(call, query)
        if call.query.get("columns", "").lower() == "true":
            return JsonAnswer(200, self._described(call, query, sobject))
        found = self._found(call, query, sobject, deleted)
        if not query.fields:
            return JsonAnswer(200, {"totalSize": len(found), "done": True, "records": []})
        if grouped(query):
            rows = self._grouped(call, query, sobject, found)
        else:
            columns = [self._column(call, query, sobject, word) for word in query.fields if isinstance(word, Word)]
            rows = [self._row(call, record, columns) for record in found[query.offset :][: query.limit]]
        cursor, size = f"01g{BASE}{len(self._cursors) + 1:06d}AAA", self._size(call)
        if len(rows) > size:
            self._cursors[cursor] = rows
            while len(self._cursors) > CURSORS:
                del self._cursors[next(iter(self._cursors))]
            return self._page(call, cursor, 0)
        return JsonAnswer(200, {"totalSize": len(rows), "done": True, "records": rows})

    def _size(self, call: ApiCall) -> int:
        """The rows of a page: the header Sforce-Query-Options may ask for fewer, though not for under 200."""
        asked = BATCH_SIZE.search(call.headers.get("sforce-query-options", ""))
        return min(self._config.query_page, max(int(asked[1]), LEAST_PAGE)) if asked else self._config.query_page

    def _page(self, call: ApiCall, cursor: str, start: int) -> JsonAnswer:
        rows, size = self._cursors[cursor], self._size(call)
        body: dict[str, Any] = {"totalSize": len(rows), "done": start + size >= len(rows)}
        if not body["done"]:
            body["nextRecordsUrl"] = f"{call.root}/query/{cursor}-{start + size}"
        return JsonAnswer(200, {**body, "records": rows[start : start + size]})

    def _sobject(self, call: ApiCall, query: Query) -> SObject:
        sobject = self._store.schema.asked(query.sobject.text)
        if sobject and sobject.name == "UserPermissionAccess":
            own = self._access.own_permissions(call.user)
            self._store.table(sobject).records = {own.id: own}
        if sobject and sobject.name in SETUP_ONLY and not self._access.may(call.user, "ViewSetup"):
            sobject = None
        if sobject and (sobject.setup or "Read" in self._access.rights(call.user, sobject.name)):
            return sobject
        text = unsupported_type(query.sobject.text)
        raise RequestFailure(400, "INVALID_TYPE", pointed(query.source, query.sobject.at, text))

    def _found(self, call: ApiCall, query: Query, sobject: SObject, deleted: bool) -> list[StoredRecord]:
        def column_of(comparison: Comparison) -> Column:
            column = self._column(call, query, sobject, comparison.field)
            if not column.field.filterable:
                text = f"field '{column.field.name}' can not be filtered in a query call"
                raise RequestFailure(400, "INVALID_FIELD", pointed(query.source, comparison.field.at, text))
            if column.field.type == "address":
                raise not_simulated("a condition on an address")
            return column

        table, where = self._store.table(sobject), self._joined(call, query.where)
        test = tested(where, column_of) if where else None
        few = candidates(table, where, column_of, live=not deleted)
        merged = self._config.facts.query_all_shows_merged
        found = [
            record
            for record in (table.records.values() if few is None else few)
            if (deleted or not record.deleted)
            and self._access.sees(call.user, sobject.name, record)
            and (merged or not record.get("MasterRecordId"))
            and (test is None or test(record))
        ]
        for word, descending in reversed(query.order):
            column = self._column(call, query, sobject, word)
            found.sort(key=lambda record, by=column: sort_key(by.content(record)), reverse=descending)  # type: ignore[misc]
        return found if query.fields else found[query.offset :][: query.limit]

    def _joined(self, call: ApiCall, condition: Condition | None) -> Condition | None:
        """The condition with the values that inner queries find in their place."""
        if isinstance(condition, Group):
            return replace(condition, members=tuple(filter(None, (self._joined(call, c) for c in condition.members))))
        if condition is None or not condition.values or not isinstance(inner := condition.values[0], Query):
            return condition
        sobject, (word, *_) = self._sobject(call, inner), inner.fields
        column = self._column(call, inner, sobject, word) if isinstance(word, Word) else None
        found = [shown(sobject, row, column.field) for row in self._found(call, inner, sobject, False) if column]
        return replace(condition, values=tuple(value for value in found if value is not None))

    def _column(self, call: ApiCall, query: Query, sobject: SObject, word: Word) -> Column:
        """A field, or one behind reference fields: Account.Owner.Name."""
        *relations, name = [word.text] if sobject.find(word.text) else word.text.split(".")
        if relations[:1] == [sobject.name]:
            relations = relations[1:]
        hops: list[Field] = []
        owner = sobject
        for relation in relations:
            reference = owner.by_relationship(relation)
            if reference is None:
                text = f"Didn't understand relationship '{relation}' in field path."
                raise RequestFailure(400, "INVALID_FIELD", pointed(query.source, word.at, text))
            targets = [found for each in reference.reference_to if (found := self._store.schema.find(each))]
            if not targets:
                raise not_simulated(f"the sObject {reference.reference_to[0]}")
            hops.append(reference)
            owner = targets[0]
        field = owner.asked(name)
        if field is None or not self._access.level(call.user, owner.name, field.name):
            text = no_such_column(name, owner.name)
            raise RequestFailure(400, "INVALID_FIELD", pointed(query.source, word.at, text))
        return Column(partial(self._seen, call), sobject, tuple(hops), field)

    def _seen(self, call: ApiCall, record_id: object) -> tuple[SObject, StoredRecord] | None:
        """The record behind a reference, if this user may see it."""
        found = self._store.find(str(record_id))
        return found if found and self._access.sees(call.user, found[0].name, found[1]) else None

    def _row(self, call: ApiCall, record: StoredRecord, columns: list[Column]) -> dict[str, Any]:
        whole: dict[str, Any] = attributes(call, columns[0].sobject, record)
        for column in columns:
            row, sobject, holder = whole, column.sobject, record
            for hop in column.hops:
                related = column.find(holder.get(hop.name))
                if related is None:
                    row.setdefault(str(hop.relationship), None)
                    break
                sobject, holder = related
                row = row.setdefault(str(hop.relationship), attributes(call, sobject, holder))
            else:
                row[column.field.name] = shown(sobject, holder, column.field)
        return whole

    def _grouped(
        self, call: ApiCall, query: Query, sobject: SObject, found: list[StoredRecord]
    ) -> list[dict[str, Any]]:
        groups = {word.text.lower(): self._column(call, query, sobject, word) for word in query.groups}
        for column in groups.values():
            if not column.field.groupable:
                text = f"field '{column.field.name}' can not be grouped in a query call"
                raise RequestFailure(400, "MALFORMED_QUERY", text)
        chosen: list[tuple[str, Column, str]] = []
        for item in query.fields:
            word = item.field if isinstance(item, Aggregate) else item
            column = self._column(call, query, sobject, word)
            if isinstance(item, Word) and item.text.lower() not in groups:
                raise RequestFailure(400, "MALFORMED_QUERY", f"Field must be grouped or aggregated: {item.text}")
            if isinstance(item, Aggregate) and not column.field.filterable:
                text = f"field {column.field.name} does not support aggregate operator {item.function}"
                raise RequestFailure(400, "MALFORMED_QUERY", text)
            named = item.alias if isinstance(item, Aggregate) else column.field.name
            name = named or f"expr{sum(key.startswith('expr') for key, _, _ in chosen)}"
            chosen.append((name, column, item.function if isinstance(item, Aggregate) else ""))
        together: dict[tuple[object, ...], list[StoredRecord]] = {} if groups else {(): []}
        for record in found:
            together.setdefault(tuple(c.content(record) for c in groups.values()), []).append(record)
        rows = [
            {"attributes": {"type": "AggregateResult"}}
            | {name: combined(function, column, records) for name, column, function in chosen}
            for records in together.values()
        ]
        return rows[query.offset :][: query.limit]

    def _described(self, call: ApiCall, query: Query, sobject: SObject) -> dict[str, Any]:
        """What ?columns=true answers in place of records: the columns of the result."""
        return {
            "columnMetadata": [self._described_column(call, query, sobject, item) for item in query.fields],
            "entityName": sobject.name,
            "groupBy": bool(query.groups),
            "idSelected": any(isinstance(item, Word) and item.text.lower() == "id" for item in query.fields),
            "keyPrefix": sobject.prefix,
        }

    def _described_column(
        self, call: ApiCall, query: Query, sobject: SObject, item: Word | Aggregate
    ) -> dict[str, Any]:
        word = item.field if isinstance(item, Aggregate) else item
        field, relation = self._column(call, query, sobject, word).field, word.text.rpartition(".")[0]
        aggregate = isinstance(item, Aggregate)
        column: dict[str, Any] = {
            "aggregate": aggregate,
            "apexType": APEX_TYPES.get(field.type, "String"),
            "booleanType": field.type == "boolean",
            "columnName": (item.alias or "expr0") if isinstance(item, Aggregate) else field.name,
            "custom": field.custom,
            "displayName": (item.alias or item.function) if isinstance(item, Aggregate) else field.name,
            "foreignKeyName": field.relationship,
            "insertable": field.createable,
            "joinColumns": [],
            "numberType": field.type in ("int", "double", "currency", "percent"),
            "textType": field.type in ("string", "textarea", "email", "phone", "url", "picklist"),
            "updatable": field.updateable,
        }
        if not relation:
            return column
        outer = column | {"columnName": relation, "displayName": relation, "apexType": "Object"}
        return outer | {"joinColumns": [column]}


def grouped(query: Query) -> bool:
    """Whether the rows of a query's answer are no records."""
    return bool(query.groups) or any(isinstance(item, Aggregate) for item in query.fields)


def combined(function: str, column: Column, records: list[StoredRecord]) -> object:
    """What a group of records has in one column: the value that is the same in all, or the aggregate of all."""
    if not function:
        return shown(column.sobject, records[0], column.field) if not column.hops else column.content(records[0])
    values = [value for record in records if (value := column.content(record)) is not None]
    if function in ("COUNT", "COUNT_DISTINCT"):
        return len(values if function == "COUNT" else set(values))
    if not values:
        return None
    if function in ("MIN", "MAX"):
        return (min if function == "MIN" else max)(values, key=sort_key)
    total = sum(float(str(value)) for value in values)
    return total if function == "SUM" else total / len(values)


def sort_key(value: object) -> tuple[bool, Any]:
    """Orders values of one field, empty ones first."""
    return (value is not None, value if value is not None else 0)
