from __future__ import annotations

from typing import Any

import pytest
from destination_cli.create_fields.found import Found, FoundField, FoundRule, FoundSet, assumed, read_org
from destination_cli.create_fields.needs import (
    RIGHTS,
    FieldKind,
    handed_on,
    home_of,
    rule_name,
    wanted_by,
)
from destination_cli.create_fields.plan import (
    Component,
    Plan,
    SetRecords,
    plan,
)
from destination_cli.org_api import OrgAnswer, OrgApi
from destination_cli.target import TargetError
from guarded_org import GUARDED, PEOPLE
from real_answers import described
from salesforce_destination.destination.destination import Destination, read_destination
from salesforce_destination.login.token import AccessToken
from salesforce_destination.record.guards import guard_formula

USER = "005Ab0000000001AAA"
FILE = """
name = "Test"
salesforce_object = "{sobject}"
{profiles}
[identity]
source = "id"
target = "{target}"
create_missing = {create}

[[mappings]]
source = "lastName"
target = "LastName"
required = true

[[mappings]]
source = "email"
target = "Email"
{more}
"""


def a_file(
    more: str = "", target: str = "SalesforceId", create: str = "false", sobject: str = "Contact", profiles: str = ""
) -> Destination:
    return read_destination(FILE.format(more=more, target=target, create=create, sobject=sobject, profiles=profiles))


def an_audience(name: str = "VIP", field: str = "VIP__c", value: str = "status", id_: str = "vip", **keys: str) -> str:
    more = "".join(f'{key} = "{text}"\n' for key, text in keys.items())
    return f'[[audiences]]\nid = "{id_}"\nname = "{name}"\nmapping_id = "{field}"\nvalue = "{value}"\n{more}'


STANDARD = {"lastname": FoundField("LastName", "string", None), "email": FoundField("Email", "email", "Contact.Email")}


def an_org(*fields: FoundField, **found: Any) -> Found:
    return Found({**STANDARD, **{field.name.lower(): field for field in fields}}, **found)


def planned(destination: Destination, found: Found | None = None, kind: FieldKind | None = None) -> Plan:
    return plan([(wanted, found or an_org()) for wanted in wanted_by(destination, kind)], USER)


def made(plan: Plan, kind: str = "CustomField") -> list[Component]:
    return [s for s in plan.steps if isinstance(s, Component) and s.kind == kind and s.record_id is None]


def mended(plan: Plan) -> list[Component]:
    return [step for step in plan.steps if isinstance(step, Component) and step.record_id]


def records(plan: Plan, sobject: str) -> list[SetRecords]:
    return [step for step in plan.steps if isinstance(step, SetRecords) and step.sobject == sobject]


def rights_on(step: SetRecords) -> dict[str, set[str]]:
    """Which rights on records a step gives, by sObject, or by the id of what is there."""
    names = {str(row.get("id") or row["SobjectType"]): row for row in step.rows}
    return {name: {right for right in RIGHTS if row[f"Permissions{right}"]} for name, row in names.items()}


def fields_in(step: SetRecords) -> list[str]:
    """The fields that a step gives rights on, or the ids of what is there."""
    return [str(row.get("id") or row["Field"]) for row in step.rows]


@pytest.mark.parametrize(
    ("value", "metadata"),
    [
        ("status", {"type": "Text", "length": 20, "required": False}),
        ("boolean", {"type": "Checkbox", "defaultValue": "false"}),
        ("timestamp", {"type": "DateTime", "required": False}),
    ],
)
def test_an_audience_gets_a_field_that_takes_its_value(value: str, metadata: dict[str, Any]) -> None:
    (field,) = made(planned(a_file(an_audience(value=value))))

    assert (field.full_name, field.metadata["label"]) == ("Contact.VIP__c", "VIP")
    assert {key: text for key, text in field.metadata.items() if key not in ("description", "label")} == metadata


def test_a_field_holds_the_longest_text_of_a_status() -> None:
    (field,) = made(planned(a_file(an_audience() + f'values = {{ exited = "{"x" * 30}" }}\n')))

    assert (field.metadata["type"], field.metadata["length"]) == ("Text", 30)


