"""The messages of a chaos run: late, shuffled, some twice, some with several profiles; and the platform that sends."""

from __future__ import annotations

import heapq
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import count as counting
from typing import Any

from destination_testbench.chaos.clock import SimulatedClock
from destination_testbench.chaos.environment import QUEUE
from destination_testbench.org import record_id

AUDIENCES: Mapping[str, tuple[str, str]] = {
    "7841ba61-23c1-4bb3-a495-00d3g5fe1e93": ("CDP_Loyal__c", "CDP_Loyal_Since__c"),
    "59bd2fkd-3c48-4b18-bf56-4f5c5e6967ae": ("CDP_Newsletter__c", "CDP_Newsletter_Since__c"),
    "947c1c46-008d-40b0-92ec-3af86eaf41c1": ("CDP_Trial__c", "CDP_Trial_Since__c"),
}
"""The audiences of chaos.toml: the field of the status and the field of its time."""

ORDERING_FIELD = "CDP_Event_Time__c"


class TimeFrom(StrEnum):
    """Where a message says when its event happened."""

    BODY = "body"
    ATTRIBUTE = "attribute"
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class Membership:
    """The status in one audience, and since when (ms)."""

    status: str
    since: int


@dataclass(frozen=True, slots=True)
class ProfileEvent:
    """One message to come: whose, when it happened (ms), when it is sent (s), what it says.

    `code` is the one its dead letter has to carry, empty for a good message. An event that `rides` is in the body of
    another, a message with several profiles, and not sent by itself.
    """

    number: int
    person: int
    happened_at: int
    send_at: float
    body: str
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    memberships: Mapping[str, Membership] = field(default_factory=dict)
    code: str = ""
    copies: tuple[float, ...] = ()
    rides: bool = False


Json = dict[str, Any]

BURST_SECONDS = 300.0
"""A platform sends what it gathered every few minutes."""

TEMPORARILY_REFUSED = 20
"""Every so manieth person is called Rita, and an admin refuses all Ritas for a while."""

STATUSES = ("realized", "existing", "exited")


@dataclass(frozen=True, slots=True)
class Extent:
    """How much happens: people, messages, and the seconds over which they happen from `start` on."""

    people: int
    messages: int
    seconds: int
    start: float


class EventGenerator:
    """Makes the events of everybody; `last_second` is when each person's last one happened. One seed, one sequence."""

    def __init__(self, extent: Extent, draw: random.Random) -> None:
        self.extent, self._draw = extent, draw
        self.last_second: dict[int, int] = {}

    def events(self) -> list[ProfileEvent]:
        """Every good message."""
        counts = [0] * self.extent.people
        for _ in range(self.extent.messages):
            counts[self._draw.randrange(self.extent.people)] += 1
        numbers = iter(range(1, self.extent.messages + 1))
        told: list[ProfileEvent] = []
        for person, count in enumerate(counts, 1):
            seconds = sorted(self._draw.sample(range(self.extent.seconds), count))
            self.last_second[person] = max(seconds, default=0)
            told += self._life(person, seconds, numbers)
        return told

    def _life(self, person: int, seconds: list[int], numbers: Iterator[int]) -> Iterator[ProfileEvent]:
        known: dict[str, Membership] = {}
        for second in seconds:
            time_from = TimeFrom.SENT if person % 10 == 0 else self._draw.choice((TimeFrom.BODY, TimeFrom.ATTRIBUTE))
            yield self.event(next(numbers), person, second, time_from, known)

    def event(
        self, number: int, person: int, second: int, time_from: TimeFrom, known: dict[str, Membership]
    ) -> ProfileEvent:
        """One event; `known` are the memberships so far, which a message may repeat."""
        millisecond = 0 if time_from is TimeFrom.SENT else self._draw.randrange(1000)
        happened_at = (int(self.extent.start) + second) * 1000 + millisecond
        memberships = dict(self._memberships(happened_at, known))
        known |= memberships
        values = self.values_of(number, person)
        who = self.identities_of(person)
        body = {**profile(person, values, memberships, happened_at), **who, "eventNumber": number}
        attributes: dict[str, dict[str, str]] = {"Producer": {"DataType": "String", "StringValue": f"p{number}"}}
        if time_from is TimeFrom.BODY:
            body["timestamp"] = iso(happened_at)
        elif time_from is TimeFrom.ATTRIBUTE:
            attributes["EventTime"] = {"DataType": "Number", "StringValue": str(happened_at)}
        send_at, copies = self._sendings(happened_at / 1000, time_from)
        text = json.dumps(body, separators=(",", ":"))
        return ProfileEvent(number, person, happened_at, send_at, text, attributes, values, memberships, "", copies)

    def values_of(self, number: int, person: int) -> dict[str, str]:
        """What an event says of its person, nothing of it twice."""
        name = "Rita" if is_rita(person) else f"First {number}"
        return {"LastName": f"Last {number}", "FirstName": name, "Email": f"person{number}@example.com"}

    def identities_of(self, person: int) -> Json:
        """The part of a body that says who it is."""
        return {"identityMap": {"crmID": [{"id": record_id("003", person)}]}}

    def _memberships(self, happened_at: int, known: dict[str, Membership]) -> Iterator[tuple[str, Membership]]:
        for audience in AUDIENCES:
            if self._draw.random() < 0.5:
                repeated = known.get(audience) if self._draw.random() < 0.2 else None
                yield audience, repeated or Membership(self._draw.choice(STATUSES), happened_at)

    def _sendings(self, happened: float, time_from: TimeFrom) -> tuple[float, tuple[float, ...]]:
        if time_from is TimeFrom.SENT:
            return happened, ()
        late = self._draw.choices((60, 1_800, 14_400), (70, 25, 5))[0] * self._draw.random()
        send_at = in_burst(happened + late)
        again = in_burst(send_at + self._draw.random() * 7_200)
        return send_at, (again,) if self._draw.random() < 0.03 else ()


