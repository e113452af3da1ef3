from __future__ import annotations

from typing import Any

import pytest
from destination_testbench.org import Facts, SimulatedOrg, record_id
from org_caller import CONTACT, LEAD, Caller, a_contact, a_lead, an_org, first_error

UNREADABLE = (
    "Json Deserialization failed on token '{}' and has left off in the middle of parsing a row."
    " Will go to end of row to begin parsing the next row"
)
READ_ONLY = (
    "Unable to create/update fields: {}. Please check the security settings of this field and verify that it is"
    " read/write for your profile or permission set."
)
LONG = "x" * 81

# The values of an update of one contact, and the error: code, message, fields.
REFUSED: list[tuple[dict[str, Any], tuple[str, str, list[str]]]] = [
    ({"Nope__c": 1}, ("INVALID_FIELD", "No such column 'Nope__c' on sobject of type Contact", [])),
    ({"LastName": LONG}, ("STRING_TOO_LONG", f"Last Name: data value too large: {LONG} (max length=80)", ["LastName"])),
    ({"LastName": None}, ("REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", ["LastName"])),
    ({"LastName": "  "}, ("REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", ["LastName"])),
    ({"Email": "me@home"}, ("INVALID_EMAIL_ADDRESS", "Email: invalid email address: me@home", ["Email"])),
    (
        {"Email": "a b@example.com"},
        ("INVALID_EMAIL_ADDRESS", "Email: invalid email address: a b@example.com", ["Email"]),
    ),
    (
        {"Phone": "1" * 41},
        ("STRING_TOO_LONG", f"Business Phone: data value too large: {'1' * 41} (max length=40)", ["Phone"]),
    ),
    (
        {"MailingGeocodeAccuracy": "Nearby"},
        (
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "Mailing Geocode Accuracy: bad value for restricted picklist field: Nearby",
            ["MailingGeocodeAccuracy"],
        ),
    ),
    (
        {"CDP_Event_Time__c": 10**18},
        (
            "NUMBER_OUTSIDE_VALID_RANGE",
            f"CDP Event Time: value outside of valid range on numeric field: {10**18}",
            ["CDP_Event_Time__c"],
        ),
    ),
    ({"Name": "X Y"}, ("INVALID_FIELD_FOR_INSERT_UPDATE", READ_ONLY.format("Name"), ["Name"])),
    (
        {"MasterRecordId": None, "CreatedDate": None},
        (
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            READ_ONLY.format("MasterRecordId, CreatedDate"),
            ["MasterRecordId", "CreatedDate"],
        ),
    ),
    (
        {"AccountId": "0017e00001W4GYRAA4"},
        ("MALFORMED_ID", "Account ID: id value of incorrect type: 0017e00001W4GYRAA4", ["AccountId"]),
    ),
    ({"AccountId": LEAD}, ("MALFORMED_ID", f"Account ID: id value of incorrect type: {LEAD}", ["AccountId"])),
    ({"AccountId": "0017e00001W4GYRAA3"}, ("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", ["AccountId"])),
    ({"CDP_Audiences__c": ["Loyal"]}, ("INVALID_FIELD", UNREADABLE.format("CDP_Audiences__c"), [])),
    ({"Birthdate": "1/2/2003"}, ("INVALID_FIELD", UNREADABLE.format("Birthdate"), [])),
    ({"Birthdate": "2003-02-30"}, ("INVALID_FIELD", UNREADABLE.format("Birthdate"), [])),
    ({"Birthdate": ""}, ("INVALID_FIELD", UNREADABLE.format("Birthdate"), [])),
    ({"CDP_Loyal_Since__c": "2017-10-17 00:00:00"}, ("INVALID_FIELD", UNREADABLE.format("CDP_Loyal_Since__c"), [])),
    ({"CDP_Vip__c": "true"}, ("INVALID_FIELD", UNREADABLE.format("CDP_Vip__c"), [])),
    ({"CDP_Vip__c": None}, ("INVALID_FIELD", UNREADABLE.format("CDP_Vip__c"), [])),
    ({"CDP_Event_Time__c": "soon"}, ("INVALID_FIELD", UNREADABLE.format("CDP_Event_Time__c"), [])),
    ({"LastName": 5}, ("INVALID_FIELD", UNREADABLE.format("LastName"), [])),
    ({"LastName": {"a": 1}}, ("INVALID_FIELD", UNREADABLE.format("LastName"), [])),
]


@pytest.mark.parametrize(("values", "error"), REFUSED, ids=[str(values)[:40] for values, _ in REFUSED])
def test_a_refused_value_has_salesforces_words(
    caller: Caller, values: dict[str, Any], error: tuple[str, str, list[str]]
) -> None:
    bad, good = caller.update(a_contact(**values), a_contact(record_id("003", 2), LastName="Fine"))

    assert first_error(bad) == error
    assert "id" not in bad
    assert good == {"id": record_id("003", 2), "success": True, "errors": []}


