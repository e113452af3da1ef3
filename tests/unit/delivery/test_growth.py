"""What a bad day costs in calls: every case of `make growth` with 1,000 messages, and the table that is kept."""

from __future__ import annotations

import pytest

from benchmarks.growth import (
    CASES,
    MOST_EXPONENT,
    SIZES,
    TELLING,
    Grown,
    GrowthCase,
    bad_days,
    load,
    messages,
    run,
    table,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_thousand_messages_cost_so_many_calls(case: GrowthCase) -> None:
    batches, _ = run(case, messages(case, 1_000))

    assert sum(batch.requests for batch in batches) == case.calls
    assert all(update.outcome is not None for batch in batches for update in batch.updates)


def test_there_are_32_cases_and_the_worst_day_is_bounded() -> None:
    assert len({case.name for case in CASES}) == len(CASES) == 32
    assert max(case.calls for case in CASES) == 60


def test_the_kept_table_is_of_these_cases_and_no_calls_grow_faster_than_the_messages() -> None:
    kept = [Grown(**each) for each in load()["cases"]]

    assert [(grown.name, grown.calls[0]) for grown in kept] == [(case.name, case.calls) for case in CASES]
    assert {len(grown.calls) for grown in kept} == {len(SIZES)}
    assert [grown.name for grown in kept if grown.exponents()[0] > MOST_EXPONENT] == []


def test_the_tables_show_each_case_with_its_exponents_and_the_dear_ones_in_the_documents() -> None:
    cases = [
        {"name": "twice", "calls": [5, 10, 20, 40], "cpu_us": [10.0] * 4},
        {"name": "none", "calls": [0] * 4, "cpu_us": [9.0, 9.0, 5.0, 10.0]},
        {"name": TELLING[0], "calls": [5, 6, 7, 8_000], "cpu_us": [10.0] * 4},
    ]
    kept = {"date": "2026-11-30", "python": "3.11.7", "cases": cases}

    assert table(kept).rows[:2] == [
        ["twice", "5", "10", "20", "40", "1.00", "10", "10", "10", "10", "1.00"],
        ["none", "0", "0", "0", "0", "0.00", "9", "9", "5", "10", "2.00"],
    ]
    assert bad_days(kept).rows == [[TELLING[0], "5", "8,000"]]
    assert {case["name"] for case in load()["cases"]} >= set(TELLING)
