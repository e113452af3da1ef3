from __future__ import annotations

from typing import Any

import pytest
from destination_testbench.org import SimulatedOrg, record_id
from org_caller import CONTACT, LEAD, OTHER_CONTACT, Caller, a_contact, a_lead, an_org


def test_two_hundred_records_are_taken_and_one_more_refuses_them_all() -> None:
    caller = Caller(an_org(contacts=201))
    records = [a_contact(record_id("003", n), LastName="X") for n in range(1, 202)]

    assert all(result["success"] for result in caller.update(*records[:200]))
    status, body = caller.send("PATCH", "composite/sobjects", {"records": records})

    text = "record limit reached. cannot submit more than 200 records into this call"
    assert (status, body) == (400, [{"message": text, "errorCode": "EXCEEDED_ID_LIMIT"}])


def test_ten_chunks_are_taken_and_an_eleventh_refuses_them_all(caller: Caller) -> None:
    alternating = [a_contact(LastName="X"), a_lead(LastName="X")] * 5

    assert all(result["success"] for result in caller.update(*alternating))
    status, body = caller.send("PATCH", "composite/sobjects", {"records": [*alternating, a_contact(LastName="Y")]})

    assert status == 400
    assert body[0]["message"].startswith("Cannot have more than 10 chunks in a single operation.")


@pytest.mark.parametrize(
    ("records", "code"),
    [
        ([{"id": CONTACT, "LastName": "X"}], "INVALID_TYPE"),
        ([{"attributes": {}, "id": CONTACT}], "INVALID_TYPE"),
        ([{"attributes": {"type": "Nonsense"}, "id": CONTACT}], "INVALID_TYPE"),
        (["003"], "INVALID_TYPE"),
    ],
)
def test_a_record_without_a_known_type_refuses_them_all(
    org: SimulatedOrg, caller: Caller, records: list[Any], code: str
) -> None:
    before = dict(org.records("Contact").records[OTHER_CONTACT].values)

    status, body = caller.send(
        "PATCH", "composite/sobjects", {"records": [a_contact(OTHER_CONTACT, LastName="X"), *records]}
    )

    assert (status, body[0]["errorCode"]) == (400, code)
    assert org.records("Contact").records[OTHER_CONTACT].values == before


def test_results_stand_in_the_order_of_the_request(caller: Caller) -> None:
    results = caller.update(a_lead(LastName="A"), a_contact(None), a_contact(LastName="B"))

    assert [result.get("id") for result in results] == [LEAD, None, CONTACT]


def test_every_failure_is_still_a_200(caller: Caller) -> None:
    results = caller.update(a_contact(None), a_contact("x"))

    assert [result["success"] for result in results] == [False, False]


def test_all_or_none_must_be_true_to_be_on(org: SimulatedOrg, caller: Caller) -> None:
    good, bad = caller.update(a_contact(LastName="Kept"), a_contact(OTHER_CONTACT, Email="no"))

    assert (good["success"], bad["success"]) == (True, False)
    assert org.records("Contact").records[CONTACT].get("LastName") == "Kept"


def test_what_is_taken_back_leaves_neither_values_nor_history(org: SimulatedOrg, caller: Caller) -> None:
    record = org.records("Contact").records[CONTACT]
    before, changes = dict(record.values), len(record.history)

    caller.update(
        a_contact(LastName="X", CDP_Customer_Id__c="c-9"), a_contact(OTHER_CONTACT, Email="no"), all_or_none=True
    )

    assert record.values == before
    assert len(record.history) == changes
    assert caller.query("SELECT Id FROM Contact WHERE CDP_Customer_Id__c = 'c-9'") == []


def test_an_absent_field_is_left_and_a_null_one_cleared(org: SimulatedOrg, caller: Caller) -> None:
    caller.update(a_contact(Title="Boss", Department="Sales"))
    caller.update(a_contact(Title=None))

    record = org.records("Contact").records[CONTACT]
    assert (record.get("Title"), record.get("Department")) == (None, "Sales")


def test_history_tells_what_changed_when_and_by_whom(org: SimulatedOrg, caller: Caller) -> None:
    caller.update(a_contact(Title="Boss", LastName=org.records("Contact").records[CONTACT].get("LastName")))

    change = org.records("Contact").records[CONTACT].history[-1]
    assert change.fields == {"Title": (None, "Boss")}
    assert (change.at, change.by, change.operation) == (org.now(), record_id("005", 1), "update")


def test_a_created_record_must_not_bring_an_id(caller: Caller) -> None:
    _, results = caller.send("POST", "composite/sobjects", {"records": [a_contact(CONTACT, LastName="X")]})

    assert results[0]["errors"][0]["statusCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"


def test_a_new_lead_gets_its_default_status_and_owner(org: SimulatedOrg, caller: Caller) -> None:
    _, results = caller.send("POST", "composite/sobjects", {"records": [a_lead(None, LastName="X", Company="Y")]})

    lead = org.records("Lead").records[results[0]["id"]]
    assert (lead.get("Status"), lead.get("OwnerId")) == ("Open - Not Contacted", record_id("005", 1))


def test_required_fields_of_a_lead_are_named_together(caller: Caller) -> None:
    _, results = caller.send("POST", "composite/sobjects", {"records": [a_lead(None, FirstName="X")]})

    assert results[0]["errors"][0]["message"] == "Required fields are missing: [LastName, Company]"
    assert results[0]["errors"][0]["fields"] == ["LastName", "Company"]


@pytest.mark.parametrize(
    ("header", "owner"), [({}, record_id("005", 2)), ({"sforce_auto_assign": "FALSE"}, record_id("005", 1))]
)
def test_updates_of_leads_run_the_assignment_rule_unless_told_not_to(header: dict[str, str], owner: str) -> None:
    org = an_org(assignment_rule_owner=record_id("005", 2))

    Caller(org).send("PATCH", "composite/sobjects", {"records": [a_lead(LastName="X")]}, **header)

    assert org.records("Lead").records[LEAD].get("OwnerId") == owner


@pytest.mark.parametrize(
    ("body", "start"),
    [
        (b"", "The HTTP entity body is required"),
        (b"{},", "Unexpected character (',' (code 44))"),
        (b'{"a":}', "Unexpected character ('}' (code 125)): expected a valid value at [line:1, column:6]"),
        (
            b"{a:1}",
            "Unexpected character ('a' (code 97)): was expecting double-quote to start field name at [line:1,",
        ),
        (b'{"records":[', "Unexpected end-of-input"),
        (b"[" * 10_000, "Unexpected"),
        (b'{"a": NaN}', "Unexpected character ('N' (code 78))"),
        (b'"text"', "Cannot deserialize instance of object from VALUE_STRING"),
    ],
)
def test_a_body_that_is_no_json_object_refuses_the_request(caller: Caller, body: bytes, start: str) -> None:
    status, errors = caller.send("PATCH", "composite/sobjects", body)

    assert (status, errors[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")
    assert errors[0]["message"].startswith(start)


def test_a_body_that_is_not_called_json_is_an_unsupported_medium(caller: Caller) -> None:
    status, body = caller.send("PATCH", "composite/sobjects", {"records": []}, content_type="text/plain")

    assert (status, body[0]["errorCode"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_a_post_can_stand_for_a_patch(caller: Caller) -> None:
    status, results = caller.send(
        "POST", "composite/sobjects/?_HttpMethod=PATCH", {"records": [a_contact(LastName="X")]}
    )

    assert (status, results[0]["id"]) == (200, CONTACT)