@pytest.mark.parametrize(
    ("id_", "error"),
    [
        (None, ("MISSING_ARGUMENT", "Id not specified in an update call", [])),
        ("003xx", ("MALFORMED_ID", "Contact ID: id value of incorrect type: 003xx", ["Id"])),
        (LEAD, ("MALFORMED_ID", f"Contact ID: id value of incorrect type: {LEAD}", ["Id"])),
        (CONTACT.swapcase(), ("MALFORMED_ID", f"Contact ID: id value of incorrect type: {CONTACT.swapcase()}", ["Id"])),
        (record_id("003", 999), ("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])),
    ],
)
def test_an_id_that_names_no_record_is_refused(
    caller: Caller, id_: str | None, error: tuple[str, str, list[str]]
) -> None:
    (result,) = caller.update(a_contact(id_, LastName="X"))

    assert first_error(result) == error


def test_ids_of_both_lengths_and_any_case_of_the_key_name_a_record(org: SimulatedOrg, caller: Caller) -> None:
    results = caller.update(
        a_contact(CONTACT[:15], LastName="One"), a_contact(None, Id=record_id("003", 2), lastname="Two")
    )

    assert [result["id"] for result in results] == [CONTACT, record_id("003", 2)]
    assert org.records("Contact").records[record_id("003", 2)].get("LastName") == "Two"


def test_a_record_in_the_recycle_bin_is_deleted_and_a_purged_one_unknown(org: SimulatedOrg, caller: Caller) -> None:
    org.admin.delete("Contact", CONTACT)
    org.admin.delete("Contact", record_id("003", 2), purge=True)

    binned, purged = caller.update(a_contact(LastName="X"), a_contact(record_id("003", 2), LastName="X"))

    assert first_error(binned) == ("ENTITY_IS_DELETED", "entity is deleted", [])
    assert first_error(purged)[0] == "INVALID_CROSS_REFERENCE_KEY"


def test_a_converted_lead_cannot_be_updated(org: SimulatedOrg, caller: Caller) -> None:
    contact = org.admin.convert_lead(LEAD)

    (result,) = caller.update(a_lead(LastName="X"))

    assert first_error(result) == ("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", [])
    assert caller.query(f"SELECT ConvertedContactId FROM Lead WHERE Id = '{LEAD}'") == [{"ConvertedContactId": contact}]


def test_several_bad_values_are_reported_together_or_one_at_a_time() -> None:
    bad = a_contact(LastName=LONG, Email="nobody")

    (together,) = Caller(an_org()).update(bad)
    (alone,) = Caller(an_org(facts=Facts(all_errors_at_once=False))).update(bad)

    assert [error["statusCode"] for error in together["errors"]] == ["STRING_TOO_LONG", "INVALID_EMAIL_ADDRESS"]
    assert [error["statusCode"] for error in alone["errors"]] == ["STRING_TOO_LONG"]


def test_a_unique_value_of_another_record_is_refused_without_fields(caller: Caller) -> None:
    caller.update(a_contact(CDP_Customer_Id__c="c-1"))

    (result,) = caller.update(a_contact(record_id("003", 2), CDP_Customer_Id__c="C-1"))

    text = f"duplicate value found: CDP_Customer_Id__c duplicates value on record with id: {CONTACT}"
    assert first_error(result) == ("DUPLICATE_VALUE", text, [])


def test_the_thirteenth_repeat_of_an_id_is_refused_and_the_last_value_before_it_wins(
    org: SimulatedOrg, caller: Caller
) -> None:
    results = caller.update(*(a_contact(LastName=f"No {number}") for number in range(15)))

    assert [result["success"] for result in results] == [True] * 13 + [False] * 2
    text = (
        "Maximum number of duplicate updates in one batch (12 allowed)."
        f" Attempt to update Id more than once in this Api call: {CONTACT[:15]}"
    )
    assert first_error(results[13]) == ("DUPLICATE_VALUE", text, [])
    assert org.records("Contact").records[CONTACT].get("LastName") == "No 12"


def test_a_parent_can_be_named_by_its_external_id(org: SimulatedOrg, caller: Caller) -> None:
    caller.update(a_contact(CDP_Customer_Id__c="boss"))

    good, bad = caller.update(
        a_contact(record_id("003", 2), ReportsTo={"CDP_Customer_Id__c": "boss"}),
        a_contact(record_id("003", 3), ReportsTo={"CDP_Customer_Id__c": "nobody"}),
    )

    assert good["success"]
    assert org.records("Contact").records[record_id("003", 2)].get("ReportsToId") == CONTACT
    text = "Foreign key external ID: nobody not found for field CDP_Customer_Id__c in entity Contact"
    assert first_error(bad) == ("INVALID_FIELD", text, [])


def test_parents_of_a_row_are_named_in_one_way_each(org: SimulatedOrg, caller: Caller) -> None:
    account, user = record_id("001", 1), record_id("005", 1)
    org.insert("Account", account, {"Name": "Acme", "CDP_Customer__c": "A-1"})
    org.admin.edit("User", user, {"FederationIdentifier": "fed-1"})
    owner = {"FederationIdentifier": "FED-1"}
    rows: list[dict[str, Any]] = [
        a_contact(Account={"CDP_Customer__c": "a-1"}, Owner=owner),
        a_lead(Owner={"attributes": {"type": "User"}, **owner}),
        a_contact(record_id("003", 2), Account={"CDP_Customer__c": "A-1"}, AccountId=account),
        a_contact(record_id("003", 2), Account={"CDP_Customer__c": "A-1", "AccountNumber": "1"}),
        a_contact(record_id("003", 2), Account={"AccountNumber": "1"}),
        a_lead(record_id("00Q", 2), Owner=owner),
        a_lead(record_id("00Q", 2), Owner={"attributes": {"type": "User"}, "Nope__c": "1"}),
    ]

    results = [caller.update(row)[0] for row in rows]

    contact, lead = org.records("Contact").records[CONTACT], org.records("Lead").records[LEAD]
    assert (contact.get("AccountId"), contact.get("OwnerId"), lead.get("OwnerId")) == (account, user, user)
    assert [first_error(result)[1] for result in results[2:]] == [
        "Cannot specify both an external ID reference Account and a salesforce id, AccountId",
        "More than 1 field provided in an external foreign key reference in entity: Account",
        "Field name provided, AccountNumber does not match an External ID, Salesforce Id, or indexed field for Account",
        "The type of the referenced record is required.",
        "No such column 'Nope__c' on sobject of type User",
    ]


def test_a_wrong_owner_is_refused_like_a_record_that_is_not_there(org: SimulatedOrg, caller: Caller) -> None:
    nobody = caller.update(a_contact(record_id("003", 99), Title="X"))[0]
    owner, account = (
        caller.update(a_contact(**{name: record_id(prefix, 99)}))[0]
        for name, prefix in (("OwnerId", "005"), ("AccountId", "001"))
    )

    org.admin.edit("User", record_id("005", 2), {"IsActive": False})
    inactive = caller.update(a_lead(OwnerId=record_id("005", 2)))[0]

    text = f"operation performed with inactive user [{record_id('005', 2)}] as owner of lead"
    assert first_error(inactive) == ("INACTIVE_OWNER_OR_USER", text, [])
    assert owner == nobody
    assert first_error(owner) == ("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
    assert first_error(account)[2] == ["AccountId"]


def test_a_record_type_is_given_if_it_is_the_users_and_of_the_records_sobject(
    org: SimulatedOrg, caller: Caller
) -> None:
    org.admin.add_record_type("Contact", "Partner")
    bad = [
        org.admin.add_record_type("Contact", "Old", active=False),
        org.admin.add_record_type("Contact", "Secret", available=False),
        org.admin.add_record_type("Lead", "Web"),
    ]

    good = caller.update(a_contact(RecordType={"Name": "Partner"}))[0]
    results = [caller.update(a_contact(RecordTypeId=id_))[0] for id_ in bad]
    _, described = caller.send("GET", "sobjects/Contact/describe")

    assert good["success"]
    assert [first_error(result) for result in results] == [
        (
            "INVALID_CROSS_REFERENCE_KEY",
            f"Record Type ID: this ID value isn't valid for the user: {id_}",
            ["RecordTypeId"],
        )
        for id_ in bad
    ]
    assert [
        (info["developerName"], info["active"], info["available"], info["master"])
        for info in described["recordTypeInfos"]
    ] == [
        ("Partner", True, True, False),
        ("Old", False, False, False),
        ("Secret", True, False, False),
        ("Master", True, True, True),
    ]


def test_a_value_that_was_deactivated_is_described_and_no_longer_taken(org: SimulatedOrg, caller: Caller) -> None:
    org.admin.deactivate_value("Contact", "CleanStatus", "Skipped")

    refused, taken = caller.update(
        a_contact(CleanStatus="Skipped"), a_contact(record_id("003", 2), CleanStatus="Matched")
    )
    _, described = caller.send("GET", "sobjects/Contact/describe")

    (field,) = (field for field in described["fields"] if field["name"] == "CleanStatus")
    assert [value["value"] for value in field["picklistValues"] if not value["active"]] == ["Skipped"]
    assert (first_error(refused)[0], taken["success"]) == ("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", True)


def test_where_the_reader_stops_at_wrong_types_the_whole_request_fails_and_nothing_is_written() -> None:
    org = an_org(facts=Facts(wrong_type_scope="request"))
    records = [a_contact(record_id("003", 2), LastName="New"), a_contact(Birthdate="soon")]

    status, body = Caller(org).send("PATCH", "composite/sobjects", {"records": records})

    assert (status, body[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")
    assert org.records("Contact").records[record_id("003", 2)].get("LastName") != "New"
