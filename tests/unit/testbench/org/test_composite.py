from __future__ import annotations

from typing import Any

import pytest
from destination_testbench.org import Facts, Fault, FaultKind, SimulatedOrg, record_id
from org_caller import CONTACT, LEAD, OTHER_CONTACT, Caller, a_contact, a_lead, an_org

BASE = "/services/data/v66.0"


def a_collection(name: str, *records: dict[str, Any], **more: Any) -> dict[str, Any]:
    body = {"allOrNone": False, "records": [*records]}
    return {"method": "PATCH", "url": f"{BASE}/composite/sobjects", "referenceId": name, "body": body, **more}


def a_read(name: str, id_: str = CONTACT) -> dict[str, Any]:
    return {"method": "GET", "url": f"{BASE}/sobjects/Contact/{id_}?fields=LastName", "referenceId": name}


def run(caller: Caller, *requests: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    status, body = caller.send("POST", "composite", {**more, "compositeRequest": [*requests]})
    assert status == 200, body
    return list(body["compositeResponse"])


def test_a_thousand_records_are_one_call() -> None:
    org = an_org(contacts=1000)
    caller = Caller(org)
    requests = [
        a_collection(
            f"b{part}", *(a_contact(record_id("003", n), Title="X") for n in range(part * 200 + 1, part * 200 + 201))
        )
        for part in range(5)
    ]

    answers = run(caller, *requests)

    assert [len(answer["body"]) for answer in answers] == [200] * 5
    assert sum(record.get("Title") == "X" for record in org.records("Contact")) == 1000
    assert org.usage.used(org.now()) == 1


def test_a_sixth_collection_or_query_refuses_the_request(caller: Caller) -> None:
    collections = [a_collection(f"b{n}", a_contact(LastName="X")) for n in range(5)]
    query = {"method": "GET", "url": f"{BASE}/query?q=SELECT+Id+FROM+Contact", "referenceId": "q"}

    status, body = caller.send("POST", "composite", {"compositeRequest": [*collections, query]})

    assert status == 400
    assert len(body) == 1


@pytest.mark.parametrize(("count", "status"), [(25, 200), (26, 400)])
def test_twenty_five_subrequests_are_the_most(caller: Caller, count: int, status: int) -> None:
    requests = [a_read(f"r{n}") for n in range(count)]

    assert caller.send("POST", "composite", {"compositeRequest": requests})[0] == status


@pytest.mark.parametrize("name", ["", "_a", "a-b", "a b", "ä", None])
def test_a_reference_id_of_other_characters_refuses_the_request(caller: Caller, name: str | None) -> None:
    status, body = caller.send(
        "POST", "composite", {"compositeRequest": [a_read("ok"), {**a_read("x"), "referenceId": name}]}
    )

    text = (
        f"Provided referenceId ('{name}') must start with a letter or a number, and it can contain only letters,"
        " numbers and underscores ('_')."
    )
    assert (status, body[0]["message"]) == (400, text)


def test_a_reference_id_stands_once(caller: Caller) -> None:
    assert caller.send("POST", "composite", {"compositeRequest": [a_read("a"), a_read("a")]})[0] == 400
    assert caller.send("POST", "composite", {"compositeRequest": [a_read("a"), a_read("A")]})[0] == 200


@pytest.mark.parametrize("header", ["Accept", "Authorization", "content-type"])
def test_some_headers_cannot_be_set_for_a_subrequest(caller: Caller, header: str) -> None:
    request = {**a_read("a"), "httpHeaders": {header: "x"}}

    assert caller.send("POST", "composite", {"compositeRequest": [request]})[0] == 400


def test_headers_of_the_request_are_not_those_of_its_subrequests() -> None:
    def owner(outer: dict[str, str], inner: dict[str, str]) -> object:
        org = an_org(assignment_rule_owner=record_id("005", 2))
        request = a_collection("b", a_lead(LastName="X"), httpHeaders=inner)
        Caller(org).send("POST", "composite", {"compositeRequest": [request]}, **outer)
        return org.records("Lead").records[LEAD].get("OwnerId")

    assert owner({}, {"Sforce-Auto-Assign": "FALSE"}) == record_id("005", 1)
    assert owner({"sforce_auto_assign": "FALSE"}, {}) == record_id("005", 2)


def test_a_subrequest_can_use_what_an_earlier_one_answered(org: SimulatedOrg, caller: Caller) -> None:
    create = {"method": "POST", "url": f"{BASE}/sobjects/Account", "referenceId": "acme", "body": {"Name": "Acme"}}
    update = a_collection("people", a_contact(AccountId="@{acme.id}", Title="of @{acme.id}"))
    read = {"method": "GET", "url": f"{BASE}/sobjects/Contact/@{{people[0].id}}", "referenceId": "person"}

    answers = run(caller, create, update, read)

    account = record_id("001", 500_001)
    assert answers[0]["httpHeaders"] == {"Location": f"{BASE}/sobjects/Account/{account}"}
    assert (answers[2]["body"]["AccountId"], answers[2]["body"]["Title"]) == (account, f"of {account}")


def test_a_subrequest_that_needs_a_failed_one_is_halted(caller: Caller) -> None:
    failing = {"method": "POST", "url": f"{BASE}/sobjects/Account", "referenceId": "acme", "body": {}}

    answers = run(caller, failing, a_collection("people", a_contact(AccountId="@{acme.id}")))

    text = "Invalid reference specified. No value for acme.id found in acme"
    assert answers[0]["httpStatusCode"] == 400
    assert answers[1]["body"] == [{"errorCode": "PROCESSING_HALTED", "message": text}]


def test_one_failed_subrequest_leaves_the_others(org: SimulatedOrg, caller: Caller) -> None:
    too_many = a_collection("b1", *(a_contact() for _ in range(201)))

    answers = run(
        caller, a_collection("b0", a_contact(LastName="A")), too_many, a_collection("b2", a_lead(LastName="B"))
    )

    assert [answer["httpStatusCode"] for answer in answers] == [200, 400, 200]
    assert answers[1]["body"][0]["errorCode"] == "EXCEEDED_ID_LIMIT"
    assert org.records("Lead").records[LEAD].get("LastName") == "B"


def test_an_inner_all_or_none_takes_back_its_own_collection_alone(org: SimulatedOrg, caller: Caller) -> None:
    both = a_collection("b1", a_contact(OTHER_CONTACT, Title="B"), a_contact(Email="no"))
    both["body"]["allOrNone"] = True

    run(caller, a_collection("b0", a_contact(Title="A")), both)

    records = org.records("Contact").records
    assert (records[CONTACT].get("Title"), records[OTHER_CONTACT].get("Title")) == ("A", None)


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "sobjects/Contact"},
        {"url": f"{BASE}/composite"},
        {"method": "get"},
        {"url": f"{BASE}/sobjects/No/describe"},
    ],
)
def test_a_subrequest_that_leads_nowhere_is_not_found(caller: Caller, changes: dict[str, str]) -> None:
    (answer,) = run(caller, {**a_read("a"), **changes})

    assert answer["httpStatusCode"] == 404


