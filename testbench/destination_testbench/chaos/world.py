"""Everything that takes part in a chaos run, wired together on one clock: the org, AWS, the functions."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import requests
from salesforce_destination.assembly import RefreshTokenFunction, Surroundings
from salesforce_destination.aws.in_progress import InProgressFile
from salesforce_destination.delivery.batch import Batch
from salesforce_destination.destination.destination import read_destination
from salesforce_destination.outcome import OutcomeKind
from salesforce_destination.record.guards import guard_formula
from salesforce_destination.salesforce.client import new_session
from salesforce_destination.salesforce.oauth import login_session

from destination_testbench.aws.clients import AnyQueue, SimulatedSecrets, SimulatedSqs
from destination_testbench.aws.fifo import FifoQueue
from destination_testbench.aws.queue import QueueConfig, StandardQueue
from destination_testbench.chaos.clock import Killed, SimulatedClock
from destination_testbench.chaos.environment import (
    CREDENTIALS_SECRET,
    DEAD_LETTER_QUEUE,
    QUEUE,
    REFRESH_QUEUE,
    TOKEN_SECRET,
    Environment,
    settings_of,
)
from destination_testbench.chaos.faults import AwsFaults
from destination_testbench.chaos.parts import SENT_AND_KILLED, DyingSqs, add_campaigns_and_rows, with_parts
from destination_testbench.chaos.people import fill
from destination_testbench.chaos.settings import HOUR, Broken, ChaosSettings
from destination_testbench.chaos.spoiled import DELETED, STRANGE, DeadlyMapper, NoMarker
from destination_testbench.chaos.traffic import AUDIENCES, ORDERING_FIELD
from destination_testbench.chaos.worker import Refresher, Worker
from destination_testbench.org import Facts, OrgAdapter, OrgConfig, SimulatedOrg, record_id, seed
from destination_testbench.template.parameters import Numbers

REFRESH = QueueConfig(visibility_seconds=60, retention_seconds=1500)
"""As template.yaml sets the refresh queue."""

CREDENTIALS = {
    "grant_type": "client_credentials",
    "domain": "acme",
    "client_id": "local-client-id",
    "client_secret": "local-client-secret",
}


@dataclass(slots=True)
class SimulatedCloud:
    """The queues and secrets of one stack."""

    clock: SimulatedClock
    queue_config: QueueConfig
    draw: random.Random
    faults: AwsFaults = field(init=False)
    queue: StandardQueue = field(init=False)
    dead_letters: StandardQueue = field(init=False)
    refresh: FifoQueue = field(init=False)
    sqs: SimulatedSqs = field(init=False)
    secrets: SimulatedSecrets = field(init=False)

    def __post_init__(self) -> None:
        now = self.clock.now
        self.faults = AwsFaults(now)
        config = QueueConfig(retention_seconds=self.queue_config.retention_seconds)
        self.queue = StandardQueue(QUEUE, self.queue_config, now, self._draw())
        self.dead_letters = StandardQueue(DEAD_LETTER_QUEUE, config, now, self._draw())
        self.queue.dead_letters = self.dead_letters
        self.refresh = FifoQueue(REFRESH_QUEUE, REFRESH, now, self._draw())
        queues: dict[str, AnyQueue] = {
            QUEUE: self.queue,
            DEAD_LETTER_QUEUE: self.dead_letters,
            REFRESH_QUEUE: self.refresh,
        }
        self.sqs = SimulatedSqs(queues, self.faults)
        self.secrets = SimulatedSecrets({TOKEN_SECRET: "{}", CREDENTIALS_SECRET: json.dumps(CREDENTIALS)}, self.faults)

    def _draw(self) -> random.Random:
        return random.Random(self.draw.random())


def queue_config(numbers: Numbers, duplicates: float) -> QueueConfig:
    """The queue as the template sets it."""
    times = numbers.visibility_timeout_seconds, numbers.retention_seconds
    return QueueConfig(*times, numbers.max_receive_count, duplicates=duplicates)


INSTANCE = "https://acme.my.salesforce.com"
WAY_BACK_SECONDS = 0.05
"""Between the org's work and its answer: whoever dies here has written and does not know it."""


class TimedAdapter(OrgAdapter):
    """Carries requests to an org; the answer takes a moment, in which whoever asked `dies` now and then."""

    def __init__(self, org: SimulatedOrg, clock: SimulatedClock, dies: Callable[[], bool]) -> None:
        super().__init__(org)
        self._clock, self._dies = clock, dies

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        """Answer one request."""
        try:
            answer = super().send(request, *arguments, **options)
        finally:
            self._clock.sleep(WAY_BACK_SECONDS)
        if "/composite" in str(request.url) and self._dies():
            raise Killed
        return answer


LATENCY_SECONDS, LATENCY_PER_RECORD = 0.2, 0.003
"""What a call takes, measured on sandboxes by others: a collection of 200 takes a second or less."""

START = 1_767_571_200.0
"""2026-01-05, a Monday."""


