from __future__ import annotations

import pytest
from builders import CONTACTS, a_destination
from salesforce_destination.record.classification import RecordError
from salesforce_destination.record.guards import Guards, guard_formula, read_rules, stale_guards, stale_marker

ORDERED = '\n[ordering]\nfield = "Time__c"\n'
ALL = '\n[profiles]\nmemberships = "all"\n'
SINCE = 'since_field = "Since__c"\n'
OTHER = '\n[[audiences]]\nid = "vip"\nmapping_id = "Vip__c"\n'
MAPPED = {"LastName", "FirstName", "Email"}


def test_a_guard_refuses_an_older_time_and_nothing_else() -> None:
    assert guard_formula("CDP_Time__c") == (
        "AND(NOT($Permission.CDP_Guard_Exempt), NOT(ISNEW()), NOT(ISBLANK(CDP_Time__c)),"
        " NOT(ISBLANK(PRIORVALUE(CDP_Time__c))), CDP_Time__c < PRIORVALUE(CDP_Time__c))"
    )
    assert stale_marker("CDP_Time__c") == "[CDP-STALE:CDP_Time__c]"


@pytest.mark.parametrize(
    ("more", "under_time", "under_since"),
    [
        ("", set(), set()),
        (SINCE + OTHER, set(), {"CDP_Loyal__c", "Since__c"}),
        (OTHER + ORDERED, {*MAPPED, "Time__c"}, set()),
        (OTHER + ORDERED + ALL, {*MAPPED, "Time__c", "CDP_Loyal__c", "Vip__c"}, set()),
        (SINCE + OTHER + ORDERED, {*MAPPED, "Time__c"}, {"CDP_Loyal__c", "Since__c"}),
        (SINCE + OTHER + ORDERED + ALL, {*MAPPED, "Time__c", "Vip__c"}, {"CDP_Loyal__c", "Since__c"}),
    ],
)
def test_an_audience_stands_under_its_own_guard_and_under_the_orderings_where_messages_hold_all_memberships(
    more: str, under_time: set[str], under_since: set[str]
) -> None:
    guards = Guards.of(a_destination(CONTACTS, more))

    assert {field for field, guard in guards.guard_of.items() if guard == "Time__c"} == under_time
    assert {field for field, guard in guards.guard_of.items() if guard == "Since__c"} == under_since
    assert len(guards.guard_of) == len(under_time) + len(under_since)


def test_what_stands_under_a_guard_goes_with_it_and_any_other_field_goes_alone() -> None:
    guards = Guards({"Time__c": "Time__c", "LastName": "Time__c", "Since__c": "Since__c"})

    assert guards.with_guarded({"Time__c", "Other__c"}) == {"Time__c", "LastName", "Other__c"}
    assert guards.with_guarded({"LastName"}) == {"LastName"}


def test_the_guards_that_refused_are_named_by_the_markers_of_all_errors() -> None:
    errors = [RecordError("X", "a [CDP-STALE:A__c] b [CDP-STALE:B__c]"), RecordError("X", "[CDP-STALE:C__c]")]

    assert stale_guards([*errors, RecordError("X", "CDP-STALE:D__c")]) == {"A__c", "B__c", "C__c"}


def test_a_rule_guards_the_field_that_its_text_marks() -> None:
    rows = [
        {"ValidationName": "Guard", "Active": True, "ErrorMessage": "Older. [CDP-STALE:Time__c]"},
        {"ValidationName": "Off", "Active": False, "ErrorMessage": None},
        "no row",
    ]

    guard, off = read_rules({"records": rows})

    assert (guard.name, guard.active, guard.guards("Time__c"), guard.guards("Time")) == ("Guard", True, True, False)
    assert (off.name, off.active, off.text) == ("Off", False, "")
    assert read_rules({}) == ()
