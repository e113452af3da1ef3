"""Campaign members and rows that follow the people of a run: their file, their org, their faults, their accounting."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from salesforce_destination.record.guards import guard_formula, stale_marker

from destination_testbench.chaos.accounting import Accounting, milliseconds, newest_memberships, wrong_turns
from destination_testbench.chaos.clock import Killed
from destination_testbench.chaos.environment import QUEUE
from destination_testbench.chaos.faults import FaultSchedule
from destination_testbench.chaos.settings import HOUR, ChaosSettings
from destination_testbench.chaos.traffic import AUDIENCES, Membership, ProfileEvent
from destination_testbench.org import SimulatedOrg, record_id
from destination_testbench.org.records.store import StoredRecord

MEMBER, ROW, SINCE = "CampaignMember", "CDP_Membership__c", "Since_Ms__c"
LOYAL, NEWSLETTER, _ = AUDIENCES
CAMPAIGNS = {LOYAL: record_id("701", 1), NEWSLETTER: record_id("701", 2)}
LEFT = {LOYAL: "Left", NEWSLETTER: "delete"}
STATUSES, RENAMED = ((("Sent", False), ("Responded", True), (left, False)) for left in ("Left", "Gone"))
MEMBERSHIPS = f"""
[memberships]
object = "{ROW}"
key = "CDP_Key__c"
person = "Contact__c"
audience = "Audience__c"
status = "Status__c"
since = "{SINCE}"
"""

# With these codes only a value of the person is refused: her parts are written all the same.
PARTS_FOLLOW = ("", "REQUIRED_VALUE_MISSING", "VALUE_TOO_LONG", "INVALID_EMAIL_ADDRESS")
MOVED_BY_SALES = 11  # every so manieth person answers the first campaign, and sales says so
SENT_AND_KILLED, TOLD_AND_KILLED = 0.01, 0.1  # so often a process dies before an answer, behind a message of its own


def with_parts(file: str) -> str:
    """A destination file with a campaign for the first two of its audiences, and rows for all."""
    for audience, campaign in CAMPAIGNS.items():
        guard = f'since_field = "{AUDIENCES[audience][1]}"'
        texts = f'{{ realized = "Sent", exited = "{LEFT[audience]}" }}'
        file = file.replace(guard, f'{guard}\ncampaign = "{campaign}"\nmember_status = {texts}')
    return file + MEMBERSHIPS


def add_campaigns_and_rows(org: SimulatedOrg, *, is_guarded: bool) -> None:
    """Give an org the campaigns, and the object for rows with its guard."""
    for number, campaign in enumerate(CAMPAIGNS.values(), 1):
        org.admin.add_campaign(f"Campaign {number}", STATUSES, campaign)
    org.admin.add_memberships(guard_formula(SINCE), f"Older than what is stored. {stale_marker(SINCE)}")
    if not is_guarded:
        org.admin.remove_rule(ROW, "Guard_Since_Ms")


def plan_parts(
    schedule: FaultSchedule, org: SimulatedOrg, settings: ChaosSettings, start: float, draw: random.Random
) -> None:
    """Let sales move members, and an admin rename a status while nothing is sent and the function's word is old."""

    def rename(statuses: Sequence[tuple[str, bool]]) -> int:
        org.admin.add_campaign("Campaign 1", statuses, CAMPAIGNS[LOYAL])
        return statuses is RENAMED

    def move(person: int) -> int:
        if member := members_of(org).get((CAMPAIGNS[LOYAL], record_id("003", person))):
            org.admin.edit(MEMBER, member.id, {"Status": "Responded"})
        return member is not None

    length = settings.hours * HOUR
    schedule.plan(start + 0.33 * length, "member status renamed", lambda: rename(RENAMED))
    schedule.plan(start + 0.44 * length, "member status renamed", lambda: rename(STATUSES))
    for person in range(MOVED_BY_SALES, settings.people + 1, MOVED_BY_SALES):
        schedule.plan(start + draw.random() * length, "member moved by sales", partial(move, person))


class DyingSqs:
    """SQS, as a process meets it that now and then dies when a message of its own to the queue is sent."""

    def __init__(self, client: Any, dies: Callable[[float, str], bool]) -> None:
        self._client, self._dies = client, dies

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def send_message_batch(self, **call: Any) -> Any:
        """Send the messages, and die or answer."""
        answer = self._client.send_message_batch(**call)
        if call["QueueUrl"] == QUEUE and self._dies(TOLD_AND_KILLED, "killed behind a message of its own"):
            raise Killed
        return answer


def members_of(org: SimulatedOrg) -> dict[tuple[object, object], StoredRecord]:
    """The members of all campaigns, by campaign and contact."""
    return {(member.get("CampaignId"), member.get("ContactId")): member for member in org.records(MEMBER)}


def examine_parts(org: SimulatedOrg, events: Sequence[ProfileEvent], people: int, accounting: Accounting) -> None:
    """Hold members and rows against the newest memberships: none is older, none is missing, none is of nobody."""
    theirs: dict[int, list[ProfileEvent]] = {}
    for event in events:
        if event.person <= people and event.code in PARTS_FOLLOW:
            theirs.setdefault(event.person, []).append(event)
    rows, members = {row.get("CDP_Key__c"): row for row in org.records(ROW)}, members_of(org)
    known = {f"{record_id('003', event.person)}:{audience}" for event in events for audience in event.memberships}
    accounting.mixed += [f"row {key} is nobody's" for key in rows if key not in known]
    for person, told in theirs.items():
        contact = org.records("Contact").records[record_id("003", person)]
        for audience, newest in newest_memberships(told).items():
            key = f"{contact.id}:{audience}"
            of_audience = [event.memberships[audience] for event in told if audience in event.memberships]
            row = rows.get(key)
            if row is None or row.get(SINCE) != newest.since:
                accounting.lost.append(f"row {key} holds {row and row.get(SINCE)}, not the time {newest.since}")
            elif row.get("Status__c") != newest.status:
                accounting.stale.append(f"row {key} does not hold the status of the newest membership")
            accounting.stale += wrong_turns(row, SINCE, {each.since for each in of_audience}) if row else ()
            if audience in CAMPAIGNS:
                member = members.get((CAMPAIGNS[audience], contact.id))
                accounting.stale += _wrong_member(key, member, contact, audience, of_audience)


def _wrong_member(
    key: str, member: StoredRecord | None, contact: StoredRecord, audience: str, told: Sequence[Membership]
) -> Iterator[str]:
    """A member is as its person's record has it, or as a newer membership of a message whose person was refused."""
    accepted = milliseconds(contact.get(AUDIENCES[audience][1])) or 0
    may_be = {each.status for each in told if each.since // 1000 * 1000 >= accepted}
    held = None if member is None else member.get("Status")
    left = {None} if LEFT[audience] == "delete" else {None, "Left"}
    if held != "Responded" and not any(held in (left if status == "exited" else {"Sent"}) for status in may_be):
        yield f"member {key} is {held}, and its person's audience {sorted(may_be)}"
