"""`destination demo`: 1,000 profiles through the whole path, on this machine alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from destination_testbench.demo.delivery import DemoError, Findings, ScenarioRun
from destination_testbench.demo.scenario import Scenario, scenario, with_campaign
from destination_testbench.demo.tables import WIDTH, differences, member_table, outcome_table, record_table
from destination_testbench.local.command import COULD_NOT_START, StartError, is_usable
from destination_testbench.local.options import DESTINATIONS, StackOptions
from destination_testbench.local.stack import LocalStack, add_campaigns
from destination_testbench.org import SimulatedOrg, record_id, seed

PARAMETERS = {"BatchWindowSeconds": 1, "RedeliveryBaseSeconds": 1, "RedeliveryMaxSeconds": 2}
"""What is shortened so that nobody has to wait; everything else is as in AWS."""


CONTACTS = DESTINATIONS / "contacts.toml"

NEXT_STEP = """\
Next: send a message of your own. Start BATCH_WINDOW_SECONDS=1 make local, then
type the three lines of README.md ("Try it") in another terminal.
Then deploy it: README.md ("Deploy it"), docs/aws-setup.md."""
"""What a person who has seen the demo does."""


def run_demo(console: Console, state: Path, planned: Scenario | None = None, destination: Path = CONTACTS) -> int:
    """Run the demo. Exit status: 0 as expected, 1 not as expected, 2 could not run."""
    console.width = min(console.width, WIDTH)
    planned = planned or scenario()
    org = SimulatedOrg()
    seed(org, contacts=len(planned.bodies))
    options = StackOptions(destination=destination, parameters=PARAMETERS, state=state.resolve())
    if not is_usable(options, console):
        return COULD_NOT_START
    options = replace(options, destination=_copied(destination, options.state))
    _enter(org, planned, add_campaigns(org, options.destination or destination))
    try:
        with console.status("Starting AWS (moto), a simulated Salesforce org and the functions"):
            stack = LocalStack(options, org).start()
        try:
            findings = _deliver(ScenarioRun(stack, org, planned), planned, console)
        finally:
            stack.close()
    except (*StartError, DemoError) as error:
        console.print(f"The demo could not run. {error}", style="red", markup=False, highlight=False)
        return COULD_NOT_START
    console.print(outcome_table(findings), record_table(org, planned), member_table(findings, planned))
    file = os.path.relpath(options.destination or destination)
    console.print(f"The destination file: {destination.name} and a campaign, {file}", style="dim", highlight=False)
    console.print(f"Logs of the functions: {os.path.relpath(options.state)}/logs", style="dim", highlight=False)
    return _judge(findings, planned, console)


def _copied(destination: Path, state: Path) -> Path:
    """The destination file with a campaign of the simulated org, which a file to begin with cannot name."""
    (copy := state / destination.name).parent.mkdir(parents=True, exist_ok=True)
    copy.write_text(with_campaign(destination.read_text(encoding="utf-8")), encoding="utf-8")
    return copy


def _enter(org: SimulatedOrg, planned: Scenario, campaigns: Mapping[str, str]) -> None:
    """Let some people be members of the campaign before anything is sent."""
    (campaign,) = campaigns.values()
    for number, (identity, status) in enumerate(planned.members_before.items(), 1):
        values: dict[str, object] = {"CampaignId": campaign, "ContactId": identity, "Status": status}
        org.insert("CampaignMember", record_id("00v", number), values)


def _deliver(delivery: ScenarioRun, planned: Scenario, console: Console) -> Findings:
    with console.status("Logging in to Salesforce"):
        delivery.log_in()
    bad = planned.dead_letters.total()
    console.print(f"Logged in. {len(planned.locked)} records are locked, {bad} profiles are bad.")
    columns = (TextColumn("{task.description:9}"), BarColumn(None), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        sent = progress.add_task("Sent", total=len(planned.bodies))
        done = progress.add_task("Finished", total=len(planned.bodies))

        def show(messages_sent: int, messages_done: int) -> None:
            progress.update(sent, completed=messages_sent)
            progress.update(done, completed=messages_done)

        return delivery.run(show)


def _judge(findings: Findings, planned: Scenario, console: Console) -> int:
    found = differences(findings, planned)
    if not found:
        console.print("Everything came out as expected.", style="green")
        console.print(NEXT_STEP, markup=False, highlight=False)
        return 0
    console.print("Not as expected:", style="red")
    for difference in found:
        console.print(f"  {difference}", markup=False, highlight=False)
    return 1
