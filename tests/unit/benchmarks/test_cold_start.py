from __future__ import annotations

from benchmarks.cold_start.figures import DELIVER, EMPTY, LIBRARIES, Milliseconds, as_json, table


def rounds(*parts: tuple[float, float]) -> list[list[Milliseconds]]:
    """Three starts of a function: the middle one took this, the others less and more."""
    return [[Milliseconds(cpu + more, wall + more) for cpu, wall in parts] for more in (0.04, -2.0, 9.0)]


def test_every_figure_of_a_part_is_kept() -> None:
    kept = as_json(rounds((30, 50), (8, 9)))

    assert kept == {
        "start": {"cpu_ms": [30.0, 28.0, 39.0], "wall_ms": [50.0, 48.0, 59.0]},
        "first batch": {"cpu_ms": [8.0, 6.0, 17.0], "wall_ms": [9.0, 7.0, 18.0]},
    }


def test_the_table_sets_a_function_s_start_and_first_batch_beside_those_of_the_libraries() -> None:
    starts = {
        EMPTY: rounds((30, 50)),
        LIBRARIES: rounds((290, 300), (10, 20), (2, 3)),
        DELIVER: rounds((390, 410), (12, 30), (3, 4)),
    }
    kept = {"date": "2026-11-30", "command": "make cold-start", "machine": "Linux", "rounds": 3}

    shown = table({**kept, "functions": {name: as_json(each) for name, each in starts.items()}})

    assert "medians of 3" in shown.title
    assert list(shown.rows) == [
        [LIBRARIES, "290/300", "10/20", "2/3", "300/320", "1.00"],
        [DELIVER, "390/410", "12/30", "3/4", "402/440", "1.34"],
    ]
    assert shown.remarks[0] == "To start: an empty function 30/50."
