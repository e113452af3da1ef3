"""The tables of the benchmark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.client import EARLY_BATCHES
from benchmarks.contenders import NAMES, TITLES
from benchmarks.costs import LATENCY_MS, MEMORY_MIB, Prices, cost_of
from benchmarks.events import MESSAGES_PER_EVENT, Variant
from benchmarks.figures import Figures, Result
from benchmarks.layout import Table, number, seconds
from benchmarks.plan import Cell

SHORT_TITLES = {
    "floor": "floor",
    "deliver": "this function",
    "collections": "collections",
    "bulk": "Bulk 2.0",
    "single": "one by one",
}
NOT_MEASURED = "-"
SCALED = "≈"


def tables(result: Result, prices: Prices) -> Iterator[Table]:
    """All tables, in their order."""
    yield reach(result)
    yield _work(result)
    yield _wall(result, result.sizes)
    yield _memory(result)
    if any(each.variant == Variant.WIDE for each in result.figures):
        yield _wide(result)
    yield costs(result, prices)


def main_tables(result: Result, prices: Prices) -> Iterator[Table]:
    """The tables of docs/performance.md; the others are printed only."""
    yield _work(result)
    yield _wall(result, (result.sizes[0], result.sizes[-1]))
    yield costs(result, prices)


def headline(result: Result, prices: Prices) -> Table:
    """The table of the README: a few profiles, many at once, a million. The floor is left out: nobody's choice."""
    few, many = result.sizes[0], result.sizes[-1]
    rows = []
    for name in (each for each in NAMES if each != "floor"):
        some, all_of_them = result.of(name, few), result.of(name, many)
        timed = result.find(Cell(name, few, LATENCY_MS))
        rows.append(
            [
                TITLES[name],
                f"{some.calls_per_thousand * few / 1000:,.0f}",
                f"{all_of_them.calls_per_thousand * many / 1000:,.0f}",
                _wall_of(timed),
                _shown(timed, f"{cost_of(name, result, prices).usd:.2f}"),
            ]
        )
    heads = [
        "",
        f"API calls, {few:,} profiles",
        f"API calls, {many:,} at once",
        f"time, {few:,} profiles",
        "USD, a million",
    ]
    remarks = [f"An API call takes {LATENCY_MS} ms here.", _scaled_remark(result)]
    return Table("What profiles cost", heads, rows, remarks)


def _work(result: Result) -> Table:
    """What does not depend on the org: calls, processor time, bytes."""
    sizes, rows = result.sizes, []
    for name in NAMES:
        figures = [result.of(name, size) for size in sizes]
        floor = [result.of("floor", size).cpu_us for size in sizes]
        rows.append(
            [
                SHORT_TITLES[name],
                number(figures[-1].calls_per_thousand),
                *(_shown(each, number(each.cpu_us)) for each in figures),
                _shown(figures[-1], f"{figures[-1].cpu_us / floor[-1]:.1f}"),
                _shown(figures[-1], number(figures[-1].bytes_up)),
                _shown(figures[-1], number(figures[-1].bytes_down)),
            ]
        )
    heads = ["", "calls/1,000", *(f"{size:,}" for size in sizes), "x floor", "B up", "B down"]
    title = "API calls per 1,000 profiles; µs of CPU per profile; bytes per profile"
    return Table(title, heads, rows, [_scaled_remark(result)])


def _wall(result: Result, sizes: Sequence[int]) -> Table:
    """The time until all is written."""
    cells = [(size, latency, 0) for latency in result.latencies for size in sizes]
    cells += sorted({(each.profiles, 0, each.ms_per_record) for each in result.figures if each.ms_per_record})
    rows = []
    for size, latency, slowness in cells:
        org = f"{slowness} ms a record" if slowness else f"{latency} ms"
        found = (result.find(Cell(name, size, latency, slowness)) for name in NAMES)
        rows.append([f"{size:,}, {org}", *(_wall_of(each) for each in found)])
    heads = ["profiles, a call", *(SHORT_TITLES[name] for name in NAMES)]
    remarks = [
        "Bulk 2.0 asks for its job once a second. The org of 50 ms a record gets one call of 1,000 records here:"
        " the function does not know it yet. Later calls carry 200.",
        _scaled_remark(result),
    ]
    return Table("Time until everything is written", heads, rows, remarks)


