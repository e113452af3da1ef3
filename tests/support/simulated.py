"""A simulated world without misfortunes of its own: a test adds those that it is about."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from destination_testbench.chaos.settings import NOTHING, ChaosSettings
from destination_testbench.chaos.traffic import EventGenerator, Extent, Producer, ProfileEvent, TimeFrom
from destination_testbench.chaos.world import START, World
from destination_testbench.org import record_id
from destination_testbench.template.parameters import template_numbers

HOUR = 3600.0


def a_world(folder: Path, people: int = 300, seed: int = 1) -> World:
    """The numbers are the template's."""
    numbers = template_numbers()
    settings = ChaosSettings(seed=seed, people=people, workers=numbers.maximum_concurrency, duplicates=0.0)
    return World(settings, NOTHING, numbers, folder, random.Random(seed))


def one_event_each(people: int, seconds: int = 600) -> list[ProfileEvent]:
    """An event for everybody, in the first minutes."""
    draw = random.Random(people)
    events = EventGenerator(Extent(people, people, seconds, START), draw)
    return [events.event(person, person, draw.randrange(seconds), TimeFrom.SENT, {}) for person in range(1, people + 1)]


def run(world: World, events: Sequence[ProfileEvent], hours: float) -> None:
    """Send these, and let so many hours pass."""

    def end() -> None:
        world.clock.sleep(hours * HOUR)
        world.clock.stop()

    world.start()
    world.clock.start("producer", Producer(world.clock, world.cloud.sqs, events).run)
    world.clock.start("end", end)
    world.clock.run()


def writes(world: World, person: int) -> int:
    """How often a person's record was written."""
    history = world.org.records("Contact").records[record_id("003", person)].history
    return sum(change.operation == "update" for change in history)


def codes_of_letters(world: World) -> dict[str, str]:
    """The dead letters: their codes by their bodies."""
    letters = world.cloud.dead_letters.all()
    return {letter.body: str(letter.attributes["ErrorCode"]["StringValue"]) for letter in letters}
