"""Upsert: the record that a field's value names is updated, or created when there is none."""

from __future__ import annotations

from collections import Counter
from typing import Any

from destination_testbench.org.api.call import ApiCall
from destination_testbench.org.api.collection import CollectionResource, Result, Row, all_or_none, failed, succeeded
from destination_testbench.org.exchange import JsonAnswer
from destination_testbench.org.faults.failure import Refused, RequestFailure, SaveError, not_found
from destination_testbench.org.records.reader import Parsed
from destination_testbench.org.records.record_id import normalised
from destination_testbench.org.records.store import StoredRecord, Transaction, index_key
from destination_testbench.org.schema.schema import Field, SObject

BLIND = SaveError("INSUFFICIENT_ACCESS", "Upsert requires view all data on a non-unique custom index")
# ?updateOnly=true by another field than Id needs this version; an older one does not know the parameter.
UPDATE_ONLY_SINCE = 61.0


class Upsert:
    """The resource /composite/sobjects/{sObject}/{field}."""

    def __init__(self, collections: CollectionResource) -> None:
        self._collections = collections
        self._saving, self._config = collections.saving, collections.config

    def upsert(self, call: ApiCall, name: str, field_name: str) -> JsonAnswer:
        """PATCH: the value of the field stands inside each record."""
        sobject, field = self.target(name, field_name)
        body = call.json_object()
        rows = self._collections.rows(body)
        if any(row[0] is not sobject for row in rows) and self._config.facts.type_mismatch_scope == "request":
            text = f"Records must be of the type of the request URI: {sobject.name}"
            raise RequestFailure(400, "INVALID_TYPE", text)
        if refusal := self._collections.faults.collection_refusal(len(rows)):
            return JsonAnswer(200, [failed(refusal) for _ in rows])
        if self.blind(call, field):
            return JsonAnswer(200, [failed(BLIND) for _ in rows])
        frame, create = call.transaction(), not self.update_only(call, field)
        results = self._results(frame, sobject, field, rows, create)
        return self._collections.finish(frame, results, all_or_none(body))

    def blind(self, call: ApiCall, field: Field) -> bool:
        """Whether somebody wants to find records by a field that several may share, and may not view them all."""
        blind = not field.unique and field.type != "id" and not self._saving.access.may(call.user, "ViewAllData")
        if blind and self._config.facts.non_unique_upsert_scope == "request":
            raise RequestFailure(403, BLIND.code, BLIND.message)
        return blind

    def target(self, name: str, field_name: str) -> tuple[SObject, Field]:
        """The sObject, and its field that records can be found by."""
        if (sobject := self._saving.store.schema.asked(name)) is None:
            raise not_found()
        field = sobject.asked(field_name)
        if field is None or not (field.external_id or field.id_lookup):
            text = f"Provided external ID field does not exist or is not accessible: {field_name}"
            raise RequestFailure(self._config.facts.external_id_unknown_status, "NOT_FOUND", text)
        return sobject, field

    def update_only(self, call: ApiCall, field: Field) -> bool:
        """Whether a record that is not there must not be created."""
        asked = call.query.get("updateOnly", "").lower() == "true" and self._config.facts.update_only_honoured
        return asked and (field.type == "id" or float(call.version) >= UPDATE_ONLY_SINCE)

    def _results(
        self, frame: Transaction, sobject: SObject, field: Field, rows: list[Row], create: bool
    ) -> list[Result]:
        reader = self._saving.reader(sobject, frame.user)
        parsed = [reader.read(raw) for _, raw in rows]
        keys = [self._key(field, record) for record in parsed]
        repeated = Counter(key for key in keys if key is not None)
        results = []
        for (_, raw), record, key in zip(rows, parsed, keys, strict=True):
            try:
                if repeated[key] > 1:
                    raise Refused(self._repeated(field, record, raw))
                results.append(self._one(frame, sobject, field, record, create))
            except Refused as refusal:
                result = failed(*refusal.errors)
                results.append({**result, "created": False} if self._config.facts.created_on_failure else result)
        return results

    def _one(self, frame: Transaction, sobject: SObject, field: Field, parsed: Parsed, create: bool) -> Result:
        self._collections.readable(parsed)
        found = self.find(frame, sobject, field, parsed)
        if found is None and not create:
            raise Refused(SaveError(*self._config.facts.update_only_miss))
        if found is None:
            return {**succeeded(self._saving.insert(frame, sobject, parsed).id), "created": True}
        self._saving.update(frame, sobject, found, parsed)
        return {**succeeded(found.id), "created": False}

    def find(self, frame: Transaction, sobject: SObject, field: Field, parsed: Parsed) -> StoredRecord | None:
        """The one record that the value names, None when there is none."""
        if field.type == "id":
            return self._saving.fetch(frame, sobject, parsed.id) if parsed.id else None
        self._refuse_id(parsed)
        if (value := parsed.values.get(field.name)) is None:
            if parsed.refused:
                raise Refused(*parsed.refused)
            if self._config.facts.null_external_id_creates:
                return None
            raise Refused(SaveError("MISSING_ARGUMENT", f"{field.name} not specified", (field.name,)))
        found, access = self._saving.store.table(sobject).find(field, value), self._saving.access
        if self._config.facts.hidden_key_missed:
            found = [record for record in found if access.sees(frame.user, sobject.name, record)]
        if not self._config.facts.external_id_ignores_case:
            found = [record for record in found if record.get(field.name) == value]
        if len(found) > 1:
            ids = ", ".join(record.id for record in found)
            text = f"{field.label}: more than one record found for external id field: [{ids}]"
            raise Refused(SaveError("DUPLICATE_EXTERNAL_ID", text, (field.name,)))
        return self._saving.fetch(frame, sobject, found[0].id) if found else None

    def _refuse_id(self, parsed: Parsed) -> None:
        if parsed.has_id and parsed.id is not None:
            text = "The Id field should not be specified in the sobject data."
            raise Refused(SaveError("INVALID_FIELD", text, dml=False))

    def _key(self, field: Field, parsed: Parsed) -> object:
        if parsed.unreadable:
            return None
        if field.type == "id":
            return normalised(parsed.id)
        return index_key(field, parsed.values.get(field.name))

    def _repeated(self, field: Field, parsed: Parsed, raw: dict[str, Any]) -> SaveError:
        if field.type == "id":
            return SaveError("DUPLICATE_VALUE", f"Duplicate id specified: {normalised(parsed.id)}")
        text = f"Duplicate external id specified: {parsed.values[field.name]}"
        return SaveError("DUPLICATE_VALUE", text, (field.name,))
