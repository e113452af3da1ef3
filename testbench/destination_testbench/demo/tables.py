"""The demo's findings as tables that fit into 80 columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from rich import box
from rich.table import Table

from destination_testbench.demo.delivery import Findings
from destination_testbench.demo.profiles import AUDIENCES
from destination_testbench.demo.scenario import CAMPAIGN, LEFT, RESPONDED, SENT, Scenario
from destination_testbench.org import SimulatedOrg

WIDTH = 80
EXAMPLES = 6
"""Records that are shown."""

MOST_CALLS = 60
"""Far more than it takes; one by one it would be as many as there are messages."""


def outcome_table(findings: Findings) -> Table:
    """What became of the messages."""
    table = _counts("Outcomes of the messages")
    rate = findings.messages / findings.seconds
    table.add_row("Messages sent", f"{findings.messages:,}", "")
    table.add_row("Records updated", f"{findings.updated:,}", "compared with what the org holds")
    table.add_row("Rejected", str(len(findings.dead_letters)), "in the dead-letter queue, with the reason:")
    reasons = {letter.code: letter.message for letter in reversed(findings.dead_letters)}
    for code, count in sorted(findings.codes.items()):
        table.add_row(f"  {code}", str(count), reasons[code])
    table.add_row("Redelivered", str(findings.redelivered), "their records were locked at first")
    table.add_row("Salesforce calls", str(findings.calls), f"and {findings.log_ins} log-in")
    table.add_row("  for the campaign", str(findings.campaign_calls), "more; in full batches 2 per 1,000")
    table.add_row("Seconds", f"{findings.seconds:.1f}", f"{rate:,.0f} messages a second")
    return table


def record_table(org: SimulatedOrg, scenario: Scenario) -> Table:
    """Some records as they now stand in the org."""
    table = _table("Some contacts in the org afterwards", show_header=True)
    fields = [field.removeprefix("CDP_").removesuffix("__c") for field in AUDIENCES.values()]
    for heading in ("Record", "Name", *fields):
        table.add_column(heading, no_wrap=True)
    records = {record.id: record for record in org.records("Contact")}
    for identity in list(scenario.records)[:: max(1, len(scenario.records) // EXAMPLES)][:EXAMPLES]:
        record = records[identity]
        name = f"{record.get('FirstName')} {record.get('LastName')}"
        table.add_row(identity, name, *(str(record.get(field)) for field in AUDIENCES.values()))
    return table


def member_table(findings: Findings, scenario: Scenario) -> Table:
    """The members of the campaign as they are in the end."""
    table = _counts(f'Members of the campaign "{CAMPAIGN}" afterwards')
    moved = [scenario.records[identity] for identity, status in scenario.members.items() if status == RESPONDED]
    kept = [f"{fields.get('FirstName')} {fields.get('LastName')}, moved by a person in sales: kept" for fields in moved]
    remarks = {SENT: "in the audience", LEFT: "were in it, and have left it", RESPONDED: "\n".join(kept)}
    for status, remark in remarks.items():
        table.add_row(status, f"{findings.members[status]:,}", remark)
    return table


def _counts(title: str) -> Table:
    table = _table(title, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold", style="dim")
    return table


def _table(title: str, show_header: bool) -> Table:
    return Table(title=title, show_header=show_header, box=box.SIMPLE, title_justify="left", width=WIDTH)


def differences(findings: Findings, scenario: Scenario) -> list[str]:
    """What is not as it should be, in words."""
    planned = Counter(scenario.members.values())
    compared: Mapping[str, tuple[int, int]] = {
        "messages sent": (findings.messages, len(scenario.bodies)),
        "records updated": (findings.updated, len(scenario.records)),
        "messages redelivered": (findings.redelivered, len(scenario.locked)),
        "members kept": (findings.kept, planned[RESPONDED]),
        **{f"members {status}": (findings.members[status], planned[status]) for status in (SENT, LEFT, RESPONDED)},
        "log-ins": (findings.log_ins, 1),
        **{
            f"rejected with {code}": (findings.codes[code], scenario.dead_letters[code])
            for code in sorted(findings.codes | scenario.dead_letters)
        },
    }
    found = [f"{name}: {is_}, expected {should}" for name, (is_, should) in compared.items() if is_ != should]
    return found + ([f"calls: {findings.calls}, expected at most {MOST_CALLS}"] * (findings.calls > MOST_CALLS))
