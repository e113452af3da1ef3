"""The tables of the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from benchmarks.costs import cost_of
from benchmarks.figures import Result
from benchmarks.layout import Table, number, seconds
from benchmarks.prices import Prices
from benchmarks.scale.discrete import observe
from benchmarks.scale.model import CALLS_A_DAY, DAY, USAGE_CEILING, bottleneck, capacity, flow, limits
from benchmarks.scale.setting import Org, Stack, Work, work_of

FAST = Org("fast, 0.1 s a call", 0.1)
PLAIN = Org("usual, 0.5 s a call and 5 ms a record", 0.5, 0.005)
SLOW = Org("slow, 0.1 s a call and 50 ms a record", 0.1, 0.05)
ORGS = (FAST, PLAIN, SLOW)
CONCURRENCIES = (2, 5, 10, 25, 100)
WINDOWS = (5, 60, 300)
RATES = (0.1, 1, 10, 100)
GOALS = (10, 1_000, 10_000)
BACKFILL = 10_000_000
HEADROOM = 1.25
TOLERANCE = 0.10
"""How far apart the model and the discrete-event run may be."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One case in which the model is held to the discrete-event run."""

    arriving: float
    stack: Stack
    org: Org
    seconds: float
    warm_up: float


TRIALS = (
    Trial(1, Stack(), FAST, 7200, 600),
    Trial(10, Stack(), FAST, 3600, 600),
    Trial(10, Stack(window_seconds=5), FAST, 900, 60),
    Trial(100, Stack(), PLAIN, 1200, 300),
    Trial(600, Stack(), PLAIN, 300, 120),
    Trial(1000, Stack(concurrency=10), PLAIN, 240, 120),
    Trial(100, Stack(concurrency=5), SLOW, 1200, 600),
    Trial(5000, Stack(), FAST, 30, 20),
)


def scale_tables(result: Result, prices: Prices) -> Iterator[tuple[str, Table]]:
    """All tables with their names."""
    work = work_of(result)
    yield "scale-throughput", throughput(work)
    yield "scale-flood", flood(work)
    yield "scale-calls", calls(work)
    yield "scale-goals", goals(work)
    yield "scale-backfill", backfill(result, prices, work)
    yield "scale-check", check(work, TRIALS)


def throughput(work: Work) -> Table:
    """The most that passes."""
    rows = []
    for concurrency in CONCURRENCIES:
        stack = Stack(concurrency=concurrency)
        rows.append([str(concurrency), *(number(capacity(stack, org, work)) for org in ORGS)])
    heads = ["MaximumConcurrency", "fast org", "usual org", "slow org"]
    remarks = [f"{org.name}." for org in ORGS]
    title = "Profiles per second that pass while the day's calls last, batches full"
    inferred = (
        "With the fast org it is the pollers that stop more: that they take ten messages in 15 ms is inferred, so that"
        " this column, and what follows from it, is about right at best."
    )
    return Table(title, heads, rows, ["; ".join(remark.rstrip(".") for remark in remarks) + ".", inferred])


def flood(work: Work) -> Table:
    """How long a day's calls last when there is always more."""
    rows = []
    for concurrency in CONCURRENCIES:
        stack = Stack(concurrency=concurrency)
        row = [str(concurrency)]
        for org in ORGS:
            a_second = capacity(stack, org, work) / stack.batch_size * org.calls(stack.batch_size)
            spent = org.calls_a_day * USAGE_CEILING / a_second
            row.append(f"{a_second * DAY:,.0f} ({seconds(spent) if spent < DAY else 'last'})")
        rows.append(row)
    remark = (
        f"In brackets: when {USAGE_CEILING:.0%} of 100,000 are spent, at which the function stops; or that they last."
    )
    heads = ["MaximumConcurrency", "fast org", "usual org", "slow org"]
    return Table("API calls a day in a flood", heads, rows, [remark])


def calls(work: Work) -> Table:
    """Calls a day on a trickle, by the window."""
    rows = []
    for rate in RATES:
        flows = [flow(rate, Stack(window_seconds=window), PLAIN, work) for window in WINDOWS]
        cells = [f"{each.calls_a_day:,.0f}" for each in flows]
        rows.append([f"{rate:g}", f"{rate * DAY:,.0f}", *cells, *(number(each.batch) for each in flows[1:2])])
    heads = ["profiles/s", "a day", *(f"{window} s" for window in WINDOWS), "batch at 60 s"]
    return Table("API calls a day by BatchWindowSeconds, usual org", heads, rows)


