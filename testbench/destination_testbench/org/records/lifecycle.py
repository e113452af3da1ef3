"""What people do to records in the page: converting a lead, merging records, emptying the recycle bin."""

from __future__ import annotations

from collections.abc import Sequence

from destination_testbench.org.login.people import INTEGRATION_USER
from destination_testbench.org.records.campaigns import add_statuses, member_of, members
from destination_testbench.org.records.person_account import kind_of
from destination_testbench.org.records.save import Saving
from destination_testbench.org.records.store import Change, RecordStore, StoredRecord, Transaction
from destination_testbench.org.schema.schema import SObject
from destination_testbench.org.values.moments import from_epoch

SHARED_FIELDS = ("FirstName", "LastName", "Salutation", "Title", "Email", "Phone", "MobilePhone", "Fax", "LeadSource")


def convert_lead(saving: Saving, call: Transaction, lead_id: str, contact_id: str | None = None) -> str:
    """Turn a lead into a contact, a new one or one that is there; the contact's id.

    Custom fields go along only where someone has mapped them, and only into a field that is empty.
    """
    schema, writing = saving.store.schema, saving.writing
    lead_object = schema.sobjects["Lead"]
    lead = saving.store.table(lead_object).records[lead_id]
    mapped = schema.conversion.get("Contact", {}).items()
    custom = {of_contact: lead.values[name] for name, of_contact in mapped if name in lead.values}
    if contact_id is None:
        shared = {name: lead.values[name] for name in SHARED_FIELDS if name in lead.values}
        contact_id = writing.create(call, schema.sobjects["Contact"], {**stamped(call), **shared, **custom}).id
    else:
        contact = saving.store.table(schema.sobjects["Contact"]).records[contact_id]
        blank = {name: value for name, value in custom.items() if name not in contact.values}
        writing.write(call, schema.sobjects["Contact"], contact, blank, "convert")
    converted: dict[str, object] = {
        "IsConverted": True,
        "Status": "Closed - Converted",
        "ConvertedDate": call.stamp[:10],
        "ConvertedContactId": contact_id,
    }
    writing.write(call, lead_object, lead, converted, "convert")
    for member in members(saving.store, "LeadId", lead_id):
        twice = member_of(saving.store, member.get("CampaignId"), "ContactId", contact_id)
        change: dict[str, object] = {"IsDeleted": True} if twice else {"ContactId": contact_id}
        writing.write(call, schema.sobjects["CampaignMember"], member, change, "convert")
    return contact_id


def merge(saving: Saving, call: Transaction, sobject_name: str, master_id: str, losers: Sequence[str]) -> StoredRecord:
    """Merge records into one: the others go to the recycle bin, each with the survivor's id in MasterRecordId."""
    sobject = saving.store.schema.sobjects[sobject_name]
    records = saving.store.table(sobject).records
    for loser in losers:
        values: dict[str, object] = {"IsDeleted": True, "MasterRecordId": master_id}
        saving.writing.write(call, sobject, records[loser], values, "merge")
        for child, field, row in saving.store.children(sobject, loser):
            twice = child.name == "CampaignMember" and member_of(
                saving.store, row.get("CampaignId"), field.name, master_id
            )
            change: dict[str, object] = {"IsDeleted": True} if twice else {field.name: master_id}
            saving.writing.write(call, child, row, change, "merge")
    return records[master_id]


def edit(saving: Saving, call: Transaction, sobject_name: str, record_id: str, values: dict[str, object]) -> None:
    """Change a record past every check."""
    sobject = saving.store.schema.sobjects[sobject_name]
    operation = "delete" if values.get("IsDeleted") else "edit"
    saving.writing.write(call, sobject, saving.store.table(sobject).records[record_id], values, operation)


def undelete(saving: Saving, call: Transaction, sobject_name: str, record_id: str) -> None:
    """Take a record out of the recycle bin."""
    sobject = saving.store.schema.sobjects[sobject_name]
    record = saving.store.table(sobject).records[record_id]
    saving.writing.write(call, sobject, record, {"IsDeleted": False, "MasterRecordId": None}, "undelete")


def purge(saving: Saving, sobject_name: str, record_id: str) -> None:
    """Remove a record for good: its id was never heard of from now on."""
    sobject = saving.store.schema.sobjects[sobject_name]
    table = saving.store.table(sobject)
    record = table.records.pop(record_id)
    table.unlink(record, record.values)


def inserted(
    store: RecordStore, sobject: SObject, record_id: str, values: dict[str, object], now: float
) -> StoredRecord:
    """Put a record into its table as it is, past every check, with the system's fields filled."""
    stamp, owner = from_epoch(now), INTEGRATION_USER
    system: dict[str, object] = {
        "OwnerId": owner,
        "CreatedDate": stamp,
        "CreatedById": owner,
        "LastModifiedDate": stamp,
        "LastModifiedById": owner,
        "SystemModstamp": stamp,
    }
    defaults = {field.name: field.default for field in sobject.fields.values() if field.default is not None}
    known = {name: value for name, value in system.items() if name in sobject.fields}
    record = StoredRecord(record_id, {**defaults, **known, **kind_of(sobject, values), **values})
    record.history.append(Change(now, owner, "create", {name: (None, value) for name, value in values.items()}))
    table = store.table(sobject)
    table.records[record_id] = record
    table.link(record, record.values)
    if sobject.name == "Campaign":
        add_statuses(store, record_id)
    return record


def stamped(call: Transaction) -> dict[str, object]:
    """The system's fields of a record made now."""
    return {
        "IsDeleted": False,
        "OwnerId": call.user.id,
        "CreatedDate": call.stamp,
        "CreatedById": call.user.id,
        "LastModifiedDate": call.stamp,
        "LastModifiedById": call.user.id,
        "SystemModstamp": call.stamp,
    }