@dataclass(slots=True)
class World:
    """The org, AWS, the workers and the refresh function; `outcomes` says what became of each body that was settled."""

    settings: ChaosSettings
    broken: Broken
    numbers: Numbers
    folder: Path
    draw: random.Random
    clock: SimulatedClock = field(init=False)
    org: SimulatedOrg = field(init=False)
    cloud: SimulatedCloud = field(init=False)
    refresher: Refresher = field(init=False)
    workers: list[Worker] = field(init=False)
    outcomes: dict[str, OutcomeKind] = field(default_factory=dict)
    deferrals: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        settings, broken = self.settings, self.broken
        self.clock = SimulatedClock(START)
        facts = Facts(
            all_errors_at_once=settings.all_errors_at_once, rules_compare_under_lock=broken.compares_under_lock
        )
        # More than two log-ins and all calls of a day; the daily limit is one of the faults.
        config = OrgConfig(daily_limit=10_000_000, language=settings.language, facts=facts)
        self.org = SimulatedOrg(config, self.clock.now, self.clock.sleep)
        set_up(self.org, settings, broken)
        self.cloud = SimulatedCloud(self.clock, queue_config(self.numbers, settings.duplicates), self.draw)
        around = self._surroundings(login_session(), self.cloud.sqs, self.draw)
        function = RefreshTokenFunction(settings_of(self.numbers), around)
        self.refresher = Refresher(self.clock, self.cloud.refresh, self.cloud.sqs, function)
        self.workers = [self._worker(number) for number in range(settings.workers)]

    def start(self) -> None:
        """Start what runs all the time."""
        self.clock.start("refresher", self.refresher.run)
        self.clock.start("schedule", self.refresher.remind)
        for number, worker in enumerate(self.workers):
            worker.process = self.clock.start(f"worker {number}", worker.run)

    def _worker(self, number: int) -> Worker:
        draw = random.Random(self.draw.random())
        start = partial(self._environment, self.folder / f"worker{number}", draw)
        return Worker(self.clock, self.numbers, self.cloud.sqs, start, self._note, self.broken.named)

    def _environment(self, folder: Path, draw: random.Random) -> Environment:
        """A new environment on the /tmp of the one before."""
        file = "people.toml" if self.settings.by_rules else "chaos.toml"
        text = files(__package__).joinpath(file).read_text(encoding="utf-8")
        destination = read_destination(with_parts(text) if self.settings.with_parts else text)
        marker = InProgressFile(folder) if self.broken.marks_progress else NoMarker()
        sqs = self.broken.wrapped(self.cloud.sqs)
        around = self._surroundings(new_session(), DyingSqs(sqs, self._dies) if self.settings.with_parts else sqs, draw)
        return Environment(around, self.numbers, DeadlyMapper(destination), marker)

    def _surroundings(self, session: requests.Session, sqs: Any, draw: random.Random) -> Surroundings:
        dies = partial(self._dies, SENT_AND_KILLED, "killed before the answer") if self.settings.with_parts else bool
        session.mount(INSTANCE, TimedAdapter(self.org, self.clock, dies))
        clock, secrets = self.clock, self.cloud.secrets
        # One call to SQS at a time: the order of several would be another in each run.
        return Surroundings(session, lambda: secrets, lambda: sqs, clock.now, clock.now, clock.sleep, draw.random, 1)

    def _dies(self, share: float, name: str) -> bool:
        dies = self.clock.now() < START + self.settings.hours * HOUR and self.draw.random() < share
        self.cloud.faults.struck[name] += dies
        return dies

    def _note(self, settled: Batch) -> None:
        for delivery in settled.deliveries:
            if delivery.parts_outcome and delivery.parts_outcome.reason:
                self.deferrals[f"parts: {delivery.parts_outcome.reason.code}"] += 1
            if delivery.outcome.kind is OutcomeKind.DEFERRED:
                self.deferrals[delivery.outcome.reason.code if delivery.outcome.reason else ""] += 1
            else:
                self.outcomes[delivery.message.body] = delivery.outcome.kind


def set_up(org: SimulatedOrg, settings: ChaosSettings, broken: Broken) -> None:
    """Fill an org with people and guards."""
    people = settings.people
    if settings.by_rules:
        fill(org, people, keys_are_unique=broken.keys_are_unique)
    else:
        seed(org, contacts=people + max(DELETED, STRANGE))
        org.admin.delete("Contact", record_id("003", people + DELETED))
    if settings.with_parts:
        add_campaigns_and_rows(org, is_guarded=broken.has_row_rule)
    guarded = [ORDERING_FIELD] if broken.has_ordering_rule else []
    guarded += [since for _, since in AUDIENCES.values()] if broken.has_since_rules else []
    for name in guarded:
        message = f"Older than what is stored. [CDP-STALE:{name}]"
        for sobject in ("Contact", "Lead"):
            org.admin.add_rule(sobject, f"Guard_{name.removesuffix('__c')}", guard_formula(name), message)
    org.faults.latency(LATENCY_SECONDS, LATENCY_PER_RECORD)
