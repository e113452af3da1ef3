"""What the demo sends, and what it expects to become of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from destination_testbench.demo.profiles import AUDIENCES, expected_fields, profile
from destination_testbench.org import record_id

MESSAGES = 1_000
LOCKED = 11
"""Records that somebody else holds when they are first written."""

CONTACT = "003"
LOYAL = next(iter(AUDIENCES.values()))
CAMPAIGN = "Loyal customers, autumn"
SENT, LEFT, RESPONDED = "Sent", "Left", "Responded"
MEMBERS_BEFORE = 10
"""Each so manieth person is a member already."""


@dataclass(frozen=True, slots=True)
class Defect:
    """One way in which a profile can be bad, and the code that its dead letter should carry.

    Of some it is known all the same whose they are and which audiences: they become members, though refused.
    """

    code: str
    spoil: Callable[[dict[str, Any]], str]
    is_member: bool = False


def _not_json(body: dict[str, Any]) -> str:
    return json.dumps(body)[:-1] + ",}"


def _without_identity(body: dict[str, Any]) -> str:
    del body["identityMap"]["crmID"]
    return json.dumps(body)


def _without_last_name(body: dict[str, Any]) -> str:
    del body["person"]["name"]["lastName"]
    return json.dumps(body)


def _first_name_too_long(body: dict[str, Any]) -> str:
    body["person"]["name"]["firstName"] = "Wolfeschlegelsteinhausenbergerdorffwelche"
    return json.dumps(body)


def _unknown_status(body: dict[str, Any]) -> str:
    next(iter(body["segmentMembership"]["ups"].values()))["status"] = "undecided"
    return json.dumps(body)


def _mistyped_id(body: dict[str, Any]) -> str:
    identity = body["identityMap"]["crmID"][0]
    identity["id"] = identity["id"].replace("Ab", "ab")
    return json.dumps(body)


def _nobodys_id(body: dict[str, Any]) -> str:
    body["identityMap"]["crmID"][0]["id"] = record_id(CONTACT, MESSAGES * 5)
    return json.dumps(body)


MISTAKES = (
    Defect("NOT_JSON", _not_json),
    Defect("NO_IDENTITY", _without_identity),
    Defect("REQUIRED_VALUE_MISSING", _without_last_name, is_member=True),
    Defect("VALUE_TOO_LONG", _first_name_too_long, is_member=True),
    Defect("STATUS_UNKNOWN", _unknown_status),
    Defect("IDENTITY_MALFORMED", _mistyped_id),
    Defect("INVALID_CROSS_REFERENCE_KEY", _nobodys_id),
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """The messages, and what should be true once all are done."""

    bodies: tuple[str, ...]
    locked: tuple[str, ...]
    records: dict[str, dict[str, str]]
    dead_letters: Counter[str]
    members_before: dict[str, str]
    members: dict[str, str]


def with_campaign(text: str) -> str:
    """A destination file whose first audience has a campaign too: the shipped one names none, as orgs have others."""
    line = f'mapping_id = "{LOYAL}"\n'
    campaign = f'campaign = {{ name = "{CAMPAIGN}" }}\nmember_status = {{ realized = "{SENT}", exited = "{LEFT}" }}\n'
    return text.replace(line, line + campaign)


def scenario(messages: int = MESSAGES, of_each_mistake: int = 2, locked: int = LOCKED) -> Scenario:
    """So many messages for as many contacts, bad ones spread among them, and some for records that are locked."""
    mistakes = [mistake for mistake in MISTAKES for _ in range(of_each_mistake)]
    spread = {(index + 1) * messages // (len(mistakes) + 1): mistake for index, mistake in enumerate(mistakes)}
    bodies: list[str] = []
    records: dict[str, dict[str, str]] = {}
    said: dict[str, str] = {}
    for number in range(1, messages + 1):
        identity = record_id(CONTACT, number)
        body = profile(number, identity)
        mistake = spread.get(number)
        if mistake is None or mistake.is_member:
            said[identity] = LEFT if expected_fields(number)[LOYAL] == "exited" else SENT
        if mistake:
            bodies.append(mistake.spoil(body))
        else:
            bodies.append(json.dumps(body))
            records[identity] = expected_fields(number)
    before = dict.fromkeys(list(records)[MEMBERS_BEFORE // 2 :: MEMBERS_BEFORE], SENT)
    before |= dict.fromkeys(list(before)[:1], RESPONDED)
    members = {identity: status for identity, status in said.items() if status == SENT or identity in before}
    return Scenario(
        bodies=tuple(bodies),
        locked=tuple(list(records)[:: max(1, len(records) // locked)][:locked]) if locked else (),
        records=records,
        dead_letters=Counter(mistake.code for mistake in mistakes),
        members_before=before,
        members=members | {identity: status for identity, status in before.items() if status == RESPONDED},
    )
