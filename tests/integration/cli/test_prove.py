from __future__ import annotations

import io
import json
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from destination_cli.create_fields.creation import CreateFields
from destination_cli.org_api import OrgAnswer, OrgApi, OrgError
from destination_cli.prove.fact import Standing, Trial, fact
from destination_cli.prove.proof import FACTS, prove, run_prove, stages_in
from destination_cli.prove.stage import Stage
from destination_testbench.org import (
    AccessLevel,
    DuplicateRule,
    Facts,
    Fault,
    FaultKind,
    OrgConfig,
    OrgServer,
    SimulatedOrg,
    seed,
    serve,
)
from guarded_org import GUARDED, GUARDS, PEOPLE, a_guarded_org
from org_caller import INTEGRATION
from org_target import a_target, admin_token
from rich.console import Console
from salesforce_destination.destination.destination import read_destination
from salesforce_destination.login.token import AccessToken

CAMPAIGN = 'campaign = { name = "Autumn" }\nmember_status = { realized = "Sent", exited = "Left" }\n'
LEADS = """
name = "Leads"
salesforce_object = "Lead"
[identity]
source = "id"
target = "SalesforceId"
[[mappings]]
source = "lastName"
target = "LastName"
required = true
[[mappings]]
source = "company"
target = "Company"
required = true
"""

NOTICED_BY: dict[str, tuple[object, str]] = {
    "wrong_type_scope": ("request", "wrong-type"),
    "unknown_field_scope": ("request", "unknown-field"),
    "unknown_id": (("SOME_OTHER_CODE", "no"), "unknown-id"),
    "update_only_miss": (("SOME_OTHER_CODE", "no"), "update-only-miss"),
    "composite_takes_collections": (False, "thousand-records"),
    "composite_counts_once": (False, "one-call"),
    "update_only_honoured": (False, "update-only-miss"),
    "results_in_order": (False, "position"),
    "partial_save": (False, "partial-save"),
    "null_external_id_creates": (True, "null-key"),
    "external_id_ignores_case": (False, "case"),
    "datetime_keeps_seconds": (False, "seconds"),
    "number_keeps_every_digit": (False, "every-digit"),
    "rules_compare_under_lock": (False, "concurrent"),
    "query_all_shows_merged": (False, "merged-is-shown"),
    "merges_ask_rules": (False, "older-merged"),
    "subrequest_headers_honoured": (False, "header-in-subrequest"),
    "missing_parent_scope": ("request", "missing-parent"),
    "subrequest_url_characters": (4_000, "long-queries"),
    "hides_duplicates": (True, "key-taken"),
    "hidden_record": (("INVALID_CROSS_REFERENCE_KEY", "no"), "hidden-id"),
    "member_statuses_writable": (True, "member-statuses"),
    "deleting_members_takes": ("ModifyAllRecords", "members-deleted"),
}
"""Each habit of the simulated org that this software rests on, otherwise than usual, and the fact that shows it."""

NOT_FOR_CONTACTS = {"duplicate-header", "hidden-id", "member-statuses", "members-deleted"}
"""What the integration user cannot try with contacts alone, in an org without a duplicate rule."""

RESTS_ON_NEITHER = {
    "text_takes_scalars",
    "boolean_takes_strings",
    "picklist_ignores_case",
    "length_counts_utf16",
    "unknown_type_in_record",
    "type_missing",
    "type_mismatch_scope",
    "external_id_unknown_status",
    "chunk_code",
    "composite_limit_code",
    "reference_id_code",
    "id_on_failed_update",
    "id_on_rolled_back",
    "created_on_failure",
    "single_row_lock_status",
    "all_errors_at_once",
    "composite_inherits_headers",
    "person_email_is_id_lookup",
    "person_external_ids",
    "person_name_text",
    "person_field_text",
    "unknown_relationship_scope",
    "read_only_status",
    "before_its_version",
    "refused_session_counts",
    "refused_request_counts",
    "limit_info_on_errors",
    "composite_takes_reads",
    "hidden_key_missed",
    "names_hidden_duplicates",
    "non_unique_upsert_scope",
    "parent_without_type",
    "deleted_parent",
    "converted_parents",
    "rules_of_members",
    "bulk_query_without",
}
"""Habits that may be either way: nothing is sent that meets them, or both ways are read alike."""