def test_a_field_of_names_is_a_picklist_with_the_names_of_its_audiences() -> None:
    audiences = an_audience("VIP", "A__c", "names") + an_audience("Trial", "A__c", "names", "trial")

    (field,) = made(planned(a_file(audiences, profiles='[profiles]\nmemberships = "all"')))

    assert field.shown()[2] == "Picklist (Multi-Select): VIP; Trial"


def test_a_person_may_choose_another_type_that_takes_the_value() -> None:
    (field,) = made(planned(a_file(an_audience()), kind=FieldKind.LONG_TEXT))

    assert (field.metadata["type"], field.metadata["length"]) == ("LongTextArea", 256)


def test_a_type_that_does_not_take_the_value_is_refused_with_those_that_do() -> None:
    with pytest.raises(TargetError, match="text or long-text"):
        planned(a_file(an_audience()), kind=FieldKind.CHECKBOX)


def test_guards_get_their_fields_rules_and_exemption_in_an_order_in_which_they_can_be_made() -> None:
    todo = planned(read_destination(GUARDED), an_org())

    kinds = [step.shown()[0] for step in todo.steps]

    assert kinds == [
        *["custom permission", *["field"] * 5, *["validation rule"] * 3],
        *[
            "permission set",
            "rights on records",
            "rights on fields",
            "permission set",
            "rights on fields",
            "assignment",
        ],
    ]
    rules = {rule.name: rule.metadata for rule in made(todo, "ValidationRule")}
    for guard in ("CDP_Event_Time__c", "CDP_Loyal_Since__c", "CDP_Newsletter_Since__c"):
        rule = rules.pop(rule_name(guard))
        assert rule["errorConditionFormula"] == guard_formula(guard)
        assert f"[CDP-STALE:{guard}]" in rule["errorMessage"]
    assert rules == {}


def test_a_file_without_guards_needs_no_exemption() -> None:
    assert made(planned(a_file(an_audience())), "CustomPermission") == []


def test_a_field_that_takes_the_value_is_left_as_it_is() -> None:
    there = FoundField("vip__C", "textarea", "Contact.VIP__c")

    todo = planned(a_file(an_audience()), an_org(there))

    assert (made(todo), todo.problems) == ([], ())


def test_a_field_of_another_type_is_a_persons_to_mend_and_gets_no_rights() -> None:
    todo = planned(a_file(an_audience()), an_org(FoundField("VIP__c", "boolean", "Contact.VIP__c")))

    (problem,) = todo.problems
    assert (problem.key, "the type boolean" in problem.problem) == ("audiences[0].mapping_id", True)
    assert all("Contact.VIP__c" not in fields_in(step) for step in records(todo, "FieldPermissions"))


@pytest.mark.parametrize("name", ["VIP", "ns__VIP__c", "VIP___c", "A" * 41 + "__c"])
def test_a_name_that_no_custom_field_may_have_is_a_persons_to_mend(name: str) -> None:
    todo = planned(a_file(an_audience(field=name)))

    assert [problem.key for problem in todo.problems] == ["audiences[0].mapping_id"]
    assert made(todo) == []


def test_a_field_of_a_mapping_that_is_not_there_is_a_persons_to_make() -> None:
    todo = planned(a_file('[[mappings]]\nsource = "x"\ntarget = "Shoe_Size__c"'))

    assert [(problem.key, "Shoe_Size__c" in problem.problem) for problem in todo.problems] == [
        ("mappings[2].target", True)
    ]


def test_a_picklist_that_lacks_a_name_gets_it_beside_those_it_has() -> None:
    audiences = an_audience("VIP", "A__c", "names") + an_audience("Trial", "A__c", "names", "trial")
    metadata = {
        "type": "MultiselectPicklist",
        "valueSet": {"valueSetDefinition": {"sorted": False, "value": [{"valueName": "VIP", "label": "VIP"}]}},
    }
    there = FoundField("A__c", "multipicklist", "Contact.A__c", "00N1", frozenset({"VIP"}), metadata)

    (added,) = mended(planned(a_file(audiences, profiles='[profiles]\nmemberships = "all"'), an_org(there)))

    values = added.metadata["valueSet"]["valueSetDefinition"]["value"]
    assert (added.shown()[2], [value["valueName"] for value in values]) == ("add Trial", ["VIP", "Trial"])


