"""README.md and docs/performance.md show what is kept in benchmarks/results, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.costs import MEMORY_MIB, TEMPLATE, cost_of, load_prices, monthly, options
from benchmarks.docs import MARKED, PAGES, UnknownMarkerError, parts, rewritten
from benchmarks.figures import load
from benchmarks.layout import Table

CURE = "run `.venv/bin/python -m benchmarks docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_documents_show_what_was_measured(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert MARKED.search(text)
    assert rewritten(text, parts(load(), load_prices())) == text, CURE


def test_every_table_is_shown_somewhere() -> None:
    shown = {found["name"] for page in PAGES for found in MARKED.finditer(page.read_text(encoding="utf-8"))}

    assert shown == set(parts(load(), load_prices()))


def test_what_is_kept_has_its_date_its_machine_and_its_command() -> None:
    result = load()

    assert re.fullmatch(r"\d{4}-\d\d-\d\d", result.measured_on)
    assert result.command.startswith("make bench")
    assert set(result.machine) == {"processor", "cores", "memory", "system", "python"}


def test_a_marker_that_nobody_fills_is_a_mistake() -> None:
    with pytest.raises(UnknownMarkerError):
        rewritten("<!-- begin nothing -->\n<!-- end nothing -->", {})


def test_filling_a_page_twice_changes_nothing() -> None:
    page = "before\n<!-- begin a -->\n<!-- end a -->\nafter\n"

    once = rewritten(page, {"a": "text"})

    assert "text" in once
    assert rewritten(once, {"a": "text"}) == once


def test_every_price_has_its_source_and_says_whether_it_was_found() -> None:
    prices = load_prices()

    assert len(prices.prices) >= 8
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", prices.read_on)
    assert all(price.source and price.usd > 0 for price in prices.prices)
    assert all(price.confirmed or "from memory" in price.source for price in prices.prices)


def test_a_million_profiles_one_by_one_cost_a_thousand_times_the_calls() -> None:
    ours, single = (cost_of(name, load(), load_prices()) for name in ("deliver", "single"))

    assert ours.share_of_calls == pytest.approx(0.01)
    assert single.share_of_calls == pytest.approx(10)
    assert single.lambda_usd > 10 * ours.lambda_usd


def test_an_idle_stack_costs_for_what_the_template_has() -> None:
    assert all(usd > 0 for usd in monthly(load_prices()).values())


def test_what_an_option_adds_is_reckoned_by_what_the_templates_have() -> None:
    added = options(load_prices())

    assert added["`CustomerManagedKey=true`: 2 KMS keys"] == 2.0
    assert added["examples/network.yaml: a NAT gateway and its address"] == pytest.approx(0.05 * 720)
    assert added["interface endpoints for SQS and Secrets Manager, 2 zones"] == pytest.approx(4 * 0.01 * 720)
    # A composite alarm, and the metrics of the two below it.
    assert added["`HttpEndpoint=true`: its alarms"] == pytest.approx(0.5 + 4 * 0.1)
    assert all(usd > 0 for usd in added.values())


def test_a_table_is_as_wide_as_its_cells() -> None:
    table = Table("Title", ["", "a"], [["first", "1"], ["second", "100"]], ["A remark."])

    assert table.text() == "Title\n\n          a\n-----------\nfirst     1\nsecond  100\nA remark.\n"
    assert table.markdown() == ("Title\n\n|  | a |\n|---|---:|\n| first | 1 |\n| second | 100 |\n\nA remark.\n")


def test_a_note_is_a_column_of_the_page_and_a_line_of_the_terminal() -> None:
    table = Table("Title", ["", "a"], [["first", "1"]], notes=["the log"], notes_head="leaves out")

    assert table.text().endswith("first  1\nfirst: leaves out the log\n")
    assert "|  | a | leaves out |\n|---|---:|---|\n| first | 1 | the log |\n" in table.markdown()


def test_the_reckoned_function_is_the_template_s() -> None:
    memory = re.search(
        r"^  MemoryMegabytes:\n    Type: Number\n    Default: (\d+)$", TEMPLATE.read_text(), re.MULTILINE
    )

    assert memory is not None
    assert int(memory[1]) == MEMORY_MIB
