"""Campaigns, their members, and custom objects that look others up or are their details."""

from __future__ import annotations

from typing import Any

import pytest
from destination_testbench.org import SimulatedOrg, record_id
from org_caller import ADMIN, CONTACT, LEAD, OTHER_CONTACT, Caller, first_error

NO_ACCESS = "INSUFFICIENT_ACCESS_OR_READONLY"
CAMPAIGN = record_id("701", 1)


@pytest.fixture(autouse=True)
def campaign(org: SimulatedOrg) -> None:
    org.insert("Campaign", CAMPAIGN, {"Name": "Autumn"})


def make(caller: Caller, sobject: str, **values: Any) -> dict[str, Any]:
    record = {"attributes": {"type": sobject}, **values}
    return dict(caller.send("POST", "composite/sobjects", {"records": [record]})[1][0])


def delete(caller: Caller, *ids: str) -> list[dict[str, Any]]:
    return list(caller.send("DELETE", f"composite/sobjects?ids={','.join(ids)}&allOrNone=false")[1])


def permission_set(org: SimulatedOrg, **rights: list[str]) -> str:
    """The assignment of a permission set with these rights to the integration user."""
    admin = Caller(org, ADMIN)
    parent = make(admin, "PermissionSet", Name="Members", Label="Members")["id"]
    for sobject, given in {"Account": ["Read"], **rights}.items():
        flags = {f"Permissions{right}": True for right in given}
        make(admin, "ObjectPermissions", ParentId=parent, SobjectType=sobject, **flags)
    return str(make(admin, "PermissionSetAssignment", AssigneeId=org.users[0].id, PermissionSetId=parent)["id"])


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


def test_who_is_no_marketing_user_does_not_see_the_statuses(org: SimulatedOrg, caller: Caller) -> None:
    made = make(caller, "CampaignMember", CampaignId=CAMPAIGN, ContactId=CONTACT)
    org.admin.edit("User", org.users[0].id, {"UserPermissionsMarketingUser": False})

    status, body = caller.send("GET", "query?q=SELECT Id FROM CampaignMemberStatus")

    assert (status, body[0]["errorCode"]) == (400, "INVALID_TYPE")
    assert first_error(change(caller, "CampaignMember", made["id"], Status="Sent"))[0] == NO_ACCESS
    assert first_error(delete(caller, made["id"])[0])[0] == NO_ACCESS
    assert [row["Status"] for row in caller.query("SELECT Status FROM CampaignMember")] == ["Sent"]


def test_rights_on_members_are_those_on_campaigns_and_people(org: SimulatedOrg, caller: Caller) -> None:
    org.users[0].minimal = True
    reader = permission_set(org, Campaign=["Read"], Contact=["Read"], Lead=["Read", "Edit"])
    refused, made = (
        make(caller, "CampaignMember", CampaignId=CAMPAIGN, **person)
        for person in ({"ContactId": CONTACT}, {"LeadId": LEAD})
    )

    assert (first_error(refused)[0], made["success"]) == (NO_ACCESS, True)
    org.admin.set_fact("deleting_members_takes", "Delete")
    assert first_error(delete(caller, made["id"])[0])[0] == NO_ACCESS
    org.admin.set_fact("deleting_members_takes", "Read")
    assert [result["success"] for result in delete(caller, made["id"])] == [True]
    org.admin.delete("PermissionSetAssignment", reader)
    assert caller.send("GET", "query?q=SELECT Id FROM CampaignMember")[1][0]["errorCode"] == "INVALID_TYPE"


def test_nobody_is_a_member_twice(org: SimulatedOrg, caller: Caller) -> None:
    first, second = (make(caller, "CampaignMember", CampaignId=CAMPAIGN, LeadId=LEAD) for _ in range(2))

    assert first_error(second) == ("DUPLICATE_VALUE", "Already a campaign member.", [])
    assert delete(caller, first["id"])[0]["success"]
    assert make(caller, "CampaignMember", CampaignId=CAMPAIGN, LeadId=LEAD)["success"]


@pytest.mark.parametrize("gone", ["deleted", "hidden", "never"])
def test_a_campaign_that_is_not_there_is_named(org: SimulatedOrg, caller: Caller, gone: str) -> None:
    if gone == "deleted":
        org.admin.delete("Campaign", CAMPAIGN)
    org.users[0].views_all_data = False
    org.admin.share([CAMPAIGN], gone != "hidden")
    campaign = record_id("701", 9) if gone == "never" else CAMPAIGN

    refusal = first_error(make(caller, "CampaignMember", CampaignId=campaign, ContactId=CONTACT))

    assert refusal[::2] == ("INVALID_CROSS_REFERENCE_KEY", ["CampaignId"])