@pytest.fixture
def org() -> SimulatedOrg:
    org = a_guarded_org()
    seed(org, contacts=3, leads=3)
    return org


@pytest.fixture
def server(org: SimulatedOrg) -> Iterator[OrgServer]:
    with serve(org) as server:
        yield server


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return a_file(tmp_path, GUARDED)


def a_file(folder: Path, text: str) -> Path:
    path = folder / "file.toml"
    path.write_text(text)
    return path


class Run:
    """One run of the command for programs."""

    def __init__(
        self,
        server: OrgServer,
        file: Path,
        capsys: pytest.CaptureFixture[str],
        only: str = "",
        pairs: int = 40,
        token: str | None = None,
    ) -> None:
        facts = [fact for fact in FACTS if only in ("", fact.name)]
        read_token = None if token is None else lambda: token
        target, console = a_target(server), Console(file=io.StringIO())
        self.status = run_prove(file, target, console, read_token, facts, pairs=pairs, as_json=True)
        self.report: dict[str, Any] = json.loads(capsys.readouterr().out)

    def standing(self, name: str) -> str:
        return str(next(fact["standing"] for fact in self.report["facts"] if fact["name"] == name))

    def failing(self) -> set[str]:
        return {fact["name"] for fact in self.report["facts"] if fact["standing"] == "does not hold"}

    def untried(self) -> set[str]:
        return {fact["name"] for fact in self.report["facts"] if fact["standing"] == "not tried"}


