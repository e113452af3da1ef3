"""Reading many records by id: null stands where there is none to see."""

from __future__ import annotations

from typing import Any

from destination_testbench.org.api.call import Call
from destination_testbench.org.api.rows import Rows
from destination_testbench.org.exchange import Answer
from destination_testbench.org.facts import OrgConfig
from destination_testbench.org.faults.failure import RequestFailure, not_found
from destination_testbench.org.records.record_id import normalised
from destination_testbench.org.records.rendering import rendered
from destination_testbench.org.records.store import Store


class Retrieve:
    """The resource /composite/sobjects/{sObject}."""

    def __init__(self, store: Store, config: OrgConfig, rows: Rows) -> None:
        self._store, self._config, self._rows = store, config, rows

    def get(self, call: Call, name: str) -> Answer:
        """GET: ids and fields in the query."""
        return self._records(call, name, split(call.query.get("ids", "")), split(call.query.get("fields", "")))

    def post(self, call: Call, name: str) -> Answer:
        """POST: ids and fields in the body, as a query cannot hold many."""
        body = call.json_object()
        ids, fields = body.get("ids"), body.get("fields")
        return self._records(call, name, strings(ids), strings(fields))

    def _records(self, call: Call, name: str, ids: list[str], names: list[str]) -> Answer:
        if (sobject := self._store.schema.find(name)) is None:
            raise not_found()
        if not ids or not names:
            raise RequestFailure(400, "REQUIRED_FIELD_MISSING", "At least 1 id and 1 field are required")
        if (most := self._config.records_per_retrieve) < len(ids):
            text = f"record limit reached. cannot submit more than {most} records into this call"
            raise RequestFailure(400, "EXCEEDED_ID_LIMIT", text)
        fields = [self._rows.visible(call, sobject, field) for field in names]
        if not any(field.type == "id" for field in fields):
            fields.insert(0, sobject.fields["Id"])
        table = self._store.table(sobject)
        found = [table.records.get(normalised(text) or "") for text in ids]
        return Answer(
            200, [None if row is None or row.deleted else rendered(call, sobject, row, fields) for row in found]
        )


def split(text: str) -> list[str]:
    """The parts of a list joined by commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def strings(value: Any) -> list[str]:
    """The texts of a JSON list, empty when it is none."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
