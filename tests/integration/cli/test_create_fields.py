from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from destination_cli.create_fields.creation import CreateFields
from destination_cli.create_fields.needs import FieldKind
from destination_cli.org_api import OrgError
from destination_cli.target import TargetError
from destination_testbench.org import (
    AccessLevel,
    Fault,
    FaultKind,
    OrgConfig,
    OrgServer,
    SimulatedOrg,
    record_id,
    serve,
)
from guarded_org import GUARDED, GUARDS, PEOPLE
from members_and_rows import ROWS
from org_caller import ADMIN, Caller, a_contact, a_lead, an_org, first_error
from org_target import a_target, admin_token
from rich.console import Console

ROWS_OBJECT = "CDP_Membership__c"
NEW = {"CDP_Loyal__c", "CDP_Newsletter__c", *GUARDS}


@pytest.fixture
def org() -> SimulatedOrg:
    """An org that knows nothing of the destination, with an integration user that may do nothing by itself."""
    org = an_org()
    org.users[0].minimal = True
    for name in NEW:
        org.admin.remove_field("Contact", name)
    org.admin.remove_permission("CDP_Guard_Exempt")
    return org


@pytest.fixture
def server(org: SimulatedOrg) -> Iterator[OrgServer]:
    with serve(org) as server:
        yield server


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "guarded.toml"
    path.write_text(GUARDED)
    return path


def never(question: str) -> bool:
    raise AssertionError(question)


class Run:
    """One run of the command, its exit status and what it printed."""

    def __init__(
        self,
        server: OrgServer,
        file: Path,
        *,
        ask: Callable[[str], bool] = never,
        token: str | None = None,
        stack: bool = True,
        **options: Any,
    ) -> None:
        output = io.StringIO()
        target = a_target(server) if stack else None
        given = admin_token(server) if token is None else token
        console = Console(file=output, width=160)
        self.status = CreateFields(file, target, console, lambda: given, ask, **options).run()
        self.text = output.getvalue()
        self.token = given


def written(caller: Caller, time: int, value: str) -> dict[str, Any]:
    since = f"2026-01-01T00:00:{time:02d}Z"
    fields: dict[str, Any] = {
        "CDP_Loyal__c": value,
        "CDP_Loyal_Since__c": since,
        "CDP_Event_Time__c": 1_800_000_000_000 + time,
    }
    return caller.update(a_contact(Email="new@example.com", **fields))[0]


def test_an_empty_org_gets_everything_and_the_integration_user_writes_at_once(
    org: SimulatedOrg, server: OrgServer, file: Path
) -> None:
    run = Run(server, file, yes=True)

    assert (run.status, "can write 7 of 7 fields" in run.text) == (0, True)
    caller = Caller(org)
    assert written(caller, 30, "realized")["success"]
    code, text, _ = first_error(written(caller, 20, "exited"))
    assert (code, "[CDP-STALE:" in text) == ("FIELD_CUSTOM_VALIDATION_EXCEPTION", True)
    assert written(caller, 30, "existing")["success"]
    assert first_error(caller.update(a_contact(Title="x"))[0])[0] == "INVALID_FIELD"


def test_twice_in_a_row_does_nothing_the_second_time(org: SimulatedOrg, server: OrgServer, file: Path) -> None:
    Run(server, file, yes=True)
    before = org.usage.used(org.now())
    made = {
        name: len(org.tooling.store.table(org.tooling.schema.sobjects[name]))
        for name in ("CustomField", "ValidationRule")
    }

    second = Run(server, file)

    assert (second.status, "The org has everything" in second.text) == (0, True)
    assert made == {
        name: len(org.tooling.store.table(org.tooling.schema.sobjects[name]))
        for name in ("CustomField", "ValidationRule")
    }
    methods = [entry.method for entry in list(org.log.last)[before - org.usage.used(org.now()) :]]
    assert set(methods) == {"GET"}


