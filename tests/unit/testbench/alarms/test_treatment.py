"""The tables of "Configuring how CloudWatch alarms treat missing data"."""

from __future__ import annotations

import pytest
from destination_testbench.alarms.metric_alarm import State, Treatment, state_of

OK, ALARM, INSUFFICIENT = State.OK, State.ALARM, State.INSUFFICIENT_DATA
RETAINED = None

ALL_OF_THREE = [
    ("0 - X - X", OK, OK, OK, OK),
    ("0 - - - -", OK, OK, OK, OK),
    ("- - - - -", INSUFFICIENT, RETAINED, ALARM, OK),
    ("0 X X - X", ALARM, ALARM, ALARM, ALARM),
    ("- - X - -", ALARM, RETAINED, ALARM, OK),
]
TWO_OF_THREE = [
    ("0 - X - X", ALARM, ALARM, ALARM, ALARM),
    ("0 0 X 0 X", ALARM, ALARM, ALARM, ALARM),
    ("0 - X - -", OK, OK, ALARM, OK),
    ("- - - - 0", OK, OK, ALARM, OK),
    ("- - - X -", ALARM, RETAINED, ALARM, OK),
]
ROWS = [(3, row) for row in ALL_OF_THREE] + [(2, row) for row in TWO_OF_THREE]
TREATMENTS = (Treatment.MISSING, Treatment.IGNORE, Treatment.BREACHING, Treatment.NOT_BREACHING)


def points(text: str) -> list[bool | None]:
    return [{"0": False, "X": True, "-": None}[sign] for sign in text.split()]


@pytest.mark.parametrize("current", list(State))
@pytest.mark.parametrize(("to_alarm", "row"), ROWS, ids=[f"{m} of 3: {row[0]}" for m, row in ROWS])
def test_missing_data_is_treated_as_aws_documents(
    to_alarm: int, row: tuple[str, State, State | None, State, State], current: State
) -> None:
    text, *wanted = row

    states = [state_of(points(text), 3, to_alarm, treatment, current) for treatment in TREATMENTS]

    assert states == [current if state is RETAINED else state for state in wanted]


def test_a_breach_that_is_too_young_waits_for_the_next_data_point() -> None:
    assert state_of(points("- - - - X"), 3, 3, Treatment.MISSING, OK) is INSUFFICIENT
    assert state_of(points("- - - - X"), 3, 3, Treatment.NOT_BREACHING, OK) is OK


@pytest.mark.parametrize(("text", "state"), [("0 0 0 X", ALARM), ("X 0 0 0", ALARM), ("0 0 0 0", OK)])
def test_one_of_many_is_enough_where_the_alarm_says_so(text: str, state: State) -> None:
    assert state_of(points(text), 4, 1, Treatment.NOT_BREACHING, OK) is state


def test_older_data_points_count_only_as_far_as_newer_ones_are_missing() -> None:
    assert state_of(points("X X 0 0 0"), 3, 2, Treatment.NOT_BREACHING, ALARM) is OK
    assert state_of(points("X X 0 - -"), 3, 2, Treatment.NOT_BREACHING, OK) is ALARM
