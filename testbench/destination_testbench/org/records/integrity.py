"""What a record's values must agree with in other records: references and unique fields."""

from __future__ import annotations

from destination_testbench.org.faults.failure import RecordError, malformed_id
from destination_testbench.org.faults.refusal import Refused
from destination_testbench.org.records.store import Store
from destination_testbench.org.records.table import Record
from destination_testbench.org.schema.field import Field
from destination_testbench.org.schema.schema import SObject


def check_integrity(store: Store, sobject: SObject, record: Record | None, values: dict[str, object]) -> None:
    """Refuse references that lead nowhere, and values that another record holds in a unique field."""
    for name, value in values.items():
        field = sobject.fields[name]
        if value is None:
            continue
        if field.type == "reference":
            check_reference(store, field, str(value))
        if field.unique:
            check_unique(store, sobject, record, field, value)


def check_reference(store: Store, field: Field, value: str) -> None:
    """Refuse an id of the wrong sObject, or of no record. What this org does not hold at all is not looked up."""
    targets = [found for name in field.reference_to if (found := store.schema.find(name))]
    target = next((found for found in targets if found.prefix == value[:3]), None)
    if target is None and len(targets) == len(field.reference_to):
        raise Refused(malformed_id(field.label, value, field.name))
    if target and ((record := store.table(target).records.get(value)) is None or record.deleted):
        raise Refused(RecordError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", (field.name,)))


def check_unique(store: Store, sobject: SObject, record: Record | None, field: Field, value: object) -> None:
    """Refuse a value that another record holds. Salesforce names the field in the text and not in `fields`."""
    for other in store.table(sobject).find(field, value):
        if other is not record:
            text = f"duplicate value found: {field.name} duplicates value on record with id: {other.id}"
            raise Refused(RecordError("DUPLICATE_VALUE", text))