def _memory(result: Result) -> Table:
    sizes = result.sizes
    rows = [
        [
            SHORT_TITLES[name],
            *(_shown(result.of(name, size), number(result.of(name, size).peak_mib)) for size in sizes),
            _shown(result.of(name, sizes[-1]), number(result.of(name, sizes[-1]).early_mib)),
        ]
        for name in NAMES
    ]
    heads = ["", *(f"{size:,}" for size in sizes), f"first {EARLY_BATCHES} batches of {sizes[-1]:,}"]
    return Table("Peak memory of the process in MiB, with interpreter and event", heads, rows)


def _wide(result: Result) -> Table:
    found = [each for each in result.figures if each.variant == Variant.WIDE]
    rows = [
        [
            SHORT_TITLES[each.name],
            number(each.calls_per_thousand),
            number(each.cpu_us),
            f"{each.cpu_us / found[0].cpu_us:.1f}",
            number(each.bytes_up),
            number(each.peak_mib),
        ]
        for each in found
    ]
    heads = ["", "calls/1,000", "CPU µs", "x floor", "B up", "MiB"]
    return Table(f"{found[0].profiles:,} profiles with 25 audiences, 3.2 kB each", heads, rows)


def reach(result: Result) -> Table:
    """The targets of this function, and what was measured."""
    sizes = result.sizes
    ours, floors = ([result.of(name, size) for size in sizes] for name in ("deliver", "floor"))
    ratios = [our.cpu_us / floor.cpu_us for our, floor in zip(ours, floors, strict=True)]
    waits = [
        result.of("deliver", size, 100).wall_seconds / result.of("floor", size, 100).wall_seconds for size in sizes
    ]
    most_mib = max(each.peak_mib for each in result.figures if each.name == "deliver")
    growth = ours[-1].cpu_us / ours[0].cpu_us
    later = ours[-1].peak_mib - ours[-1].early_mib
    goals = [
        (
            "API calls per 1,000 profiles",
            "1",
            number(max(each.calls_per_thousand for each in ours)),
            ours[-1].calls_per_thousand <= 1,
        ),
        ("CPU, times the floor's", "at most 1.5", f"{max(ratios):.1f}", max(ratios) <= 1.5),
        (f"CPU per profile of {sizes[-1]:,}, times that of {sizes[0]:,}", "about 1", f"{growth:.2f}", growth <= 1.25),
        ("time, times the floor's, 100 ms a call", "at most 1.2", f"{max(waits):.2f}", max(waits) <= 1.2),
        ("peak memory, batches of 1,000, MiB", "below 256", number(most_mib), most_mib < 200),
        (f"memory added after the first {EARLY_BATCHES} batches, MiB", "0", number(max(later, 0)), later < 5),
    ]
    rows = [[goal, wanted, measured, "yes" if is_reached else "no"] for goal, wanted, measured, is_reached in goals]
    return Table("Targets, at the worst of all sizes", ["", "target", "measured", "met"], rows)


def costs(result: Result, prices: Prices) -> Table:
    """What a million profiles cost."""
    rows = []
    for cost in (cost_of(name, result, prices) for name in NAMES):
        money = (cost.lambda_usd, cost.sqs_usd, cost.secrets_usd, cost.logs_usd, cost.usd)
        share = f"{cost.share_of_calls:,.1%}"
        measured = result.of(cost.name, MESSAGES_PER_EVENT, LATENCY_MS)
        on_lambda, *others, all_of_it = (f"{usd:.3f}" for usd in money)
        scaled = [_shown(measured, text) for text in (number(cost.gb_seconds), on_lambda)]
        rows.append([SHORT_TITLES[cost.name], *scaled, *others, _shown(measured, all_of_it), share])
    heads = ["", "GB-s", "Lambda", "SQS", "secrets", "logs", "USD", "a day's calls"]
    title = f"A million profiles in batches of 1,000, {LATENCY_MS} ms per call, {MEMORY_MIB} MB of arm64"
    remarks = [
        f"Prices of {prices.region}, {prices.read_on}. A day's calls: 100,000. Bulk 2.0 makes a job for each batch of"
        " 1,000; one job for everything makes fewer calls and waits for everything.",
        _scaled_remark(result),
    ]
    return Table(title, heads, rows, remarks)


def _wall_of(figures: Figures | None) -> str:
    return NOT_MEASURED if figures is None else _shown(figures, seconds(figures.wall_seconds))


def _shown(figures: Figures | None, text: str) -> str:
    return f"{SCALED}{text}" if figures and figures.is_scaled else text


def _scaled_remark(result: Result) -> str:
    if not any(each.is_scaled for each in result.figures):
        return ""
    return f"{SCALED}: estimated from a smaller run."
