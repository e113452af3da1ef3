"""Fields that are made of others: a person's name, an address."""

from __future__ import annotations

from destination_testbench.org.records.table import Record
from destination_testbench.org.schema.field import Field
from destination_testbench.org.schema.schema import SObject

NAME_PARTS = ("FirstName", "LastName")
ADDRESS_PARTS = ("City", "Country", "GeocodeAccuracy", "Latitude", "Longitude", "PostalCode", "State", "Street")


def compound_value(sobject: SObject, record: Record, field: Field) -> object:
    """The value of a compound field, put together from its parts; of any other field, what it holds."""
    if field.type == "address":
        return address(record, field.name.removesuffix("Address"))
    if field.name == "Name" and "LastName" in sobject.fields and record.get("IsPersonAccount") is not False:
        return " ".join(str(part) for name in NAME_PARTS if (part := record.get(name)))
    return record.get(field.name)


def address(record: Record, prefix: str) -> dict[str, object] | None:
    """An address as an object, None when none of its parts has a value."""
    parts = {part[0].lower() + part[1:]: record.get(prefix + part) for part in ADDRESS_PARTS}
    return parts if any(value is not None for value in parts.values()) else None
