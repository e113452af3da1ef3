"""Single records by id or external id, as JSON objects."""

from __future__ import annotations

from typing import Any

from destination_testbench.org.api.call import ApiCall
from destination_testbench.org.api.upsert import BLIND, Upsert
from destination_testbench.org.exchange import JsonAnswer
from destination_testbench.org.faults.failure import (
    DELETED,
    Refused,
    RequestFailure,
    RowFailure,
    SaveError,
    malformed_id,
    not_found,
)
from destination_testbench.org.records.access import Access
from destination_testbench.org.records.json_form import rendered
from destination_testbench.org.records.reader import Parsed
from destination_testbench.org.records.record_id import normalised
from destination_testbench.org.records.save import Saving
from destination_testbench.org.records.store import RecordStore, StoredRecord
from destination_testbench.org.schema.schema import Field, SObject


class Rows:
    """The resources /sobjects/{sObject}, /sobjects/{sObject}/{id} and /sobjects/{sObject}/{field}/{value}."""

    def __init__(self, saving: Saving, upsert: Upsert) -> None:
        self._saving, self._upsert = saving, upsert

    def create(self, call: ApiCall, name: str) -> JsonAnswer:
        """POST: 201 with the new id and where it is."""
        sobject = self._sobject(name)
        try:
            record = self._saving.insert(call.transaction(), sobject, self._parsed(call, sobject))
        except Refused as refusal:
            raise self._failure(refusal) from None
        location = {"Location": f"{call.root}/sobjects/{sobject.name}/{record.id}"}
        return JsonAnswer(201, {"id": record.id, "success": True, "errors": []}, location)

    def get(self, call: ApiCall, name: str, text: str) -> JsonAnswer:
        """GET by id: every field, or those of the parameter `fields`."""
        sobject = self._sobject(name)
        return JsonAnswer(200, rendered(call, sobject, self._row(call, sobject, text), self.fields(call, sobject)))

    def update(self, call: ApiCall, name: str, text: str) -> JsonAnswer:
        """PATCH by id: 204 and no body."""
        sobject = self._sobject(name)
        parsed = self._parsed(call, sobject)
        try:
            frame = call.transaction()
            record = self._saving.fetch(frame, sobject, text)
            self._saving.update(frame, sobject, record, parsed)
        except Refused as refusal:
            raise self._failure(refusal) from None
        return JsonAnswer(204)

    def delete(self, call: ApiCall, name: str, text: str) -> JsonAnswer:
        """DELETE by id: 204 and no body."""
        sobject = self._sobject(name)
        try:
            frame = call.transaction()
            self._saving.delete(frame, sobject, self._saving.fetch(frame, sobject, text, "Delete"))
        except Refused as refusal:
            failure = self._failure(refusal)
            if refusal.errors[0].code == "INVALID_CROSS_REFERENCE_KEY":
                failure.status = 404
            raise failure from None
        return JsonAnswer(204)

    def get_by(self, call: ApiCall, name: str, field_name: str, value: str) -> JsonAnswer:
        """GET by external id; 300 and every match when there are several."""
        sobject, field = self._upsert.target(name, field_name)
        found = self._found(call, sobject, field, value)
        if not found:
            raise not_found()
        if len(found) > 1:
            return several(call, sobject, found)
        return JsonAnswer(200, rendered(call, sobject, found[0], self.fields(call, sobject)))

    def delete_by(self, call: ApiCall, name: str, field_name: str, value: str) -> JsonAnswer:
        """DELETE by external id: 204 and no body, 404 without a match, 300 for several."""
        sobject, field = self._upsert.target(name, field_name)
        found = self._found(call, sobject, field, value)
        if not found:
            raise not_found()
        return several(call, sobject, found) if len(found) > 1 else self.delete(call, name, found[0].id)

    def upsert_by(self, call: ApiCall, name: str, field_name: str, value: str) -> JsonAnswer:
        """PATCH by external id: 201 when created, 200 with `created` false when updated, 300 for several matches."""
        sobject, field = self._upsert.target(name, field_name)
        if field.type == "id":
            return self.update(call, name, value)
        if self._upsert.blind(call, field):
            raise RowFailure([BLIND])
        parsed, found = self._parsed(call, sobject), self._found(call, sobject, field, value)
        if field.name in parsed.values:
            text = f"The {field.name} field should not be specified in the sobject data."
            raise RequestFailure(400, "INVALID_FIELD", text)
        if len(found) > 1:
            return several(call, sobject, found)
        if not found and self._upsert.update_only(call, field):
            raise not_found()
        try:
            return self._upserted(call, sobject, field, value, parsed, found[0] if found else None)
        except Refused as refusal:
            raise self._failure(refusal) from None

    def _upserted(
        self, call: ApiCall, sobject: SObject, field: Field, value: str, parsed: Parsed, found: StoredRecord | None
    ) -> JsonAnswer:
        frame = call.transaction()
        if found is None:
            key = self._saving.reader(sobject, call.user).read({field.name: value})
            parsed.values.update(key.values)
            parsed.refused.extend(key.refused)
            record = self._saving.insert(frame, sobject, parsed)
            return JsonAnswer(201, {"id": record.id, "success": True, "errors": [], "created": True})
        self._saving.update(frame, sobject, self._saving.fetch(frame, sobject, found.id), parsed)
        return JsonAnswer(200, {"id": found.id, "success": True, "errors": [], "created": False})

    def fields(self, call: ApiCall, sobject: SObject) -> list[Field]:
        """The fields asked for, those this user may see."""
        names = [name for name in call.query.get("fields", "").split(",") if name]
        fields = [self.visible(call, sobject, name.strip()) for name in names]
        return fields or [
            f for f in sobject.fields.values() if self._saving.access.level(call.user, sobject.name, f.name)
        ]

    def visible(self, call: ApiCall, sobject: SObject, name: str) -> Field:
        """A field by its name, if this user may see it."""
        field = sobject.asked(name)
        if field is None or not self._saving.access.level(call.user, sobject.name, field.name):
            text = f"No such column '{name}' on sobject of type {sobject.name}"
            raise RequestFailure(400, "INVALID_FIELD", text)
        return field

    def _found(self, call: ApiCall, sobject: SObject, field: Field, value: str) -> list[StoredRecord]:
        if field.type == "id":
            return [self._row(call, sobject, value)]
        key = self._saving.reader(sobject, call.user).read({field.name: value})
        found = self._saving.store.table(sobject).find(field, key.values.get(field.name))
        return [record for record in found if self._saving.access.sees(call.user, sobject.name, record)]

    def _row(self, call: ApiCall, sobject: SObject, text: str) -> StoredRecord:
        found = normalised(text)
        if found is None or found[:3] != sobject.prefix:
            raise RowFailure([malformed_id(f"{sobject.label} ID", text)])
        record = self._saving.store.table(sobject).records.get(found)
        if record is None or not self._saving.access.sees(call.user, sobject.name, record):
            raise not_found()
        if record.deleted:
            raise RowFailure([DELETED])
        return record

    def _parsed(self, call: ApiCall, sobject: SObject) -> Parsed:
        parsed = self._saving.reader(sobject, call.user).read(call.json_object())
        if parsed.unreadable:
            raise RowFailure([parsed.unreadable])
        if parsed.has_id:
            text = "The Id field should not be specified in the sobject data."
            raise RowFailure([SaveError("INVALID_FIELD", text, dml=False)])
        return parsed

    def _sobject(self, name: str) -> SObject:
        if sobject := self._saving.store.schema.asked(name):
            return sobject
        raise not_found()

    def _failure(self, refusal: Refused) -> RowFailure:
        return RowFailure(refusal.errors, self._saving.config.facts.single_row_lock_status)


