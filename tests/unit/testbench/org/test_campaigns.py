"""Campaigns, their members, and custom objects that look others up or are their details."""

from __future__ import annotations

from typing import Any

import pytest
from destination_testbench.org import SimulatedOrg, record_id
from org_caller import ADMIN, CONTACT, LEAD, OTHER_CONTACT, Caller, first_error

CAMPAIGN = record_id("701", 1)


@pytest.fixture(autouse=True)
def campaign(org: SimulatedOrg) -> None:
    org.insert("Campaign", CAMPAIGN, {"Name": "Autumn"})


def make(caller: Caller, sobject: str, **values: Any) -> dict[str, Any]:
    record = {"attributes": {"type": sobject}, **values}
    return dict(caller.send("POST", "composite/sobjects", {"records": [record]})[1][0])


def change(caller: Caller, sobject: str, id_: str, **values: Any) -> dict[str, Any]:
    return caller.update({"attributes": {"type": sobject}, "id": id_, **values})[0]


def test_a_campaign_begins_with_two_statuses(caller: Caller) -> None:
    rows = caller.query("SELECT Label, IsDefault, HasResponded FROM CampaignMemberStatus ORDER BY SortOrder")

    assert [tuple(row.values()) for row in rows] == [("Sent", True, False), ("Responded", False, True)]


@pytest.mark.parametrize(
    ("status", "stored", "responded"),
    [("responded", "Responded", True), ("Left", "Sent", False), (None, "Sent", False)],
)
def test_an_unknown_status_becomes_the_default_and_nobody_is_told(
    org: SimulatedOrg, caller: Caller, status: str | None, stored: str, responded: bool
) -> None:
    made = make(caller, "CampaignMember", CampaignId=CAMPAIGN, ContactId=CONTACT, Status=status)

    member = org.records("CampaignMember").records[made["id"]]
    assert (made["success"], member.get("Status"), member.get("HasResponded")) == (True, stored, responded)
    assert change(caller, "CampaignMember", made["id"], Status="Nonsense")["success"]
    assert member.get("Status") == "Sent"


def test_of_a_contact_and_a_lead_the_contact_is_the_member(org: SimulatedOrg, caller: Caller) -> None:
    made = make(caller, "CampaignMember", CampaignId=CAMPAIGN, ContactId=CONTACT, LeadId=LEAD)

    member = org.records("CampaignMember").records[made["id"]]
    assert (member.get("ContactId"), member.get("LeadId")) == (CONTACT, None)


def test_who_is_no_marketing_user_adds_nobody(org: SimulatedOrg, caller: Caller) -> None:
    org.admin.edit("User", org.users[0].id, {"UserPermissionsMarketingUser": False})

    refusal = first_error(make(caller, "CampaignMember", CampaignId=CAMPAIGN, ContactId=CONTACT))

    assert refusal[0] == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"


def test_the_person_of_a_member_cannot_be_changed(caller: Caller) -> None:
    made = make(caller, "CampaignMember", CampaignId=CAMPAIGN, ContactId=CONTACT)

    refusal = first_error(change(caller, "CampaignMember", made["id"], ContactId=OTHER_CONTACT))

    assert refusal[::2] == ("INVALID_FIELD_FOR_INSERT_UPDATE", ["ContactId"])


def test_members_go_with_their_person_and_with_their_campaign(org: SimulatedOrg, caller: Caller) -> None:
    for person in ({"ContactId": CONTACT}, {"ContactId": OTHER_CONTACT}, {"LeadId": LEAD}):
        make(caller, "CampaignMember", CampaignId=CAMPAIGN, **person)

    assert caller.send("DELETE", f"sobjects/Contact/{CONTACT}")[0] == 204
    assert len(org.records("CampaignMember")) == 2
    assert caller.send("DELETE", f"sobjects/Campaign/{CAMPAIGN}")[0] == 204
    assert len(org.records("CampaignMember")) == 0


def test_a_lookup_is_cleared_when_its_record_goes_and_follows_a_merge(org: SimulatedOrg, caller: Caller) -> None:
    row = make(caller, "CDP_Membership__c", CDP_Key__c="a", Contact__c=CONTACT)["id"]
    other = make(caller, "CDP_Membership__c", CDP_Key__c="b", Contact__c=OTHER_CONTACT)["id"]

    org.admin.merge("Contact", OTHER_CONTACT, [CONTACT])
    rows = org.records("CDP_Membership__c").records
    assert {rows[row].get("Contact__c"), rows[other].get("Contact__c")} == {OTHER_CONTACT}

    caller.send("DELETE", f"sobjects/Contact/{OTHER_CONTACT}")
    assert [rows[row].get("Contact__c"), rows[row].deleted] == [None, False]


def test_a_detail_has_its_master_for_good_and_goes_with_it(org: SimulatedOrg, caller: Caller) -> None:
    member = make(caller, "Loyalty_Member__c", Member_Number__c="M-1", Name="Ada")["id"]
    orphan = make(caller, "Loyalty_Purchase__c", Receipt__c="R-0")
    detail = make(caller, "Loyalty_Purchase__c", Receipt__c="R-1", Member__r={"Member_Number__c": "m-1"})["id"]

    assert first_error(orphan)[::2] == ("REQUIRED_FIELD_MISSING", ["Member__c"])
    assert first_error(change(caller, "Loyalty_Purchase__c", detail, Member__c=member))[2] == ["Member__c"]
    org.faults.lock([member])
    assert first_error(change(caller, "Loyalty_Purchase__c", detail, Amount__c=3))[0] == "UNABLE_TO_LOCK_ROW"
    org.faults.clear()
    assert caller.query("SELECT Member__r.Name, Amount__c FROM Loyalty_Purchase__c")[0]["Member__r"]["Name"] == "Ada"
    caller.send("DELETE", f"sobjects/Loyalty_Member__c/{member}")
    assert len(org.records("Loyalty_Purchase__c")) == 0


def test_a_relationship_is_described(caller: Caller) -> None:
    _, described = caller.send("GET", "sobjects/Loyalty_Purchase__c/describe")

    field = next(field for field in described["fields"] if field["name"] == "Member__c")
    assert (field["cascadeDelete"], field["relationshipOrder"], field["updateable"]) == (True, 0, False)
    assert (field["referenceTo"], field["relationshipName"]) == (["Loyalty_Member__c"], "Member__r")


@pytest.mark.parametrize(("kind", "cascade"), [("Lookup", False), ("MasterDetail", True)])
def test_a_relationship_can_be_made(org: SimulatedOrg, kind: str, cascade: bool) -> None:
    metadata = {"label": "Friend", "type": kind, "referenceTo": "Contact", "relationshipName": "Friends"}
    admin = Caller(org, ADMIN)

    status, _ = admin.send(
        "POST", "tooling/sobjects/CustomField", {"FullName": "CDP_Membership__c.Friend__c", "Metadata": metadata}
    )

    field = org.schema.sobjects["CDP_Membership__c"].fields["Friend__c"]
    assert (status, field.cascade, field.nillable, field.relationship) == (201, cascade, not cascade, "Friend__r")
    refused = admin.send(
        "POST", "tooling/sobjects/CustomField", {"FullName": "Contact.X__c", "Metadata": {"label": "X", "type": kind}}
    )
    assert refused[1][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
