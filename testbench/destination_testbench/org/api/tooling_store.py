"""What was made through the Tooling API, as records that can be queried."""

from __future__ import annotations

from typing import Any

from destination_testbench.org.records.record_id import normalised
from destination_testbench.org.records.store import Store
from destination_testbench.org.records.table import Record
from destination_testbench.org.schema.field import Field
from destination_testbench.org.schema.schema import Schema, SObject

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
    for name, (prefix, columns) in KINDS.items():
        sobject = SObject(name, name, name, prefix, setup=True)
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
        self.store = Store(self.schema)

    def add(self, kind: str, full_name: str, metadata: dict[str, Any]) -> Record:
        """Keep what was made."""
        sobject = self.schema.sobjects[kind]
        record = Record(self.store.new_id(sobject.prefix), columns(kind, full_name, metadata))
        self.store.table(sobject).records[record.id] = record
        return record

    def change(self, kind: str, record: Record, metadata: dict[str, Any]) -> None:
        """Keep what became of it."""
        record.values = columns(kind, str(record.get("FullName")), metadata)

    def remove(self, kind: str, record: Record) -> None:
        """Forget what was deleted."""
        del self.store.table(self.schema.sobjects[kind]).records[record.id]

    def find(self, kind: str, record_id: str) -> Record | None:
        """One of a kind by its id."""
        return self.store.table(self.schema.sobjects[kind]).records.get(normalised(record_id) or "")

    def named(self, kind: str, full_name: str) -> Record | None:
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
