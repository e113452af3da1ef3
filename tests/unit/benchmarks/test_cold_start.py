from __future__ import annotations

from benchmarks.cold_start.__main__ import as_json, table
from benchmarks.cold_start.contenders import DELIVER, EMPTY, LIBRARIES
from benchmarks.cold_start.measurement import Series


def test_a_series_is_told_by_its_median_and_keeps_every_figure() -> None:
    assert as_json(Series((3.04, 1.0, 9.0))) == {"median": 3.0, "all": [3.0, 1.0, 9.0]}


def test_the_table_sets_each_function_beside_the_two_libraries() -> None:
    figures = {EMPTY: 30.0, LIBRARIES: 150.0, DELIVER: 175.0}
    result = {
        "rounds": 7,
        "initialization_ms": {name: as_json(Series((figure,))) for name, figure in figures.items()},
        "first_batch_ms": as_json(Series((60.0,))),
        "second_batch_ms": as_json(Series((5.0,))),
    }

    lines = table(result).splitlines()

    assert "median of 7" in lines[0]
    assert lines[1].split()[-4:] == ["30.0", "(30", "to", "30)"]
    assert lines[3].endswith("1.17 x")
    assert lines[4].endswith("first batch of one profile takes 60 ms, its second 5 ms.")
