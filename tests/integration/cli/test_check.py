"""`destination check --local`: against a local stack whose org an administrator breaks and mends."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import CHECKED_PEOPLE
from destination_cli.app import app
from destination_testbench.local.options import StackOptions
from destination_testbench.local.places import ROOT
from destination_testbench.local.stack import LocalStack
from destination_testbench.org import DuplicateRule, Fault, FaultKind, SimulatedOrg
from destination_testbench.org.records.access import AccessLevel
from local_stack import wait_until
from salesforce_destination.settings import file_hash
from typer.testing import CliRunner, Result

CONTACTS = ROOT / "layers" / "destinations" / "contacts.toml"


@pytest.fixture(scope="module")
def org() -> SimulatedOrg:
    return SimulatedOrg()


@pytest.fixture(scope="module")
def stack(org: SimulatedOrg, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with LocalStack(StackOptions(state=tmp_path_factory.mktemp("state")), org) as stack:
        log = stack.function("CheckConnectionFunction").log
        wait_until(lambda: '"message":"connected"' in log.read_text(encoding="utf-8"), 30)
        yield stack


def check(stack: LocalStack, file: Path, *more: str) -> Result:
    arguments = ["check", str(file), "--local", "--state", str(stack.options.state), *more]
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "120"})


def report(stack: LocalStack, file: Path) -> dict[str, Any]:
    return dict(json.loads(check(stack, file, "--json").output))


def by_hand(stack: LocalStack, method: str, path: str) -> None:
    request = urllib.request.Request(f"{stack.salesforce_url}/_org/{path}", method=method)
    urllib.request.urlopen(request).close()


def test_a_file_that_fits_the_org_is_connected_with_a_tick(stack: LocalStack) -> None:
    result = check(stack, CONTACTS)

    assert result.exit_code == 0, result.output
    assert result.output.startswith("✓ Connected.")
    assert stack.salesforce_url in result.output
    assert "3 of 25 audience fields are used." in result.output
    assert "API calls are left today." in result.output


def test_a_field_that_is_removed_in_the_org_is_named_and_the_tick_comes_back_with_it(stack: LocalStack) -> None:
    by_hand(stack, "DELETE", "fields/Contact/CDP_Loyal__c")
    broken = check(stack, CONTACTS)
    by_hand(stack, "PUT", "fields/Contact/CDP_Loyal__c")
    mended = check(stack, CONTACTS)

    assert broken.exit_code == 1
    assert "✗ Not connected." in broken.output
    assert "audience 1, 'Loyal customers', line 32: mapping_id" in broken.output
    assert "Contact has no field CDP_Loyal__c" in broken.output
    assert mended.exit_code == 0
    assert "✓ Connected." in mended.output


def test_the_report_for_programs_says_by_which_version_the_stack_delivers(stack: LocalStack, tmp_path: Path) -> None:
    changed = tmp_path / "contacts.toml"
    changed.write_text(CONTACTS.read_text().replace("Trial users", "Trial readers"))

    same, other = report(stack, CONTACTS), report(stack, changed)

    assert (same["good"], same["connected"], same["org"]) == (True, True, stack.salesforce_url)
    assert same["published"] == {"file": "contacts.toml", "hash": file_hash(CONTACTS), "is_same": True}
    assert other["published"]["is_same"] is False
    assert "this one is not deployed" in " ".join(check(stack, changed).output.split())
    named = changed.rename(tmp_path / "members.toml")
    assert "The stack uses contacts.toml" in (said := " ".join(check(stack, named).output.split()))
    assert "not members.toml" in said


def test_a_mistake_in_the_file_is_found_before_the_org_is_asked(stack: LocalStack, tmp_path: Path) -> None:
    file = tmp_path / "contacts.toml"
    file.write_text(CONTACTS.read_text().replace("required = true", "requird = true"))

    result = check(stack, file)

    assert result.exit_code == 1
    assert "Did you mean required?" in result.output


DOCUMENTED = f"""{CHECKED_PEOPLE}since_field = "CDP_Loyal_Since__c"

