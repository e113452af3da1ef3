"""The org of a chaos run: its people, its guards, and what is the matter with single rows."""

from __future__ import annotations

from salesforce_destination.record.guards import guard_formula

from destination_testbench.chaos.event import AUDIENCES, ORDERING_FIELD
from destination_testbench.chaos.settings import Broken
from destination_testbench.chaos.spoiled import DELETED, STRANGE
from destination_testbench.org import SimulatedOrg, record_id, seed

TEMPORARY_RULE = "No_Ritas"
LATENCY_SECONDS, LATENCY_PER_RECORD = 0.2, 0.003
"""What a call takes, measured on sandboxes by others: a collection of 200 takes a second or less."""


def set_up(org: SimulatedOrg, people: int, broken: Broken) -> None:
    """Fill an org with people and guards."""
    seed(org, contacts=people + max(DELETED, STRANGE))
    org.admin.delete("Contact", record_id("003", people + DELETED))
    fields = [ORDERING_FIELD] if broken.has_ordering_rule else []
    fields += [since for _, since in AUDIENCES.values()] if broken.has_since_rules else []
    for field in fields:
        name = f"Guard_{field.removesuffix('__c')}"
        org.admin.add_rule("Contact", name, guard_formula(field), f"Older than what is stored. [CDP-STALE:{field}]")
    org.faults.latency(LATENCY_SECONDS, LATENCY_PER_RECORD)


def refuse_for_now(org: SimulatedOrg) -> int:
    """An admin makes a rule that a few people break."""
    org.admin.add_rule("Contact", TEMPORARY_RULE, 'FirstName = "Rita"', "A Rita is not allowed.", "FirstName")
    return 1


def allow_again(org: SimulatedOrg) -> int:
    """The admin takes the rule back."""
    org.admin.remove_rule("Contact", TEMPORARY_RULE)
    return 0
