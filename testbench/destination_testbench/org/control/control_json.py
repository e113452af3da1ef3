"""Faults and records as the org's own paths show and read them."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from destination_testbench.org.faults.fault import Fault, FaultKind
from destination_testbench.org.faults.faults import Active
from destination_testbench.org.records.table import Record

INDEX = {
    "GET /_org/faults": "the faults that are on; PUT a list in their place, POST one more, DELETE all",
    "DELETE /_org/faults/{number}": "switch one off",
    "GET /_org/requests": "the last requests, requests by path, calls of the last 24 hours",
    "PUT /_org/usage": '{"used": calls of the last 24 hours, "limit": the daily limit}, either alone',
    "POST /_org/revoke": "end every session",
    "POST /_org/token": '{"username"}: an access token without a log-in',
    "GET /_org/records/{sObject}": "records; ?limit=, ?offset=, ?q= a part of any value",
    "GET /_org/records/{sObject}/{id}": "one record with its history; PATCH edits it by hand, DELETE (?purge=true) too",
    "POST /_org/convert/{lead}": '{"contact_id": optional}: convert a lead',
    "POST /_org/merge/{sObject}/{master}": '{"losers": [ids]}: merge records',
    "DELETE /_org/fields/{sObject}/{field}": "delete a custom field; PUT restores it",
    "PUT /_org/access/{sObject}/{field}": '{"level": "none" | "read" | null}: restrict a field for everyone',
    "PUT /_org/access/{sObject}": "the same for an sObject",
    "PUT /_org/rules/{sObject}/{name}": '{"formula", "message", "field": optional}: a validation rule; or DELETE',
    "PUT /_org/duplicate-rules/{sObject}/{name}": '{"fields": [...], "blocks": false, "message": optional}: or DELETE',
    "PUT /_org/person-accounts": "let accounts be persons, with the fields of contacts",
    "GET /_org/facts": "what is not known of Salesforce for sure; PUT {name: value} changes some",
}


def read_fault(data: Any) -> Fault:
    """A fault from JSON; TypeError or ValueError when it is none."""
    known = {field.name for field in fields(Fault)}
    if not isinstance(data, dict) or not data.keys() <= known:
        raise TypeError(f"a fault has these members: {', '.join(sorted(known))}")
    lists = {name: tuple(data[name]) for name in ("records", "fields") if name in data}
    return Fault(**{**data, **lists, "kind": FaultKind(str(data.get("kind")))})


def shown_fault(active: Active) -> dict[str, Any]:
    """A fault with its number, without what it leaves open."""
    blank = Fault(active.fault.kind)
    members = {k: v for k, v in asdict(active.fault).items() if v != getattr(blank, k) or k == "kind"}
    return {"number": active.number, **members, "matched": sum(active.matched.values())}


def shown_record(record: Record) -> dict[str, Any]:
    """A record with everything that ever happened to it."""
    history = [
        {"at": change.at, "by": change.by, "operation": change.operation, "fields": change.fields}
        for change in record.history
    ]
    return {"Id": record.id, "deleted": record.deleted, "values": record.values, "history": history}