[[mappings]]
constant = "CDP"
target = "LeadSource"
objects = ["Lead"]
write = "create"
"""


def test_one_page_for_the_administrator_tells_what_is_written_and_what_proves_each_right(
    stack: LocalStack, org: SimulatedOrg, tmp_path: Path
) -> None:
    file = tmp_path / "people.toml"
    file.write_text(DOCUMENTED)
    org.admin.add_duplicate_rule(DuplicateRule("Lead", "Standard_Lead_Rule", ("Email",)))
    online, by_heading = check(stack, file, "--document"), check(stack, file, "--document", "--json")
    offline = CliRunner().invoke(app, ["check", str(file), "--offline", "--document"])
    org.duplicate_rules.remove("Lead", "Standard_Lead_Rule")
    page, proved = online.output, "proved by the user's own permissions."

    assert (online.exit_code, offline.exit_code) == (0, 0), page
    assert max(map(len, page.splitlines())) < 80
    text = " ".join(page.split())
    for words in (
        f"# People: what it does in Salesforce File `people.toml`, version {file_hash(file)}, compared with",
        f"{stack.salesforce_url}. ## Contact: existing records",
        "- the record's Id from `identityMap.crmID[0].id` (identity)",
        "Account.CDP_Customer__c from `b2b.number` (left out when refused)",
        "## Lead: new and existing records",
        "LeadSource from `'CDP'` (on new records only, constant)",
        "- Create on Lead, or no record is created: proved by the describe.",
        f"- View All Records on Contact, or whom sharing hides is created again: {proved}",
        f"- No View and Edit Converted Leads, or converted leads are updated and nobody is told: {proved}",
        "- Edit Access to every field above: proved by the describe.",
        "- Active duplicate rules of Lead refuse records that look like others (DUPLICATES_DETECTED): Standard_Lead",
        "- Validation rule of Lead that refuses an older `CDP_Loyal_Since__c`: not proved.",
        "A batch takes up to 4 requests: at most 28,800 API calls a day",
        "API calls are left today.",
        "takes 2 KB of data storage",
        "- WARNING: duplicate_rules: Active",
        "if create-fields made them: `CDP_Contact_Integration`, `CDP_Contact_Sales`, `CDP_Lead_Integration`,",
        "Validation rules: `Guard_CDP_Loyal_Since`; custom permission: `CDP_Guard_Exempt`.",
        "- Fields of Contact: `CDP_Loyal__c`, `CDP_Loyal_Since__c`",
    ):
        assert words in text
    content = json.loads(by_heading.output)
    assert [f"## {heading}" for heading in content["document"]] == [
        line for line in page.splitlines() if line.startswith("## ")
    ]
    assert content["good"]
    assert ": proved by" not in offline.output
    assert "Duplicate rules: not proved." in offline.output


def test_a_page_names_what_is_missing(stack: LocalStack, org: SimulatedOrg, tmp_path: Path) -> None:
    file = tmp_path / "people.toml"
    file.write_text(DOCUMENTED)
    org.admin.change_user("integration@example.com", {"edits_converted_leads": True})
    org.admin.restrict_field("Lead", "Company", AccessLevel.READ)
    result = check(stack, file, "--document")
    org.admin.change_user("integration@example.com", {"edits_converted_leads": False})
    org.admin.restrict_field("Lead", "Company", None)

    text = " ".join(result.output.split())
    assert result.exit_code == 1
    assert "nobody is told: MISSING." in text
    assert "Edit Access to every field above: MISSING for `Company`." in text
    assert "- ERROR: mappings[1].target: Lead: The integration user may not edit Company." in text


def test_an_org_that_gives_no_answer_is_no_finding(stack: LocalStack, org: SimulatedOrg) -> None:
    org.faults.add(Fault(FaultKind.OUTAGE, path="/describe"))
    result = check(stack, CONTACTS)
    org.faults.clear()

    assert result.exit_code == 2
    assert "The check could not reach the org." in result.output


def test_credentials_that_stopped_working_are_named_by_their_key(stack: LocalStack, org: SimulatedOrg) -> None:
    (oauth_app,) = org.oauth.apps.values()
    oauth_app.client_secret = "another"
    org.admin.revoke_tokens()
    first = check(stack, CONTACTS)
    oauth_app.client_secret = "local-client-secret"

    assert first.exit_code == 1
    assert "credentials.client_secret" in first.output
    assert "Consumer Secret again" in " ".join(first.output.split())


def test_a_stack_that_does_not_run_cannot_be_asked(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["check", str(CONTACTS), "--local", "--state", str(tmp_path)])

    assert result.exit_code == 2
    assert "make local" in result.output


def test_a_changed_file_is_taken_up_with_the_next_start_and_rolled_back_alike(
    stack: LocalStack, tmp_path: Path
) -> None:
    file, org = tmp_path / "contacts.toml", SimulatedOrg()
    shutil.copy(CONTACTS, file)

    def taken_up() -> dict[str, Any]:
        with LocalStack(StackOptions(state=tmp_path / "state", destination=file), org) as started:
            log = started.function("CheckConnectionFunction").log
            wait_until(lambda: '"message":"connected"' in log.read_text(encoding="utf-8"), 30)
            return dict(report(started, file)["published"])

    before = dict(report(stack, file)["published"])
    file.write_text(file.read_text().replace("Trial users", "Trial readers"))
    changed = taken_up()
    shutil.copy(CONTACTS, file)
    back = taken_up()

    assert before["is_same"]
    assert changed["is_same"]
    assert changed["hash"] != before["hash"]
    assert back == before