def test_names_in_another_case_of_letters_are_those_of_the_org(server: OrgServer, file: Path) -> None:
    Run(server, file, yes=True)
    file.write_text(re.sub(r'"Contact"|"LastName"|"CDP_\w+"', lambda name: name[0].lower(), GUARDED))

    second = Run(server, file)

    assert (second.status, "The org has everything" in second.text) == (0, True)


def test_a_parents_key_that_nobody_made_is_named_and_the_rest_is_made(
    org: SimulatedOrg, server: OrgServer, file: Path
) -> None:
    keys = ("Account.Customer_Number__c", "RecordType.DeveloperName", "Acount.Customer_Number__c")
    more = (f'[[mappings]]\nsource = "x{place}"\ntarget = "{key}"\n' for place, key in enumerate(keys))
    file.write_text(GUARDED.replace("[[audiences]]", "\n".join(more) + "\n[[audiences]]", 1))

    run = Run(server, file, yes=True)

    assert run.status == 1
    assert "Account has no field Customer_Number__c. Create it by hand, as an external ID." in run.text
    assert "Contact has no relationship RecordType. Create a record type in Salesforce by hand." in run.text
    assert "Contact has no relationship Acount. Correct it, or create the lookup in Salesforce by hand." in run.text
    assert written(Caller(org), 30, "realized")["success"]


def test_nothing_is_made_without_a_yes(org: SimulatedOrg, server: OrgServer, file: Path) -> None:
    questions: list[str] = []

    def decline(question: str) -> bool:
        questions.append(question)
        return False

    run = Run(server, file, ask=decline)

    assert run.status == 1
    assert questions == ["Make 15 changes in this org?"]
    assert "Contact.CDP_Event_Time__c" in run.text
    assert not NEW & org.schema.sobjects["Contact"].fields.keys()


def test_one_lost_field_is_mended_alone(org: SimulatedOrg, server: OrgServer, file: Path) -> None:
    Run(server, file, yes=True)
    org.admin.remove_field("Contact", "CDP_Newsletter__c")

    run = Run(server, file, yes=True)

    assert run.status == 0
    assert "CDP_Newsletter__c" in org.schema.sobjects["Contact"].fields
    assert "Contact.CDP_Loyal__c" not in run.text


def test_a_rule_that_was_switched_off_is_switched_on(org: SimulatedOrg, server: OrgServer, file: Path) -> None:
    Run(server, file, yes=True)
    admin = Caller(org, ADMIN)
    columns = "SELECT Id FROM ValidationRule WHERE ValidationName = 'Guard_CDP_Event_Time'"
    (row,) = admin.query(columns, "tooling/query")
    path = f"tooling/sobjects/ValidationRule/{row['Id']}"
    metadata = admin.send("GET", path)[1]["Metadata"]
    admin.send("PATCH", path, {"Metadata": {**metadata, "active": False}})

    run = Run(server, file, yes=True)

    assert "switched off" in run.text
    assert all(rule.active for rule in org.rules.all())


def test_a_new_name_is_added_to_a_picklist(org: SimulatedOrg, server: OrgServer, tmp_path: Path) -> None:
    file = tmp_path / "names.toml"
    audience = '[[audiences]]\nid = "{0}"\nname = "{0}"\nmapping_id = "Names__c"\nvalue = "names"\n'
    base = (
        'name = "N"\nsalesforce_object = "Contact"\n[profiles]\nmemberships = "all"\n'
        '[identity]\nsource = "id"\ntarget = "SalesforceId"\n'
        '[[mappings]]\nsource = "n"\ntarget = "LastName"\nrequired = true\n'
    )
    file.write_text(base + audience.format("One"))
    Run(server, file, yes=True)
    file.write_text(base + audience.format("One") + audience.format("Two"))

    run = Run(server, file, yes=True)

    values = [value for value, _ in org.schema.sobjects["Contact"].fields["Names__c"].values]
    assert (run.status, values) == (0, ["One", "Two"])
    assert Run(server, file).status == 0


