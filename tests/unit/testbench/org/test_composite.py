from __future__ import annotations

from typing import Any
from urllib.parse import quote_plus

import pytest
from destination_testbench.org import AccessLevel, DuplicateRule, Facts, Fault, FaultKind, SimulatedOrg, record_id
from org_caller import CONTACT, LEAD, OTHER_CONTACT, Caller, a_contact, a_lead, an_org

BASE = "/services/data/v66.0"


def a_collection(name: str, *records: dict[str, Any], **more: Any) -> dict[str, Any]:
    body = {"allOrNone": False, "records": [*records]}
    return {"method": "PATCH", "url": f"{BASE}/composite/sobjects", "referenceId": name, "body": body, **more}


def a_read(name: str, id_: str = CONTACT) -> dict[str, Any]:
    return {"method": "GET", "url": f"{BASE}/sobjects/Contact/{id_}?fields=LastName", "referenceId": name}


def a_query(name: str, soql: str, resource: str = "query") -> dict[str, Any]:
    return {"method": "GET", "url": f"{BASE}/{resource}?q={quote_plus(soql)}", "referenceId": name}


def some_reads(ids: list[str], *fields: str) -> dict[str, Any]:
    body = {"ids": ids, "fields": [*fields]}
    return {"method": "POST", "url": f"{BASE}/composite/sobjects/Contact", "referenceId": "reads", "body": body}


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


def test_queries_find_people_by_any_of_several_keys_in_both_objects(org: SimulatedOrg, caller: Caller) -> None:
    partner = org.admin.add_record_type("Contact", "Partner")
    org.insert("Account", record_id("001", 1), {"Name": "Acme", "CDP_Customer__c": "A-1"})
    caller.update(a_contact(CDP_Customer_Id__c="k+1", AccountId=record_id("001", 1), RecordTypeId=partner))
    caller.update(
        a_contact(OTHER_CONTACT, Email="o'neil@example.com"), a_contact(record_id("003", 3), Email="gone@x.eu")
    )
    org.admin.delete("Contact", record_id("003", 3))
    org.admin.convert_lead(LEAD, CONTACT)
    of_contacts = (
        "SELECT Id, Account.CDP_Customer__c, RecordType.DeveloperName FROM Contact"
        " WHERE CDP_Customer_Id__c IN ('K+1') OR Email IN ('O\\'NEIL@example.com', 'gone@x.eu')"
    )
    of_leads = f"SELECT Id, IsConverted, ConvertedContactId FROM Lead WHERE Id IN ('{LEAD}')"

    answers = run(caller, a_query("c", of_contacts), a_query("l", of_leads), a_query("all", of_contacts, "queryAll"))

    (first, second), (lead,), everyone = (answer["body"]["records"] for answer in answers)
    assert first["attributes"] == {"type": "Contact", "url": f"{BASE}/sobjects/Contact/{CONTACT}"}
    assert first["Account"]["CDP_Customer__c"] == "A-1"
    assert first["RecordType"]["DeveloperName"] == "Partner"
    assert (second["Id"], second["Account"], second["RecordType"]) == (OTHER_CONTACT, None, None)
    assert (lead["IsConverted"], lead["ConvertedContactId"]) == (True, CONTACT)
    assert [row["Id"] for row in everyone] == [CONTACT, OTHER_CONTACT, record_id("003", 3)]


def test_a_read_of_many_ids_keeps_their_order_and_has_null_for_who_is_not_there(
    org: SimulatedOrg, caller: Caller
) -> None:
    org.admin.delete("Contact", OTHER_CONTACT)
    ids = [record_id("003", 3), OTHER_CONTACT, record_id("003", 99), LEAD, CONTACT[:15]]

    (answer,) = run(caller, some_reads(ids, "LastName"))

    assert answer["httpStatusCode"] == 200
    assert [row and row["Id"] for row in answer["body"]] == [record_id("003", 3), None, None, None, CONTACT]


@pytest.mark.parametrize("hide", [False, True])
def test_one_field_that_nobody_sees_refuses_the_whole_read(org: SimulatedOrg, caller: Caller, hide: bool) -> None:
    if hide:
        org.admin.restrict_field("Contact", "Title", AccessLevel.NONE)

    (answer,) = run(caller, some_reads([CONTACT], "LastName", "Title" if hide else "Nope__c"))

    assert (answer["httpStatusCode"], answer["body"][0]["errorCode"]) == (400, "INVALID_FIELD")


def test_an_org_may_take_neither_reads_nor_long_queries_inside_a_composite() -> None:
    caller = Caller(an_org(facts=Facts(composite_takes_reads=False, subrequest_url_characters=100)))

    answers = run(caller, some_reads([CONTACT], "LastName"), a_query("q", "SELECT Id FROM Contact" + " " * 100))

    assert [answer["httpStatusCode"] for answer in answers] == [400, 414]
    assert caller.send("POST", "composite/sobjects/Contact", {"ids": [CONTACT], "fields": ["Id"]})[0] == 200


def test_two_hundred_people_are_created_in_one_subrequest_each_with_a_result(org: SimulatedOrg, caller: Caller) -> None:
    caller.update(a_contact(CDP_Customer_Id__c="taken"))
    org.admin.add_duplicate_rule(DuplicateRule("Contact", "Twin", ("Phone",)))
    rows = [a_contact(None, LastName="New", CDP_Customer_Id__c=f"new-{n}") for n in range(196)]
    taken = a_contact(None, LastName="X", CDP_Customer_Id__c="TAKEN")
    twins = [a_contact(None, LastName="X", Phone="1") for _ in range(2)]
    create = {**a_collection("new", *rows, taken, a_contact(None), *twins), "method": "POST"}

    (answer,) = run(caller, create)

    results = answer["body"]
    assert [result.keys() for result in results[:196]] == [{"id", "success", "errors"}] * 196
    text = f"duplicate value found: CDP_Customer_Id__c duplicates value on record with id: {CONTACT}"
    assert results[196] == {
        "success": False,
        "errors": [{"statusCode": "DUPLICATE_VALUE", "message": text, "fields": []}],
    }
    assert [result["success"] for result in results[196:]] == [False, False, True, False]
    assert results[197]["errors"][0]["fields"] == ["LastName"]
    assert results[199]["errors"][0]["statusCode"] == "DUPLICATES_DETECTED"


@pytest.mark.parametrize(
    ("facts", "outer", "inner", "runs"),
    [
        (Facts(), "FALSE", "TRUE", True),
        (Facts(), "TRUE", "FALSE", False),
        (Facts(composite_inherits_headers=True, subrequest_headers_honoured=False), "TRUE", "FALSE", True),
        (Facts(composite_inherits_headers=True, subrequest_headers_honoured=False), "FALSE", "TRUE", False),
    ],
)
def test_the_header_decides_whether_new_leads_are_assigned(facts: Facts, outer: str, inner: str, runs: bool) -> None:
    org = an_org(assignment_rule_owner=record_id("005", 2), facts=facts)
    create = a_collection("b", a_lead(None, LastName="X", Company="Y"), httpHeaders={"Sforce-Auto-Assign": inner})
    body = {"compositeRequest": [{**create, "method": "POST"}]}

    _, answer = Caller(org).send("POST", "composite", body, sforce_auto_assign=outer)

    lead = org.records("Lead").records[answer["compositeResponse"][0]["body"][0]["id"]]
    assert lead.get("OwnerId") == record_id("005", 2 if runs else 1)
