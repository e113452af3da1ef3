"""Records that sharing hides from the integration user, and the rights that make up for it."""

from __future__ import annotations

import pytest
from destination_testbench.org import Facts, SimulatedOrg, record_id
from org_caller import ADMIN, CONTACT, INTEGRATION, OTHER_CONTACT, Caller, a_contact, an_org, first_error

BY_KEY = "Contact/CDP_Customer_Id__c"
HIDDEN = OTHER_CONTACT


def hide(org: SimulatedOrg, caller: Caller) -> None:
    """One contact with keys, which the integration user cannot see."""
    caller.update(a_contact(HIDDEN, CDP_Customer_Id__c="k-2", Email="two@example.com"))
    org.admin.change_user(INTEGRATION, {"views_all_data": False})
    org.admin.share([HIDDEN], False)


@pytest.fixture(autouse=True)
def hidden(org: SimulatedOrg, caller: Caller) -> None:
    hide(org, caller)


def permit(org: SimulatedOrg, on_contacts: tuple[str, ...] = (), own: tuple[str, ...] = ()) -> None:
    """Give the integration user a permission set with these rights on contacts, and these of its own."""
    admin = Caller(org, ADMIN)
    _, made = admin.send("POST", "sobjects/PermissionSet", {"Name": "P", "Label": "P", **dict.fromkeys(own, True)})
    admin.send(
        "POST", "sobjects/PermissionSetAssignment", {"AssigneeId": record_id("005", 1), "PermissionSetId": made["id"]}
    )
    for sobject, rights in (("Account", ()), ("Contact", on_contacts)):
        row = {"ParentId": made["id"], "SobjectType": sobject, **dict.fromkeys(("PermissionsRead", *rights), True)}
        assert admin.send("POST", "sobjects/ObjectPermissions", row)[0] == 201


def found(caller: Caller) -> bool:
    return caller.query(f"SELECT Id FROM Contact WHERE Id = '{HIDDEN}' OR Email = 'two@example.com'") != []


def test_a_hidden_record_is_in_no_answer(caller: Caller) -> None:
    caller.update(a_contact(ReportsToId=None))
    read = {"ids": [CONTACT, HIDDEN], "fields": ["Id"]}

    assert not found(caller)
    assert caller.query("SELECT COUNT(Id) n FROM Contact") == [{"n": 2}]
    assert caller.send("POST", "composite/sobjects/Contact", read)[1][1] is None
    assert caller.send("GET", f"sobjects/Contact/{HIDDEN}")[0] == 404
    assert caller.send("GET", f"sobjects/{BY_KEY}/k-2")[0] == 404


def test_a_hidden_parent_shows_nothing_and_is_no_parent(org: SimulatedOrg, caller: Caller) -> None:
    org.admin.edit("Contact", CONTACT, {"ReportsToId": HIDDEN})

    (row,) = caller.query(f"SELECT ReportsTo.LastName FROM Contact WHERE Id = '{CONTACT}'")
    by_id, by_key = caller.update(
        a_contact(ReportsToId=HIDDEN), a_contact(ReportsTo={"CDP_Customer_Id__c": "k-2"}, Title="X")
    )

    assert row == {"ReportsTo": None}
    text = f"insufficient access rights on cross-reference id: {HIDDEN[:15]}"
    assert first_error(by_id) == ("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", text, [])
    text = "Foreign key external ID: k-2 not found for field CDP_Customer_Id__c in entity Contact"
    assert first_error(by_key) == ("INVALID_FIELD", text, [])


def test_an_update_by_id_of_a_hidden_record_is_refused_one_way_or_another(org: SimulatedOrg, caller: Caller) -> None:
    (result,) = caller.update(a_contact(HIDDEN, Title="X"))
    org.admin.set_fact("hidden_record", ["INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"])
    (other,) = caller.update(a_contact(HIDDEN, Title="X"))

    assert first_error(result) == ("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", [])
    assert first_error(other)[0] == "INVALID_CROSS_REFERENCE_KEY"
    assert org.records("Contact").records[HIDDEN].get("Title") is None


