"""Records as JSON, with the fields that are made of others: a name, an address."""

from __future__ import annotations

from typing import Any

from destination_testbench.org.api.call import ApiCall
from destination_testbench.org.records.store import StoredRecord
from destination_testbench.org.schema.schema import Field, SObject


def shown(sobject: SObject, record: StoredRecord, field: Field) -> object:
    """A field's value as Salesforce answers with it."""
    return record.id if field.type == "id" else compound_value(sobject, record, field)


def attributes(call: ApiCall, sobject: SObject, record: StoredRecord) -> dict[str, Any]:
    """What every record in an answer begins with."""
    return {"attributes": {"type": sobject.name, "url": f"{call.root}/sobjects/{sobject.name}/{record.id}"}}


def rendered(call: ApiCall, sobject: SObject, record: StoredRecord, fields: list[Field]) -> dict[str, Any]:
    """A record with its attributes and these fields."""
    return attributes(call, sobject, record) | {field.name: shown(sobject, record, field) for field in fields}


NAME_PARTS = ("FirstName", "LastName")
ADDRESS_PARTS = ("City", "Country", "GeocodeAccuracy", "Latitude", "Longitude", "PostalCode", "State", "Street")


def compound_value(sobject: SObject, record: StoredRecord, field: Field) -> object:
    """The value of a compound field, put together from its parts; of any other field, what it holds."""
    if field.type == "address":
        return address(record, field.name.removesuffix("Address"))
    if field.name == "Name" and "LastName" in sobject.fields and record.get("IsPersonAccount") is not False:
        return " ".join(str(part) for name in NAME_PARTS if (part := record.get(name)))
    return record.get(field.name)


def address(record: StoredRecord, prefix: str) -> dict[str, object] | None:
    """An address as an object, None when none of its parts has a value."""
    parts = {part[0].lower() + part[1:]: record.get(prefix + part) for part in ADDRESS_PARTS}
    return parts if any(value is not None for value in parts.values()) else None
