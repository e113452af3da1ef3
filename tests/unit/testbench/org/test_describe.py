from __future__ import annotations

from typing import Any

import pytest
from org_caller import Caller

# Name: type, length, createable, updateable, nillable, other true flags; as a scratch org described them.
CONTACT_FIELDS = [
    ("Id", "id", 18, False, False, False, {"idLookup", "defaultedOnCreate"}),
    ("LastName", "string", 80, True, True, False, set()),
    ("FirstName", "string", 40, True, True, True, set()),
    ("Name", "string", 121, False, False, False, set()),
    ("Email", "email", 80, True, True, True, {"idLookup"}),
    ("Title", "string", 128, True, True, True, set()),
    ("Phone", "phone", 40, True, True, True, set()),
    ("MailingStreet", "textarea", 255, True, True, True, set()),
    ("MailingAddress", "address", 0, False, False, True, set()),
    ("MailingGeocodeAccuracy", "picklist", 40, True, True, True, {"restrictedPicklist"}),
    ("LeadSource", "picklist", 255, True, True, True, set()),
    ("Birthdate", "date", 0, True, True, True, set()),
    ("Description", "textarea", 32000, True, True, True, set()),
    ("OwnerId", "reference", 18, True, True, False, {"defaultedOnCreate"}),
    ("MasterRecordId", "reference", 18, False, False, True, set()),
    ("LastModifiedDate", "datetime", 0, False, False, False, {"defaultedOnCreate"}),
    ("CDP_Loyal__c", "textarea", 256, True, True, True, {"custom"}),
    ("CDP_Newsletter__c", "string", 20, True, True, True, {"custom"}),
    ("CDP_Customer_Id__c", "string", 64, True, True, True, {"custom", "externalId", "idLookup", "unique"}),
    ("CDP_Vip__c", "boolean", 0, True, True, False, {"custom", "defaultedOnCreate"}),
]
LEAD_FIELDS = [
    ("Company", "string", 255, True, True, False, set()),
    ("Status", "picklist", 255, True, True, False, {"defaultedOnCreate"}),
    ("IsConverted", "boolean", 0, True, False, False, {"defaultedOnCreate"}),
    ("ConvertedContactId", "reference", 18, False, False, True, set()),
    ("NumberOfEmployees", "int", 0, True, True, True, set()),
    ("AnnualRevenue", "currency", 0, True, True, True, set()),
    ("EmailBouncedDate", "datetime", 0, False, True, True, set()),
]
FLAGS = {"custom", "externalId", "idLookup", "unique", "restrictedPicklist", "defaultedOnCreate", "caseSensitive"}


@pytest.mark.parametrize(
    ("sobject", "name", "type_", "length", "createable", "updateable", "nillable", "flags"),
    [("Contact", *row) for row in CONTACT_FIELDS] + [("Lead", *row) for row in LEAD_FIELDS],
)
def test_fields_are_described_as_salesforce_has_them(
    caller: Caller,
    sobject: str,
    name: str,
    type_: str,
    length: int,
    createable: bool,
    updateable: bool,
    nillable: bool,
    flags: set[str],
) -> None:
    _, described = caller.send("GET", f"sobjects/{sobject}/describe")

    field: dict[str, Any] = next(field for field in described["fields"] if field["name"] == name)
    assert (field["type"], field["length"]) == (type_, length)
    assert (field["createable"], field["updateable"], field["nillable"]) == (createable, updateable, nillable)
    assert {flag for flag in FLAGS if field[flag]} == flags


def test_a_string_takes_three_bytes_for_each_character(caller: Caller) -> None:
    _, described = caller.send("GET", "sobjects/Contact/describe")

    lengths = {field["name"]: field["byteLength"] for field in described["fields"]}
    assert lengths["LastName"] == 240
    assert lengths["Id"] == 18


def test_a_picklist_lists_its_values_and_its_default(caller: Caller) -> None:
    _, described = caller.send("GET", "sobjects/Lead/describe")

    status = next(field for field in described["fields"] if field["name"] == "Status")
    defaults = {value["value"]: value["defaultValue"] for value in status["picklistValues"]}
    assert defaults == {
        "Open - Not Contacted": True,
        "Working - Contacted": False,
        "Closed - Converted": False,
        "Closed - Not Converted": False,
    }


def test_an_unknown_sobject_is_not_found(caller: Caller) -> None:
    status, body = caller.send("GET", "sobjects/Nonsense/describe")

    assert status == 404
    assert body == [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]


def test_sobjects_are_listed_without_their_fields(caller: Caller) -> None:
    _, body = caller.send("GET", "sobjects")

    prefixes = {sobject["name"]: sobject["keyPrefix"] for sobject in body["sobjects"]}
    assert (prefixes["Contact"], prefixes["Lead"], prefixes["Account"]) == ("003", "00Q", "001")
    assert all("fields" not in sobject for sobject in body["sobjects"])
