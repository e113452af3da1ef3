"""An org with campaigns and rows, people who come into an audience and leave it, and what the org holds of that."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from builders import LOYAL, SENT_AT
from people_table import PEOPLE, Crm, ident, person
from salesforce_destination.outcome import Message
from salesforce_destination.record.guards import guard_formula, stale_marker

CAMPAIGN, OTHER = "701000000000001AAA", "701000000000002AAA"
STATUSES = (("Sent", False), ("Responded", True), ("Left", False))
ONE_CAMPAIGN = f"""
campaign = "{CAMPAIGN}"
member_status = {{ realized = "Sent", exited = "Left" }}
"""
GUARDED = 'since_field = "CDP_Loyal_Since__c"\n'
ROWS = """
[memberships]
object = "CDP_Membership__c"
key = "CDP_Key__c"
person = { Contact = "Contact__c", Lead = "Lead__c" }
audience = "Audience__c"
audience_name = "Audience_Name__c"
status = "Status__c"
since = "Since_Ms__c"
"""
MEMBERS = PEOPLE + ONE_CAMPAIGN
WITH_ROWS = PEOPLE + ROWS
DELETES = MEMBERS.replace('exited = "Left"', 'exited = "delete"') + GUARDED


def without_field(file: str) -> str:
    """The file whose audience has no Mapping ID."""
    return "\n".join(line for line in file.splitlines() if "mapping_id" not in line)


def a_crm(file: str) -> Crm:
    crm = Crm(file)
    crm.org.admin.add_campaign("Loyal", STATUSES, CAMPAIGN)
    crm.org.admin.add_campaign("Other", STATUSES, OTHER)
    for sobject in ("Contact", "Lead"):
        guard = "CDP_Loyal_Since__c"
        crm.org.admin.add_rule(sobject, "Guard", guard_formula(guard), f"Older. {stale_marker(guard)}")
    formula = guard_formula("Since_Ms__c")
    crm.org.admin.add_memberships(formula, f"Older than what is here. {stale_marker('Since_Ms__c')}")
    return crm


def entered(short: str = "C1", at: int = 0, status: str = "realized", **more: Any) -> Message:
    """A person who came into the audience, or left it, so many seconds after the first event."""
    identity: dict[str, Any] = {"id": short} if short else {}
    message = person(loyal=status, at=at, **identity, **more)
    body = json.loads(message.body)
    memberships = next(iter(body["segmentMembership"].values()))
    seconds = (SENT_AT - 100_000) // 1000 + at
    memberships[LOYAL]["lastQualificationTime"] = _iso(seconds)
    return replace(message, body=json.dumps(body))


def left(short: str = "C1", at: int = 0, **more: Any) -> Message:
    return entered(short, at, "exited", **more)


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def members(crm: Crm) -> dict[str, str]:
    """The status of each member, by the person."""
    rows = crm.all("CampaignMember").values()
    return {_short(row.get("ContactId") or row.get("LeadId")): str(row.get("Status")) for row in rows}


def rows(crm: Crm) -> dict[str, str]:
    """The status of each row, by the record's Id in its key."""
    found = {}
    for row in crm.all("CDP_Membership__c").values():
        record_id, _, audience = str(row.get("CDP_Key__c")).partition(":")
        assert audience == row.get("Audience__c") == LOYAL
        found[_short(record_id)] = str(row.get("Status__c"))
    return found


def _short(record_id: object) -> str:
    known = {ident(f"{kind}{number}"): f"{kind}{number}" for kind in "CL" for number in range(1, 5)}
    return known.get(str(record_id), "new")


def member(crm: Crm, short: str = "C1", status: str = "Sent", campaign: str = CAMPAIGN) -> None:
    """Let a person be a member already."""
    name = "ContactId" if short[0] == "C" else "LeadId"
    values: dict[str, object] = {"CampaignId": campaign, name: ident(short), "Status": status}
    crm.org.insert("CampaignMember", f"00v00000000000{short[1:].zfill(1)}AAA", values)
