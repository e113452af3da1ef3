from __future__ import annotations

from typing import Any

from destination_testbench.org import SimulatedOrg, record_id
from org_caller import Caller, first_error

MEMBER = record_id("a00", 1)


def a_member(id_: str | None = None, **values: Any) -> dict[str, Any]:
    return {"attributes": {"type": "Loyalty_Member__c"}, **({"id": id_} if id_ else {}), **values}


def test_a_custom_object_is_listed_and_described(caller: Caller) -> None:
    _, listed = caller.send("GET", "sobjects")
    _, described = caller.send("GET", "sobjects/loyalty_member__C/describe")

    overview = next(sobject for sobject in listed["sobjects"] if sobject["name"] == "Loyalty_Member__c")
    assert (overview["custom"], overview["keyPrefix"]) == (True, "a00")
    fields = {field["name"]: field for field in described["fields"]}
    assert (fields["Name"]["nameField"], fields["Name"]["length"], fields["Name"]["nillable"]) == (True, 80, True)
    assert (fields["Member_Number__c"]["externalId"], fields["Member_Number__c"]["unique"]) == (True, True)


def test_its_records_are_created_found_and_queried(caller: Caller) -> None:
    number = {"Member_Number__c": "M-1"}
    made = caller.upsert("Loyalty_Member__c/Member_Number__c", a_member(**number, Name="Ada", Tier__c="gold"))[0]
    found = caller.upsert("Loyalty_Member__c/Member_Number__c", a_member(Member_Number__c="m-1", Name="Ada Berg"))[0]

    assert (made["created"], found["created"], found["id"]) == (True, False, made["id"])
    assert made["id"].startswith("a00")
    assert caller.query("SELECT Name, Tier__c FROM Loyalty_Member__c WHERE Member_Number__c = 'M-1'") == [
        {"Name": "Ada Berg", "Tier__c": "Gold"}
    ]


def test_a_record_without_a_name_is_called_by_its_id(org: SimulatedOrg, caller: Caller) -> None:
    _, results = caller.send("POST", "composite/sobjects", {"records": [a_member(Member_Number__c="M-2")]})

    assert org.records("Loyalty_Member__c").records[results[0]["id"]].get("Name") == results[0]["id"]


def test_its_values_are_checked_as_any_others(org: SimulatedOrg, caller: Caller) -> None:
    org.insert("Loyalty_Member__c", MEMBER, {"Member_Number__c": "M-1"})

    codes = [
        first_error(caller.update(a_member(MEMBER, **change))[0])[0]
        for change in (
            {"Tier__c": "Lead"},
            {"Email__c": "none"},
            {"Name": "x" * 81},
            {"X__c": 1},
        )
    ]

    assert codes == [
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "INVALID_EMAIL_ADDRESS",
        "STRING_TOO_LONG",
        "INVALID_FIELD",
    ]
