"""Records that were there before anyone called the org."""

from __future__ import annotations

from destination_testbench.org.login.people import INTEGRATION_USER
from destination_testbench.org.records.person_account import kind_of
from destination_testbench.org.records.store import Store
from destination_testbench.org.records.table import Change, Record
from destination_testbench.org.schema.schema import SObject
from destination_testbench.org.values.moments import from_epoch


def planted(store: Store, sobject: SObject, record_id: str, values: dict[str, object], now: float) -> Record:
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
    record = Record(record_id, {**defaults, **known, **kind_of(sobject, values), **values})
    record.history.append(Change(now, owner, "create", {name: (None, value) for name, value in values.items()}))
    table = store.table(sobject)
    table.records[record_id] = record
    table.link(record, record.values)
    return record
