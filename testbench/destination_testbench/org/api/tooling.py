"""The Tooling API: an administrator makes custom fields and validation rules."""

from __future__ import annotations

import re
from typing import Any

from destination_testbench.org.api.call import ApiCall
from destination_testbench.org.api.metadata import check_limits, field_from, refused
from destination_testbench.org.exchange import JsonAnswer
from destination_testbench.org.faults.failure import RequestFailure, method_not_allowed, not_found
from destination_testbench.org.formulas.formula import FormulaError
from destination_testbench.org.formulas.rules import OrgValidationRule, Rules
from destination_testbench.org.query.query import Queries
from destination_testbench.org.records.access import Access
from destination_testbench.org.records.record_id import normalised
from destination_testbench.org.records.store import RecordStore, StoredRecord
from destination_testbench.org.schema.schema import Field, Schema, SObject, not_built

MESSAGE_LENGTH = 255
RULE_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*\Z")
RULE_NAME_LENGTH = 40
WHOLE = re.compile(r"\b(?:Metadata|FullName)\b(?=.*\bFROM\b)", re.IGNORECASE | re.DOTALL)


class Tooling:
    """The resources below /tooling."""

    def __init__(self, store: ToolingStore, data: RecordStore, access: Access, rules: Rules, queries: Queries) -> None:
        self._store, self._data, self._schema, self._access = store, data, data.schema, access
        self._rules, self._queries = rules, queries
        self._made = {"CustomField": self._field, "ValidationRule": self._rule}

    def query(self, call: ApiCall) -> JsonAnswer:
        """GET tooling/query?q=: what was made; invisible to who may not see the set-up."""
        self._admin(call, "INVALID_TYPE", "sObject type is not supported for this user.")
        answer = self._queries.query(call)
        if WHOLE.search(call.query.get("q", "")) and (size := answer.body.get("totalSize", 0)) > 1:
            text = (
                "When retrieving results with Metadata or FullName fields, the query qualifications must specify no"
                f" more than one row for retrieval. Result size: {size}"
            )
            raise RequestFailure(400, "MALFORMED_QUERY", text)
        return answer

    def create(self, call: ApiCall, name: str) -> JsonAnswer:
        """POST: 201 with the new id."""
        self._kind(call, name)
        body = call.json_object()
        full_name, metadata = body.get("FullName"), body.get("Metadata")
        if not isinstance(full_name, str) or not isinstance(metadata, dict):
            raise refused("REQUIRED_FIELD_MISSING", "Required fields are missing: [FullName, Metadata]")
        record = self.put(name, full_name, metadata)
        return JsonAnswer(201, {"id": record.id, "success": True, "errors": [], "warnings": [], "infos": []})

    def put(self, kind: str, full_name: str, metadata: dict[str, Any]) -> StoredRecord:
        """Make a custom field or a validation rule."""
        if self._store.named(kind, full_name):
            raise refused("DUPLICATE_DEVELOPER_NAME", f"There is already a {kind} named {full_name}.")
        self._made[kind](full_name, metadata, True)
        return self._store.add(kind, full_name, metadata)

    def forget(self, sobject: str) -> None:
        """Delete a custom object with its records, fields and rules."""
        self._data.table(self._schema.sobjects[sobject]).records.clear()
        for rule in [rule for rule in self._rules.all() if rule.sobject == sobject]:
            self._rules.remove(sobject, rule.name)
        for kind in self._made:
            for record in self._store.of(kind, sobject):
                self._store.remove(kind, record)
        for name in ("", *self._schema.sobjects[sobject].fields):
            self._access.forget(sobject, name)
        self._schema.remove(sobject)

    def update(self, call: ApiCall, name: str, record_id: str) -> JsonAnswer:
        """PATCH: the metadata, whole; 204."""
        make = self._kind(call, name)
        record, metadata = self._record(name, record_id), call.json_object().get("Metadata")
        if not isinstance(metadata, dict):
            raise refused("REQUIRED_FIELD_MISSING", "Required fields are missing: [Metadata]")
        make(str(record.get("FullName")), metadata, False)
        self._store.change(name, record, metadata)
        return JsonAnswer(204)

    def get(self, call: ApiCall, name: str, record_id: str) -> JsonAnswer:
        """GET: everything about one."""
        self._kind(call, name)
        record = self._record(name, record_id)
        url = f"{call.root}/tooling/sobjects/{name}/{record.id}"
        shown = {key: value for key, value in record.values.items() if key != "IsDeleted"}
        return JsonAnswer(200, {"attributes": {"type": name, "url": url}, "Id": record.id, **shown})

    def delete(self, call: ApiCall, name: str, record_id: str) -> JsonAnswer:
        """DELETE: 204."""
        self._kind(call, name)
        record = self._record(name, record_id)
        sobject, _, own = str(record.get("FullName")).partition(".")
        if name == "CustomField":
            self._schema.remove_field(sobject, own)
            self._access.forget(sobject, own)
        else:
            self._rules.remove(sobject, own)
        self._store.remove(name, record)
        return JsonAnswer(204)

    def _field(self, full_name: str, metadata: dict[str, Any], new: bool) -> None:
        sobject, name = self._parts(full_name)
        field = field_from(name, metadata)
        if new and sobject.find(name):
            text = f"There is already a field named {field.label} on {sobject.name}."
            raise refused("DUPLICATE_DEVELOPER_NAME", text)
        check_limits(sobject, field)
        if lost := [owner for owner in field.reference_to if self._schema.asked(owner) is None]:
            text = f"referenceTo value of '{lost[0]}' does not resolve to a valid sObject type"
            raise refused("FIELD_INTEGRITY_EXCEPTION", text)
        if new and field.permissionable:
            self._access.close(sobject.name, name)
        if new:
            self._empty(sobject, name)
        self._schema.put_field(sobject.name, field)

    def _empty(self, sobject: SObject, name: str) -> None:
        """A new field holds nothing, whatever one of its name held before it was deleted."""
        for record in self._data.table(sobject).records.values():
            record.values.pop(name, None)

    def _rule(self, full_name: str, metadata: dict[str, Any], new: bool) -> None:
        sobject, name = self._parts(full_name)
        if not RULE_NAME.match(name) or len(name) > RULE_NAME_LENGTH:
            text = "The Rule Name can only contain underscores and alphanumeric characters."
            raise refused("INVALID_FULLNAME", text)
        formula, message = metadata.get("errorConditionFormula"), metadata.get("errorMessage")
        if not isinstance(formula, str) or not isinstance(message, str) or not isinstance(metadata.get("active"), bool):
            text = "Required fields are missing: [active, errorConditionFormula, errorMessage]"
            raise refused("REQUIRED_FIELD_MISSING", text)
        if len(message) > MESSAGE_LENGTH:
            text = f"Error Message: data value too large: {message} (max length={MESSAGE_LENGTH})"
            raise refused("STRING_TOO_LONG", text)
        shown_at = metadata.get("errorDisplayField")
        if shown_at is not None and not sobject.find(str(shown_at)):
            raise refused("FIELD_INTEGRITY_EXCEPTION", f"Field {shown_at} does not exist. Check spelling.")
        rule = OrgValidationRule(sobject.name, name, formula, message, shown_at, metadata["active"])
        try:
            self._rules.put(rule)
        except FormulaError as error:
            raise refused("FIELD_INTEGRITY_EXCEPTION", str(error)) from None

    def _parts(self, full_name: str) -> tuple[SObject, str]:
        object_name, _, name = full_name.partition(".")
        if (sobject := self._schema.find(object_name)) is None or not name:
            raise refused("INVALID_FIELD", f"Entity of {full_name} is not known.")
        return sobject, name

    def _kind(self, call: ApiCall, name: str) -> Any:
        if name not in self._made:
            if name == "CustomObject":
                raise method_not_allowed(call.method, ["GET", "HEAD"])
            self._store.schema.asked(name)
            raise not_found()
        self._admin(call, "INSUFFICIENT_ACCESS", "insufficient access rights on entity: " + name)
        return self._made[name]

    def _admin(self, call: ApiCall, code: str, message: str) -> None:
        if not call.user.admin:
            raise RequestFailure(400 if code == "INVALID_TYPE" else 403, code, message)

    def _record(self, name: str, record_id: str) -> StoredRecord:
        if record := self._store.find(name, record_id):
            return record
        raise not_found()


KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "CustomField": (
        "00N",
        (
            "DeveloperName",
            "NamespacePrefix",
            "TableEnumOrId",
            "EntityDefinitionId",
            "EntityDefinition.QualifiedApiName",
        ),
    ),
    "ValidationRule": (
        "03d",
        (
            "ValidationName",
            "EntityDefinitionId",
            "EntityDefinition.QualifiedApiName",
            "ErrorMessage",
            "ErrorDisplayField",
        ),
    ),
}
TEXT = 4000


def tooling_schema() -> Schema:
    """The sObjects that the Tooling API knows here."""
    schema = Schema()
    schema.unbuilt = not_built("tooling")
    for name, (prefix, columns) in KINDS.items():
        sobject = SObject(name, name, name, prefix, setup=True, partial=True)
        sobject.put(Field("Id", f"{name} ID", "id", 18))
        for column in (*columns, "FullName", "Metadata"):
            sobject.put(Field(column, column, "string", TEXT, nillable=True))
        if name == "ValidationRule":
            sobject.put(Field("Active", "Active", "boolean"))
        schema.add(sobject)
    return schema


class ToolingStore:
    """The records behind custom fields and validation rules."""

    def __init__(self) -> None:
        self.schema = tooling_schema()
        self.store = RecordStore(self.schema)

    def add(self, kind: str, full_name: str, metadata: dict[str, Any]) -> StoredRecord:
        """Keep what was made."""
        sobject = self.schema.sobjects[kind]
        record = StoredRecord(self.store.new_id(sobject.prefix), columns(kind, full_name, metadata))
        self.store.table(sobject).records[record.id] = record
        return record

    def change(self, kind: str, record: StoredRecord, metadata: dict[str, Any]) -> None:
        """Keep what became of it."""
        record.values = columns(kind, str(record.get("FullName")), metadata)

    def remove(self, kind: str, record: StoredRecord) -> None:
        """Forget what was deleted."""
        del self.store.table(self.schema.sobjects[kind]).records[record.id]

    def find(self, kind: str, record_id: str) -> StoredRecord | None:
        """One of a kind by its id."""
        return self.store.table(self.schema.sobjects[kind]).records.get(normalised(record_id) or "")

    def of(self, kind: str, sobject: str) -> list[StoredRecord]:
        """Those of a kind that belong to an sObject."""
        records = self.store.table(self.schema.sobjects[kind])
        return [record for record in records if str(record.get("FullName")).partition(".")[0] == sobject]

    def named(self, kind: str, full_name: str) -> StoredRecord | None:
        """One of a kind by its full name, whatever its case."""
        records = self.store.table(self.schema.sobjects[kind])
        return next((r for r in records if str(r.get("FullName")).lower() == full_name.lower()), None)


def columns(kind: str, full_name: str, metadata: dict[str, Any]) -> dict[str, object]:
    """What a query sees of a piece of metadata."""
    owner, _, name = full_name.rpartition(".")
    known: dict[str, object] = {
        "FullName": full_name,
        "Metadata": metadata,
        "DeveloperName": name.removesuffix("__c"),
        "ValidationName": name,
        "TableEnumOrId": owner,
        "EntityDefinitionId": owner,
        "EntityDefinition.QualifiedApiName": owner,
        "Active": metadata.get("active"),
        "ErrorMessage": metadata.get("errorMessage"),
        "ErrorDisplayField": metadata.get("errorDisplayField"),
    }
    wanted = {*KINDS[kind][1], "FullName", "Metadata", *(["Active"] if kind == "ValidationRule" else [])}
    return {key: value for key, value in known.items() if key in wanted and value is not None}
