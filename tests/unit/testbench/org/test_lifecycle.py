from __future__ import annotations

from destination_testbench.org import SimulatedOrg, record_id
from org_caller import CONTACT, LEAD, OTHER_CONTACT, Caller, a_contact, a_lead, first_error


def test_a_converted_lead_knows_its_contact_and_the_contact_its_values(org: SimulatedOrg, caller: Caller) -> None:
    email = org.records("Lead").records[LEAD].get("Email")

    contact = org.admin.convert_lead(LEAD)

    lead = org.records("Lead").records[LEAD]
    assert (lead.get("IsConverted"), lead.get("ConvertedContactId")) == (True, contact)
    assert org.records("Contact").records[contact].get("Email") == email
    assert caller.update(a_contact(contact, Title="X"))[0]["success"]


def test_a_lead_can_be_converted_into_a_contact_that_is_there(org: SimulatedOrg) -> None:
    assert org.admin.convert_lead(LEAD, CONTACT) == CONTACT
    assert len(org.records("Contact")) == 3


def test_a_mapped_field_goes_along_into_an_empty_one(org: SimulatedOrg, caller: Caller) -> None:
    fields = ("CDP_Trial__c", "CDP_Customer_Id__c")
    org.schema.conversion["Contact"] = dict(zip(fields, fields, strict=True))
    caller.update(a_lead(CDP_Trial__c="new", CDP_Customer_Id__c="k", CDP_Newsletter__c="x"))
    caller.update(a_contact(CDP_Trial__c="old"))

    org.admin.convert_lead(LEAD, CONTACT)
    other = org.admin.convert_lead(record_id("00Q", 2))

    contact = org.records("Contact").records[CONTACT]
    assert [contact.get(name) for name in (*fields, "CDP_Newsletter__c")] == ["old", "k", None]
    assert caller.query("SELECT Id FROM Contact WHERE CDP_Customer_Id__c = 'K'") == [{"Id": CONTACT}]
    assert org.records("Contact").records[other].get("CDP_Trial__c") is None


def test_who_may_edit_converted_leads_does(org: SimulatedOrg, caller: Caller) -> None:
    org.admin.convert_lead(LEAD)

    org.users[0].edits_converted_leads = True

    assert caller.update(a_lead(Title="X"))[0]["success"]


def test_merged_records_lead_to_the_survivor_link_by_link(org: SimulatedOrg, caller: Caller) -> None:
    third = record_id("003", 3)
    org.admin.merge("Contact", OTHER_CONTACT, [third])
    org.admin.merge("Contact", CONTACT, [OTHER_CONTACT])

    (result,) = caller.update(a_contact(third, Title="X"))
    masters = caller.query("SELECT Id, MasterRecordId FROM Contact WHERE MasterRecordId != null", "queryAll")

    assert first_error(result)[0] == "ENTITY_IS_DELETED"
    assert masters == [
        {"Id": OTHER_CONTACT, "MasterRecordId": CONTACT},
        {"Id": third, "MasterRecordId": OTHER_CONTACT},
    ]


def test_an_undeleted_record_is_as_it_was(org: SimulatedOrg, caller: Caller) -> None:
    caller.update(a_contact(Email="back@example.com"))
    org.admin.delete("Contact", CONTACT)
    assert caller.query("SELECT Id FROM Contact WHERE Email = 'back@example.com'") == []

    org.admin.undelete("Contact", CONTACT)

    assert caller.query("SELECT Id FROM Contact WHERE Email = 'back@example.com'") == [{"Id": CONTACT}]


def test_an_edit_by_hand_passes_every_check(org: SimulatedOrg) -> None:
    org.admin.edit("Contact", CONTACT, {"Title": "By hand"})

    record = org.records("Contact").records[CONTACT]
    assert record.get("Title") == "By hand"
    assert (record.history[-1].operation, record.history[-1].by) == ("edit", record_id("005", 2))


def test_seeded_people_are_the_same_in_every_run(org: SimulatedOrg) -> None:
    person = org.records("Contact").records[CONTACT].values

    assert (person["FirstName"], person["LastName"]) == ("Amara", "Abara")
    assert person["Email"] == "amara.abara.contact1@example.com"
