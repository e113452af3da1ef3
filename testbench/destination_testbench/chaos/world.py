"""Everything that takes part in a chaos run, wired together on one clock."""

from __future__ import annotations

import random
from collections import Counter
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
from salesforce_destination.salesforce.client import new_session
from salesforce_destination.salesforce.oauth import login_session

from destination_testbench.chaos.clock import SimulatedClock
from destination_testbench.chaos.cloud import Cloud, queue_config
from destination_testbench.chaos.deadly import DeadlyMapper, NoMarker
from destination_testbench.chaos.environment import Environment, settings_of
from destination_testbench.chaos.guarded_people import set_up
from destination_testbench.chaos.refresher import Refresher
from destination_testbench.chaos.settings import Broken, Settings
from destination_testbench.chaos.transport import INSTANCE, TimedAdapter
from destination_testbench.chaos.worker import Worker
from destination_testbench.org import Facts, OrgConfig, SimulatedOrg
from destination_testbench.template.numbers import Numbers

START = 1_767_571_200.0
"""2026-01-05, a Monday."""


@dataclass(slots=True)
class World:
    """The org, AWS, the workers and the refresh function; `outcomes` says what became of each body that was settled."""

    settings: Settings
    broken: Broken
    numbers: Numbers
    folder: Path
    draw: random.Random
    clock: SimulatedClock = field(init=False)
    org: SimulatedOrg = field(init=False)
    cloud: Cloud = field(init=False)
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
        self.org = SimulatedOrg(OrgConfig(daily_limit=10_000_000, facts=facts), self.clock.now, self.clock.sleep)
        set_up(self.org, settings.people, broken)
        self.cloud = Cloud(self.clock, queue_config(self.numbers, settings.duplicates), self.draw)
        around = self._surroundings(login_session(), self.cloud.sqs, self.draw)
        function = RefreshTokenFunction(settings_of(self.numbers), around)
        self.refresher = Refresher(self.clock, self.cloud.sqs, function)
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
        destination = read_destination(files(__package__).joinpath("chaos.toml").read_text(encoding="utf-8"))
        marker = InProgressFile(folder) if self.broken.marks_progress else NoMarker()
        around = self._surroundings(new_session(), self.broken.wrapped(self.cloud.sqs), draw)
        return Environment(around, self.numbers, DeadlyMapper(destination), marker)

    def _surroundings(self, session: requests.Session, sqs: Any, draw: random.Random) -> Surroundings:
        session.mount(INSTANCE, TimedAdapter(self.org, self.clock))
        clock, secrets = self.clock, self.cloud.secrets
        return Surroundings(session, lambda: secrets, lambda: sqs, clock.now, clock.now, clock.sleep, draw.random)

    def _note(self, settled: Batch) -> None:
        for delivery in settled.deliveries:
            if delivery.outcome.kind is OutcomeKind.DEFERRED:
                self.deferrals[delivery.outcome.reason.code if delivery.outcome.reason else ""] += 1
            else:
                self.outcomes[delivery.message.body] = delivery.outcome.kind
