from __future__ import annotations

import pytest
from destination_testbench.org import Facts, SimulatedOrg, record_id
from org_caller import CONTACT, OTHER_CONTACT, Caller, a_contact, a_lead, an_org, first_error

BY_ID = "Contact/Id"
BY_KEY = "Contact/CDP_Customer_Id__c"


def test_a_match_is_updated_and_a_miss_created(caller: Caller) -> None:
    caller.update(a_contact(CDP_Customer_Id__c="c-1"))

    results = caller.upsert(
        BY_KEY,
        a_contact(None, CDP_Customer_Id__c="C-1", Title="Boss"),
        a_contact(None, CDP_Customer_Id__c="c-2", LastName="New"),
    )

    assert [(result["id"], result["created"]) for result in results] == [
        (CONTACT, False),
        (record_id("003", 500_001), True),
    ]


def test_every_row_that_shares_a_key_fails_and_none_is_written(org: SimulatedOrg, caller: Caller) -> None:
    rows = [a_contact(None, CDP_Customer_Id__c=key, LastName="X") for key in ("1", "2", "1")]

    results = caller.upsert(BY_KEY, *rows)

    error = ("DUPLICATE_VALUE", "Duplicate external id specified: 1", ["CDP_Customer_Id__c"])
    assert [first_error(results[index]) for index in (0, 2)] == [error, error]
    assert results[1]["created"]
    assert len(org.records("Contact")) == 4


def test_keys_that_differ_in_case_alone_are_one_key(caller: Caller) -> None:
    rows = [a_contact(None, CDP_Customer_Id__c=key, LastName="X") for key in ("abc", "ABC")]

    assert [first_error(result)[0] for result in caller.upsert(BY_KEY, *rows)] == ["DUPLICATE_VALUE"] * 2


def test_the_same_key_in_two_requests_is_no_duplicate(caller: Caller) -> None:
    row = a_contact(None, CDP_Customer_Id__c="1", LastName="X")

    assert [caller.upsert(BY_KEY, row)[0]["created"] for _ in range(2)] == [True, False]


def test_the_same_id_twice_fails_both(caller: Caller) -> None:
    results = caller.upsert(BY_ID, a_contact(LastName="A"), a_contact(CONTACT[:15], LastName="B"))

    expected: tuple[str, str, list[str]] = ("DUPLICATE_VALUE", f"Duplicate id specified: {CONTACT}", [])
    assert [first_error(result) for result in results] == [expected, expected]


def test_a_key_that_several_records_hold_is_refused_with_their_ids(caller: Caller) -> None:
    caller.update(a_contact(Email="twin@example.com"), a_contact(OTHER_CONTACT, Email="TWIN@example.com"))

    (result,) = caller.upsert("Contact/Email", a_contact(None, Email="twin@example.com", LastName="X"))

    text = f"Email: more than one record found for external id field: [{CONTACT}, {OTHER_CONTACT}]"
    assert first_error(result) == ("DUPLICATE_EXTERNAL_ID", text, ["Email"])


@pytest.mark.parametrize("value", [None, "", " "])
def test_a_key_without_a_value_is_missing(caller: Caller, value: str | None) -> None:
    (result,) = caller.upsert(BY_KEY, a_contact(None, CDP_Customer_Id__c=value, LastName="X"))

    assert first_error(result) == ("MISSING_ARGUMENT", "CDP_Customer_Id__c not specified", ["CDP_Customer_Id__c"])


def test_a_key_that_cannot_be_stored_is_refused_for_what_it_is(caller: Caller) -> None:
    (result,) = caller.upsert("Contact/Email", a_contact(None, Email="nobody", LastName="X"))

    assert first_error(result)[0] == "INVALID_EMAIL_ADDRESS"


def test_update_only_refuses_a_miss_and_updates_a_match(org: SimulatedOrg, caller: Caller) -> None:
    caller.update(a_contact(CDP_Customer_Id__c="c-1"))
    rows = [a_contact(None, CDP_Customer_Id__c=key, LastName="X") for key in ("c-1", "c-2")]

    match, miss = caller.upsert(BY_KEY, *rows, query="/?updateOnly=true")

    assert match == {"id": CONTACT, "success": True, "errors": [], "created": False}
    assert first_error(miss) == ("NOT_FOUND", "The requested resource does not exist", [])
    assert len(org.records("Contact")) == 3


def test_before_version_61_nobody_knows_update_only() -> None:
    caller = Caller(an_org(), version="60.0")

    (result,) = caller.upsert(BY_KEY, a_contact(None, CDP_Customer_Id__c="x", LastName="X"), query="?updateOnly=true")

    assert result["created"]


def test_an_org_may_not_honour_update_only() -> None:
    caller = Caller(an_org(facts=Facts(update_only_honoured=False)))

    (result,) = caller.upsert(BY_KEY, a_contact(None, CDP_Customer_Id__c="x", LastName="X"), query="?updateOnly=true")

    assert result["created"]


def test_an_id_beside_the_key_is_refused(caller: Caller) -> None:
    (result,) = caller.upsert(BY_KEY, a_contact(CDP_Customer_Id__c="x", LastName="X"))

    assert first_error(result)[0] == "INVALID_FIELD"


def test_records_of_another_type_than_the_path_says_refuse_the_request(caller: Caller) -> None:
    status, body = caller.send(
        "PATCH", f"composite/sobjects/{BY_KEY}", {"records": [a_lead(None, CDP_Customer_Id__c="x")]}
    )

    assert (status, body[0]["errorCode"]) == (400, "INVALID_TYPE")


def test_an_unknown_sobject_in_the_path_is_not_found(caller: Caller) -> None:
    status, body = caller.send("PATCH", "composite/sobjects/Nonsense/Id", {"records": [a_contact()]})

    assert (status, body[0]["errorCode"]) == (404, "NOT_FOUND")


def test_an_unknown_id_is_not_created(caller: Caller) -> None:
    (result,) = caller.upsert(BY_ID, a_contact(record_id("003", 99), LastName="X"))

    assert first_error(result)[0] == "INVALID_CROSS_REFERENCE_KEY"


def test_a_deleted_record_is_no_match(org: SimulatedOrg, caller: Caller) -> None:
    caller.update(a_contact(CDP_Customer_Id__c="c-1"))
    org.admin.delete("Contact", CONTACT)

    (result,) = caller.upsert(BY_KEY, a_contact(None, CDP_Customer_Id__c="c-1", LastName="X"))

    assert result["created"]


def test_a_failed_row_has_no_created_flag_unless_the_org_says_so() -> None:
    row = a_contact(None, CDP_Customer_Id__c="c-1")

    assert "created" not in Caller(an_org()).upsert(BY_KEY, row)[0]
    assert Caller(an_org(facts=Facts(created_on_failure=True))).upsert(BY_KEY, row)[0]["created"] is False