def test_a_chosen_type_is_made(org: SimulatedOrg, server: OrgServer, file: Path) -> None:
    Run(server, file, yes=True, kind=FieldKind.LONG_TEXT)

    field = org.schema.sobjects["Contact"].fields["CDP_Loyal__c"]
    assert (field.type, field.length) == ("textarea", 256)


def test_an_address_on_this_machine_is_taken_for_the_local_stack_only(server: OrgServer, file: Path) -> None:
    with pytest.raises(OrgError, match="org's address cannot be used"):
        Run(server, file, yes=True, stack=False, instance_url=server.url)


def test_the_address_may_be_given_beside_the_stack(server: OrgServer, file: Path) -> None:
    assert Run(server, file, yes=True, instance_url=server.url).status == 0
    with pytest.raises(OrgError, match="org's address cannot be used"):
        Run(server, file, yes=True, instance_url="https://acme.my.salesforce.com.evil.example")


@pytest.mark.parametrize("token", ["", "two words", "{}", '{"result": {}}', "[REDACTED]"])
def test_what_is_no_token_is_refused_with_the_way_to_get_one(server: OrgServer, file: Path, token: str) -> None:
    with pytest.raises(OrgError, match="show-access-token"):
        Run(server, file, token=token)


def test_the_json_of_the_salesforce_command_line_is_taken_as_it_is(server: OrgServer, file: Path) -> None:
    text = json.dumps({"status": 0, "result": {"accessToken": admin_token(server)}})

    assert Run(server, file, token=text, yes=True).status == 0


def test_the_integration_users_own_token_has_not_the_right(server: OrgServer, file: Path) -> None:
    with pytest.raises(OrgError, match=r"INVALID_TYPE|cannot see an sObject Contact"):
        Run(server, file, token=server.org.admin.log_in("integration@example.com"), yes=True)


def test_a_dead_token_is_told_in_a_sentence_without_the_token(server: OrgServer, file: Path) -> None:
    with pytest.raises(OrgError, match="rejects the administrator's access token") as raised:
        Run(server, file, token="00D!dead", yes=True)

    assert "00D!dead" not in str(raised.value)


def test_it_is_said_which_of_the_two_tokens_is_dead(server: OrgServer, file: Path) -> None:
    target = a_target(server)
    server.org.admin.revoke_tokens()
    command = CreateFields(file, target, Console(), lambda: admin_token(server), never)

    with pytest.raises(OrgError, match="rejects the stack's own access token"):
        command.run()


def test_a_step_that_is_refused_is_named_and_what_was_done_stays(
    org: SimulatedOrg, server: OrgServer, file: Path
) -> None:
    admin = Caller(org, ADMIN)
    for number in range(491):
        body = {"FullName": f"Contact.Full{number}__c", "Metadata": {"label": "Full", "type": "DateTime"}}
        admin.send("POST", "tooling/sobjects/CustomField", body)

    with pytest.raises(OrgError, match="CDP_Event_Time__c: LIMIT_EXCEEDED") as raised:
        Run(server, file, yes=True)

    assert "run the command again" in str(raised.value)
    assert "CDP_Loyal__c" in org.schema.sobjects["Contact"].fields