def test_a_picklist_with_the_values_of_another_is_a_persons_to_mend() -> None:
    metadata = {"type": "MultiselectPicklist", "valueSet": {"valueSetName": "Global"}}
    there = FoundField("A__c", "multipicklist", "Contact.A__c", "00N1", frozenset(), metadata)
    file = a_file(an_audience("VIP", "A__c", "names"), profiles='[profiles]\nmemberships = "all"')

    todo = planned(file, an_org(there))

    assert [problem.key for problem in todo.problems] == ["audiences[0].mapping_id"]
    assert mended(todo) == []


def test_the_identity_field_is_made_only_where_records_may_be_created() -> None:
    creating = planned(a_file(target="Key__c", create="true"))
    updating = planned(a_file(target="Key__c"))

    (field,) = made(creating)
    assert field.full_name == "Contact.Key__c"
    assert [field.metadata[flag] for flag in ("externalId", "unique", "caseSensitive")] == [True, True, False]
    assert [problem.key for problem in updating.problems] == ["identity.target"]
    (rights,) = records(creating, "ObjectPermissions")
    assert rights_on(rights)["Contact"] == {"Read", "Edit", "Create", "ViewAllRecords"}


def a_rule(**changes: Any) -> FoundRule:
    formula = guard_formula("CDP_Event_Time__c").replace(", ", ",\n  ")
    known = {"record_id": "03d1", "name": "My_Guard", "active": True, "formula": formula}
    return FoundRule(**{**known, "text": "Too old [CDP-STALE:CDP_Event_Time__c]", **changes})


ORDERED = a_file('[ordering]\nfield = "CDP_Event_Time__c"')


def with_rule(rule: FoundRule) -> Found:
    return an_org(
        FoundField("CDP_Event_Time__c", "double", "Contact.CDP_Event_Time__c"), rules=(rule,), has_permission=True
    )


def test_a_rule_with_the_marker_and_the_formula_is_left_whatever_its_name_and_spacing() -> None:
    assert [step.shown()[0] for step in planned(ORDERED, with_rule(a_rule())).steps if "rule" in step.shown()[0]] == []


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"active": False}, "switched off"),
        ({"formula": "FALSE"}, "another formula"),
        ({"name": "guard_CDP_Event_Time", "text": "Too old"}, "another text"),
    ],
)
def test_a_rule_that_a_person_changed_is_mended_where_it_is(changes: dict[str, Any], word: str) -> None:
    found = with_rule(a_rule(**changes))

    (rule,) = mended(planned(ORDERED, found))

    assert word in rule.shown()[2]
    assert rule.record_id == "03d1"


def test_what_is_there_is_not_done_again() -> None:
    whole = an_org(
        FoundField("VIP__c", "string", "Contact.VIP__c"),
        sets={
            "CDP_Contact_Integration": FoundSet(
                {"Account": ("1101", frozenset({"Read"})), "Contact": ("1102", frozenset({"Read", "Edit", "Delete"}))},
                {"Contact.VIP__c": ("01k1", True), "Contact.Email": ("01k2", True)},
                frozenset({USER}),
            ),
            "CDP_Contact_Sales": FoundSet({}, {"Contact.VIP__c": ("01k3", False)}),
        },
    )

    assert planned(a_file(an_audience()), whole) == Plan((), ())


def test_a_right_to_read_is_raised_where_it_is_and_others_are_kept() -> None:
    there = FoundSet({"Contact": ("1102", frozenset({"Read", "Delete"}))}, {"Contact.VIP__c": ("01k1", False)})
    found = an_org(FoundField("VIP__c", "string", "Contact.VIP__c"), sets={"CDP_Contact_Integration": there})

    todo = planned(a_file(an_audience()), found)

    (rights,), fields = records(todo, "ObjectPermissions"), records(todo, "FieldPermissions")[0]
    assert rights_on(rights) == {"Account": {"Read"}, "1102": {"Read", "Edit", "Delete"}}
    assert fields_in(fields) == ["01k1", "Contact.Email"]
    assert all(row["PermissionsEdit"] for row in fields.rows)


