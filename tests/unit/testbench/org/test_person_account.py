from __future__ import annotations

from typing import Any

import pytest
from destination_testbench.org import OrgRequest, SimulatedOrg, record_id
from destination_testbench.org.records.person_account import PERSON_TYPE
from destination_testbench.org.schema.schema import Field
from org_caller import Caller, an_org, first_error

PERSON, BUSINESS = record_id("001", 1), record_id("001", 2)


@pytest.fixture
def org() -> SimulatedOrg:
    org = an_org(person_accounts=True)
    org.insert("Account", PERSON, {"FirstName": "Ada", "LastName": "Berg", "PersonEmail": "ada@example.com"})
    org.insert("Account", BUSINESS, {"Name": "Alder Works"})
    return org


@pytest.fixture
def caller(org: SimulatedOrg) -> Caller:
    return Caller(org)


def an_account(id_: str | None = PERSON, **values: Any) -> dict[str, Any]:
    return {"attributes": {"type": "Account"}, **({"id": id_} if id_ else {}), **values}


def fields_of(caller: Caller) -> dict[str, dict[str, Any]]:
    _, described = caller.send("GET", "sobjects/Account/describe")
    return {field["name"]: field for field in described["fields"]}


def created(caller: Caller, **values: Any) -> dict[str, Any]:
    _, results = caller.send("POST", "composite/sobjects", {"records": [an_account(None, **values)]})
    return dict(results[0])


def test_an_org_without_person_accounts_does_not_know_their_fields() -> None:
    caller = Caller(an_org())

    assert not {"IsPersonAccount", "LastName", "PersonEmail", "CDP_Loyal__pc"} & fields_of(caller).keys()


def test_an_account_is_described_with_the_fields_of_a_person(caller: Caller) -> None:
    fields = fields_of(caller)

    assert (fields["IsPersonAccount"]["createable"], fields["IsPersonAccount"]["updateable"]) == (False, False)
    assert fields["LastName"]["length"] == 80
    assert fields["PersonEmail"]["idLookup"] is False
    assert (fields["CDP_Loyal__pc"]["custom"], fields["CDP_Loyal__pc"]["length"]) == (True, 256)
    assert fields["CDP_Customer_Id__pc"]["externalId"] is False
    assert "CDP_Loyal__c" not in fields


def test_they_can_be_switched_on_while_the_org_runs() -> None:
    org = an_org()

    for _ in range(2):
        assert org.handle(OrgRequest("PUT", "/_org/person-accounts")).status == 204

    assert "CDP_Vip__pc" in fields_of(Caller(org))


def test_a_custom_field_of_the_contact_comes_and_goes_on_the_account(org: SimulatedOrg, caller: Caller) -> None:
    org.schema.put_field("Contact", Field("Shoe_Size__c", "Shoe Size", "string", 5, True, True, True))
    assert caller.update(an_account(Shoe_Size__pc="42"))[0]["success"]

    org.admin.remove_field("Contact", "Shoe_Size__c")
    assert first_error(caller.update(an_account(Shoe_Size__pc="43"))[0])[0] == "INVALID_FIELD"

    org.admin.restore_field("Contact", "Shoe_Size__c")
    assert caller.update(an_account(Shoe_Size__pc="44"))[0]["success"]


def test_a_persons_name_is_made_of_its_parts(caller: Caller) -> None:
    assert caller.update(an_account(LastName="Lind", CDP_Loyal__pc="realized"))[0]["success"]

    rows = caller.query("SELECT Name, IsPersonAccount, CDP_Loyal__pc FROM Account ORDER BY Name")
    assert [tuple(row.values()) for row in rows] == [("Ada Lind", True, "realized"), ("Alder Works", False, None)]


def test_a_persons_name_cannot_be_written_as_one(caller: Caller) -> None:
    result = caller.update(an_account(Name="Ada Lind"))[0]

    text = (
        "Unable to create/update fields: Name. Please check the security settings of this field and verify that it is"
    )
    assert first_error(result)[::2] == ("INVALID_FIELD_FOR_INSERT_UPDATE", ["Name"])
    assert result["errors"][0]["message"].startswith(text)


def test_the_kind_of_an_account_is_not_changed_in_passing(caller: Caller) -> None:
    result = caller.update(an_account(BUSINESS, RecordTypeId=PERSON_TYPE, Phone="1"))[0]

    assert first_error(result)[1:] == (
        "Cannot specify any additional fields when marrying or separating a Person-Account",
        [],
    )


def test_a_business_takes_no_fields_of_a_person(caller: Caller) -> None:
    result = caller.update(an_account(BUSINESS, LastName="Lind", PersonEmail="a@example.com", CDP_Vip__pc=True))[0]

    assert first_error(result)[2] == ["LastName", "PersonEmail", "CDP_Vip__pc"]
    assert caller.update(an_account(BUSINESS, Name="Alder & Co"))[0]["success"]


def test_a_persons_last_name_cannot_be_cleared(caller: Caller) -> None:
    for nothing in (None, " "):
        result = caller.update(an_account(LastName=nothing))[0]

        assert first_error(result)[::2] == ("REQUIRED_FIELD_MISSING", ["LastName"])


@pytest.mark.parametrize(
    ("values", "person"),
    [
        ({"LastName": "Ito"}, True),
        ({"LastName": "Ito", "RecordTypeId": PERSON_TYPE}, True),
        ({"Name": "Ito Ltd"}, False),
    ],
)
def test_a_last_name_makes_a_new_account_a_person(
    org: SimulatedOrg, caller: Caller, values: dict[str, Any], person: bool
) -> None:
    result = created(caller, **values)

    assert org.records("Account").records[result["id"]].get("IsPersonAccount") is person


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({}, ["Name"]),
        ({"RecordTypeId": PERSON_TYPE}, ["LastName"]),
        ({"Name": "Ito", "LastName": "Ito"}, ["Name"]),
        ({"Name": "Ito", "FirstName": "Uma"}, ["FirstName"]),
        ({"LastName": "Ito", "IsPersonAccount": True}, ["IsPersonAccount"]),
    ],
)
def test_a_new_account_is_a_person_or_a_business_and_has_its_name(
    caller: Caller, values: dict[str, Any], fields: list[str]
) -> None:
    assert first_error(created(caller, **values))[2] == fields


def test_a_person_is_found_by_address_where_the_org_says_so_and_by_no_external_id_of_the_contact() -> None:
    org = an_org()
    org.admin.set_fact("person_email_is_id_lookup", True)
    org.admin.enable_person_accounts()
    org.insert("Account", PERSON, {"FirstName": "Ada", "LastName": "Berg", "PersonEmail": "ada@example.com"})
    caller = Caller(org)

    found = caller.upsert("Account/PersonEmail", an_account(None, PersonEmail="ADA@example.com", LastName="Lind"))
    status, _ = caller.send("PATCH", "composite/sobjects/Account/CDP_Customer_Id__pc", {"records": [an_account(None)]})

    assert (found[0]["id"], found[0]["created"]) == (PERSON, False)
    assert status == 404


def test_whether_a_contacts_external_id_finds_a_person_can_be_set() -> None:
    org = an_org()
    org.admin.set_fact("person_external_ids", True)
    org.admin.enable_person_accounts()

    row = an_account(None, CDP_Customer_Id__pc="7", LastName="Lind")
    assert Caller(org).upsert("Account/CDP_Customer_Id__pc", row)[0]["created"] is True
