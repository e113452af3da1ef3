from __future__ import annotations

import pytest
from destination_testbench.org.formulas.formula import FormulaError, read_formula
from destination_testbench.org.formulas.functions import Scope
from destination_testbench.org.schema.schema import standard_schema

CONTACT = standard_schema().sobjects["Contact"]
NEW = Scope(
    {"CDP_Event_Time__c": 5.0, "LastName": "Ito", "CDP_Audiences__c": "VIP;Trial"},
    None,
    {"Exempt"},
    "2026-01-02T03:04:05.000+0000",
)
CHANGED = Scope(
    {"CDP_Event_Time__c": 4.0, "LastName": "Ito"}, {"CDP_Event_Time__c": 5.0, "LastName": "Ito"}, (), NEW.stamp
)


def value(source: str, scope: Scope = NEW) -> object:
    return read_formula(source, CONTACT, {"Exempt", "Other"}).term(scope)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1 + 2 * 3 - 4 / 2", 5.0),
        ("(1 + 2) * -3", -9.0),
        ('"a" & "b" & TEXT(3)', "ab3"),
        ('LastName = "Ito"', True),
        ("LastName <> 'Ito'", False),
        ("CDP_Event_Time__c >= 5", True),
        ("cdp_event_time__c > 5", False),
        ("CDP_Event_Time__c <= 4.5 || TRUE", True),
        ("AND(1 < 2, NOT(2 < 1), OR(FALSE, TRUE))", True),
        ("TRUE && !FALSE", True),
        ("ISBLANK(Title)", True),
        ('Title = ""', True),
        ("Title = LastName", False),
        ("CDP_Trial_Since__c < NOW()", False),
        ("BLANKVALUE(Title, LastName)", "Ito"),
        ("IF(ISNEW(), 1, 2)", 1.0),
        ('CASE(LastName, "A", 1, "Ito", 2, 3)', 2.0),
        ('INCLUDES(CDP_Audiences__c, "Trial")', True),
        ('CONTAINS(LastName, "t") && BEGINS(LastName, "I")', True),
        ("LEN(LastName) + VALUE('4')", 7.0),
        ("REGEX(LastName, '[A-Z][a-z]+')", True),
        ("$Permission.Exempt", True),
        ("$Permission.Other", False),
        ("/* a remark */ TODAY()", "2026-01-02"),
        ('"say \\"no\\""', 'say "no"'),
    ],
)
def test_a_formula_has_the_value_that_salesforce_gives_it(source: str, expected: object) -> None:
    assert value(source) == expected


def test_a_prior_value_is_the_stored_one_and_of_a_new_record_the_new_one() -> None:
    assert value("PRIORVALUE(CDP_Event_Time__c)", CHANGED) == 5.0
    assert value("PRIORVALUE(CDP_Event_Time__c)", NEW) == 5.0
    assert value("ISCHANGED(CDP_Event_Time__c) && NOT(ISCHANGED(LastName))", CHANGED) is True
    assert value("ISCHANGED(CDP_Event_Time__c)", NEW) is False


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("", "Syntax error"),
        ("AND(", "Syntax error"),
        ("AND(TRUE", "Missing"),
        ("TRUE)", "Extra '\\)'"),
        ("1 +", "Syntax error"),
        ("Nope__c = 1", "Field Nope__c does not exist"),
        ("PRIORVALUE(Nope__c)", "Field Nope__c does not exist"),
        ("$Permission.Nope", "Field \\$Permission.Nope does not exist"),
        ("FROBNICATE(1)", "Unknown function FROBNICATE"),
        ("NOT(TRUE, FALSE)", "Incorrect number of parameters for function 'NOT\\(\\)'"),
        ("IF(TRUE)", "Incorrect number"),
        ("1 # 2", "Syntax error. Found '#'"),
    ],
)
def test_a_formula_without_meaning_is_refused(source: str, complaint: str) -> None:
    with pytest.raises(FormulaError, match=complaint):
        value(source)


def test_a_formula_knows_the_fields_it_speaks_of() -> None:
    formula = read_formula("ISBLANK(title) && PRIORVALUE(LastName) = 'x'", CONTACT, ())

    assert formula.fields == {"Title", "LastName"}
