"""
What becomes of a great many messages while Salesforce takes none.

The limits are those of SQS, the delays those of the real Backoff; on a small case a test holds this to the simulation
with the real delivery code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil

from salesforce_destination.delivery.memory import LIMIT_BELIEVED_SECONDS
from salesforce_destination.outcome import Wait

from destination_testbench.aws.queue import IN_FLIGHT_LIMIT
from destination_testbench.chaos.backlog import STEP, Backlog, share_of_calls
from destination_testbench.chaos.worker import LONG_POLL_SECONDS
from destination_testbench.template.numbers import Numbers

SWITCH_SECONDS = 60.0
"""An event source mapping is "Enabling" or "Disabling" for about a minute (UpdateEventSourceMapping)."""

SQS_ENTRIES = 10
LONGEST_DAYS = 6


@dataclass(frozen=True, slots=True)
class Case:
    """
    Messages that arrive evenly over some hours, the first of which Salesforce takes nothing.

    `wait` is what the messages wait for meanwhile. With `probe_seconds` the event source mapping is paused, and
    somebody asks the org so often; without it, nothing is done. An invocation takes so many seconds when it fails, and
    when a full batch is written.
    """

    name: str
    numbers: Numbers
    messages: int = 1_000_000
    hours: float = 24.0
    outage_hours: float = 24.0
    wait: Wait = Wait.BACKOFF
    probe_seconds: float | None = None
    in_flight_limit: int = IN_FLIGHT_LIMIT
    failing_seconds: float = 2.0
    working_seconds: float = 6.0


@dataclass(slots=True)
class Outcome:
    """
    What came of a case. `first_wait_hours` is how long a new message waited for its first delivery, at the worst.
    """

    most_in_flight: int = 0
    hours_at_limit: float = 0.0
    calls_in_outage: float = 0.0
    invocations_in_outage: float = 0.0
    sqs_requests_in_outage: int = 0
    deliveries_per_message: float = 0.0
    drained_after_hours: float = 0.0
    half_after_minutes: float = 0.0
    calls_after: float = 0.0
    oldest_hours: float = 0.0
    first_wait_hours: float = 0.0


def simulate(case: Case) -> Outcome:
    """Let the case happen until the queue is empty."""
    run = Run(case, Backlog(case.numbers, case.wait, case.in_flight_limit))
    for step in range(int(LONGEST_DAYS * 86_400 / STEP)):
        run.step(step)
        if run.done == case.messages:
            run.outcome.drained_after_hours = (step + 1) * STEP / 3600 - case.outage_hours
            break
    run.outcome.deliveries_per_message = run.deliveries / case.messages
    return run.outcome


@dataclass(slots=True)
class Run:
    """One case on its way."""

    case: Case
    backlog: Backlog
    outcome: Outcome = field(default_factory=Outcome)
    arrived: int = 0
    done: int = 0
    deliveries: int = 0
    delayed_share: float = field(init=False)

    def __post_init__(self) -> None:
        self.delayed_share = share_of_calls(self.case.numbers, self.case.wait)

    def step(self, step: int) -> None:
        """Let a minute pass: messages arrive, come back, and are taken."""
        case, backlog = self.case, self.backlog
        share = min(1.0, (step + 1) * STEP / (case.hours * 3600))
        backlog.visible[0] += round(case.messages * share) - self.arrived
        self.arrived = round(case.messages * share)
        backlog.reveal(step)
        is_out = step * STEP < case.outage_hours * 3600
        if is_out and case.probe_seconds:
            self.outcome.calls_in_outage += STEP / case.probe_seconds
        if step * STEP < _resumes_at(case):
            return
        if case.probe_seconds and not self.deliveries:
            self.outcome.first_wait_hours = (step + 1) * STEP / 3600
        new = backlog.visible[0]
        taken = backlog.take(_capacity(case, is_out))
        self.deliveries += taken.total()
        if new:
            hours = new / taken[0] * STEP / 3600 if taken[0] else 0.0
            self.outcome.first_wait_hours = max(self.outcome.first_wait_hours, hours)
        if is_out:
            backlog.defer(taken, step)
            self._count(taken.total())
        else:
            self._count_done(taken.total(), (step + 1) * STEP / 3600 - case.outage_hours)

    def _count(self, taken: int) -> None:
        case, outcome, in_flight = self.case, self.outcome, self.backlog.in_flight
        invocations = _invocations(case, taken)
        asks = case.numbers.maximum_concurrency * STEP / LIMIT_BELIEVED_SECONDS
        delayed = taken * self.delayed_share
        outcome.invocations_in_outage += invocations
        outcome.calls_in_outage += min(asks, invocations) if case.wait is Wait.DAILY_LIMIT else invocations
        outcome.sqs_requests_in_outage += ceil(taken / SQS_ENTRIES) + ceil(delayed / SQS_ENTRIES)
        outcome.most_in_flight = max(outcome.most_in_flight, in_flight)
        outcome.hours_at_limit += (in_flight >= case.in_flight_limit) * STEP / 3600

    def _count_done(self, taken: int, hours: float) -> None:
        self.done += taken
        self.outcome.calls_after += _invocations(self.case, taken)
        if self.done * 2 >= self.case.messages and not self.outcome.half_after_minutes:
            self.outcome.half_after_minutes = hours * 60


def _resumes_at(case: Case) -> float:
    """When messages are taken again: the last probe had just failed, and the switch takes its time."""
    if case.probe_seconds is None:
        return 0.0
    return case.outage_hours * 3600 + case.probe_seconds + SWITCH_SECONDS


def _capacity(case: Case, is_out: bool) -> int:
    seconds = case.failing_seconds if is_out else case.working_seconds
    return int(case.numbers.maximum_concurrency * case.numbers.batch_size * STEP / seconds)


def _invocations(case: Case, taken: int) -> float:
    """One batch for each poller and window, with a poll before it; more where they are full."""
    full = ceil(taken / case.numbers.batch_size)
    between = case.numbers.batch_window_seconds + LONG_POLL_SECONDS
    return max(full, min(taken, case.numbers.maximum_concurrency * STEP / between))
