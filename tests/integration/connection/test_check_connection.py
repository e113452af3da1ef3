"""The check-connection function against moto and the simulated org: whatever an administrator breaks is named."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import CHECKED_PEOPLE
from deliver_function import ROOT, Context, DeliverStack
from destination_testbench.org import DuplicateRule, Fault, FaultKind, OrgConfig, SimulatedOrg, record_id
from destination_testbench.org.records.access import AccessLevel
from guarded_org import GUARDS, a_guarded_file, a_guarded_org
from moto import mock_aws
from org_caller import ADMIN, INTEGRATION, Caller
from salesforce_destination.settings import file_hash

APP = ROOT / "functions" / "check_connection" / "app.py"
CONTACTS = ROOT / "layers" / "destinations" / "contacts.toml"

Report = dict[str, Any]


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with mock_aws():
        yield


def a_stack(monkeypatch: pytest.MonkeyPatch, file: Path = CONTACTS, org: SimulatedOrg | None = None) -> DeliverStack:
    return DeliverStack(monkeypatch, file, org or SimulatedOrg(), contacts=0, function=APP)


def check(stack: DeliverStack) -> Report:
    """The report, as an invocation from the outside shows it."""
    answer: Report = json.loads(json.dumps(stack.app.lambda_handler({}, Context(remaining_ms=60_000))))
    return answer


def errors(report: Report) -> list[tuple[str, str]]:
    return [(found["key"], found["field"]) for found in report["findings"] if found["level"] == "error"]


def logged(output: str) -> list[Report]:
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def metric(output: str) -> float | None:
    values = [line["ConnectionProblems"] for line in logged(output) if "ConnectionProblems" in line]
    return values[0][0] if values else None


def test_a_good_connection_is_reported_with_what_is_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = a_stack(monkeypatch)

    report = check(stack)

    output = capsys.readouterr().out
    said = " ".join(found["problem"] for found in report["findings"])
    assert (report["connected"], report["problems"], errors(report)) == (True, 0, [])
    assert (report["destination_file"], report["file_hash"]) == ("contacts.toml", file_hash(CONTACTS))
    assert "3 of 25 audience fields" in said
    assert "of 100,000 API calls are left" in said
    assert metric(output) == 0
    assert "connected" in [line.get("message") for line in logged(output)]


def test_from_the_26th_audience_field_on_the_editions_custom_fields_are_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    more = "".join(f'\n[[audiences]]\nid = "{n}"\nmapping_id = "A{n}__c"\n' for n in range(23))
    (tmp_path / "contacts.toml").write_text(CONTACTS.read_text(encoding="utf-8") + more, encoding="utf-8")
    stack = a_stack(monkeypatch, tmp_path / "contacts.toml")

    (told,) = [each["problem"] for each in check(stack)["findings"] if each["key"] == "max_audience_fields"]

    custom = sum(name.endswith("__c") for name in stack.org.schema.sobjects["Contact"].fields)
    assert f"on Contact {500 - custom} of 500 are left" in told


def test_a_new_stack_that_nobody_has_connected_has_no_problem_yet(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = a_stack(monkeypatch)
    stack.store("{}")
    stack.app.started().tokens.wait = 0.05

    report = check(stack)

    (line,) = logged(capsys.readouterr().out)
    assert not report["connected"]
    assert [found["problem"] for found in report["findings"]] == ["The stack is not connected yet."]
    assert (line["level"], line["message"]) == ("INFO", "not connected")


def test_names_may_be_written_in_any_case_of_letters(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = a_guarded_file(tmp_path)
    file.write_text(re.sub(r'"Contact"|"LastName"|"CDP_\w+"', lambda name: name[0].upper(), file.read_text()))

    report = check(a_stack(monkeypatch, file, a_guarded_org()))

    assert (report["connected"], errors(report)) == (True, [])
    assert "No validation rule" not in json.dumps(report)


def test_the_metric_has_the_dimensions_of_all_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = a_stack(monkeypatch)

    check(stack)

    (line,) = [line for line in logged(capsys.readouterr().out) if "_aws" in line]
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "SalesforceDestination"
    assert sorted(*directive["Dimensions"]) == ["destination", "service"]
    assert line["destination"] == "contacts"


def test_a_field_that_an_administrator_deletes_is_named_until_it_is_back(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = a_stack(monkeypatch)
    stack.org.admin.remove_field("Contact", "CDP_Trial__c")

    broken = check(stack)
    problems = metric(capsys.readouterr().out)
    stack.org.admin.restore_field("Contact", "CDP_Trial__c")
    mended = check(stack)

    assert errors(broken) == [("audiences[2].mapping_id", "CDP_Trial__c")]
    assert problems == 1
    assert mended["connected"]
    assert metric(capsys.readouterr().out) == 0


@pytest.mark.parametrize("level", [AccessLevel.NONE, AccessLevel.READ])
def test_a_right_on_a_field_that_is_taken_away_is_named(monkeypatch: pytest.MonkeyPatch, level: AccessLevel) -> None:
    stack = a_stack(monkeypatch)
    stack.org.admin.restrict_field("Contact", "Email", level)

    assert errors(check(stack)) == [("mappings[2].target", "Email")]


@pytest.mark.parametrize("level", [AccessLevel.NONE, AccessLevel.READ])
def test_a_right_on_the_object_that_is_taken_away_is_named(monkeypatch: pytest.MonkeyPatch, level: AccessLevel) -> None:
    stack = a_stack(monkeypatch)
    stack.org.admin.restrict_object("Contact", level)

    assert ("salesforce_object", "") in errors(check(stack))


def test_an_sobject_that_nobody_knows_is_told_with_the_nearest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "contacts.toml"
    file.write_text(CONTACTS.read_text().replace('"Contact"', '"Contakt"'))

    (found,) = check(a_stack(monkeypatch, file))["findings"]

    assert found["key"] == "salesforce_object"
    assert "Did you mean Contact?" in found["cure"]


def test_a_version_of_the_api_that_the_org_does_not_have_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "contacts.toml"
    file.write_text(CONTACTS.read_text().replace('"66.0"', '"99.0"'))

    (found,) = check(a_stack(monkeypatch, file))["findings"]

    assert found["key"] == "api_version"


def test_credentials_that_stop_working_are_named_and_another_token_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = a_stack(monkeypatch)
    stack.org.admin.revoke_tokens()
    stack.app.started().tokens.wait = 0.0

    report = check(stack)

    assert errors(report) == [("credentials", "")]
    assert metric(capsys.readouterr().out) == 1
    assert len(stack.refresh_requests()) == 1


def test_a_user_who_may_not_use_the_api_any_more_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = a_stack(monkeypatch)
    stack.org.users[0].api_enabled = False

    report = check(stack)

    assert errors(report) == [("connection", "")]
    assert "API" in report["findings"][0]["problem"]


def test_an_outage_is_neither_a_problem_nor_the_absence_of_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = a_stack(monkeypatch)
    stack.org.faults.add(Fault(FaultKind.OUTAGE, path="/describe"))

    report = check(stack)

    assert (report["connected"], report["problems"]) == (False, 0)
    assert metric(capsys.readouterr().out) is None


def test_a_file_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "contacts.toml"
    file.write_text(CONTACTS.read_text().replace("required = true", "requird = true"))

    report = check(a_stack(monkeypatch, file))

    assert errors(report) == [("mappings[0].requird", "")]


def test_a_setting_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = a_stack(monkeypatch)
    monkeypatch.delenv("REFRESH_QUEUE_URL")

    assert errors(check(stack)) == [("REFRESH_QUEUE_URL", "")]


def test_rules_that_only_an_administrator_sees_are_not_called_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stack = a_stack(monkeypatch, a_guarded_file(tmp_path), a_guarded_org())

    problems = [found["problem"] for found in check(stack)["findings"]]

    assert any("validation rules" in problem and "cannot be checked" in problem for problem in problems)


def test_a_rule_that_is_switched_off_is_named_where_the_user_may_see_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    org = a_guarded_org()
    stack = a_stack(monkeypatch, a_guarded_file(tmp_path), org)
    org.users[0].admin = True
    rule = org.tooling.named("ValidationRule", "Contact.Guard_CDP_Loyal_Since")
    assert rule is not None
    rule.values["Active"] = False
    org.admin.remove_rule("Contact", "Guard_CDP_Event_Time")

    found = {f["field"]: f["problem"] for f in check(stack)["findings"] if f["level"] == "warning"}

    assert set(found) == set(GUARDS[:2])
    assert "not active" in found["CDP_Loyal_Since__c"]


def test_the_calls_that_are_left_are_known_without_the_right_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = a_stack(monkeypatch)
    stack.org.faults.add(Fault(FaultKind.REPLY, path="/limits", status=403, code="INSUFFICIENT_ACCESS"))

    assert any("API calls are left" in found["problem"] for found in check(stack)["findings"])


@pytest.mark.parametrize(("language", "is_warned"), [("en_US", False), ("en_GB", False), ("fr", True), ("ja", True)])
def test_a_user_who_is_told_in_another_language_is_a_finding(
    monkeypatch: pytest.MonkeyPatch, language: str, is_warned: bool
) -> None:
    stack = a_stack(monkeypatch, org=SimulatedOrg(OrgConfig(language=language)))

    found = [finding for finding in check(stack)["findings"] if "language" in finding["problem"]]

    assert [finding["level"] for finding in found] == ["warning"] * is_warned
    assert all(f"language is {language}." in finding["problem"] for finding in found)


def two_objects(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str = CHECKED_PEOPLE) -> DeliverStack:
    file = tmp_path / "people.toml"
    file.write_text(text)
    stack = a_stack(monkeypatch, file)
    stack.org.admin.change_user(INTEGRATION, {"views_all_data": False})
    return stack


def permit(org: SimulatedOrg, *sobjects: str, **own: bool) -> None:
    """Give the integration user a permission set: it reads both objects, and sees all records of these."""
    admin = Caller(org, ADMIN)
    _, made = admin.send("POST", "sobjects/PermissionSet", {"Name": "P", "Label": "P", **own})
    user = {"AssigneeId": record_id("005", 1), "PermissionSetId": made["id"]}
    admin.send("POST", "sobjects/PermissionSetAssignment", user)
    for name in ("Account", "Contact", "Lead"):
        row = {"ParentId": made["id"], "SobjectType": name, "PermissionsRead": True}
        admin.send("POST", "sobjects/ObjectPermissions", row | {"PermissionsViewAllRecords": name in sobjects})


def view_all(report: Report) -> list[tuple[str, str]]:
    return [(found["level"], found["problem"]) for found in report["findings"] if "View All" in found["problem"]]


def test_what_a_user_sees_is_proved_by_its_permission_sets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stack = two_objects(monkeypatch, tmp_path)
    unproved = view_all(check(stack))
    permit(stack.org, "Lead")
    one = view_all(check(stack))
    stack.org.admin.change_user(INTEGRATION, {"views_setup": False})
    hidden = view_all(check(stack))
    stack.org.admin.change_user(INTEGRATION, {"views_all_data": True})

    names = [("warning", f"Not proved: View All Records on {name}.") for name in ("Contact", "Lead")]
    again = "whom sharing hides is created again."
    assert unproved == hidden == names
    assert one == [("error", f"The integration user lacks View All Records on Contact: {again}")]
    assert view_all(check(stack)) == []


def test_a_user_who_may_edit_converted_leads_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stack = two_objects(monkeypatch, tmp_path)
    permit(stack.org, "Contact", "Lead")
    before = errors(check(stack))
    stack.org.admin.change_user(INTEGRATION, {"edits_converted_leads": True})

    assert before == []
    assert errors(check(stack)) == [("converted_leads", "")]


def test_the_duplicate_rules_of_the_org_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stack = two_objects(monkeypatch, tmp_path)

    def said() -> list[str]:
        return [found["problem"] for found in check(stack)["findings"] if found["key"] == "duplicate_rules"]

    none = said()
    stack.org.admin.add_duplicate_rule(DuplicateRule("Lead", "Standard_Lead_Rule", ("Email",)))
    stack.org.admin.add_duplicate_rule(DuplicateRule("Contact", "Standard_Contact_Rule", ("Email",)))
    some = said()
    for rule in stack.org.records("DuplicateRule"):
        rule.values["IsActive"] = False
    inactive = said()
    stack.org.admin.change_user(INTEGRATION, {"views_setup": False})

    assert none == inactive == ["No duplicate rule of Lead is active."]
    (active,) = some
    assert active.startswith("Active duplicate rules of Lead refuse")
    assert active.endswith(": Standard_Lead_Rule.")
    assert "may not see" in said()[0]


def test_a_parent_that_the_user_may_not_see_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stack = two_objects(monkeypatch, tmp_path)
    before = errors(check(stack))
    stack.org.admin.restrict_object("Account", AccessLevel.NONE)

    assert before == []
    assert errors(check(stack)) == [("mappings[2].target", "")]


def test_one_object_of_two_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stack = two_objects(monkeypatch, tmp_path)
    stack.org.admin.restrict_object("Lead", AccessLevel.NONE)

    (found,) = check(stack)["findings"]

    assert found["problem"] == "There is no sObject Lead that the integration user can see."


def asked(stack: DeliverStack) -> list[str]:
    """What a check asks of the org."""
    check(stack)
    paths = [entry.path.partition("/v66.0") for entry in stack.org.log.last]
    return sorted(path for _, version, path in paths if version)


def test_a_check_of_a_simple_file_makes_four_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(a_stack(monkeypatch)) == ["/", "/limits", "/query", "/sobjects/Contact/describe"]


def test_a_check_asks_of_each_object_parent_and_right_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    queries = ["its language", "its own permissions", "its permission sets", "the duplicate rules"]
    described = [f"/sobjects/{name}/describe" for name in ("Account", "Contact", "Lead")]

    assert asked(two_objects(monkeypatch, tmp_path)) == ["/", "/limits", *(["/query"] * len(queries)), *described]


def test_nothing_of_the_token_is_in_the_report_or_in_the_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = a_stack(monkeypatch)
    token = json.loads(stack.secrets.get_secret_value(SecretId=stack.token_id)["SecretString"])["access_token"]
    stack.org.admin.remove_field("Contact", "CDP_Trial__c")

    report = check(stack)

    assert token not in capsys.readouterr().out + json.dumps(report)
