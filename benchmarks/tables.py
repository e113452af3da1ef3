"""The tables of the benchmark: what it costs, what a bad day costs, how far it goes, and what is particular."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.client import EARLY_BATCHES
from benchmarks.contenders import CHOICES, CONTENDERS, NAMES
from benchmarks.costs import CALLS_A_DAY, MEMORY_MIB, MILLION, Prices, cost_of, seconds_of_batch
from benchmarks.events import BAD_DAYS, CASES, CORNERS, MESSAGES_PER_EVENT, Variant
from benchmarks.figures import Figures, Result
from benchmarks.layout import Table, number, seconds
from benchmarks.plan import IN_BATCHES, LATENCY_MS, SMALL_BATCHES, Cell

NOT_MEASURED = "-"
SCALED = "≈"
MOST_TIMES_THE_FLOOR = 4.0


@dataclass(frozen=True, slots=True)
class OrgOfKind:
    """How long an org takes for a call and for a record."""

    name: str
    seconds_per_call: float
    seconds_per_record: float
    records_per_call: int = 1_000


ORGS = (
    OrgOfKind("fast", 0.1, 0),
    OrgOfKind("typical", 0.5, 0.005),
    OrgOfKind("slow", 0.1, 0.05, 200),
)
CONCURRENCIES = (2, 10, 100)
RATES = (0.1, 1, 10, 100)
WINDOWS = (5, 60, 300)
POLLERS = 5
"""Lambda reads a queue with five pollers at least, each of which fills a batch of its own."""

DAY_SECONDS = 86_400


def tables(result: Result, prices: Prices) -> Iterator[Table]:
    """All tables, in their order."""
    yield targets(result)
    yield from cost_tables(result, prices)
    yield wall(result)
    yield bad_days(result)
    yield reach(result, prices)
    yield windows()


def cost_tables(result: Result, prices: Prices) -> Iterator[Table]:
    """What it costs, from the processor to the money."""
    yield work(result)
    yield small_batches(result)
    yield corners(result)
    yield costs(result, prices)


def headline(result: Result, prices: Prices) -> Table:
    """The table of the README: a few profiles, many at once, a million. The floor is left out: nobody's choice."""
    few, many = result.sizes[0], result.sizes[-1]
    rows = []
    for name in CHOICES[1:]:
        some, all_of_them = result.of(name, few), result.of(name, many)
        timed = result.find(Cell(name, few, LATENCY_MS))
        rows.append(
            [
                CONTENDERS[name].title,
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


def million(result: Result, prices: Prices) -> str:
    """The sentence of the README."""
    calls = result.of("deliver", result.sizes[-1]).calls_per_thousand * MILLION / 1000
    usd = cost_of("deliver", result, prices).usd
    return f"In full batches, a million profiles cost {usd:.2f} dollars and {calls:,.0f} API calls."


def work(result: Result) -> Table:
    """The processor's time: the first of the three tables."""
    sizes, rows = result.sizes, []
    most = sizes[-1]
    for name in NAMES:
        plain = [result.of(name, size) for size in sizes]
        wide = [result.find(Cell(name, size, variant=Variant.WIDE)) for size in sizes]
        floors = result.of("floor", most).cpu_us, result.of("floor", most, variant=Variant.WIDE).cpu_us
        rows.append(
            [
                CONTENDERS[name].short,
                number(plain[-1].calls_per_thousand),
                *(_cpu(each) for each in plain),
                _shown(plain[-1], f"{plain[-1].cpu_us / floors[0]:.1f}"),
                *(_cpu(each) for each in wide),
                f"{wide[-1].cpu_us / floors[1]:.1f}" if wide[-1] else NOT_MEASURED,
            ]
        )
    parsed = [
        [number(result.of("deliver", size, variant=variant).parse_us) for size in sizes]
        for variant in (Variant.PLAIN, Variant.WIDE)
    ]
    rows.append(["Lambda itself", NOT_MEASURED, *parsed[0], NOT_MEASURED, *parsed[1], NOT_MEASURED])
    names = [f"{size // 1000}k" for size in sizes]
    heads = ["", "calls", *names, "x floor", *(f"{name}*" for name in names), "x floor*"]
    notes = [*(CONTENDERS[name].leaves_out for name in NAMES), "all but parsing the event"]
    title = "API calls per 1,000 profiles; µs of CPU per profile, by profiles in all"
    return Table(title, heads, rows, ["*: with 25 audiences.", _scaled_remark(result)], notes, "leaves out")


def small_batches(result: Result) -> Table:
    """What a batch costs, however little is in it."""
    rows = []
    for name in IN_BATCHES:
        found = [result[_small(result, name, batch)] for batch in SMALL_BATCHES]
        full = result.of(name, result.sizes[-1])
        rows.append(
            [CONTENDERS[name].short, *(number(each.batch_ms) for each in found), _shown(full, number(full.cpu_us))]
        )
    heads = ["", *(f"{batch}" for batch in SMALL_BATCHES), f"{MESSAGES_PER_EVENT:,}"]
    return Table("ms of CPU per batch, by messages in it", heads, rows)


def _small(result: Result, name: str, batch: int) -> Cell:
    profiles = next(each.profiles for each in result.figures if each.name == name and each.batch == batch)
    return Cell(name, profiles, batch=batch)


def corners(result: Result) -> Table:
    """What is dear in a file or in a profile."""
    rows = []
    for variant in CORNERS:
        for found in result.variants(variant):
            case = CASES[variant]
            more = found.cpu_us - result.of(found.name, found.profiles, variant=case.base).cpu_us
            title = case.title if found.name == "deliver" else f"{case.title}, {CONTENDERS[found.name].short}"
            each, target = more / case.items, "" if case.target_us is None else f"{case.target_us}"
            rows.append([title, number(found.cpu_us), f"{each:.2f}", target])
    heads = ["", "µs", "µs more, each", "target"]
    return Table("µs of CPU per profile, by what is in it", heads, rows)


def wall(result: Result) -> Table:
    """The time until all is written."""
    few, most = result.sizes[0], result.sizes[-1]
    rows = []
    for latency in (0, LATENCY_MS):
        for size in (few, most):
            found = (result.find(Cell(name, size, latency)) for name in CHOICES)
            rows.append([f"{size:,}, {latency} ms", *(_wall_of(each) for each in found)])
    heads = ["profiles, a call", *(CONTENDERS[name].short for name in CHOICES)]
    remarks = ["Bulk 2.0 asks for its job once a second.", _scaled_remark(result)]
    return Table("Time until everything is written", heads, rows, remarks)


def costs(result: Result, prices: Prices) -> Table:
    """What a million profiles cost."""
    rows = []
    for name in CHOICES[1:]:
        cost, measured = cost_of(name, result, prices), result.of(name, MESSAGES_PER_EVENT, LATENCY_MS)
        money = [_shown(measured, f"{usd:.3f}") for usd in (cost.lambda_usd, cost.usd)]
        rows.append([CONTENDERS[name].short, *money, f"{cost.share_of_calls * CALLS_A_DAY:,.0f}"])
    heads = ["", "USD, Lambda", "USD, all", "API calls"]
    title = f"A million profiles in batches of 1,000, {LATENCY_MS} ms per call, {MEMORY_MIB} MB of arm64"
    remarks = [
        f"Prices of {prices.region}, read on {prices.read_on}. Bulk 2.0 makes a job for each batch here.",
    ]
    return Table(title, heads, rows, remarks)


def bad_days(result: Result) -> Table:
    """What messages cost that are not delivered."""
    refused = [next(result.variants(variant)) for variant in BAD_DAYS]
    good = result.of("deliver", next(size for size in result.sizes if size >= refused[0].profiles), LATENCY_MS)
    rows = [
        [
            title,
            number(each.cpu_us),
            number(each.calls_per_thousand),
            number(each.aws_calls),
            seconds(each.wall_seconds / each.profiles * MESSAGES_PER_EVENT),
        ]
        for title, each in zip(
            ["all is delivered", *(CASES[variant].title for variant in BAD_DAYS)], [good, *refused], strict=True
        )
    ]
    heads = ["", "µs a message", "API calls", "AWS calls", "time"]
    title = f"Per 1,000 messages, {LATENCY_MS} ms per API call, 20 ms per call of SQS"
    return Table(title, heads, rows)


def reach(result: Result, prices: Prices) -> Table:
    """How many profiles a second there can be at most, with orgs of three kinds."""
    rows = []
    for org in ORGS:
        calls = MESSAGES_PER_EVENT / org.records_per_call
        waiting = calls * org.seconds_per_call + MESSAGES_PER_EVENT * org.seconds_per_record
        batch = seconds_of_batch(result, "deliver", waiting)
        rates = [concurrency * MESSAGES_PER_EVENT / batch for concurrency in CONCURRENCIES]
        usd = cost_of("deliver", result, prices, waiting).usd
        rows.append(
            [
                org.name,
                f"{batch:.1f}",
                *(f"{rate:,.0f}" for rate in rates),
                seconds(10 * MILLION / rates[1]),
                f"{10 * calls * 1_000:,.0f}",
                f"{10 * usd:.2f}",
            ]
        )
    heads = ["org", "s a batch", *(f"{each}" for each in CONCURRENCIES), "10 million", "calls", "USD"]
    title = "Profiles per second at most, by MaximumConcurrency; 10 million at 10"
    remark = (
        "Fast: 0.1 s a call; typical: 0.5 s and 5 ms a record; slow: 0.1 s and 50 ms a record, calls of 200 records."
    )
    return Table(title, heads, rows, [remark])


def windows() -> Table:
    """API calls a day by BatchWindowSeconds, for the typical org."""
    rows = [
        [f"{rate:g}", *(f"{_calls_a_day(rate, window):,.0f}" for window in WINDOWS), number(_batch(rate, 60))]
        for rate in RATES
    ]
    heads = ["profiles/s", *(f"{window} s" for window in WINDOWS), "batch at 60 s"]
    return Table("API calls a day by BatchWindowSeconds, typical org", heads, rows)


def _calls_a_day(rate: float, window: float) -> float:
    return rate * DAY_SECONDS / _batch(rate, window)


def _batch(rate: float, window: float) -> float:
    """A poller waits for a message, then for its window, then for the org: 0.5 s and 5 ms a record."""
    org = ORGS[1]
    share = rate / POLLERS
    cycle = (1 / share + window + org.seconds_per_call) / max(1 - share * org.seconds_per_record, 0.01)
    return min(MESSAGES_PER_EVENT, share * cycle)


def targets(result: Result) -> Table:
    """The targets of this function, and what was measured at the worst of all sizes."""
    sizes, goals = result.sizes, []

    def at_most(goal: str, most: float, measured: float) -> None:
        goals.append([goal, f"{most:g}", number(measured), "yes" if measured <= most else "no"])

    for variant in (Variant.PLAIN, Variant.WIDE):
        ours, hand, floor = (
            [result.of(name, size, variant=variant).cpu_us for size in sizes]
            for name in ("deliver", "collections", "floor")
        )
        at_most(f"CPU, {variant}, times that of collections", 1.0, _worst(ours, hand))
        at_most(f"CPU, {variant}, times the floor's", MOST_TIMES_THE_FLOOR, _worst(ours, floor))
        others = (
            _worst(floor, [result.of(name, size, variant=variant).cpu_us for size in sizes]) for name in NAMES[1:5]
        )
        at_most(f"CPU, {variant}, the floor's, times the least other's", 1.0, max(others))
    for batch in SMALL_BATCHES:
        ours_in, by_hand = (result[_small(result, name, batch)].batch_ms for name in ("deliver", "collections"))
        at_most(f"CPU of a batch of {batch}, times that of collections", 1.0, ours_in / by_hand)
    for variant in (each for each in CORNERS if CASES[each].target_us):
        case, found = CASES[variant], next(result.variants(variant))
        more = found.cpu_us - result.of("deliver", found.profiles, variant=case.base).cpu_us
        at_most(f"{case.title}, µs each", case.target_us or 0, max(more / case.items, 0))
    most = [result.of("deliver", size) for size in sizes]
    at_most("API calls per 1,000 profiles", 1, max(each.calls_per_thousand for each in most))
    waits = [result.of(name, size, LATENCY_MS).wall_seconds for name in ("deliver", "floor") for size in sizes]
    at_most("time, times the floor's", 1.2, _worst(waits[: len(sizes)], waits[len(sizes) :]))
    at_most("peak memory, batches of 1,000, MiB", 200, max(each.peak_mib for each in most))
    at_most(
        f"memory after the first {EARLY_BATCHES} batches, MiB more", 5, max(most[-1].peak_mib - most[-1].early_mib, 0)
    )
    return Table("Targets, at the worst of all sizes", ["", "at most", "measured", "met"], goals)


def _worst(ours: list[float], theirs: list[float]) -> float:
    return max(one / other for one, other in zip(ours, theirs, strict=True))


def _cpu(figures: Figures | None) -> str:
    return NOT_MEASURED if figures is None else _shown(figures, number(figures.cpu_us))


def _wall_of(figures: Figures | None) -> str:
    return NOT_MEASURED if figures is None else _shown(figures, seconds(figures.wall_seconds))


def _shown(figures: Figures | None, text: str) -> str:
    return f"{SCALED}{text}" if figures and figures.is_scaled else text


def _scaled_remark(result: Result) -> str:
    if not any(each.is_scaled for each in result.figures):
        return ""
    return f"{SCALED}: estimated from a smaller run."