def test_every_fact_holds_in_the_simulated_org_and_nothing_is_left(
    org: SimulatedOrg, server: OrgServer, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(server, file, capsys, pairs=200)

    assert (run.status, run.failing()) == (0, set())
    assert run.untried() == NOT_FOR_CONTACTS
    assert len(run.report["facts"]) >= 27
    assert run.report["records_removed"] >= 1200
    assert len(org.records("Contact")) == 3


def test_every_habit_of_the_simulated_org_is_judged() -> None:
    assert NOTICED_BY.keys() | RESTS_ON_NEITHER == asdict(Facts()).keys()
    assert not NOTICED_BY.keys() & RESTS_ON_NEITHER
    assert {name for _, name in NOTICED_BY.values()} <= {fact.name for fact in FACTS}


@pytest.mark.parametrize("habit", sorted(NOTICED_BY.keys() - {"subrequest_headers_honoured", "hidden_record"}))
def test_a_fact_that_is_otherwise_is_noticed_with_what_follows(
    habit: str, org: SimulatedOrg, server: OrgServer, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    value, name = NOTICED_BY[habit]
    org.admin.set_fact(habit, value)
    if name.startswith("member"):
        file.write_text(file.read_text().replace("[ordering]", f"{CAMPAIGN}\n[ordering]"))
    if habit == "rules_compare_under_lock":
        # Requests take some time, as they do over a network: only then do two of them overlap.
        org.faults.latency(0.01)

    run = Run(server, file, capsys, only=name)

    assert (run.status, run.failing()) == (1, {name})
    assert run.report["facts"][0]["otherwise"]
    assert len(org.records("Contact")) == 3


def test_members_and_their_statuses_are_tried_in_a_campaign_that_does_not_stay(
    org: SimulatedOrg, server: OrgServer, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(GUARDED.replace("[ordering]", f"{CAMPAIGN}\n[ordering]"))

    standings = [Run(server, file, capsys, only=name) for name in ("member-statuses", "members-deleted")]

    assert [run.report["facts"][0]["standing"] for run in standings] == ["holds", "holds"]
    assert [row for row in org.records("Campaign") if not row.deleted] == []


@pytest.mark.parametrize("name", ["unknown-field", "unknown-field-by-key"])
def test_a_field_that_fails_more_than_its_record_is_noticed_by_id_and_by_key(
    name: str, org: SimulatedOrg, server: OrgServer, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    org.admin.set_fact("unknown_field_scope", "request")

    assert Run(server, file, capsys, only=name).failing() == {name}


def test_an_assignment_rule_that_a_subrequests_header_does_not_decide_on_is_noticed(
    org: SimulatedOrg, server: OrgServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = a_file(tmp_path, LEADS)
    org.config.assignment_rule_owner = org.users[1].id
    name = "header-in-subrequest"
    before = Run(server, file, capsys, only=name)
    org.admin.set_fact("subrequest_headers_honoured", False)

    after = Run(server, file, capsys, only=name)

    assert (before.status, before.standing(name)) == (0, "holds")
    assert (after.status, after.failing()) == (1, {name})


def test_leads_without_an_assignment_rule_and_guards_leave_facts_untried(
    org: SimulatedOrg, server: OrgServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(server, a_file(tmp_path, LEADS), capsys)

    assert run.untried() == {
        *NOT_FOR_CONTACTS,
        "header-in-subrequest",
        "every-digit",
        "older-refused",
        "older-merged",
        "concurrent",
    }
    assert run.status == 0
    assert len(org.records("Lead")) == 3


PERSONS = """
name = "Persons"
salesforce_object = "Account"
[identity]
source = "id"
target = "SalesforceId"
[[mappings]]
source = "email"
target = "PersonEmail"
[[audiences]]
id = "loyal"
mapping_id = "CDP_Loyal__pc"
"""


def test_person_accounts_are_tried_as_persons(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    org = SimulatedOrg(OrgConfig(person_accounts=True))
    before = len(org.records("Account"))

    with serve(org) as server:
        run = Run(server, a_file(tmp_path, PERSONS), capsys)

    assert (run.status, run.failing(), len(org.records("Account"))) == (0, set(), before)


@pytest.mark.parametrize(("takes", "words"), [(True, "takes it, too"), (False, "refuses it: LIMIT_EXCEEDED")])
def test_a_read_of_many_records_is_tried_alone_and_in_a_composite_request(
    takes: bool, words: str, org: SimulatedOrg, server: OrgServer, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    org.admin.set_fact("composite_takes_reads", takes)
    good = Run(server, file, capsys, only="read-by-id")
    org.faults.add(Fault(FaultKind.REPLY, path="composite/sobjects/Contact", status=404, code="NOT_FOUND"))

    bad = Run(server, file, capsys, only="read-by-id")

    assert (good.status, good.report["facts"][0]["seen"]) == (0, f"2 of 2 are answered; a composite request {words}")
    assert (bad.status, bad.failing()) == (1, {"read-by-id"})


@pytest.mark.parametrize(("scope", "words"), [("record", "its record"), ("request", "the whole request")])
def test_it_is_told_what_an_unknown_relationship_refuses(
    scope: str, words: str, org: SimulatedOrg, server: OrgServer, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    org.admin.set_fact("unknown_relationship_scope", scope)

    run = Run(server, file, capsys, only="missing-parent")

    assert run.report["facts"][0]["seen"] == f"INVALID_FIELD; an unknown relationship refuses {words}"


class HidingApi(OrgApi):
    """An administrator whose records others do not see."""

    org: SimulatedOrg

    def send(self, method: str, resource: str, *more: Any, **others: Any) -> OrgAnswer:
        answer = super().send(method, resource, *more, **others)
        if (method, resource) == ("POST", "composite/sobjects"):
            self.org.admin.share([result["id"] for result in answer.body], False)
        return answer


@pytest.mark.parametrize(
    ("code", "standing"),
    [("INSUFFICIENT_ACCESS_OR_READONLY", Standing.HOLDS), ("INVALID_CROSS_REFERENCE_KEY", Standing.FAILS)],
)
def test_a_hidden_record_that_looks_like_a_missing_one_is_noticed(
    code: str, standing: Standing, org: SimulatedOrg, server: OrgServer
) -> None:
    org.admin.set_fact("hidden_record", (code, "no"))
    org.users[0].views_all_data = False
    admin = HidingApi(AccessToken(admin_token(server), server.url), "66.0")
    admin.org, theirs = org, OrgApi(AccessToken(org.admin.log_in(INTEGRATION), server.url), "66.0")
    (fact,) = [fact for fact in FACTS if fact.name == "hidden-id"]
    (stage,), name = stages_in(admin, read_destination(GUARDED), 1)
    stage.delivering = theirs

    proof = prove(stage, name, [fact], str)

    assert (proof.trials[0][1].standing, proof.trials[0][1].seen) == (standing, code)
    assert len(org.records("Contact")) == 3


@pytest.fixture
def people(org: SimulatedOrg, server: OrgServer, tmp_path: Path) -> Path:
    """A file of two objects, in an org that has what it needs."""
    file = a_file(tmp_path, PEOPLE)
    made_by_an_administrator(org, server, file)
    return file


def test_each_object_of_a_file_is_tried(
    org: SimulatedOrg, server: OrgServer, people: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = Run(server, people, capsys, pairs=2)
    org.admin.remove_rule("Lead", "Guard_CDP_Loyal_Since")
    one = Run(server, people, capsys, only="older-refused")

    assert (both.status, both.failing()) == (0, set())
    assert len(both.report["facts"]) == 2 * len(FACTS)
    assert [(fact["salesforce_object"], fact["standing"]) for fact in one.report["facts"]] == [
        ("Contact", "holds"),
        ("Lead", "does not hold"),
    ]
    assert (one.status, len(org.records("Contact")), len(org.records("Lead"))) == (1, 3, 3)


def test_a_miss_must_be_told_from_all_else_where_another_rule_follows(
    org: SimulatedOrg, server: OrgServer, people: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    org.admin.set_fact("update_only_miss", ("INVALID_CROSS_REFERENCE_KEY", "no"))

    several = Run(server, people, capsys, only="update-only-miss")
    alone = Run(server, a_file(tmp_path, GUARDED), capsys, only="update-only-miss")

    assert (several.failing(), alone.failing()) == ({"update-only-miss"}, set())


def otherwise(usual: object) -> object:
    if isinstance(usual, bool):
        return not usual
    return {int: 500, str: "record", tuple: (400, "SOME_OTHER_CODE")}[type(usual)]


def test_what_may_be_either_way_changes_no_answer(
    org: SimulatedOrg, server: OrgServer, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for habit in RESTS_ON_NEITHER - {"person_field_text"}:
        org.admin.set_fact(habit, otherwise(getattr(org.config.facts, habit)))

    run = Run(server, file, capsys, pairs=5)

    assert (run.status, run.failing()) == (0, set())


def test_a_guard_without_its_rule_is_noticed(
    org: SimulatedOrg, server: OrgServer, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    org.admin.remove_rule("Contact", "Guard_CDP_Loyal_Since")

    run = Run(server, file, capsys, only="older-refused")

    assert run.failing() == {"older-refused"}
    assert "CDP_Loyal_Since__c" in run.report["facts"][0]["seen"]


def test_guards_that_an_administrator_may_not_write_are_not_tried(
    org: SimulatedOrg, server: OrgServer, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made_by_an_administrator(org, server, file)
    org.admin.restrict_field("Contact", "CDP_Trial_Since__c", AccessLevel.READ)

    theirs = Run(server, file, capsys, pairs=5, token=admin_token(server))
    integration = Run(server, file, capsys, pairs=5)

    untried = [fact for fact in theirs.report["facts"] if fact["standing"] == "not tried"]
    assert (theirs.status, theirs.failing()) == (0, set())
    closed = {"seconds", "every-digit", "older-refused", "older-merged", "concurrent"}
    assert (theirs.untried(), integration.untried()) == (closed | NOT_FOR_CONTACTS, NOT_FOR_CONTACTS)
    assert all(
        "assign the permission set CDP_Contact_Integration to this user" in fact["seen"]
        for fact in untried
        if fact["name"] in closed
    )
    assert integration.failing() == set()


def test_a_guard_that_cannot_be_written_does_not_hide_another_without_its_rule(
    org: SimulatedOrg, server: OrgServer, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    org.admin.restrict_field("Contact", "CDP_Event_Time__c", AccessLevel.READ)
    first = Run(server, file, capsys, only="older-refused")
    org.admin.remove_rule("Contact", "Guard_CDP_Loyal_Since")

    second = Run(server, file, capsys, only="older-refused")

    assert (first.status, first.standing("older-refused")) == (0, "not tried")
    assert "CDP_Event_Time__c" in first.report["facts"][0]["seen"]
    assert (second.status, second.failing()) == (1, {"older-refused"})


def made_by_an_administrator(org: SimulatedOrg, server: OrgServer, file: Path) -> None:
    for sobject in ("Contact", "Lead"):
        for guard in GUARDS:
            org.admin.remove_rule(sobject, f"Guard_{guard.removesuffix('__c')}")
            org.admin.remove_field(sobject, guard)
    silent = Console(file=io.StringIO())
    assert (
        CreateFields(file, a_target(server), silent, lambda: admin_token(server), lambda _: False, yes=True).run() == 0
    )


def test_a_production_org_is_refused_before_anything_is_written(server: OrgServer, file: Path) -> None:
    (row,) = server.org.records("Organization")
    row.values["IsSandbox"] = False

    with pytest.raises(OrgError, match="neither a sandbox nor"):
        run_prove(file, a_target(server), Console(file=io.StringIO()), None)

    assert {entry.method for entry in server.org.log.last} == {"GET"}


def test_a_developer_edition_is_an_org_for_trials(
    server: OrgServer, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (row,) = server.org.records("Organization")
    row.values |= {"IsSandbox": False, "OrganizationType": "Developer Edition"}

    assert Run(server, file, capsys, only="every-digit").status == 0


def test_trials_go_the_way_of_deliveries(
    org: SimulatedOrg, server: OrgServer, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    org.admin.add_duplicate_rule(DuplicateRule("Contact", "Standard", ("LastName", "Email")))

    run = Run(server, file, capsys, pairs=5)

    assert (run.status, run.standing("duplicate-header")) == (0, "holds")
    assert {entry.method for entry in org.log.last} == {"GET", "POST", "DELETE"}


def test_a_user_who_may_not_delete_is_refused_and_an_administrators_token_taken(
    org: SimulatedOrg, server: OrgServer, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    org.admin.restrict_object("Contact", AccessLevel.READ)
    with pytest.raises(OrgError, match="may not create, edit, delete Contact"):
        run_prove(file, a_target(server), Console(file=io.StringIO()), None)
    org.admin.restrict_object("Contact", None)

    facts = [fact for fact in FACTS if fact.name == "position"]
    status = run_prove(file, a_target(server), Console(), lambda: admin_token(server), facts, as_json=True)

    assert status == 0
    (change,) = {change.by for change in deleted_history(org)}
    assert change == org.users[1].id


def deleted_history(org: SimulatedOrg) -> list[Any]:
    table = org.records("Contact")
    return [record.history[-1] for record in table.records.values() if record.deleted]


def test_an_outage_in_between_leaves_no_records(
    org: SimulatedOrg, server: OrgServer, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    org.faults.add(Fault(FaultKind.DROP_AFTER, times=1, skip=2, path="composite"))

    with pytest.raises(OrgError, match=r"does not answer.*none is left"):
        Run(server, file, capsys)

    assert len(org.records("Contact")) == 3


@pytest.fixture
def interrupted_by_ctrl_c() -> Iterator[None]:
    """A shell lets its jobs in the background ignore Ctrl-C, so also the tests in one: `make test &`."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_removes_its_records(
    number: signal.Signals, org: SimulatedOrg, server: OrgServer, file: Path, interrupted_by_ctrl_c: None
) -> None:
    org.faults.latency(0.05)
    facts = [fact for fact in FACTS if fact.name == "concurrent"]

    def interrupt() -> None:
        while org.usage.used(org.now()) < 30:
            threading.Event().wait(0.01)
        os.kill(os.getpid(), number)
        # A person who is impatient presses again, while the records are removed.
        threading.Event().wait(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(OrgError, match="none is left"):
        run_prove(file, a_target(server), Console(file=io.StringIO()), None, facts, pairs=400)

    assert len(org.records("Contact")) == 3


def test_a_fault_of_our_own_in_between_leaves_no_records(org: SimulatedOrg, server: OrgServer, file: Path) -> None:
    def breaks(stage: Stage) -> Trial:
        """Nothing holds."""
        stage.ids(3)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_prove(file, a_target(server), Console(file=io.StringIO()), None, [fact("")(breaks)])

    assert len(org.records("Contact")) == 3


def test_an_outage_is_not_taken_for_a_fact(
    org: SimulatedOrg, server: OrgServer, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    org.faults.add(Fault(FaultKind.REPLY, times=1, skip=1, path="composite", status=503, code="SERVER_UNAVAILABLE"))

    with pytest.raises(OrgError, match=r"refused a request of the trial: SERVER_UNAVAILABLE.*none is left"):
        Run(server, file, capsys, only="unknown-field")


def test_what_was_held_back_the_first_time_is_removed_the_next(
    org: SimulatedOrg, server: OrgServer, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    org.faults.add(Fault(FaultKind.REPLY, times=1, method="DELETE", status=503, code="SERVER_UNAVAILABLE"))

    run = Run(server, file, capsys, only="every-digit")

    assert (run.status, run.report["records_removed"], len(org.records("Contact"))) == (0, 1, 3)


def test_records_that_cannot_be_removed_are_named(
    org: SimulatedOrg, server: OrgServer, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    org.faults.add(Fault(FaultKind.REPLY, method="DELETE", status=503, code="SERVER_UNAVAILABLE"))

    run = Run(server, file, capsys, only="every-digit")

    assert (run.status, run.report["records_left"]) == (2, 1)


def test_a_person_sees_a_table_and_what_follows(org: SimulatedOrg, server: OrgServer, file: Path) -> None:
    org.admin.set_fact("external_id_ignores_case", False)
    output = io.StringIO()

    status = run_prove(file, a_target(server), Console(file=output, width=200), None, pairs=5)

    text = output.getvalue()
    assert status == 1
    assert "25 hold, 2 do not, 4 were not tried." in text
    assert "What follows" in text
    assert "identity.case_sensitive = true" in text


def test_a_dead_token_is_told_in_a_sentence(server: OrgServer, file: Path) -> None:
    target = a_target(server)
    server.org.admin.revoke_tokens()

    with pytest.raises(OrgError, match="rejects the access token"):
        run_prove(file, target, Console(file=io.StringIO()), None)


def test_a_stack_without_a_token_is_sent_to_connect(server: OrgServer, file: Path) -> None:
    with pytest.raises(OrgError, match="destination connect"):
        run_prove(file, a_target(server, token=""), Console(file=io.StringIO()), None)


def test_duplicate_rules_that_only_warn_do_not_disturb(
    org: SimulatedOrg, server: OrgServer, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    org.admin.add_duplicate_rule(DuplicateRule("Contact", "Standard", ("LastName",)))

    assert Run(server, file, capsys, only="position").status == 0