def test_members_are_found_by_campaign_and_person(org: SimulatedOrg, caller: Caller) -> None:
    other = org.admin.add_campaign("Winter", [("Invited", False), ("Came", True)])
    for campaign, person in ((CAMPAIGN, CONTACT), (CAMPAIGN, OTHER_CONTACT), (other, CONTACT)):
        make(caller, "CampaignMember", CampaignId=campaign, ContactId=person)
    gone = make(caller, "CampaignMember", CampaignId=other, LeadId=LEAD)["id"]
    delete(caller, gone)
    people = f"(ContactId IN ('{CONTACT}') OR LeadId IN ('{LEAD}'))"
    select = "SELECT Contact.LastName, Status FROM CampaignMember WHERE"

    assert len(caller.query(f"{select} CampaignId = '{CAMPAIGN}' AND {people}")) == 1
    pairs = " OR ".join(f"(CampaignId = '{id_}' AND {people})" for id_ in (CAMPAIGN, other))
    assert [row["Status"] for row in caller.query(f"{select} {pairs}")] == ["Sent", "Invited"]
    assert [row["Contact"] for row in caller.query(f"{select} {pairs}", "queryAll")][2:] == [None]
    assert len(caller.query(f"{select} CampaignId IN ('{CAMPAIGN}', '{other}') AND Contact.IsDeleted = false")) == 3


def test_members_and_rows_are_deleted_in_a_composite(org: SimulatedOrg, caller: Caller) -> None:
    member = make(caller, "CampaignMember", CampaignId=CAMPAIGN, ContactId=CONTACT)["id"]
    row = make(caller, "CDP_Membership__c", CDP_Key__c="a", Contact__c=CONTACT)["id"]
    url = f"/services/data/v66.0/composite/sobjects?ids={member},{row},{record_id('00v', 9)}&allOrNone=false"

    _, answer = caller.send(
        "POST", "composite", {"compositeRequest": [{"method": "DELETE", "url": url, "referenceId": "gone"}]}
    )

    results = answer["compositeResponse"][0]["body"]
    assert [result["success"] for result in results] == [True, True, False]
    assert first_error(results[2])[0] == "INVALID_CROSS_REFERENCE_KEY"
    assert first_error(delete(caller, member)[0])[0] == "ENTITY_IS_DELETED"


def test_a_locked_campaign_locks_its_members(org: SimulatedOrg, caller: Caller) -> None:
    org.faults.lock([CAMPAIGN], tries=1)
    wanted = {"CampaignId": CAMPAIGN, "ContactId": CONTACT}

    tries = [make(caller, "CampaignMember", **wanted) for _ in range(2)]

    assert first_error(tries[0])[0] == "UNABLE_TO_LOCK_ROW"
    member = tries[1]["id"]
    assert first_error(change(caller, "CampaignMember", member, Status="Responded"))[0] == "UNABLE_TO_LOCK_ROW"
    assert change(caller, "CampaignMember", member, Status="Responded")["success"]


def test_a_person_moves_a_member_and_renames_a_status(org: SimulatedOrg, caller: Caller) -> None:
    send = Caller(org).send
    campaign = send("POST", "/_org/campaigns", {"name": "X", "statuses": [["Invited", False], ["Came", True]]})[1][
        "result"
    ]
    member = make(caller, "CampaignMember", CampaignId=campaign, ContactId=CONTACT)["id"]

    assert send("PATCH", f"/_org/records/CampaignMember/{member}", {"Status": "Came"})[0] == 204
    assert caller.query("SELECT Status, HasResponded FROM CampaignMember") == [{"Status": "Came", "HasResponded": True}]
    status = caller.query(f"SELECT Id FROM CampaignMemberStatus WHERE CampaignId = '{campaign}' AND Label = 'Came'")[0]
    org.admin.edit("CampaignMemberStatus", status["Id"], {"Label": "Attended"})
    assert change(caller, "CampaignMember", member, Status="Came")["success"]
    assert caller.query("SELECT Status FROM CampaignMember") == [{"Status": "Invited"}]


def test_the_page_shows_the_members_of_a_campaign(org: SimulatedOrg, caller: Caller) -> None:
    member = make(caller, "CampaignMember", CampaignId=CAMPAIGN, ContactId=CONTACT, Status="Responded")["id"]

    listed = caller.request("GET", f"/_org/page/CampaignMember?q={CAMPAIGN}").body.decode()

    assert member in listed
    assert "Responded" in listed


def test_the_members_of_a_converted_lead_are_the_contacts(org: SimulatedOrg, caller: Caller) -> None:
    other = org.admin.add_campaign("Winter")
    twin = make(caller, "CampaignMember", CampaignId=CAMPAIGN, ContactId=CONTACT)["id"]
    for campaign in (CAMPAIGN, other):
        make(caller, "CampaignMember", CampaignId=campaign, LeadId=LEAD)

    org.admin.convert_lead(LEAD, CONTACT)

    found = caller.query("SELECT Id, CampaignId, ContactId, LeadId FROM CampaignMember")
    assert [(row["CampaignId"], row["ContactId"], row["LeadId"]) for row in found] == [
        (CAMPAIGN, CONTACT, None),
        (other, CONTACT, LEAD),
    ]
    assert found[0]["Id"] == twin
    refusal = first_error(make(caller, "CampaignMember", CampaignId=CAMPAIGN, LeadId=LEAD))
    assert refusal[0] == "CANNOT_UPDATE_CONVERTED_LEAD"