def test_a_subrequest_can_be_made_to_fail(org: SimulatedOrg, caller: Caller) -> None:
    org.faults.add(Fault(FaultKind.SUBREQUEST, times=1, index=1, status=500, code="UNKNOWN_EXCEPTION", message="oops"))
    requests = [a_collection("b0", a_contact(Title="A")), a_collection("b1", a_contact(OTHER_CONTACT, Title="B"))]

    first, second = run(caller, *requests)
    again = run(caller, *requests)

    assert (first["httpStatusCode"], second["httpStatusCode"]) == (200, 500)
    assert second["body"] == [{"message": "oops", "errorCode": "UNKNOWN_EXCEPTION"}]
    assert [answer["httpStatusCode"] for answer in again] == [200, 200]


def test_an_org_may_count_each_subrequest() -> None:
    org = an_org(facts=Facts(composite_counts_once=False))

    run(Caller(org), *(a_read(f"r{n}") for n in range(7)))

    assert org.usage.used(org.now()) == 7


def test_an_org_may_not_take_collections_inside_a_composite() -> None:
    (answer,) = run(Caller(an_org(facts=Facts(composite_takes_collections=False))), a_collection("b", a_contact()))

    assert answer["httpStatusCode"] == 400


@pytest.mark.parametrize(
    "body", [{}, {"compositeRequest": []}, {"compositeRequest": ["x"]}, {"compositeRequest": [{}]}]
)
def test_a_composite_without_subrequests_is_refused(caller: Caller, body: dict[str, Any]) -> None:
    assert caller.send("POST", "composite", body)[0] == 400


def test_other_methods_are_not_allowed(caller: Caller) -> None:
    status, body = caller.send("PATCH", "composite", {})

    assert (status, body[0]["errorCode"]) == (405, "METHOD_NOT_ALLOWED")
