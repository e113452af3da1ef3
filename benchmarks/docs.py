"""Writes the tables into README.md and docs/performance.md, between their markers, so that nobody copies a figure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from benchmarks import growth
from benchmarks.cold_start.figures import table
from benchmarks.costs import Prices, monthly, options
from benchmarks.figures import Result
from benchmarks.layout import Table
from benchmarks.tables import bad_days, cost_tables, headline, million, reach, windows

ROOT = Path(__file__).parents[1]
COLD_START = Path(__file__).parent / "results" / "cold-start.json"
PAGES = (ROOT / "README.md", ROOT / "docs" / "performance.md")
MARKED = re.compile(r"(<!-- begin (?P<name>[\w-]+) -->\n).*?(<!-- end (?P=name) -->)", re.DOTALL)


class UnknownMarkerError(Exception):
    """A page asks for a table that there is not."""


def parts(result: Result, prices: Prices) -> dict[str, str]:
    """What stands between the markers, by their names."""
    return {
        "bench-headline": headline(result, prices).markdown(),
        "bench-cost": "\n".join(table.markdown() for table in cost_tables(result, prices))
        + f"\n{provenance(result)}\n",
        "bench-bad-days": bad_days(result).markdown(),
        "bench-reach": f"{reach(result, prices).markdown()}\n{windows().markdown()}",
        "cold-start": cold_start().markdown(),
        "bench-monthly": f"{_monthly(prices).markdown()}\n{_options(prices).markdown()}",
        "bench-line": f"{million(result, prices)} {_idle(prices)}",
        "growth": growth.bad_days(growth.load()).markdown(),
    }


def provenance(result: Result) -> str:
    """When, where and by what command it was measured."""
    machine = result.machine
    return (
        f"Measured on {result.measured_on} by `{result.command}` on {machine['cores']} cores of {machine['processor']}"
        f" with {machine['memory']}, {machine['system']}, Python {machine['python']};"
        f" medians of {result.figures[0].repeats}."
    )


def cold_start() -> Table:
    """What `make cold-start` kept."""
    return table(json.loads(COLD_START.read_text(encoding="utf-8")))


def _monthly(prices: Prices) -> Table:
    found = monthly(prices)
    rows = [[name, f"{usd:.2f}"] for name, usd in [*found.items(), ("all", sum(found.values()))]]
    return Table("Fixed cost of a stack for a month", ["", "USD"], rows)


def _options(prices: Prices) -> Table:
    remarks = [
        "A NAT gateway and an endpoint also cost by the gigabyte.",
        "The first two yearly rotations of a key add a dollar each.",
    ]
    return Table(
        "What options add", ["", "USD"], [[name, f"{usd:.2f}"] for name, usd in options(prices).items()], remarks
    )


def _idle(prices: Prices) -> str:
    return f"A stack costs {sum(monthly(prices).values()):.0f} dollars a month, whether anything comes or not.\n"


def rewritten(page: str, contents: Mapping[str, str]) -> str:
    """A page with what is to stand between its markers."""

    def fill(found: re.Match[str]) -> str:
        if found["name"] not in contents:
            raise UnknownMarkerError(found["name"])
        return f"{found[1]}\n{contents[found['name']]}\n{found[3]}"

    return MARKED.sub(fill, page)


def rewrite(contents: Mapping[str, str]) -> None:
    """Bring all pages up to date."""
    for page in PAGES:
        page.write_text(rewritten(page.read_text(encoding="utf-8"), contents), encoding="utf-8")