def is_rita(person: int) -> bool:
    """Whether an admin refuses this person for a while."""
    return person % TEMPORARILY_REFUSED == 7


def in_burst(moment: float) -> float:
    """The next time at which the platform sends."""
    return (moment // BURST_SECONDS + 1) * BURST_SECONDS


def iso(milliseconds: int) -> str:
    """A time as a platform writes it."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds % 1000:03d}Z"


def profile(
    person: int, values: dict[str, str], memberships: dict[str, Membership], happened_at: int
) -> dict[str, Any]:
    """A profile but for its identities; a membership that began with the event may leave out its time."""
    names = {"lastName": values["LastName"], "firstName": values["FirstName"]}
    told = {name: _told(membership, happened_at, person % 3 == 0) for name, membership in memberships.items()}
    address = {"personalEmail": {"address": values["Email"]}} if "Email" in values else {}
    return {"person": {"name": names}, **address, "segmentMembership": {"ups": told}}


def _told(membership: Membership, happened_at: int, briefly: bool) -> dict[str, str]:
    if briefly and membership.since == happened_at:
        return {"status": membership.status}
    return {"status": membership.status, "lastQualificationTime": iso(membership.since)}


SHARE = 0.04
"""Of the messages with their time in the body. Of those about people who are refused for a while, half."""


def bundled(events: Sequence[ProfileEvent], draw: random.Random) -> list[ProfileEvent]:
    """The same events, some of them together in one message."""
    free = {event.number: event for event in events if '"timestamp"' in event.body}
    told = {event.number: event for event in events}
    for event in list(free.values()):
        if event.number not in free or draw.random() >= (0.5 if is_rita(event.person) else SHARE / 2):
            continue
        del free[event.number]
        other = free.pop(draw.choice(list(free)), None) if len(free) > TEMPORARILY_REFUSED else None
        if other and other.person != event.person:
            told[event.number], told[other.number] = together(event, other)
    return list(told.values())


def together(event: ProfileEvent, other: ProfileEvent) -> tuple[ProfileEvent, ProfileEvent]:
    """Two events in one message, which is sent when the later of them would have been."""
    body = json.dumps({"profiles": [json.loads(event.body), json.loads(other.body)]}, separators=(",", ":"))
    send_at = max(event.send_at, other.send_at)
    return replace(event, body=body, send_at=send_at, copies=()), replace(other, body=body, rides=True)


class Producer:
    """Sends every message at its time, and some of them twice."""

    def __init__(self, clock: SimulatedClock, sqs: Any, events: Sequence[ProfileEvent]) -> None:
        self._clock, self._sqs = clock, sqs
        numbers = counting()
        self._due: list[tuple[float, int, ProfileEvent]] = [
            (moment, next(numbers), event)
            for event in events
            if not event.rides
            for moment in (event.send_at, *event.copies)
        ]
        heapq.heapify(self._due)
        self.sent = 0
        self.is_done = False

    def run(self) -> None:
        """Send everything."""
        for moment, event in self._in_order():
            if moment > self._clock.now():
                self._clock.sleep(moment - self._clock.now())
            self._sqs.send_message(QueueUrl=QUEUE, MessageBody=event.body, MessageAttributes=event.attributes)
            self.sent += 1
        self.is_done = True

    def _in_order(self) -> Iterator[tuple[float, ProfileEvent]]:
        while self._due:
            moment, _, event = heapq.heappop(self._due)
            yield moment, event