def several(call: ApiCall, sobject: SObject, found: list[StoredRecord]) -> JsonAnswer:
    """300: the paths of every record that a value names."""
    return JsonAnswer(300, [f"{call.root}/sobjects/{sobject.name}/{record.id}" for record in found])


RECORDS_PER_RETRIEVE = 2_000


class Retrieve:
    """The resource /composite/sobjects/{sObject}."""

    def __init__(self, store: RecordStore, access: Access, rows: Rows) -> None:
        self._store, self._access, self._rows = store, access, rows

    def get(self, call: ApiCall, name: str) -> JsonAnswer:
        """GET: ids and fields in the query."""
        return self._records(call, name, split(call.query.get("ids", "")), split(call.query.get("fields", "")))

    def post(self, call: ApiCall, name: str) -> JsonAnswer:
        """POST: ids and fields in the body, as a query cannot hold many."""
        body = call.json_object()
        ids, fields = body.get("ids"), body.get("fields")
        return self._records(call, name, strings(ids), strings(fields))

    def _records(self, call: ApiCall, name: str, ids: list[str], names: list[str]) -> JsonAnswer:
        sobject = self._store.schema.asked(name)
        if sobject is None or "Read" not in self._access.rights(call.user, sobject.name):
            raise not_found()
        if not ids or not names:
            raise RequestFailure(400, "REQUIRED_FIELD_MISSING", "At least 1 id and 1 field are required")
        if len(ids) > RECORDS_PER_RETRIEVE:
            text = f"record limit reached. cannot submit more than {RECORDS_PER_RETRIEVE} records into this call"
            raise RequestFailure(400, "EXCEEDED_ID_LIMIT", text)
        fields = [self._rows.visible(call, sobject, field) for field in names]
        if not any(field.type == "id" for field in fields):
            fields.insert(0, sobject.fields["Id"])
        table = self._store.table(sobject)
        found = (table.records.get(normalised(text) or "") for text in ids)
        seen = (
            row if row and not row.deleted and self._access.sees(call.user, sobject.name, row) else None
            for row in found
        )
        return JsonAnswer(200, [row and rendered(call, sobject, row, fields) for row in seen])


def split(text: str) -> list[str]:
    """The parts of a list joined by commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def strings(value: Any) -> list[str]:
    """The texts of a JSON list, empty when it is none."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
