from __future__ import annotations

from typing import Any

import pytest
from destination_testbench.org import DuplicateRule, Facts, Fault, FaultKind, SimulatedOrg
from destination_testbench.org.formulas.formula import FormulaError
from org_caller import CONTACT, OTHER_CONTACT, Caller, Clock, a_contact, a_lead, an_org, first_error


def guard(field: str) -> str:
    conditions = ["NOT($Permission.CDP_Guard_Exempt)", "NOT(ISNEW())", f"NOT(ISBLANK({field}))"]
    conditions += [f"NOT(ISBLANK(PRIORVALUE({field})))", f"{field} < PRIORVALUE({field})"]
    return f"AND({', '.join(conditions)})"


def a_guarded_org(**facts: Any) -> SimulatedOrg:
    org = an_org(facts=Facts(**facts))
    for field in ("CDP_Event_Time__c", "CDP_Trial_Since__c"):
        org.admin.add_rule("Contact", f"Stale_{field.removesuffix('__c')}", guard(field), f"[CDP-STALE:{field}]")
    return org


def test_an_older_event_is_refused_and_the_same_or_a_newer_one_written() -> None:
    org = a_guarded_org()
    caller = Caller(org)

    outcomes = [caller.update(a_contact(CDP_Event_Time__c=time))[0]["success"] for time in (5, 4, 5, 6, None, 1)]

    assert outcomes == [True, False, True, True, True, True]


def test_the_rules_words_come_back_without_fields_or_with_the_one_they_point_at() -> None:
    org = a_guarded_org()
    caller = Caller(org)
    caller.update(a_contact(CDP_Event_Time__c=5))

    (bare,) = caller.update(a_contact(CDP_Event_Time__c=4))
    org.admin.add_rule("Contact", "Stale_CDP_Event_Time", guard("CDP_Event_Time__c"), "old", "CDP_Event_Time__c")
    (pointed,) = caller.update(a_contact(CDP_Event_Time__c=4))

    assert first_error(bare) == ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "[CDP-STALE:CDP_Event_Time__c]", [])
    assert first_error(pointed)[2] == ["CDP_Event_Time__c"]


def test_times_are_compared_by_the_second() -> None:
    org = a_guarded_org()
    caller = Caller(org)
    times = [
        "2026-01-01T00:00:01.900Z",
        "2026-01-01T00:00:01.100Z",
        "2026-01-01T00:00:00.999Z",
        "2026-01-01T01:00:00+02:00",
    ]

    outcomes = [caller.update(a_contact(CDP_Trial_Since__c=time))[0]["success"] for time in times]

    assert outcomes == [True, True, False, False]


@pytest.mark.parametrize(("all_at_once", "expected"), [(True, 2), (False, 1)])
def test_rules_are_reported_together_or_one_at_a_time(all_at_once: bool, expected: int) -> None:
    caller = Caller(a_guarded_org(all_errors_at_once=all_at_once))
    new, old = "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"
    caller.update(a_contact(CDP_Event_Time__c=5, CDP_Trial_Since__c=new))

    (result,) = caller.update(a_contact(CDP_Event_Time__c=4, CDP_Trial_Since__c=old))

    assert len(result["errors"]) == expected


def test_who_holds_the_permission_is_exempt() -> None:
    org = a_guarded_org()
    caller = Caller(org)
    caller.update(a_contact(CDP_Event_Time__c=5))

    org.users[0].custom_permissions.add("CDP_Guard_Exempt")

    assert caller.update(a_contact(CDP_Event_Time__c=4))[0]["success"]


def test_rules_see_a_repeat_in_one_request_one_after_the_other() -> None:
    caller = Caller(a_guarded_org())

    results = caller.update(a_contact(CDP_Event_Time__c=5), a_contact(CDP_Event_Time__c=4))

    assert [result["success"] for result in results] == [True, False]


