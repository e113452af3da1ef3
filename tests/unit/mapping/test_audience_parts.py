from __future__ import annotations

from typing import Any

import pytest
from members_and_rows import ROWS
from people_table import PEOPLE
from salesforce_destination.destination.destination import read_destination
from salesforce_destination.mapping.audience_parts import AudienceParts
from salesforce_destination.outcome import ProfileRefusedError

SENT_AT = 1_700_000_000_000
AUDIENCE = PEOPLE.replace("{audience}", "loyal")
ALL = AUDIENCE + ROWS + 'audiences = "all"\nat_most = 3\n'
CONSENT = '\n[profiles]\nonly_if = "consents"\n'


def memberships(*audiences: str, status: str = "realized", namespace: str = "ups", **more: Any) -> dict[str, Any]:
    return {"segmentMembership": {namespace: {each: {"status": status} | more for each in audiences}}}


def parts(file: str, profile: dict[str, Any], *, consents: bool = True) -> list[tuple[str, Any, int]]:
    found = AudienceParts(read_destination(file)).of(profile, 1_000, SENT_AT, consents=consents)
    return [(part.audience, part.fields.get("Status__c", part.fields.get("Status")), part.event_time) for part in found]


@pytest.mark.parametrize(
    ("file", "profile", "expected"),
    [
        (AUDIENCE + ROWS, memberships("loyal", "other"), [("row loyal", "realized", 1_000)]),
        (AUDIENCE + ROWS, memberships("loyal", status="Existing"), [("row loyal", "existing", 1_000)]),
        (
            AUDIENCE + ROWS,
            memberships("loyal", lastQualificationTime=1_600_000_000_000),
            [
                ("row loyal", "realized", 1_600_000_000_000),
            ],
        ),
        (AUDIENCE + ROWS, {}, []),
        (ALL, memberships("b", "a"), [("row a", "realized", 1_000), ("row b", "realized", 1_000)]),
        (ALL, memberships("a", namespace="aam"), [("row a", "realized", 1_000)]),
        (ALL + 'only = ["a"]\n', memberships("a", "b"), [("row a", "realized", 1_000)]),
        (
            ALL + 'except = ["a"]\n',
            memberships("a", "b", "c", "d"),
            [
                ("row b", "realized", 1_000),
                ("row c", "realized", 1_000),
                ("row d", "realized", 1_000),
            ],
        ),
        (ALL, {"segmentMembership": "nothing"}, []),
    ],
    ids=[
        "mapped",
        "a status in capitals",
        "its own time",
        "none",
        "all",
        "another namespace",
        "only",
        "except",
        "no map",
    ],
)
def test_the_rows_of_a_profile(file: str, profile: dict[str, Any], expected: list[tuple[str, str, int]]) -> None:
    assert parts(file, profile) == expected


def test_the_name_that_the_file_gives_an_audience_stands_beside_its_id() -> None:
    named = (AUDIENCE + ROWS).replace('id = "loyal"', 'id = "loyal"\nname = "Loyal customers"')
    (row,) = AudienceParts(read_destination(named)).of(memberships("loyal"), 1_000, SENT_AT, consents=True)

    assert row.fields == {
        "Audience__c": "loyal",
        "Audience_Name__c": "Loyal customers",
        "Status__c": "realized",
        "Since_Ms__c": 1_000,
    }


def test_more_rows_than_the_file_allows_are_refused_by_number() -> None:
    with pytest.raises(ProfileRefusedError) as refused:
        parts(ALL, memberships("a", "b", "c", "d"))

    reason = refused.value.reason
    assert (reason.code, reason.text) == (
        "TOO_MANY_MEMBERSHIPS",
        "The profile has 4 memberships, and memberships.at_most is 3.",
    )


def test_where_a_consent_can_be_taken_away_the_time_of_the_event_counts() -> None:
    profile = memberships("loyal", lastQualificationTime=1_600_000_000_000)

    assert parts(AUDIENCE + ROWS + CONSENT, profile) == [("row loyal", "realized", 1_000)]
    assert parts(AUDIENCE + ROWS + CONSENT, profile, consents=False) == [("row loyal", "exited", 1_000)]
