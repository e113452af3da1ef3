from __future__ import annotations

from collections.abc import Sequence

from builders import CONTACTS, a_destination
from guarded_org import GUARDED, GUARDS
from salesforce_destination.connection.comparison import guard_findings
from salesforce_destination.connection.finding import Finding, Level
from salesforce_destination.record.guards import ValidationRule, read_rules, stale_marker

PARTLY = GUARDED.replace('since_field = "CDP_Newsletter_Since__c"\n', "")
OTHER = ValidationRule("Phone_Format", True, "Write the phone number with its country.")


def found(text: str, rules: Sequence[ValidationRule] | None) -> list[Finding]:
    return list(guard_findings(a_destination(text), rules))


def a_rule(field: str, active: bool = True) -> ValidationRule:
    return ValidationRule(f"Guard_{field}", active, f"A newer value is there already. {stale_marker(field)}")


def test_guards_with_their_rules_are_not_mentioned() -> None:
    assert found(GUARDED, [OTHER, *map(a_rule, GUARDS)]) == []


def test_a_rule_that_is_not_there_is_named_by_its_marker() -> None:
    (finding,) = found(GUARDED, [OTHER, *map(a_rule, GUARDS[1:])])

    assert (finding.level, finding.key, finding.field) == (Level.WARNING, "ordering.field", "CDP_Event_Time__c")
    assert "[CDP-STALE:CDP_Event_Time__c]" in finding.problem


def test_a_rule_that_is_switched_off_is_named() -> None:
    (finding,) = found(GUARDED, [a_rule(GUARDS[0]), a_rule(GUARDS[1], active=False), a_rule(GUARDS[2])])

    assert (finding.level, finding.key) == (Level.WARNING, "audiences[0].since_field")
    assert "Guard_CDP_Loyal_Since__c is not active" in finding.problem


def test_a_marker_in_another_case_of_letters_guards_too() -> None:
    assert found(GUARDED, [a_rule(GUARDS[0].upper()), *map(a_rule, GUARDS[1:])]) == []


def test_rules_that_the_integration_user_may_not_see_are_never_called_missing() -> None:
    for rules in (None, ()):
        (finding,) = found(GUARDED, rules)

        assert finding.level is Level.NOTE
        assert "cannot be checked" in finding.problem
        assert all(guard in finding.problem for guard in GUARDS)
        assert "missing" not in str(finding)


def test_an_audience_without_a_guard_is_named_where_others_have_one() -> None:
    rules = [a_rule(GUARDS[0]), a_rule(GUARDS[1])]

    (finding,) = found(PARTLY, rules)

    assert (finding.level, finding.key, finding.field) == (
        Level.WARNING,
        "audiences[1].since_field",
        "CDP_Newsletter__c",
    )


def test_the_ordering_field_guards_the_audiences_where_messages_hold_every_membership() -> None:
    text = PARTLY.replace("[identity]", '[profiles]\nmemberships = "all"\n\n[identity]')

    assert found(text, [a_rule(GUARDS[0]), a_rule(GUARDS[1])]) == []


def test_a_file_without_any_guard_gets_a_note_that_names_its_audiences() -> None:
    (finding,) = found(CONTACTS, None)

    assert (finding.level, finding.key) == (Level.NOTE, "ordering")
    assert "CDP_Loyal__c" in finding.problem


def test_rules_are_read_from_the_answer_of_the_tooling_api() -> None:
    rows = [{"ValidationName": "Guard", "Active": True, "ErrorMessage": "No."}, {"ValidationName": "Draft"}]

    assert read_rules({"records": rows}) == (ValidationRule("Guard", True, "No."), ValidationRule("Draft", False, ""))
