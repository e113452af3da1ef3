from __future__ import annotations

from typing import Any

import pytest
from destination_cli.create_fields.found import Found, FoundField, FoundRule, FoundSet
from destination_cli.create_fields.needs import FieldKind, UnsuitableTypeError, rule_name, wanted_by
from destination_cli.create_fields.plan import (
    AddValues,
    AssignSet,
    GiveFields,
    GiveRights,
    MakeField,
    MakeRule,
    MendRule,
    Plan,
    plan,
)
from guarded_org import GUARDED
from salesforce_destination.destination.destination import Destination, read_destination
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


STANDARD = {"lastname": FoundField("LastName", "string", None), "email": FoundField("Email", "email", "Email")}


def an_org(*fields: FoundField, **found: Any) -> Found:
    return Found({**STANDARD, **{field.name.lower(): field for field in fields}}, **found)


def planned(destination: Destination, found: Found | None = None, kind: FieldKind | None = None) -> Plan:
    return plan(wanted_by(destination, kind), found or an_org(), USER)


def steps(plan: Plan, kind: type[Any]) -> list[Any]:
    return [step for step in plan.steps if isinstance(step, kind)]


@pytest.mark.parametrize(
    ("value", "kind"),
    [("status", FieldKind.TEXT), ("boolean", FieldKind.CHECKBOX), ("timestamp", FieldKind.DATE_TIME)],
)
def test_an_audience_gets_a_field_that_takes_its_value(value: str, kind: FieldKind) -> None:
    (made,) = steps(planned(a_file(an_audience(value=value))), MakeField)

    assert (made.field.name, made.field.kind, made.field.label) == ("VIP__c", kind, "VIP")


def test_a_field_of_names_is_a_picklist_with_the_names_of_its_audiences() -> None:
    audiences = an_audience("VIP", "A__c", "names") + an_audience("Trial", "A__c", "names", "trial")

    (made,) = steps(planned(a_file(audiences, profiles='[profiles]\nmemberships = "all"')), MakeField)

    assert (made.field.kind, made.field.values) == (FieldKind.MULTI_SELECT, ("VIP", "Trial"))


def test_a_person_may_choose_another_type_that_takes_the_value() -> None:
    (made,) = steps(planned(a_file(an_audience()), kind=FieldKind.LONG_TEXT), MakeField)

    assert (made.field.kind, made.field.length) == (FieldKind.LONG_TEXT, 256)


def test_a_type_that_does_not_take_the_value_is_refused_with_those_that_do() -> None:
    with pytest.raises(UnsuitableTypeError, match="text or long-text"):
        planned(a_file(an_audience()), kind=FieldKind.CHECKBOX)


def test_guards_get_their_fields_rules_and_exemption_in_an_order_in_which_they_can_be_made() -> None:
    todo = planned(read_destination(GUARDED), an_org())

    kinds = [type(step).__name__ for step in todo.steps]

    assert kinds == [
        *["MakePermission", *["MakeField"] * 5, *["MakeRule"] * 3],
        *["MakeSet", "GiveRights", "GiveFields", "MakeSet", "GiveFields", "AssignSet"],
    ]
    assert [step.rule.formula for step in steps(todo, MakeRule)] == [
        guard_formula(step.rule.field) for step in steps(todo, MakeRule)
    ]
    assert {step.rule.marker for step in steps(todo, MakeRule)} == {
        "[CDP-STALE:CDP_Event_Time__c]",
        "[CDP-STALE:CDP_Loyal_Since__c]",
        "[CDP-STALE:CDP_Newsletter_Since__c]",
    }


def test_a_file_without_guards_needs_no_exemption() -> None:
    assert "MakePermission" not in {type(step).__name__ for step in planned(a_file(an_audience())).steps}


def test_a_field_that_takes_the_value_is_left_as_it_is() -> None:
    there = FoundField("vip__C", "textarea", "VIP__c")

    todo = planned(a_file(an_audience()), an_org(there))

    assert (steps(todo, MakeField), todo.problems) == ([], ())


def test_a_field_of_another_type_is_a_persons_to_mend_and_gets_no_rights() -> None:
    todo = planned(a_file(an_audience()), an_org(FoundField("VIP__c", "boolean", "VIP__c")))

    (problem,) = todo.problems
    assert (problem.key, "the type boolean" in problem.problem) == ("audiences[0].mapping_id", True)
    assert all("VIP__c" not in step.fields for step in steps(todo, GiveFields))


@pytest.mark.parametrize("name", ["VIP", "ns__VIP__c", "VIP___c", "A" * 41 + "__c"])
def test_a_name_that_no_custom_field_may_have_is_a_persons_to_mend(name: str) -> None:
    todo = planned(a_file(an_audience(field=name)))

    assert [problem.key for problem in todo.problems] == ["audiences[0].mapping_id"]
    assert steps(todo, MakeField) == []


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
    there = FoundField("A__c", "multipicklist", "A__c", "00N1", frozenset({"VIP"}), metadata)

    (added,) = steps(planned(a_file(audiences, profiles='[profiles]\nmemberships = "all"'), an_org(there)), AddValues)

    values = added.metadata["valueSet"]["valueSetDefinition"]["value"]
    assert (added.values, [value["valueName"] for value in values]) == (("Trial",), ["VIP", "Trial"])


