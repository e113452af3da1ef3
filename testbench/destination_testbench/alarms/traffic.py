"""The messages of the alarm test, and the org that they are for."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from salesforce_destination.record.guards import guard_formula

from destination_testbench.org import OrgConfig, SimulatedOrg, record_id, seed

PEOPLE = 500
GUARDED = ("CDP_Event_Time__c", "CDP_Loyal_Since__c", "CDP_Trial_Since__c")
LOYAL, TRIAL = "7841ba61-23c1-4bb3-a495-00d3g5fe1e93", "947c1c46-008d-40b0-92ec-3af86eaf41c1"
BROKEN_BODY = "this is not JSON"


def new_org() -> SimulatedOrg:
    """An org that watched.toml fits: with contacts, and a guard for each time."""
    org = SimulatedOrg(OrgConfig(daily_limit=100_000))
    seed(org, contacts=PEOPLE)
    for field in GUARDED:
        name = f"Guard_{field.removesuffix('__c')}"
        org.admin.add_rule("Contact", name, guard_formula(field), f"Older than what is stored. [CDP-STALE:{field}]")
    return org


def newcomer(number: int) -> str:
    """A profile of somebody whom the org has not."""
    return json.dumps({"customer": f"new {number}", "person": {"name": {"lastName": f"Person {number}"}}})


def crm_id(number: int) -> str:
    """The record of the nth profile."""
    return record_id("003", 1 + number % PEOPLE)


def profile(number: int, audience: str | None = LOYAL, **more: str) -> str:
    """A change of a name, of a membership where one is given, and of what else is."""
    body: dict[str, object] = {
        **more,
        "person": {"name": {"lastName": f"Person {number}"}},
        "identityMap": {"crmID": [{"id": crm_id(number)}]},
    }
    if audience:
        # The stage makes a message old by its time of sending alone, which no membership may be ahead of.
        then = (datetime.now(UTC) - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
        status = "realized" if number % 10 else "exited"
        body["segmentMembership"] = {"ups": {audience: {"status": status, "lastQualificationTime": then}}}
    return json.dumps(body)