def test_the_token_is_never_printed(server: OrgServer, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run(server, file, yes=True)

    printed = capsys.readouterr()
    assert run.token not in run.text + printed.out + printed.err


def test_programs_get_the_plan_without_a_yes_and_what_was_done_with_one(
    server: OrgServer, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = Run(server, file, as_json=True)
    planned = json.loads(capsys.readouterr().out)
    done = Run(server, file, as_json=True, yes=True)
    made = json.loads(capsys.readouterr().out)

    assert (plan.status, done.status) == (1, 0)
    assert {step["done"] for step in planned["steps"]} == {False}
    assert {step["done"] for step in made["steps"]} == {True}
    assert made["integration_user"]["Contact"]["lacks"] == []


def test_an_export_with_a_token_holds_what_lacks_and_changes_nothing(
    org: SimulatedOrg, server: OrgServer, file: Path, tmp_path: Path
) -> None:
    Run(server, file, yes=True)
    org.admin.remove_field("Contact", "CDP_Newsletter__c")

    run = Run(server, file, export=tmp_path / "sfdx")

    fields = [path.name for path in (tmp_path / "sfdx").rglob("*.field-meta.xml")]
    assert (run.status, fields) == (0, ["CDP_Newsletter__c.field-meta.xml"])
    assert len(list((tmp_path / "sfdx").rglob("*.permissionset-meta.xml"))) == 2
    assert "CDP_Newsletter__c" not in org.schema.sobjects["Contact"].fields


def test_an_export_keeps_what_an_administrator_added_to_a_set(
    org: SimulatedOrg, server: OrgServer, file: Path, tmp_path: Path
) -> None:
    Run(server, file, yes=True)
    admin = Caller(org, ADMIN)
    (found,) = admin.query("SELECT Id FROM PermissionSet WHERE Name = 'CDP_Contact_Integration'")
    (rights,) = admin.query(f"SELECT Id FROM ObjectPermissions WHERE ParentId = '{found['Id']}' AND {ON_CONTACTS}")
    everything = dict.fromkeys(("PermissionsDelete", "PermissionsViewAllRecords", "PermissionsModifyAllRecords"), True)
    admin.send("PATCH", f"sobjects/ObjectPermissions/{rights['Id']}", everything)
    leads = {"ParentId": found["Id"], "SobjectType": "Lead", "PermissionsRead": True}
    assert admin.send("POST", "sobjects/ObjectPermissions", leads)[0] == 201

    Run(server, file, export=tmp_path / "sfdx")
    (written,) = (tmp_path / "sfdx").rglob("CDP_Contact_Integration.*")

    text = written.read_text()
    assert text.count("<modifyAllRecords>true<") == text.count("<viewAllRecords>true<") == 1
    assert text.count("<allowDelete>true<") == text.count("<object>Lead<") == text.count("<object>Account<") == 1


ON_CONTACTS = "SobjectType = 'Contact'"


def test_a_part_of_an_address_is_written_by_the_right_on_the_whole(
    org: SimulatedOrg, server: OrgServer, file: Path
) -> None:
    file.write_text(GUARDED + '[[mappings]]\nsource = "city"\ntarget = "MailingCity"\n')

    run = Run(server, file, yes=True)

    assert (run.status, "MailingAddress" in run.text) == (0, True)
    assert Caller(org).update(a_contact(MailingCity="Graz"))[0]["success"]


PERSONS = """
name = "Persons"
salesforce_object = "Account"
[identity]
source = "id"
target = "SalesforceId"
[[mappings]]
source = "email"
target = "PersonEmail"
[[mappings]]
source = "city"
target = "PersonMailingCity"
[[mappings]]
source = "phone"
target = "Phone"
[[audiences]]
id = "vip"
name = "VIP"
mapping_id = "CDP_Gold__pc"
"""


def test_fields_of_person_accounts_are_made_and_allowed_on_the_contact(tmp_path: Path) -> None:
    org = SimulatedOrg(OrgConfig(person_accounts=True))
    org.users[0].minimal = True
    file = tmp_path / "persons.toml"
    file.write_text(PERSONS)

    with serve(org) as server:
        first, second = Run(server, file, yes=True), Run(server, file)

    assert (first.status, "can write 4 of 4 fields" in first.text) == (0, True)
    assert "Contact.CDP_Gold__c" in first.text
    assert "The org has everything" in second.text


def test_an_export_without_a_token_needs_no_org_and_holds_everything(file: Path, tmp_path: Path) -> None:

    output = io.StringIO()

    status = CreateFields(file, None, Console(file=output, width=200), None, never, export=tmp_path / "sfdx").run()

    assert "lose what others added" in output.getvalue()
    names = sorted(path.name for path in (tmp_path / "sfdx").rglob("*") if path.is_file())
    assert (status, len(names)) == (0, 12)


def test_without_token_and_export_the_person_is_told_what_is_needed(file: Path) -> None:
    with pytest.raises(TargetError, match="--access-token-stdin"):
        CreateFields(file, None, Console(file=io.StringIO()), None, never).run()


def test_for_the_local_stack_the_person_is_told_where_a_token_is(server: OrgServer, file: Path) -> None:
    with pytest.raises(TargetError) as told:
        CreateFields(file, a_target(server), Console(file=io.StringIO()), None, never).run()

    address, text = re.findall(r"curl -s -X POST (\S+) \\\n  -d '(.+?)' \|", str(told.value))[0]
    answer = requests.post(address, data=text, timeout=10).text
    assert Run(server, file, token=answer, yes=True).status == 0


def test_a_token_of_another_org_is_refused_before_anything_is_read(server: OrgServer, file: Path) -> None:
    with serve(an_org(organization_id="00DOther00000001")) as other:
        token = admin_token(other)
        with pytest.raises(OrgError, match="another org"):
            Run(server, file, token=token, instance_url=other.url, yes=True)


def test_what_the_integration_user_may_not_do_is_said(org: SimulatedOrg, server: OrgServer, file: Path) -> None:
    Run(server, file, yes=True)
    org.admin.restrict_field("Contact", "CDP_Loyal__c", AccessLevel.READ)

    run = Run(server, file)

    assert (run.status, "Read-only: CDP_Loyal__c" in run.text) == (1, True)


HANDED_ON = {"CDP_Email_Key__c", "CDP_Loyalty_Number__c", "CDP_Loyal__c", "CDP_Loyal_Since__c", "CDP_Event_Time__c"}


@pytest.fixture
def people(org: SimulatedOrg, tmp_path: Path) -> Path:
    """A file of two objects, in an org that knows nothing of it."""
    for sobject in ("Contact", "Lead"):
        for name in (HANDED_ON | NEW) & org.schema.sobjects[sobject].fields.keys():
            org.admin.remove_field(sobject, name)
    path = tmp_path / "people.toml"
    path.write_text(PEOPLE)
    return path


def test_one_plan_gives_both_objects_what_they_need(org: SimulatedOrg, server: OrgServer, people: Path) -> None:
    questions: list[str] = []

    def agree(question: str) -> bool:
        questions.append(question)
        return True

    run = Run(server, people, ask=agree)

    assert (run.status, len(questions)) == (0, 1)
    assert all(f"can write 8 of 8 fields of {sobject}" in run.text for sobject in ("Contact", "Lead"))
    for sobject in ("Contact", "Lead"):
        fields = org.schema.sobjects[sobject].fields
        keys = [fields[name] for name in ("CDP_Email_Key__c", "CDP_Loyalty_Number__c")]
        assert [(key.external_id, key.unique) for key in keys] == [(True, True), (True, False)]
    assert {(rule.sobject, rule.name) for rule in org.rules.all()} == {
        (sobject, f"Guard_CDP_{name}") for sobject in ("Contact", "Lead") for name in ("Loyal_Since", "Event_Time")
    }
    assert re.search(r"Contact: read, edit, view all records\s", run.text)
    assert re.search(r"Lead: read, create, edit, view all records\s", run.text)
    assert "CDP_Newsletter__c" not in org.schema.sobjects["Lead"].fields
    assert org.schema.conversion == {"Contact": {name: name for name in HANDED_ON}}


def test_a_second_run_for_two_objects_changes_nothing(org: SimulatedOrg, server: OrgServer, people: Path) -> None:
    Run(server, people, yes=True)
    before = dict(org.schema.conversion)

    second = Run(server, people)

    assert (second.status, "everything that the file needs on Contact and Lead" in second.text) == (0, True)
    assert org.schema.conversion == before


def test_the_contact_of_a_converted_lead_keeps_its_key_and_its_guards(
    org: SimulatedOrg, server: OrgServer, people: Path
) -> None:
    Run(server, people, yes=True)
    caller = Caller(org)
    fields: dict[str, Any] = {"CDP_Email_Key__c": "ada@example.com", "CDP_Event_Time__c": 1_800_000_000_030}
    assert caller.update(a_lead(**fields))[0]["success"]

    contact = org.admin.convert_lead(a_lead()["id"])

    assert {name: org.records("Contact").records[contact].get(name) for name in fields} == fields
    older = caller.update(a_contact(contact, CDP_Event_Time__c=1_800_000_000_020))[0]
    assert "[CDP-STALE:CDP_Event_Time__c]" in first_error(older)[1]


def test_what_an_administrator_mapped_is_kept(org: SimulatedOrg, server: OrgServer, people: Path) -> None:
    by_hand = {"Account": {"CDP_Tier__c": "CDP_Tier__c"}, "Contact": {"CDP_Newsletter__c": "CDP_Newsletter__c"}}
    org.schema.conversion = by_hand
    for name in ("Lead.CDP_Newsletter__c", "Contact.CDP_Newsletter__c", "Lead.CDP_Tier__c", "Account.CDP_Tier__c"):
        body = {"FullName": name, "Metadata": {"label": "By hand", "type": "Text", "length": 20}}
        assert Caller(org, ADMIN).send("POST", "tooling/sobjects/CustomField", body)[0] == 201

    Run(server, people, yes=True)

    assert org.schema.conversion["Account"] == by_hand["Account"]
    assert org.schema.conversion["Contact"].keys() == HANDED_ON | by_hand["Contact"].keys()


def test_where_the_org_lets_no_api_map_leads_it_is_said_what_to_click(
    org: SimulatedOrg, server: OrgServer, people: Path
) -> None:
    Run(server, people, yes=True)
    made, org.schema.conversion = org.schema.conversion, {}
    org.faults.add(Fault(FaultKind.REPLY, skip=1, path="/services/Soap/m/", status=500, code="INVALID_TYPE"))

    with pytest.raises(OrgError, match=r"lead conversion.*Map Lead Fields > Contact\): .*CDP_Email_Key__c") as raised:
        Run(server, people, yes=True)
    org.faults.clear()
    org.faults.add(Fault(FaultKind.REPLY, path="/services/Soap/m/", status=500, code="INVALID_TYPE"))
    hidden = Run(server, people, yes=True)
    org.faults.clear()
    org.schema.conversion = made

    assert all(name in str(raised.value) for name in HANDED_ON)
    assert (hidden.status, "Map Lead Fields" in " ".join(hidden.text.split())) == (1, True)
    assert Run(server, people).status == 0


def test_an_export_holds_what_a_converted_lead_hands_on(
    org: SimulatedOrg, server: OrgServer, people: Path, tmp_path: Path
) -> None:
    run = Run(server, people, export=tmp_path / "sfdx")

    (file,) = (tmp_path / "sfdx/force-app/main/default/LeadConvertSettings").iterdir()
    text = file.read_text()
    assert (run.status, file.name) == (0, "LeadConvertSettings.LeadConvertSetting-meta.xml")
    assert all(f"<inputField>{name}</inputField>" in text for name in HANDED_ON)
    assert text.count("<outputObject>Contact</outputObject>") == text.count("<allowOwnerChange>false<") == 1
    assert len(list((tmp_path / "sfdx").rglob("*.permissionset-meta.xml"))) == 4


PARENTS = """
[[mappings]]
source = "b2b.accountNumber"
target = "Account.CDP_Customer__c"
[[mappings]]
source = "owner"
target = "Owner:User.FederationIdentifier"
"""


def test_parents_are_written_by_the_rights_on_the_lookup_and_read_by_those_on_their_key(
    org: SimulatedOrg, server: OrgServer, file: Path
) -> None:
    org.insert("Account", record_id("001", 1), {"Name": "Acme", "CDP_Customer__c": "4711"})
    file.write_text(GUARDED + PARENTS)

    first, second = Run(server, file, yes=True), Run(server, file)

    assert (first.status, "can write 9 of 9 fields" in first.text) == (0, True)
    assert "read Account.CDP_Customer__c" in first.text
    assert (second.status, "The org has everything" in second.text) == (0, True)
    row = {**a_contact(), "Account": {"CDP_Customer__c": "4711"}}
    assert Caller(org).update(row)[0]["success"]


def a_row(caller: Caller, since: int, **values: Any) -> dict[str, Any]:
    """What comes of an upsert of the one row."""
    fields = {"Contact__c": a_contact()["id"], "Audience__c": "loyal", "Status__c": "realized", "Since_Ms__c": since}
    record = {"attributes": {"type": ROWS_OBJECT}, "CDP_Key__c": "key", **fields, **values}
    return caller.upsert(f"{ROWS_OBJECT}/CDP_Key__c", record)[0]


@pytest.fixture
def rows(org: SimulatedOrg, tmp_path: Path) -> Path:
    """A file with rows and a campaign, for an org that has no object for rows."""
    org.admin.remove_object(ROWS_OBJECT)
    file = tmp_path / "rows.toml"
    campaign = 'campaign = { name = "Autumn" }\nmember_status = { realized = "Sent", exited = "Left" }\n'
    file.write_text(
        GUARDED.replace("[ordering]", f"{campaign}\n[ordering]")
        + ROWS.replace('{ Contact = "Contact__c", Lead = "Lead__c" }', '"Contact__c"')
    )
    return file


def test_an_org_without_an_object_for_rows_gets_it_whole_and_private(
    org: SimulatedOrg, server: OrgServer, rows: Path
) -> None:
    first, second = Run(server, rows, yes=True), Run(server, rows)

    assert (first.status, f"can write 6 of 6 fields of {ROWS_OBJECT}" in first.text) == (0, True)
    assert "By hand: Campaign Autumn > Campaign Member Statuses: see that it has Left, Sent." in first.text
    assert "tick Marketing User" in first.text
    assert (second.status, f"everything that the file needs on Contact and {ROWS_OBJECT}" in second.text) == (0, True)
    made, caller = org.schema.sobjects[ROWS_OBJECT].fields, Caller(org)
    key = made["CDP_Key__c"]
    assert (key.unique, key.case_sensitive, key.external_id, key.length) == (True, True, True, 255)
    assert made["Contact__c"].reference_to == ("Contact",)
    assert a_row(caller, 30)["success"]
    assert "[CDP-STALE:Since_Ms__c]" in first_error(a_row(caller, 20))[1]
    member = {"CampaignId": org.admin.add_campaign("Autumn"), "ContactId": a_contact()["id"], "Status": "Sent"}
    assert caller.send("POST", "sobjects/CampaignMember", member)[0] == 201
    org.admin.remove_field(ROWS_OBJECT, "Audience_Name__c")
    third = Run(server, rows, yes=True)
    assert (third.status, "Audience_Name__c" in third.text, "Audience__c" in third.text) == (0, True, False)


def test_an_export_without_an_org_holds_the_object_its_tab_and_what_is_to_do_by_hand(
    rows: Path, tmp_path: Path
) -> None:
    status = CreateFields(rows, None, Console(file=io.StringIO()), None, never, export=tmp_path / "sfdx").run()

    root = tmp_path / "sfdx/force-app/main/default"
    made = (root / f"objects/{ROWS_OBJECT}/{ROWS_OBJECT}.object-meta.xml").read_text()
    lookup = (root / f"objects/{ROWS_OBJECT}/fields/Contact__c.field-meta.xml").read_text()
    assert status == 0
    assert all(f"<{name}" in made for name in ("sharingModel>Private<", "enableReports>true<", "nameField>"))
    assert all(f"<{name}" in lookup for name in ("deleteConstraint>SetNull<", "referenceTo>Contact<"))
    assert "<customObject>true<" in (root / f"tabs/{ROWS_OBJECT}.tab-meta.xml").read_text()
    assert "Campaign Autumn" in (tmp_path / "sfdx/BY_HAND.txt").read_text()
    readers = (root / "permissionsets/CDP_CDP_Membership_Sales.permissionset-meta.xml").read_text()
    assert "<viewAllRecords>true<" in readers
    assert "<editable>true<" not in readers
