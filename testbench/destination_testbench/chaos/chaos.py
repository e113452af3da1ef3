"""The chaos run: many people, many messages, several workers, and everything that can go wrong."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from salesforce_destination.outcome import OutcomeKind

from destination_testbench.chaos.accounting import Accounting, contacts_of, examined
from destination_testbench.chaos.faults import RULE_ENDS, FaultSchedule, RowFaults, plan
from destination_testbench.chaos.operator import Operator
from destination_testbench.chaos.parts import examine_parts, plan_parts
from destination_testbench.chaos.people import PeopleGenerator, mixed, plan_conversions, records_of, unwritable
from destination_testbench.chaos.settings import HOUR, NOTHING, Broken, ChaosSettings
from destination_testbench.chaos.spoiled import STRANGE_CODE, spoiled, strange_record
from destination_testbench.chaos.traffic import EventGenerator, Extent, Producer, ProfileEvent, bundled
from destination_testbench.chaos.worker import Killer
from destination_testbench.chaos.world import START, World
from destination_testbench.template.parameters import template_numbers

LOOKS_EVERY_SECONDS = 60.0
KILL_EVERY_SECONDS = 1800.0
QUIET_SECONDS = 1200.0
"""After the last message, until whatever the org still carries out has been."""


@dataclass(frozen=True, slots=True)
class ChaosResult:
    """What a run did, and its accounting."""

    settings: ChaosSettings
    messages: int
    sent: int
    duplicates: int
    faults: Counter[str]
    outcomes: Counter[str]
    deferrals: Counter[str]
    invocations: int
    requests: int
    redriven: int
    hours: float
    accounting: Accounting


def run_chaos(settings: ChaosSettings, broken: Broken = NOTHING) -> ChaosResult:
    """Run one simulation to its end, and examined it."""
    draw = random.Random(settings.seed)
    events = events_of(settings, draw)
    numbers = replace(template_numbers(), batch_size=settings.batch_size)
    if broken.max_receive_count:
        numbers = replace(numbers, max_receive_count=broken.max_receive_count)
    if broken.retention_seconds:
        numbers = replace(numbers, retention_seconds=broken.retention_seconds)
    with tempfile.TemporaryDirectory() as folder:
        return Chaos(World(settings, broken, numbers, Path(folder), draw), events).run()


def events_of(settings: ChaosSettings, draw: random.Random) -> list[ProfileEvent]:
    """The messages of a run, good and bad."""
    bad = round(settings.messages * settings.bad_share)
    extent = Extent(settings.people, settings.messages - bad, int(settings.hours * HOUR), START)
    if settings.by_rules:
        people = PeopleGenerator(extent, draw)
        return [*bundled(people.events(), draw), *unwritable(people, draw, extent.messages + 1, bad)]
    generator = EventGenerator(extent, draw)
    return [*bundled(generator.events(), draw), *spoiled(generator, draw, extent.messages + 1, bad)]


class Chaos:
    """One run: a world, its messages, and its faults."""

    def __init__(self, world: World, events: Sequence[ProfileEvent]) -> None:
        self.world, self.events = world, events
        settings, clock, org, draw = world.settings, world.clock, world.org, world.draw
        end = START + settings.hours * HOUR
        self.producer = Producer(clock, world.cloud.sqs, events)
        self.schedule = FaultSchedule(org, clock, draw)
        plan(self.schedule, org, world.cloud.faults, settings, START, draw)
        if settings.by_rules:
            plan_conversions(self.schedule, org, settings, START, draw)
        if settings.with_parts:
            plan_parts(self.schedule, org, settings, START, draw)
        begins = START + (RULE_ENDS + 0.01) * settings.hours * HOUR
        self.operator = Operator(
            clock, world.cloud.sqs, "FIELD_CUSTOM_VALIDATION_EXCEPTION", begins, world.broken.redrive_keeps_time
        )
        self.killer = Killer(clock, world.workers, KILL_EVERY_SECONDS, end, draw)
        strange = strange_record(settings.people)
        self.rows = RowFaults(settings.seed, clock.now, end, strange, STRANGE_CODE)
        org.saving.row_guards.append(self.rows.errors)

    def run(self) -> ChaosResult:
        """Let everything happen, then look."""
        clock = self.world.clock
        self.world.start()
        for name in ("producer", "schedule", "operator", "killer"):
            clock.start(name, getattr(self, name).run)
        clock.start("watch", self._watch)
        clock.run()
        cloud = self.world.cloud
        expired = [*cloud.queue.expired, *cloud.dead_letters.expired]
        org, by_rules = self.world.org, self.world.settings.by_rules
        find = partial(records_of if by_rules else contacts_of, org)
        accounting = examined(self.events, find, cloud.queue.all(), expired, cloud.dead_letters.all())
        accounting.mixed += mixed(org, self.events) if by_rules else ()
        if self.world.settings.with_parts:
            examine_parts(org, self.events, self.world.settings.people, accounting)
        return self._result(accounting)

    def _watch(self) -> None:
        """Stop when everything has been sent and settled, or when that takes too long."""
        clock, world = self.world.clock, self.world
        last = START + (world.settings.hours + world.settings.patience_hours) * HOUR
        while clock.now() < last and not self._is_settled():
            clock.sleep(LOOKS_EVERY_SECONDS)
        clock.sleep(QUIET_SECONDS)
        clock.stop()

    def _is_settled(self) -> bool:
        done = self.producer.is_done and self.schedule.is_over and self.operator.is_done
        return done and not self.world.cloud.queue.all()

    def _result(self, accounting: Accounting) -> ChaosResult:
        world = self.world
        outcomes = Counter(str(outcome) for outcome in world.outcomes.values())
        faults = self.schedule.struck + self.rows.struck + world.cloud.faults.struck
        faults["worker killed"] = self.killer.killed
        return ChaosResult(
            settings=world.settings,
            messages=len({event.body for event in self.events}),
            sent=self.producer.sent,
            duplicates=self.producer.sent - len({event.body for event in self.events}) + world.cloud.queue.copies,
            faults=faults,
            outcomes=Counter(
                {str(outcome): outcomes[outcome] for outcome in OutcomeKind if outcome is not OutcomeKind.DEFERRED}
            ),
            deferrals=world.deferrals,
            invocations=sum(worker.invocations for worker in world.workers),
            requests=sum(world.org.log.counts.values()),
            redriven=self.operator.redriven,
            hours=(world.clock.now() - START) / HOUR,
            accounting=accounting,
        )