@pytest.mark.parametrize("describe", ["contact", "lead", "account_with_persons"])
def test_rights_are_those_that_a_real_orgs_describe_tells(describe: str) -> None:
    recorded = described(describe)
    sobject, api = recorded["name"], DescribingApi(recorded)
    names = [field["name"] for field in recorded["fields"] if field["updateable"]]

    found = read_org(api, *wanted_by(a_file(sobject=sobject)))
    rights = {name: found.fields[name.lower()].rights_of for name in names}

    guessed = assumed(sobject, names).fields
    assert rights == {name: guessed[name.lower()].rights_of for name in names}
    assert {name: rights[name] for name in TOLD[sobject]} == TOLD[sobject]


TOLD: dict[str, dict[str, str | None]] = {
    "Contact": {
        **dict.fromkeys(("MailingCity", "MailingStreet", "MailingLatitude"), "Contact.MailingAddress"),
        "Phone": "Contact.Phone",
        "LastName": None,
        "OwnerId": None,
    },
    "Lead": {"City": "Lead.Address", "Company": None, "Status": None, "Title": "Lead.Title"},
    "Account": {
        "BillingCity": "Account.BillingAddress",
        "Phone": "Account.Phone",
        "LastName": None,
        "PersonEmail": "Contact.Email",
        "PersonMailingCity": "Contact.MailingAddress",
        "PersonHomePhone": "Contact.HomePhone",
        "PersonEmailBouncedDate": None,
    },
}


class DescribingApi(OrgApi):
    """An org that shows one describe, and has nothing that anybody made."""

    def __init__(self, described: dict[str, Any]) -> None:
        super().__init__(AccessToken("token", "https://acme.my.salesforce.com"), "66.0")
        # The recorded ones list values without what a describe says of each.
        self.described = {"fields": [{**field, "picklistValues": None} for field in described["fields"]]}

    def send(self, *call: Any, **more: Any) -> OrgAnswer:
        return OrgAnswer(200, self.described)

    def query(self, *call: Any) -> list[dict[str, Any]]:
        return []


PERSONS = a_file(
    '[[mappings]]\nsource = "city"\ntarget = "PersonMailingCity"\n[[mappings]]\nsource = "x"\ntarget = "Level__pc"\n'
    + an_audience(field="VIP__pc"),
    sobject="Account",
)
PERSON_FIELDS = (
    *(FoundField("IsPersonAccount", "boolean", None), FoundField("Level__pc", "string", "Contact.Level__c")),
    FoundField("PersonMailingCity", "string", "Contact.MailingAddress"),
)


def test_what_a_person_account_has_of_its_contact_is_made_and_allowed_there() -> None:
    todo = planned(PERSONS, an_org(*PERSON_FIELDS))

    assert [field.full_name for field in made(todo)] == ["Contact.VIP__c"]
    (rights,), (fields, _) = records(todo, "ObjectPermissions"), records(todo, "FieldPermissions")
    assert list(rights_on(rights).items()) == [("Account", {"Read", "Edit"}), ("Contact", {"Read"})]
    assert {row["SobjectType"] for row in fields.rows} == {"Contact"}
    assert set(fields_in(fields)) == {
        *("Contact.Email", "Contact.MailingAddress", "Contact.Level__c", "Contact.VIP__c"),
    }


@pytest.mark.parametrize(
    ("sobject", "name", "home"),
    [
        ("Account", "personemail", "Contact.email"),
        ("Account", "npe01__HomeEmail__PC", "Contact.npe01__HomeEmail__c"),
        ("Account", "Person_Type__c", "Account.Person_Type__c"),
        ("Account", "Phone", "Account.Phone"),
        ("Contact", "PersonEmail", "Contact.PersonEmail"),
    ],
)
def test_only_a_persons_fields_are_the_contacts(sobject: str, name: str, home: str) -> None:
    assert ".".join(home_of(sobject, name)) == home


@pytest.mark.parametrize("name", ["Home__City__s", "Home__GeocodeAccuracy__s", "Home__c"])
def test_a_part_of_an_address_that_somebody_made_is_the_addresss_too(name: str) -> None:
    (found,) = [there for there in assumed("Lead", [name]).fields.values() if there.name == name]

    assert found.rights_of == "Lead.Home__c"


