"""Records as JSON."""

from __future__ import annotations

from typing import Any

from destination_testbench.org.api.call import Call
from destination_testbench.org.records.table import Record
from destination_testbench.org.schema.compound import compound_value
from destination_testbench.org.schema.field import Field
from destination_testbench.org.schema.schema import SObject


def shown(sobject: SObject, record: Record, field: Field) -> object:
    """A field's value as Salesforce answers with it."""
    return record.id if field.type == "id" else compound_value(sobject, record, field)


def attributes(call: Call, sobject: SObject, record: Record) -> dict[str, Any]:
    """What every record in an answer begins with."""
    return {"attributes": {"type": sobject.name, "url": f"{call.root}/sobjects/{sobject.name}/{record.id}"}}


def rendered(call: Call, sobject: SObject, record: Record, fields: list[Field]) -> dict[str, Any]:
    """A record with its attributes and these fields."""
    return attributes(call, sobject, record) | {field.name: shown(sobject, record, field) for field in fields}
