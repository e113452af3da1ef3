from __future__ import annotations

from typing import Any

import pytest
from destination_testbench.org import OrgRequest, SimulatedOrg
from org_caller import CONTACT, LEAD, OTHER_CONTACT, Caller, a_contact, first_error
from pydantic_core import from_json, to_json


def ask(org: SimulatedOrg, method: str, path: str, body: Any = None, **query: str) -> Any:
    content = b"" if body is None else to_json(body)
    reply = org.handle(OrgRequest(method, f"/_org/{path}", query, {}, content))
    assert reply.status < 300, reply.body
    return from_json(reply.body) if reply.body else None


def test_the_index_names_every_path(org: SimulatedOrg) -> None:
    assert "GET /_org/faults" in ask(org, "GET", "")


def test_faults_are_switched_by_anyone(org: SimulatedOrg, caller: Caller) -> None:
    number = ask(org, "POST", "faults", {"kind": "outage", "times": 2, "path": "/limits"})["number"]
    assert caller.request("GET", "limits").status == 503
    assert ask(org, "GET", "faults") == [
        {"number": number, "kind": "outage", "times": 2, "path": "/limits", "matched": 1}
    ]

    ask(org, "DELETE", f"faults/{number}")
    assert caller.request("GET", "limits").status == 200

    ask(org, "PUT", "faults", [{"kind": "lock", "records": [CONTACT], "times": 1}])
    assert not caller.update(a_contact(LastName="X"))[0]["success"]
    ask(org, "DELETE", "faults")
    assert ask(org, "GET", "faults") == []


@pytest.mark.parametrize("fault", [{}, {"kind": "magic"}, {"kind": "outage", "wings": 2}, [1], "x"])
def test_a_fault_that_is_none_is_refused(org: SimulatedOrg, fault: Any) -> None:
    reply = org.handle(OrgRequest("POST", "/_org/faults", body=to_json(fault)))

    assert reply.status == 400
    assert org.faults.active() == []


def test_requests_and_calls_can_be_read_and_the_calls_set(org: SimulatedOrg, caller: Caller) -> None:
    caller.request("GET", "limits")
    ask(org, "PUT", "usage", {"used": 90, "limit": 100})

    report = ask(org, "GET", "requests")

    assert (report["calls_of_24_hours"], report["limit"]) == (90, 100)
    assert report["by_path"] == {"GET /services/data/v66.0/limits": 1}
    assert report["last"][0]["status"] == 200
    assert caller.request("GET", "limits").headers["Sforce-Limit-Info"] == "api-usage=91/100"


def test_sessions_are_ended_and_tokens_given(org: SimulatedOrg, caller: Caller) -> None:
    assert ask(org, "POST", "revoke") == {"result": 1}
    assert caller.request("GET", "limits").status == 401

    caller.token = ask(org, "POST", "token", {"username": "admin@example.com"})["access_token"]
    assert caller.send("GET", "tooling/query?q=SELECT Id FROM CustomField")[0] == 200


def test_records_are_shown_with_their_history(org: SimulatedOrg, caller: Caller) -> None:
    caller.update(a_contact(Title="Boss"))

    record = ask(org, "GET", f"records/Contact/{CONTACT}")
    listed = ask(org, "GET", "records/Contact", q="boss", limit="5")

    assert record["values"]["Title"] == "Boss"
    assert record["history"][-1]["fields"] == {"Title": [None, "Boss"]}
    assert [row["Id"] for row in listed["records"]] == [CONTACT]


def test_records_are_changed_by_hand(org: SimulatedOrg) -> None:
    ask(org, "PATCH", f"records/Contact/{CONTACT}", {"Title": "X"})
    contact = ask(org, "POST", f"convert/{LEAD}")["result"]
    ask(org, "POST", f"merge/Contact/{CONTACT}", {"losers": [OTHER_CONTACT]})
    ask(org, "DELETE", f"records/Contact/{contact}", purge="true")

    records = org.records("Contact").records
    assert (records[CONTACT].get("Title"), records[OTHER_CONTACT].get("MasterRecordId")) == ("X", CONTACT)
    assert contact not in records


def test_fields_rights_rules_and_facts_are_changed(org: SimulatedOrg, caller: Caller) -> None:
    ask(org, "DELETE", "fields/Contact/CDP_Trial__c")
    ask(org, "PUT", "access/Contact/Title", {"level": "read"})
    ask(org, "PUT", "rules/Contact/Short", {"formula": "LEN(LastName) > 5", "message": "short, please"})
    ask(org, "PUT", "duplicate-rules/Contact/Twin", {"fields": ["FirstName"], "blocks": True})
    ask(org, "PUT", "facts", {"text_takes_scalars": True, "update_only_miss": ["GONE", "gone"]})

    changes: list[dict[str, Any]] = [
        {"CDP_Trial__c": "x"},
        {"Title": "x"},
        {"LastName": "Longer"},
        {"FirstName": "Bea"},
    ]
    codes = [first_error(caller.update(a_contact(**change))[0])[0] for change in changes]

    assert codes == [
        "INVALID_FIELD",
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "DUPLICATES_DETECTED",
    ]
    assert org.config.facts.update_only_miss == ("GONE", "gone")
    ask(org, "PUT", "fields/Contact/CDP_Trial__c")
    ask(org, "PUT", "access/Contact/Title", {"level": None})
    ask(org, "DELETE", "rules/Contact/Short")
    ask(org, "DELETE", "duplicate-rules/Contact/Twin")
    assert all(caller.update(a_contact(**change))[0]["success"] for change in changes)


def test_records_are_hidden_users_changed_and_record_types_made(org: SimulatedOrg, caller: Caller) -> None:
    ask(org, "PUT", "users/integration@example.com", {"views_all_data": False})
    ask(org, "PUT", "sharing", {"ids": [CONTACT, OTHER_CONTACT]})
    ask(org, "PUT", "sharing", {"ids": [OTHER_CONTACT], "shared": True})
    ask(org, "DELETE", "values/Contact/CleanStatus/Skipped")
    made = ask(org, "POST", "record-types/Contact/Partner", {"available": False})["result"]

    assert len(caller.query("SELECT Id FROM Contact")) == 2
    assert not caller.update(a_contact(OTHER_CONTACT, RecordTypeId=made))[0]["success"]
    assert not caller.update(a_contact(OTHER_CONTACT, CleanStatus="Skipped"))[0]["success"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "nonsense", 404),
        ("GET", "records/Nonsense", 404),
        ("GET", "records/Contact/003x", 404),
        ("DELETE", "fields/Contact/Nope__c", 404),
        ("PUT", "requests", 405),
        ("POST", "token", 404),
        ("DELETE", "faults/x", 400),
        ("PUT", "users/nobody", 404),
    ],
)
def test_what_is_not_there_is_refused(org: SimulatedOrg, method: str, path: str, status: int) -> None:
    assert org.handle(OrgRequest(method, f"/_org/{path}")).status == status