def test_a_persons_field_is_not_made_in_an_org_without_person_accounts() -> None:
    todo = planned(PERSONS, an_org(*PERSON_FIELDS[1:]))

    assert (made(todo), [problem.key for problem in todo.problems]) == ([], ["audiences[0].mapping_id"])
    assert "no person accounts" in todo.problems[0].cure


def test_nobody_is_assigned_where_no_stack_was_named() -> None:
    todo = plan([(wanted, an_org()) for wanted in wanted_by(a_file(an_audience()))])

    assert records(todo, "PermissionSetAssignment") == []


def test_leads_need_no_right_on_accounts() -> None:
    found = Found({"email": FoundField("Email", "email", "Lead.Email")})

    (rights,) = records(planned(a_file(an_audience(), sobject="Lead"), found), "ObjectPermissions")

    assert rights_on(rights) == {"Lead": {"Read", "Edit"}}


def test_names_of_rules_are_short_and_differ() -> None:
    names = [rule_name("A" * 35 + end + "__c") for end in ("1", "2")] + [rule_name("ns__A__c")]

    assert all(len(name) <= 40 and "__" not in name for name in names)
    assert len(set(names)) == 3


def conversion_of(*pairs: tuple[str, str]) -> dict[str, Any]:
    rows = [{"inputField": [lead], "outputField": [contact]} for lead, contact in pairs]
    return {"objectMapping": [{"inputObject": ["Lead"], "outputObject": ["Contact"], "mappingFields": rows}]}


def planned_for_people(conversion: dict[str, Any] | None, text: str = PEOPLE) -> Plan:
    destination = read_destination(text)
    needs = [(wanted, Found({"ispersonaccount": FoundField("", "", None)})) for wanted in wanted_by(destination)]
    return plan(needs, USER, handed_on(destination), conversion)


def test_a_lead_hands_on_keys_guards_and_what_they_guard_as_far_as_both_objects_have_it() -> None:
    (step,) = [step for step in planned_for_people({}).steps if step.shown()[0] == "lead conversion"]

    assert isinstance(step, Component)
    (mapping,) = step.metadata["objectMapping"]
    names = "Event_Time Loyalty_Number Email_Key Loyal Loyal_Since"
    assert {row["inputField"]: row["outputField"] for row in mapping["mappingFields"]} == {
        f"CDP_{name}__c": f"CDP_{name}__c" for name in names.split()
    }


def test_fields_of_other_names_are_handed_on_by_them() -> None:
    table = '{ Contact = "Their_Key__c", Lead = "My_Key__c" }'
    pairs = handed_on(
        read_destination(PEOPLE.replace('"CDP_Email_Key__c"', table).replace('"Email"', '"Parent__r.Key__c"'))
    )

    assert (pairs["My_Key__c"], "Parent__r.Key__c" in pairs) == ("Their_Key__c", False)


def test_a_mapping_that_an_administrator_made_otherwise_is_a_persons_to_change() -> None:
    todo = planned_for_people(conversion_of(("CDP_Loyal__c", "Other__c"), ("Mine__c", "cdp_event_time__C")))

    (problem,) = [problem for problem in todo.problems if "hands" in problem.problem]
    (step,) = [step for step in todo.steps if step.shown()[0] == "lead conversion"]
    assert all(name in problem.cure for name in ("CDP_Loyal__c", "CDP_Event_Time__c", "Map Lead Fields"))
    assert step.shown()[2] == "hands on to the contact: CDP_Loyalty_Number__c, CDP_Email_Key__c, CDP_Loyal_Since__c"


def test_a_problem_names_the_place_in_the_file_also_where_an_object_leaves_tables_out() -> None:
    mistakes = planned_for_people({}).problems

    assert [(each.key, each.problem) for each in mistakes] == [
        ("mappings[0].target", "Contact has no field LastName."),
        ("mappings[2].target", "Contact has no field Email."),
        ("mappings[0].target", "Lead has no field LastName."),
        ("mappings[1].target", "Lead has no field Company."),
        ("mappings[2].target", "Lead has no field Email."),
    ]


def test_a_file_of_leads_alone_says_nothing_of_their_conversion() -> None:
    assert handed_on(a_file(an_audience(), sobject="Lead")) == {}