def goals(work: Work) -> Table:
    """What to set for a rate, and what stops more."""
    rows = [_goal(rate, org, work) for rate, org in product(GOALS, ORGS)]
    heads = ["per second", "org", "concurrency", "window", "calls/day", "waits", "next bottleneck"]
    remark = (
        f"Set so that {HEADROOM:g} times as much could pass. An org whose day has fewer calls than this needs more of"
        f" them, or fewer profiles: the function stops at {USAGE_CEILING:.0%} of 100,000."
    )
    return Table("What to set for so many profiles per second, and what stops more of them", heads, rows, [remark])


def _goal(rate: float, org: Org, work: Work) -> list[str]:
    stack = _smallest(rate, org, work)
    name = org.name.partition(",")[0]
    if stack is None:
        found = limits(Stack(concurrency=1000), org, work)
        tight = [limit for limit, most in found.items() if most < rate * HEADROOM and limit != CALLS_A_DAY]
        return [f"{rate:,}", name, "-", "-", "-", "-", f"{tight[0]}: {found[tight[0]]:,.0f}/s"]
    found_flow = flow(rate, stack, org, work)
    first = bottleneck(stack, org, work)
    most = limits(stack, org, work)[first]
    cells = [str(stack.concurrency), f"{stack.window_seconds} s", f"{found_flow.calls_a_day:,.0f}"]
    return [f"{rate:,}", name, *cells, seconds(found_flow.longest_wait), f"{first}: {most:,.0f}/s"]


def _smallest(rate: float, org: Org, work: Work) -> Stack | None:
    for concurrency in range(2, 1001):
        stack = Stack(concurrency=concurrency)
        if capacity(stack, org, work) >= rate * HEADROOM:
            return stack
    return None


def backfill(result: Result, prices: Prices, work: Work) -> Table:
    """Ten million profiles at once."""
    rows = []
    for concurrency, org in product((2, 10, 25), ORGS):
        stack = Stack(concurrency=concurrency)
        most = capacity(stack, org, work)
        batches = BACKFILL / stack.batch_size
        api_calls = batches * org.calls(stack.batch_size)
        busy = batches * work.seconds(stack.batch_size, stack, org) * stack.memory_mib / 1024
        usd = busy * prices["lambda_gb_second"] + batches * prices["lambda_request"]
        usd += BACKFILL / 1e6 * (cost_of("deliver", result, prices).usd - cost_of("deliver", result, prices).lambda_usd)
        rows.append(
            [str(concurrency), org.name.partition(",")[0], seconds(BACKFILL / most), f"{api_calls:,.0f}", f"{usd:.2f}"]
        )
    heads = ["MaximumConcurrency", "org", "time", "API calls", "USD"]
    remark = (
        "Sending the messages is in the price, ten to a request. 10,000 calls are a tenth of a day's 100,000. To the"
        " slow org the function sends 200 records at a time, because a call may not take longer than 15 s."
    )
    return Table(f"A backfill of {BACKFILL:,} profiles", heads, rows, [remark])


def check(work: Work, trials: Sequence[Trial]) -> Table:
    """The model beside the discrete-event run."""
    rows = []
    for trial in trials:
        expected = flow(trial.arriving, trial.stack, trial.org, work)
        seen = observe(trial.arriving, trial.stack, trial.org, work, trial.seconds, trial.warm_up)
        batch = seen.profiles / max(1, seen.invocations)
        rows.append(
            [
                f"{trial.arriving:g}/s, {trial.stack.concurrency}, {trial.stack.window_seconds} s",
                trial.org.name.partition(",")[0],
                number(expected.passing),
                number(seen.profiles / trial.seconds),
                number(expected.batch),
                number(batch),
            ]
        )
    heads = ["arriving, concurrency, window", "org", "passing", "seen", "batch", "seen"]
    return Table(f"The model beside the discrete-event run; they agree within {TOLERANCE:.0%}", heads, rows)
