"""Naming a parent record by its external id: {"Account": {"Number__c": "7"}} in place of an AccountId."""

from __future__ import annotations

from destination_testbench.org.faults.failure import RecordError
from destination_testbench.org.records.store import Store
from destination_testbench.org.records.table import Record
from destination_testbench.org.schema.field import Field
from destination_testbench.org.schema.schema import SObject
from destination_testbench.org.values.texts import Check
from destination_testbench.org.values.value_errors import ValueRefusedError, unreadable


def relationship_check(store: Store, field: Field) -> Check:
    """Turns the external id of a parent into its record id."""

    def check(value: object) -> object:
        if value is None:
            return None
        keys = [key for key in value if key != "attributes"] if isinstance(value, dict) else []
        if not isinstance(value, dict) or len(keys) != 1:
            raise unreadable(field, value)
        return parent(store, field, keys[0], value[keys[0]]).id

    return check


def parent(store: Store, field: Field, key: str, value: object) -> Record:
    """The one record that the external id names."""
    for name in field.reference_to:
        sobject = store.schema.find(name)
        target = sobject.find(key) if sobject else None
        if sobject and target:
            return only(sobject, target, value, store.table(sobject).find(target, value) if target.indexed else [])
    raise ValueRefusedError(
        RecordError("INVALID_FIELD", f"No such column '{key}' on sobject of type {field.reference_to[0]}", dml=False)
    )


def only(sobject: SObject, target: Field, value: object, found: list[Record]) -> Record:
    """The record found, if it is exactly one."""
    if len(found) == 1:
        return found[0]
    text = f"Foreign key external ID: {value} not found for field {target.name} in entity {sobject.name}"
    raise ValueRefusedError(RecordError("INVALID_FIELD", text, dml=False))
