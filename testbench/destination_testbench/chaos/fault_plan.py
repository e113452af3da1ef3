"""The weather of a chaos run: what goes wrong when, spread over its hours."""

from __future__ import annotations

import random
from collections.abc import Sequence

from destination_testbench.chaos.aws_faults import AwsMishaps, Stretch
from destination_testbench.chaos.environment import CREDENTIALS_SECRET, DEAD_LETTER_QUEUE, QUEUE, TOKEN_SECRET
from destination_testbench.chaos.guarded_people import allow_again, refuse_for_now
from destination_testbench.chaos.org_faults import Weather
from destination_testbench.chaos.settings import Settings
from destination_testbench.org import Fault, FaultKind, SimulatedOrg

RULE_ENDS = 0.45
"""The share of the run after which the admin takes the temporary rule back."""


def plan(
    weather: Weather,
    org: SimulatedOrg,
    mishaps: AwsMishaps,
    settings: Settings,
    start: float,
    draw: random.Random,
) -> None:
    """Plan what happens to the org and to AWS."""
    length = settings.hours * 3600

    def at(share: float) -> float:
        return start + share * length

    weather.plan_short_faults(start, at(1.0), settings.fault_every_seconds)
    weather.plan_fault("daily limit", Fault(FaultKind.DAILY_LIMIT), at(0.30), at(0.36))
    weather.plan_fault("outage", Fault(FaultKind.OUTAGE_HTML), at(0.60), at(0.66))
    weather.plan(at(0.20), "rule refuses records", lambda: refuse_for_now(org))
    weather.plan(at(RULE_ENDS), "rule refuses records", lambda: allow_again(org))
    for name, begins, ends in (("CDP_Trial__c", 0.40, 0.48), ("CDP_Loyal_Since__c", 0.70, 0.78)):
        plan_missing_field(weather, org, name, at(begins), at(ends))
    for _ in range(max(3, int(settings.hours / 2))):
        weather.plan(at(draw.random()), "token revoked", org.admin.revoke_tokens)
    stretches: Sequence[tuple[str, float, float, frozenset[str]]] = (
        (DEAD_LETTER_QUEUE, 0.15, 0.19, frozenset({"SendMessage", "SendMessageBatch"})),
        (DEAD_LETTER_QUEUE, 0.82, 0.84, frozenset({"SendMessage", "SendMessageBatch"})),
        (TOKEN_SECRET, 0.51, 0.55, frozenset()),
        (CREDENTIALS_SECRET, 0.53, 0.57, frozenset()),
        (QUEUE, 0.25, 0.27, frozenset({"ChangeMessageVisibilityBatch"})),
        (QUEUE, 0.88, 0.885, frozenset({"DeleteMessageBatch"})),
        (QUEUE, 0.92, 0.93, frozenset({"ReceiveMessage"})),
    )
    mishaps.stretches += [
        Stretch(at(begins), at(ends), target, operations) for target, begins, ends, operations in stretches
    ]
    # While the secret cannot be read, a revoked token cannot be replaced.
    weather.plan(at(0.52), "token revoked", org.admin.revoke_tokens)


def plan_missing_field(weather: Weather, org: SimulatedOrg, name: str, start: float, end: float) -> None:
    """Let an admin delete a field, and undelete it later."""

    def remove() -> int:
        org.admin.remove_field("Contact", name)
        return 1

    def restore() -> int:
        org.admin.restore_field("Contact", name)
        return 0

    weather.plan(start, "field removed", remove)
    weather.plan(end, "field removed", restore)
