"""Messages that can never succeed, each with the code that its dead letter has to carry; some kill the function."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace

from salesforce_destination.mapping.mapper import Mapper
from salesforce_destination.profile.profile import Profile

from destination_testbench.chaos.clock import Killed
from destination_testbench.chaos.traffic import EventGenerator, Json, ProfileEvent, TimeFrom, iso
from destination_testbench.org import record_id

KILLS = "simulationKills"
"""A key that lets the process die over its message, as one that is too large for its memory would."""

STRANGE_CODE = "CODE_OF_NEXT_RELEASE"
DELETED, STRANGE = 1, 2
"""Persons after the last real one: a record that was deleted, and one that is refused for no known reason."""

LARGEST_BODY = 1_040_000


def _cut(body: Json) -> str:
    return json.dumps(body)[:-1] + ",}"


def _nested(body: Json) -> str:
    return f"{'[' * 10_000}{body['eventNumber']}{']' * 10_000}"


def _huge(body: Json) -> str:
    return f"{body['eventNumber']}".ljust(LARGEST_BODY, "x")


def _with(change: Callable[[Json], object]) -> Callable[[Json], str]:
    def spoil(body: Json) -> str:
        change(body)
        return json.dumps(body)

    return spoil


def _undecided(body: Json) -> None:
    body["segmentMembership"]["ups"]["7841ba61-23c1-4bb3-a495-00d3g5fe1e93"] = {"status": "undecided"}


SPOILED_HERE: tuple[tuple[str, Callable[[Json], str]], ...] = (
    ("NOT_JSON", _cut),
    ("NOT_JSON", _nested),
    ("NOT_JSON", _huge),
    ("NO_IDENTITY", _with(lambda body: body["identityMap"].clear())),
    ("REQUIRED_VALUE_MISSING", _with(lambda body: body["person"]["name"].pop("lastName"))),
    ("VALUE_TOO_LONG", _with(lambda body: body["person"]["name"].update(firstName="x" * 41))),
    ("STATUS_UNKNOWN", _with(_undecided)),
    ("EVENT_TIME_INVALID", _with(lambda body: body.update(timestamp="2199-01-01T00:00:00Z"))),
    ("KILLED_THE_FUNCTION", _with(lambda body: body.update({KILLS: True}))),
    ("IDENTITY_MALFORMED", _with(lambda body: body["identityMap"]["crmID"][0].update(id="003ab0000000001AAB"))),
)
"""What the function finds wrong by itself."""

RARE = ("KILLED_THE_FUNCTION", _nested, _huge)
RARE_UNTIL = 60
"""A few of these are enough: each death takes a batch of others along, for half an hour."""


def spoiled(generator: EventGenerator, draw: random.Random, first_number: int, count: int) -> Iterator[ProfileEvent]:
    """So many bad messages, of every sort by turns: what the function refuses, and what the org does."""
    people = generator.extent.people
    strange: tuple[tuple[str, int], ...] = (
        ("ENTITY_IS_DELETED", people + DELETED),
        (STRANGE_CODE, people + STRANGE),
        ("INVALID_CROSS_REFERENCE_KEY", people + 1000),
    )
    for index in range(count):
        number, second = first_number + index, draw.randrange(generator.extent.seconds)
        sort = index % (len(SPOILED_HERE) + len(strange) + 1)
        if sort < len(SPOILED_HERE):
            code, spoil = SPOILED_HERE[sort]
            if (code in RARE or spoil in RARE) and index > RARE_UNTIL:
                code, spoil = SPOILED_HERE[0]
            event = generator.event(number, draw.randint(1, people), second, TimeFrom.BODY, {})
            yield replace(event, body=spoil(json.loads(event.body)), code=code)
        elif sort < len(SPOILED_HERE) + len(strange):
            code, person = strange[sort - len(SPOILED_HERE)]
            event = generator.event(number, person + (index if person > people + 999 else 0), second, TimeFrom.BODY, {})
            yield replace(event, code=code)
        else:
            yield _invalid_email(generator, draw, number)


def _invalid_email(generator: EventGenerator, draw: random.Random, number: int) -> ProfileEvent:
    """The newest event of its person: an older one that is refused may also be superseded, and rightly."""
    person = draw.randint(1, generator.extent.people)
    event = generator.event(number, person, generator.last_second[person] + draw.randint(1, 600), TimeFrom.BODY, {})
    body = json.loads(event.body)
    body["personalEmail"]["address"] = "person at example.com"
    body["timestamp"] = iso(event.happened_at)
    return replace(event, body=json.dumps(body), code="INVALID_EMAIL_ADDRESS")


def strange_record(people: int) -> str:
    """The id of the record that is refused for no known reason."""
    return record_id("003", people + STRANGE)


class DeadlyMapper(Mapper):
    """Maps as the real one does, and dies where a body says so."""

    def profiles(self, body: str) -> list[Profile]:
        """Read a body, or die."""
        if KILLS in body:
            raise Killed
        return super().profiles(body)


class NoMarker:
    """Remembers nothing of the message that a process died over."""

    def is_suspect(self, message_id: str) -> bool:
        """Never."""
        return False

    def mark(self, message_id: str) -> None:
        """Mark nothing."""

    def clear(self) -> None:
        """There is nothing."""
