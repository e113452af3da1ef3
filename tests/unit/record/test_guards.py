from __future__ import annotations

from salesforce_destination.record.guards import guard_formula, stale_marker


def test_a_guard_refuses_an_older_time_and_nothing_else() -> None:
    assert guard_formula("CDP_Time__c") == (
        "AND(NOT($Permission.CDP_Guard_Exempt), NOT(ISNEW()), NOT(ISBLANK(CDP_Time__c)),"
        " NOT(ISBLANK(PRIORVALUE(CDP_Time__c))), CDP_Time__c < PRIORVALUE(CDP_Time__c))"
    )
    assert stale_marker("CDP_Time__c") == "[CDP-STALE:CDP_Time__c]"
