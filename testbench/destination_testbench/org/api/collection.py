"""sObject Collections: up to 200 records in one call, each with a result of its own."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from destination_testbench.org.api.call import ApiCall, known, unsupported_type
from destination_testbench.org.exchange import JsonAnswer
from destination_testbench.org.facts import OrgConfig
from destination_testbench.org.faults.failure import (
    ID_MISSING,
    ROLLED_BACK,
    TOO_MANY_PASSES,
    Refused,
    RequestFailure,
    SaveError,
)
from destination_testbench.org.faults.faults import Faults
from destination_testbench.org.records.reader import Parsed
from destination_testbench.org.records.record_id import normalised
from destination_testbench.org.records.save import Saving
from destination_testbench.org.records.store import Transaction
from destination_testbench.org.schema.schema import SObject

Row = tuple[SObject, dict[str, Any]]

Result = dict[str, Any]
CHUNKS = 10


def succeeded(record_id: str) -> Result:
    """The result of a record that was written."""
    return {"id": record_id, "success": True, "errors": []}


def failed(*errors: SaveError) -> Result:
    """The result of a record that was refused: no id, for nobody may rely on one."""
    return {"success": False, "errors": [error.in_collection() for error in errors]}


class Repeats:
    """Counts the repeats of ids in one update request.

    Salesforce takes twelve repeats in all, the last value winning, and refuses each one after them.
    """

    def __init__(self) -> None:
        self._allowed, self._seen = 12, set[str]()

    def check(self, record_id: str) -> None:
        """Refuse one repeat too many."""
        if record_id not in self._seen:
            self._seen.add(record_id)
            return
        self._allowed -= 1
        if self._allowed < 0:
            text = (
                "Maximum number of duplicate updates in one batch (12 allowed)."
                f" Attempt to update Id more than once in this Api call: {record_id[:15]}"
            )
            raise Refused(SaveError("DUPLICATE_VALUE", text))


class CollectionResource:
    """The resource /composite/sobjects: create, update and delete."""

    def __init__(self, saving: Saving, config: OrgConfig, faults: Faults) -> None:
        self.saving, self.config, self.faults = saving, config, faults

    def create(self, call: ApiCall) -> JsonAnswer:
        """POST: each record is inserted."""
        body = call.json_object()
        frame, rows = call.transaction(), self.rows(body)
        if refusal := self.faults.collection_refusal(len(rows)):
            return JsonAnswer(200, [failed(refusal) for _ in rows])
        results = [self._attempt(self._create, frame, row) for row in rows]
        return self.finish(frame, results, all_or_none(body))

    def update(self, call: ApiCall) -> JsonAnswer:
        """PATCH: each record is updated by its id, given in any case of "id"."""
        body = call.json_object()
        frame, rows = call.transaction(), self.rows(body)
        if refusal := self.faults.collection_refusal(len(rows)):
            return JsonAnswer(200, [failed(refusal) for _ in rows])
        repeats = Repeats()
        results = [self._attempt(self._update, frame, row, repeats) for row in rows]
        return self.finish(frame, results, all_or_none(body), [raw.get("id", raw.get("Id")) for _, raw in rows])

    def delete(self, call: ApiCall) -> JsonAnswer:
        """DELETE: each id of the query parameter `ids`."""
        ids = [text for text in call.query.get("ids", "").split(",") if text]
        self.count(len(ids))
        frame = call.transaction()
        results = [self._attempt(self._delete, frame, text) for text in ids]
        return self.finish(frame, results, call.query.get("allOrNone", "").lower() == "true")

    def rows(self, body: dict[str, Any]) -> list[Row]:
        """The records of a request with their sObjects; what is wrong with the envelope refuses the whole request."""
        known(body, {"allOrNone", "records"}, "sObject Collection")
        records = body.get("records")
        if not isinstance(records, list):
            records = []
        self.count(len(records))
        rows = [(self.sobject_of(raw), raw) for raw in records]
        chunks = 1 + sum(before[0] is not after[0] for before, after in pairwise(rows))
        if chunks > CHUNKS:
            text = f"Cannot have more than {CHUNKS} chunks in a single operation."
            text += " Please rearrange the data to reduce chunking."
            raise RequestFailure(400, self.config.facts.chunk_code, text)
        return rows

    def count(self, records: int) -> None:
        """Refuse a request with no record, or with more than 200."""
        if not records:
            raise RequestFailure(400, "REQUIRED_FIELD_MISSING", "At least 1 record is required")
        if (most := self.config.records_per_collection) < records:
            text = f"record limit reached. cannot submit more than {most} records into this call"
            raise RequestFailure(400, "EXCEEDED_ID_LIMIT", text)

    def sobject_of(self, raw: object) -> SObject:
        """The sObject that a record says it is of."""
        attributes = raw.get("attributes") if isinstance(raw, dict) else None
        name = attributes.get("type") if isinstance(attributes, dict) else None
        if not isinstance(name, str):
            status, code = self.config.facts.type_missing
            raise RequestFailure(status, code, "The type of each record is required in its attributes.")
        if (sobject := self.saving.store.schema.asked(name)) is None:
            status, code = self.config.facts.unknown_type_in_record
            raise RequestFailure(status, code, unsupported_type(name))
        return sobject

    def finish(
        self, frame: Transaction, results: list[Result], all_or_none: bool, ids: list[object] | None = None
    ) -> JsonAnswer:
        """The answer, after taking everything back where one failure is every record's."""
        if all_or_none and not all(result["success"] for result in results):
            frame.roll_back()
            results = [failed(ROLLED_BACK) if result["success"] else result for result in results]
        elif not self.config.facts.partial_save and not all(result["success"] for result in results):
            frame.roll_back()
            results = [failed(TOO_MANY_PASSES) for _ in results]
        if not self.config.facts.results_in_order:
            results = sorted(results, key=lambda result: bool(result["success"]))
        for result, given in zip(results, ids or (), strict=False):
            rolled_back = not result["success"] and result["errors"][0]["statusCode"] == ROLLED_BACK.code
            facts = self.config.facts
            if not result["success"] and (facts.id_on_rolled_back if rolled_back else facts.id_on_failed_update):
                result["id"] = normalised(given) or given
        return JsonAnswer(200, self.faults.shortened(results))

    def readable(self, parsed: Parsed) -> Parsed:
        """The record as read, unless what is wrong in it refuses the whole request in this org."""
        error = parsed.unreadable
        facts = self.config.facts
        if error and error.row_code and facts.wrong_type_scope == "request":
            raise RequestFailure(400, error.row_code, error.row_message)
        if error and not error.row_code and facts.unknown_field_scope == "request":
            raise RequestFailure(400, error.code, error.message)
        if error:
            raise Refused(error)
        return parsed

    def _attempt(self, work: Any, *arguments: Any) -> Result:
        try:
            result: Result = work(*arguments)
        except Refused as refusal:
            return failed(*refusal.errors)
        return result

    def _create(self, frame: Transaction, row: Row) -> Result:
        sobject, raw = row
        parsed = self.readable(self.saving.reader(sobject, frame.user).read(raw))
        return succeeded(self.saving.insert(frame, sobject, parsed).id)

    def _update(self, frame: Transaction, row: Row, repeats: Repeats) -> Result:
        sobject, raw = row
        parsed = self.readable(self.saving.reader(sobject, frame.user).read(raw))
        if parsed.id is None or parsed.id == "":
            raise Refused(ID_MISSING)
        record = self.saving.fetch(frame, sobject, parsed.id)
        repeats.check(record.id)
        self.saving.update(frame, sobject, record, parsed)
        return succeeded(record.id)

    def _delete(self, frame: Transaction, text: str) -> Result:
        found = normalised(text)
        sobject = next((s for s in self.saving.store.schema.sobjects.values() if found and s.prefix == found[:3]), None)
        if sobject is None:
            raise Refused(SaveError("MALFORMED_ID", f"malformed id {text}"))
        record = self.saving.fetch(frame, sobject, text, "Delete")
        self.saving.delete(frame, sobject, record)
        return succeeded(record.id)


def all_or_none(body: dict[str, Any]) -> bool:
    """Whether one failure takes every record back; false unless the body says so."""
    return body.get("allOrNone") is True