def test_a_picklist_with_the_values_of_another_is_a_persons_to_mend() -> None:
    metadata = {"type": "MultiselectPicklist", "valueSet": {"valueSetName": "Global"}}
    there = FoundField("A__c", "multipicklist", "A__c", "00N1", frozenset(), metadata)
    file = a_file(an_audience("VIP", "A__c", "names"), profiles='[profiles]\nmemberships = "all"')

    todo = planned(file, an_org(there))

    assert [problem.key for problem in todo.problems] == ["audiences[0].mapping_id"]
    assert steps(todo, AddValues) == []


def test_the_identity_field_is_made_only_where_records_may_be_created() -> None:
    creating = planned(a_file(target="Key__c", create="true"))
    updating = planned(a_file(target="Key__c"))

    (made,) = steps(creating, MakeField)
    assert (made.field.name, made.field.finds_records, made.field.case_sensitive) == ("Key__c", True, False)
    assert [problem.key for problem in updating.problems] == ["identity.target"]
    (rights,) = steps(creating, GiveRights)
    assert rights.rights["Contact"] == {"Read", "Edit", "Create"}


def a_rule(**changes: Any) -> FoundRule:
    formula = guard_formula("CDP_Event_Time__c").replace(", ", ",\n  ")
    known = {"record_id": "03d1", "name": "My_Guard", "active": True, "formula": formula}
    return FoundRule(**{**known, "message": "Too old [CDP-STALE:CDP_Event_Time__c]", **changes})


ORDERED = a_file('[ordering]\nfield = "CDP_Event_Time__c"')


def with_rule(rule: FoundRule) -> Found:
    return an_org(FoundField("CDP_Event_Time__c", "double", "CDP_Event_Time__c"), rules=(rule,), has_permission=True)


def test_a_rule_with_the_marker_and_the_formula_is_left_whatever_its_name_and_spacing() -> None:
    assert [step.shown()[0] for step in planned(ORDERED, with_rule(a_rule())).steps if "rule" in step.shown()[0]] == []


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"active": False}, "switched off"),
        ({"formula": "FALSE"}, "another formula"),
        ({"name": "guard_CDP_Event_Time", "message": "Too old"}, "another text"),
    ],
)
def test_a_rule_that_a_person_changed_is_mended_where_it_is(changes: dict[str, Any], word: str) -> None:
    found = with_rule(a_rule(**changes))

    (mended,) = steps(planned(ORDERED, found), MendRule)

    assert word in mended.shown()[2]
    assert mended.record_id == "03d1"


def test_what_is_there_is_not_done_again() -> None:
    whole = an_org(
        FoundField("VIP__c", "string", "VIP__c"),
        sets={
            "CDP_Contact_Integration": FoundSet(
                "0PS1",
                {"Account": ("1101", frozenset({"Read"})), "Contact": ("1102", frozenset({"Read", "Edit", "Delete"}))},
                {"VIP__c": ("01k1", True), "Email": ("01k2", True)},
                frozenset({USER}),
            ),
            "CDP_Contact_Sales": FoundSet("0PS2", {}, {"VIP__c": ("01k3", False)}),
        },
    )

    assert planned(a_file(an_audience()), whole) == Plan((), ())


def test_a_right_to_read_is_raised_where_it_is_and_others_are_kept() -> None:
    there = FoundSet("0PS1", {"Contact": ("1102", frozenset({"Read", "Delete"}))}, {"VIP__c": ("01k1", False)})
    found = an_org(FoundField("VIP__c", "string", "VIP__c"), sets={"CDP_Contact_Integration": there})

    todo = planned(a_file(an_audience()), found)

    (rights,), fields = steps(todo, GiveRights), steps(todo, GiveFields)[0]
    assert rights.rights == {"Account": {"Read"}, "Contact": {"Read", "Edit", "Delete"}}
    assert (rights.known, fields.known) == ({"Contact": "1102"}, {"VIP__c": "01k1"})
    assert fields.fields == {"VIP__c": True, "Email": True}


def test_rights_are_given_on_the_whole_address_and_never_on_what_everyone_has() -> None:
    city = FoundField("MailingCity", "string", "MailingAddress")
    file = a_file('[[mappings]]\nsource = "city"\ntarget = "MailingCity"')

    (fields,) = steps(planned(file, an_org(city)), GiveFields)

    assert list(fields.fields) == ["Email", "MailingAddress"]


def test_nobody_is_assigned_where_no_stack_was_named() -> None:
    todo = plan(wanted_by(a_file(an_audience())), an_org())

    assert steps(todo, AssignSet) == []


def test_leads_need_no_right_on_accounts() -> None:
    (rights,) = steps(planned(a_file(an_audience(), sobject="Lead")), GiveRights)

    assert rights.rights == {"Lead": {"Read", "Edit"}}


def test_names_of_rules_are_short_and_differ() -> None:
    names = [rule_name("A" * 35 + end + "__c") for end in ("1", "2")] + [rule_name("ns__A__c")]

    assert all(len(name) <= 40 and "__" not in name for name in names)
    assert len(set(names)) == 3