def test_a_rule_about_a_deleted_field_is_silent() -> None:
    org = a_guarded_org()
    caller = Caller(org)
    caller.update(a_contact(CDP_Event_Time__c=5))

    org.admin.remove_field("Contact", "CDP_Event_Time__c")

    assert caller.update(a_contact(Title="X"))[0]["success"]
    assert first_error(caller.update(a_contact(CDP_Event_Time__c=4))[0])[0] == "INVALID_FIELD"


def test_a_rule_that_cannot_be_understood_is_not_made(org: SimulatedOrg) -> None:
    with pytest.raises(FormulaError):
        org.admin.add_rule("Contact", "Bad", "Nope__c > 1", "no")

    assert org.rules.all() == []


def test_an_org_that_does_not_compare_under_the_lock_lets_an_older_event_win() -> None:
    clock = Clock()
    org = an_org(clock=clock, facts=Facts(rules_compare_under_lock=False))
    org.admin.add_rule("Contact", "Stale", guard("CDP_Event_Time__c"), "stale")
    slow = Caller(org)
    slow.update(a_contact(CDP_Event_Time__c=1))
    org.faults.add(Fault(FaultKind.LATENCY, times=1, seconds=5))

    # While the older event waits, a newer one is written.
    def overtake(seconds: float) -> None:
        clock.time += seconds
        Caller(org).update(a_contact(CDP_Event_Time__c=9))

    org.sleep = overtake
    (result,) = slow.update(a_contact(CDP_Event_Time__c=5))

    assert result["success"]
    assert org.records("Contact").records[CONTACT].get("CDP_Event_Time__c") == 5.0


def a_twin_rule(blocks: bool) -> SimulatedOrg:
    org = an_org()
    Caller(org).update(a_contact(OTHER_CONTACT, Email="twin@example.com"))
    org.admin.add_duplicate_rule(DuplicateRule("Contact", "Same_email", ("Email",), blocks))
    return org


ALLOW = {"sforce_duplicate_rule_header": "allowSave=true; includeRecordDetails=true"}


@pytest.mark.parametrize(
    ("blocks", "header", "written"), [(False, {}, False), (False, ALLOW, True), (True, {}, False), (True, ALLOW, False)]
)
def test_the_header_lets_alert_rules_pass_and_no_blocking_ones(
    blocks: bool, header: dict[str, str], written: bool
) -> None:
    caller = Caller(a_twin_rule(blocks))

    _, results = caller.send(
        "PATCH", "composite/sobjects", {"records": [a_contact(Email="TWIN@example.com")]}, **header
    )

    assert results[0]["success"] is written
    if not written:
        assert first_error(results[0]) == ("DUPLICATES_DETECTED", "Use one of these records?", [])


def test_a_duplicate_rule_is_not_asked_when_its_fields_do_not_change() -> None:
    org = a_twin_rule(blocks=True)
    org.admin.edit("Contact", CONTACT, {"Email": "twin@example.com"})

    assert Caller(org).update(a_contact(Title="X", Email="twin@example.com"))[0]["success"]


def test_duplicate_rules_are_listed_and_those_that_are_off_find_nobody(org: SimulatedOrg, caller: Caller) -> None:
    org.admin.add_duplicate_rule(DuplicateRule("Contact", "Twins", ("Email",), active=False))
    org.admin.add_duplicate_rule(DuplicateRule("Lead", "Known_contacts", ("Email",), against="Contact"))
    caller.update(a_contact(Email="a@example.com"), a_contact(OTHER_CONTACT, Email="a@example.com"))

    rows = caller.query("SELECT SobjectType, DeveloperName, IsActive FROM DuplicateRule ORDER BY SobjectType")
    new, changed = (
        caller.send(method, "composite/sobjects", {"records": [record]})[1][0]
        for method, record in (
            ("POST", a_lead(None, LastName="X", Company="Y", Email="A@example.com")),
            ("PATCH", a_lead(Email="b@example.com")),
        )
    )

    assert [tuple(row.values()) for row in rows] == [("Contact", "Twins", False), ("Lead", "Known_contacts", True)]
    assert first_error(new)[0] == "DUPLICATES_DETECTED"
    assert changed["success"]
    assert org.records("Contact").records[OTHER_CONTACT].get("Email") == "a@example.com"