def test_a_merged_person_is_a_member_once(org: SimulatedOrg, caller: Caller) -> None:
    for person in (CONTACT, OTHER_CONTACT):
        make(caller, "CampaignMember", CampaignId=CAMPAIGN, ContactId=person)

    org.admin.merge("Contact", CONTACT, [OTHER_CONTACT])

    assert caller.query("SELECT ContactId FROM CampaignMember") == [{"ContactId": CONTACT}]


def test_the_api_makes_statuses_only_where_the_org_lets_it(org: SimulatedOrg, caller: Caller) -> None:
    wanted = {"CampaignId": CAMPAIGN, "Label": "Left", "IsDefault": True}

    assert first_error(make(caller, "CampaignMemberStatus", **wanted))[0] == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    org.admin.set_fact("member_statuses_writable", True)
    assert make(caller, "CampaignMemberStatus", **wanted)["success"]
    assert first_error(make(caller, "CampaignMemberStatus", **wanted))[0] == "DUPLICATE_VALUE"
    make(caller, "CampaignMember", CampaignId=CAMPAIGN, ContactId=CONTACT)
    assert caller.query("SELECT Status FROM CampaignMember") == [{"Status": "Left"}]


def test_rules_see_members_unless_the_org_has_none_for_them(org: SimulatedOrg, caller: Caller) -> None:
    org.admin.add_rule("CampaignMember", "Never", "NOT(ISNEW())", "no")
    member = make(caller, "CampaignMember", CampaignId=CAMPAIGN, ContactId=CONTACT)["id"]

    refusal = first_error(change(caller, "CampaignMember", member, Status="Responded"))
    assert refusal[0] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    org.admin.set_fact("rules_of_members", False)
    assert change(caller, "CampaignMember", member, Status="Responded")["success"]


def test_rows_are_upserted_guarded_and_found_by_the_person(org: SimulatedOrg, caller: Caller) -> None:
    formula = "AND(NOT(ISNEW()), Since_Ms__c < PRIORVALUE(Since_Ms__c))"
    org.admin.add_memberships(formula, "[CDP-STALE:Since_Ms__c]", "Own_Membership__c")
    target, key = "Own_Membership__c/CDP_Key__c", f"{CONTACT}:a_1"
    row = {"attributes": {"type": "Own_Membership__c"}, "CDP_Key__c": key, "Contact__c": CONTACT, "Since_Ms__c": 2}
    lead = row | {"CDP_Key__c": f"{LEAD}:a", "Contact__c": None, "Lead__c": LEAD, "Audience_Name__c": "Loyal"}

    results = caller.upsert(target, row, lead)

    assert [result["created"] for result in results] == [True, True]
    assert first_error(caller.upsert(target, row | {"Since_Ms__c": 1})[0])[1] == "[CDP-STALE:Since_Ms__c]"
    found = f"SELECT CDP_Key__c, Contact__r.LastName FROM Own_Membership__c WHERE CDP_Key__c LIKE '{CONTACT}%'"
    assert caller.query(found)[0]["CDP_Key__c"] == key
    where = "SELECT Lead__r.ConvertedContactId FROM Own_Membership__c WHERE Lead__r.IsConverted ="
    assert [len(caller.query(f"{where} {value}")) for value in ("true", "false")] == [0, 2]
    org.admin.convert_lead(LEAD, CONTACT)
    assert caller.query(f"{where} true")[0]["Lead__r"]["ConvertedContactId"] == CONTACT
    assert caller.send("GET", "sobjects/Own_Membership__c/describe")[1]["keyPrefix"] == "a03"


@pytest.mark.parametrize(
    ("gone", "code", "fields"),
    [("deleted", "ENTITY_IS_DELETED", []), ("purged", "INVALID_CROSS_REFERENCE_KEY", ["Contact__c"])],
)
def test_a_lookup_to_nobody_is_refused(
    org: SimulatedOrg, caller: Caller, gone: str, code: str, fields: list[str]
) -> None:
    org.admin.delete("Contact", CONTACT, purge=gone == "purged")

    refusal = first_error(make(caller, "CDP_Membership__c", CDP_Key__c="a", Contact__c=CONTACT))

    assert refusal[::2] == (code, fields)


def test_a_converted_lead_is_no_parent_unless_the_org_says_so(org: SimulatedOrg, caller: Caller) -> None:
    org.admin.convert_lead(LEAD)

    refusal = first_error(make(caller, "CDP_Membership__c", CDP_Key__c="a", Lead__c=LEAD))
    assert refusal[0] == "CANNOT_UPDATE_CONVERTED_LEAD"
    org.admin.set_fact("converted_parents", True)
    assert make(caller, "CDP_Membership__c", CDP_Key__c="a", Lead__c=LEAD)["success"]


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
