"""The benchmark from end to end: one cell with TLS is measured; the tables are made of figures that are made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.client import Run
from benchmarks.contenders import CHOICES, CONTENDERS
from benchmarks.costs import load_prices
from benchmarks.docs import parts
from benchmarks.events import Variant
from benchmarks.figures import Figures, Result, figures_of, load, result_of
from benchmarks.layout import WIDTH
from benchmarks.measurement import ContenderFailedError, Events, run
from benchmarks.plan import SHORT, Cell
from benchmarks.tables import headline, tables


def made_up(cell: Cell) -> Figures:
    """As if the contender took as many microseconds for a profile as its name has letters."""
    measured = cell.measured(SHORT.longest_seconds).profiles
    calls = max(1, round(measured / CONTENDERS[cell.name].messages_per_call))
    seconds = measured * len(cell.name) / 1e6
    wall = seconds + calls * cell.latency_ms / 1000
    spent = Run(
        measured, 1, seconds / 2, seconds, wall, 2**26, 2**25, calls, 30 * measured, 4 * measured, 0, 45 * measured
    )
    return figures_of(cell, measured, [spent])


@pytest.fixture(scope="module")
def result() -> Result:
    return result_of([made_up(cell) for cell in SHORT.cells()])


def test_a_cell_is_measured_over_tls_by_a_certificate_that_only_it_trusts(tmp_path: Path) -> None:
    found = run(Cell("floor", 20, variant=Variant.TLS, batch=10), Events(tmp_path))

    assert (found.settled, found.calls, found.batches, found.aws_calls) == (20, 2, 2, 0)
    assert found.cpu_seconds > 0
    assert found.parse_seconds > 0
    assert 2**23 < found.peak_rss < 2**27


def test_a_contender_that_does_not_settle_what_it_should_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ContenderFailedError, match="floor settled 0 messages, not 20"):
        run(Cell("floor", 20, variant=Variant.REFUSED), Events(tmp_path))


def test_what_would_take_long_is_scaled_and_marked(result: Result) -> None:
    scaled = result.of("single", 10_000, 100)

    assert scaled.measured == 10
    assert "\u2248" in "".join(table.text() for table in tables(result, load_prices()))


def test_the_tables_fit_into_80_columns(result: Result) -> None:
    printed = [table.text() for table in tables(result, load_prices())]

    assert len(printed) == 9
    assert max(len(line) for text in printed for line in text.splitlines()) <= WIDTH
    assert headline(result, load_prices()).markdown().count("\n|") == len(CHOICES) - 1 + 2


def test_the_tables_say_what_a_contender_leaves_out_and_when_the_prices_were_read(result: Result) -> None:
    made = parts(result, load_prices())

    assert all(each.leaves_out in made["bench-cost"] for each in CONTENDERS.values())
    assert f"read on {load_prices().read_on}" in made["bench-cost"]
    assert "a million profiles cost 0.14 dollars and 1,000 API calls" in made["bench-line"]


def test_what_is_kept_is_read_again_and_names_nobody_s_folders(result: Result, tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    result.save(file)

    assert load(file) == result
    assert str(Path.cwd()) not in file.read_text()