def test_the_key_of_a_hidden_record_is_a_miss_and_still_taken(org: SimulatedOrg, caller: Caller) -> None:
    row = a_contact(None, CDP_Customer_Id__c="k-2", LastName="X")

    (miss,) = caller.upsert(BY_KEY, row, query="?updateOnly=true")
    (taken,) = caller.upsert(BY_KEY, row)
    org.admin.set_fact("names_hidden_duplicates", True)
    (named,) = caller.upsert(BY_KEY, row)
    org.admin.set_fact("hidden_key_missed", False)
    (found,) = caller.upsert(BY_KEY, row, query="?updateOnly=true")

    assert first_error(found)[0] == "INSUFFICIENT_ACCESS_OR_READONLY"
    assert first_error(miss)[0] == "NOT_FOUND"
    text = "duplicate value found: <unknown> duplicates value on record with id: <unknown>"
    assert first_error(taken) == ("DUPLICATE_VALUE", text, [])
    assert (
        first_error(named)[1]
        == f"duplicate value found: CDP_Customer_Id__c duplicates value on record with id: {HIDDEN}"
    )


@pytest.mark.parametrize(
    ("on_contacts", "own"),
    [(("PermissionsViewAllRecords",), ()), ((), ("PermissionsViewAllData",))],
)
def test_who_may_view_all_sees_what_sharing_hides(
    org: SimulatedOrg, caller: Caller, on_contacts: tuple[str, ...], own: tuple[str, ...]
) -> None:
    permit(org, on_contacts, own)

    assert found(caller)
    assert caller.update(a_contact(HIDDEN, Title="X"))[0]["success"]


def test_shared_again_it_is_seen_again(org: SimulatedOrg, caller: Caller) -> None:
    org.admin.share([HIDDEN], True)

    assert found(caller)


def test_rights_are_told_to_anyone_and_those_on_objects_to_who_may_view_the_setup(
    org: SimulatedOrg, caller: Caller
) -> None:
    org.admin.change_user(INTEGRATION, {"views_setup": False})
    own = "SELECT PermissionsViewAllData, PermissionsAllowViewEditConvertedLeads FROM UserPermissionAccess"
    on_objects = "SELECT PermissionsViewAllRecords FROM ObjectPermissions WHERE SobjectType = 'Contact'"
    assert caller.query(own) == [{"PermissionsViewAllData": False, "PermissionsAllowViewEditConvertedLeads": False}]
    assert caller.send("GET", f"query?q={on_objects}")[1][0]["errorCode"] == "INVALID_TYPE"

    permit(org, ("PermissionsViewAllRecords",), ("PermissionsViewAllData", "PermissionsViewSetup"))

    assert caller.query(own)[0]["PermissionsViewAllData"] is True
    assert caller.query(on_objects) == [{"PermissionsViewAllRecords": True}]


@pytest.mark.parametrize("scope", ["record", "request"])
def test_an_upsert_by_a_field_that_several_may_share_needs_a_view_of_all_data(scope: str) -> None:
    org = an_org(facts=Facts(non_unique_upsert_scope=scope))
    caller = Caller(org)
    hide(org, caller)
    rows = {"records": [a_contact(None, Email=f"{n}@example.com", LastName="X") for n in range(2)]}

    status, body = caller.send("PATCH", "composite/sobjects/Contact/Email", rows)
    single = caller.send("PATCH", "sobjects/Contact/Email/a@example.com", {"LastName": "X"})

    text = "Upsert requires view all data on a non-unique custom index"
    if scope == "record":
        assert (status, [first_error(result) for result in body]) == (200, [("INSUFFICIENT_ACCESS", text, [])] * 2)
    else:
        assert (status, body[0]["errorCode"], body[0]["message"]) == (403, "INSUFFICIENT_ACCESS", text)
    assert (single[0], single[1][0]["errorCode"]) == (403, "INSUFFICIENT_ACCESS")
    assert len(org.records("Contact")) == 3
