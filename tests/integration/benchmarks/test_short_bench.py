"""The benchmark from end to end in its shortest form: shapes and counts, never times."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.contenders import NAMES
from benchmarks.costs import load_prices
from benchmarks.events import Variant
from benchmarks.figures import Result, load, result_of
from benchmarks.layout import WIDTH
from benchmarks.measurement import measure
from benchmarks.pictures import draw
from benchmarks.plan import BenchPlan
from benchmarks.tables import headline, tables

SHORTEST = BenchPlan(
    sizes=(1_000,), latencies_ms=(0, 100), repeats=1, wide_size=1_000, slow_size=20, longest_seconds=1.0
)


@pytest.fixture(scope="module")
def result() -> Result:
    return result_of(measure(SHORTEST, lambda text: None))


def test_every_cell_is_measured_and_every_profile_written(result: Result) -> None:
    cells = list(SHORTEST.cells())

    assert len(cells) >= 15
    assert all(result.find(cell) for cell in cells)


def test_the_calls_are_those_that_each_way_takes(result: Result) -> None:
    calls = {name: result.of(name, 1_000).calls_per_thousand for name in NAMES}

    assert calls == {"floor": 1, "deliver": 1, "collections": 5, "bulk": 7, "single": 1_000}


def test_the_function_sends_as_many_bytes_as_the_floor_but_for_its_headers(result: Result) -> None:
    floor, function = (result.of(name, 1_000, variant=Variant.WIDE) for name in ("floor", "deliver"))

    assert 0 <= function.bytes_up - floor.bytes_up < 1
    assert 0 < function.bytes_down < floor.bytes_down + 1
    assert result.of("collections", 1_000).bytes_up > 5 * result.of("deliver", 1_000).bytes_up


def test_the_function_asks_aws_for_nothing_once_it_is_warm(result: Result) -> None:
    assert {each.aws_calls for each in result.figures} == {0}
    assert result.of("deliver", 1_000).log_bytes > 0


def test_the_memory_is_the_contender_s_own_and_not_that_of_whoever_started_it(result: Result) -> None:
    assert 15 < result.of("floor", 1_000).peak_mib < result.of("deliver", 1_000).peak_mib < 150


def test_what_would_take_long_is_scaled_and_marked(result: Result) -> None:
    scaled = result.of("single", 1_000, 100)

    assert scaled.measured == 10
    assert "\u2248" in "".join(table.text() for table in tables(result, load_prices()))


def test_the_tables_fit_into_80_columns(result: Result) -> None:
    printed = [table.text() for table in tables(result, load_prices())]

    assert len(printed) == 6
    assert max(len(line) for text in printed for line in text.splitlines()) <= WIDTH
    assert headline(result, load_prices()).markdown().count("\n|") == len(NAMES) - 1 + 2


def test_what_is_kept_is_read_again_and_names_nobody_s_folders(result: Result, tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    result.save(file)

    assert load(file) == result
    assert str(Path.cwd()) not in file.read_text()


def test_the_pictures_are_pictures(result: Result, tmp_path: Path) -> None:
    draw(result, tmp_path)

    drawn = sorted(tmp_path.glob("*.svg"))
    assert [file.name for file in drawn] == ["bench-calls.svg", "bench-cpu.svg", "bench-time.svg"]
    for file in drawn:
        bars = [element for element in ElementTree.parse(file).iter() if element.tag.endswith("rect")]
        assert len(bars) == len(NAMES)
