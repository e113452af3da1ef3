"""Which fields of an sObject the page shows, and under which heading."""

from __future__ import annotations

from collections.abc import Iterable

from destination_testbench.org.records.json_form import compound_value
from destination_testbench.org.records.store import StoredRecord
from destination_testbench.org.schema.schema import SYSTEM_FIELDS, Field, SObject

STATUS_TYPES = {"string", "textarea", "picklist", "multipicklist", "boolean"}
MOST_COLUMNS = 6
SINCE = "_Since"


def audience_fields(sobject: SObject) -> list[Field]:
    """The custom fields that can hold what became of an audience.

    An org does not know which of its fields a destination file names: these are those of a type that takes a status.
    """
    return [
        field
        for field in sobject.fields.values()
        if (field.custom or (sobject.name, field.name) == ("CampaignMember", "Status"))
        and not (field.external_id or field.unique)
        and (field.type in STATUS_TYPES or (field.type == "datetime" and SINCE not in field.name))
    ]


def columns(sobject: SObject, records: Iterable[StoredRecord]) -> list[Field]:
    """The audience fields of a list: those that hold anything in these records, or the first ones."""
    fields, held = audience_fields(sobject), set[str]()
    for record in records:
        held.update(name for name, value in record.values.items() if value)
    return ([field for field in fields if field.name in held] or fields)[:MOST_COLUMNS]


def since_field(sobject: SObject, field: Field) -> Field | None:
    """The Date/Time field that says since when, by its name: CDP_Loyal_Since__c of CDP_Loyal__c."""
    base, _, suffix = field.name.rpartition("__")
    found = sobject.fields.get(f"{base}{SINCE}__{suffix}")
    return found if found and found.type == "datetime" else None


def name_of(sobject: SObject, record: StoredRecord) -> str:
    """What people call a record; its id where it has no name."""
    field = sobject.find("Name")
    return str(compound_value(sobject, record, field) or record.id) if field else record.id


def address_of(sobject: SObject, record: StoredRecord) -> str:
    """The first e-mail address of a record."""
    fields = (field.name for field in sobject.fields.values() if field.type == "email")
    return next((str(value) for name in fields if (value := record.get(name))), "")


def plain_fields(sobject: SObject) -> tuple[list[Field], list[Field]]:
    """The fields that are no audience's: what people fill, and what the system does."""
    taken = {field.name for field in audience_fields(sobject)}
    taken |= {since.name for field in audience_fields(sobject) if (since := since_field(sobject, field))}
    rest = [
        field for field in sobject.fields.values() if field.name not in taken and field.type not in ("id", "address")
    ]
    system = [field for field in rest if field.name in SYSTEM_FIELDS or not (field.createable or field.updateable)]
    return [field for field in rest if field not in system], system
