"""An org that gives the answers of a script, and remembers the rows that came: for what needs one certain answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any

from builders import SENT_AT
from salesforce_destination.delivery.backoff import Backoff
from salesforce_destination.delivery.deliverer import Deliverer, Limits
from salesforce_destination.delivery.memory import Memory
from salesforce_destination.delivery.ports import InProgressMarker, Org
from salesforce_destination.destination.destination import Destination
from salesforce_destination.mapping.mapper import Mapper
from salesforce_destination.outcome import Delivery, Message
from salesforce_destination.record.classification import RecordError
from salesforce_destination.record.composite import Collection, CollectionReply, CompositeWriter
from salesforce_destination.record.description import ObjectDescription, read_description
from salesforce_destination.record.record import Record
from salesforce_destination.record.successor import Move, Successor

Json = Any

LIMITS = Limits(give_up_after_seconds=100)


class AsksNothing:
    """The part of an org that only a file with several rules, or with several sObjects, asks anything of."""

    def query(self, queries: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        raise AssertionError(f"nothing is looked up here: {queries}")

    def retrieve(self, sobject: str, ids: Sequence[str], fields: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        raise AssertionError(f"nothing is read here: {sobject}, {ids}, {fields}")

    def contact_of_lead(self) -> Callable[[str], Successor]:
        raise AssertionError("no lead is found here")


class ScriptedOrg(AsksNothing):
    """`answers` go to the rows in their order, the rest are written; `successor` took every lost record's place."""

    def __init__(
        self, destination: Destination, answers: Sequence[RecordError] = (), successor: Successor | None = None
    ) -> None:
        self.requests: list[Json] = []
        self._writer, self._answers, self._successor = CompositeWriter(destination), list(answers), successor
        self._questions = 0

    @property
    def rows(self) -> list[Json]:
        """What was sent, row by row."""
        parts = [part for request in self.requests for part in request["compositeRequest"]]
        return [row for part in parts for row in part["body"]["records"]]

    def send(self, collections: Sequence[Collection]) -> list[CollectionReply]:
        self.requests.append(self._writer.request(collections))
        return [[self._answer() for _ in collection] for collection in collections]

    def _answer(self) -> tuple[RecordError, ...]:
        return (self._answers.pop(0),) if self._answers else ()

    def query(self, queries: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        self._questions += 1
        return []

    def find(self, move: Move, records: Sequence[Record]) -> Mapping[str, Successor]:
        self._questions += 1
        return {record.key: self._successor for record in records} if self._successor else {}

    def describe(self, sobject: str = "", *, anew: bool = False) -> ObjectDescription:
        self._questions += 1
        return read_description({})

    def is_nearly_full(self) -> bool:
        return False

    def seconds_left(self) -> float:
        return 250.0

    def api_calls(self) -> int:
        return len(self.requests) + self._questions

    def api_usage_percent(self) -> float | None:
        return None


class NoMarker:
    """Marks nothing as in progress: nothing dies here."""

    def is_suspect(self, message_id: str) -> bool:
        return False

    def mark(self, message_id: str) -> None:
        pass

    def clear(self) -> None:
        pass


class Queues:
    """The queues around a deliverer: what was sent to the one for dead letters, and delayed on the other."""

    def __init__(self) -> None:
        self.dead_letters: list[Delivery] = []
        self.delays: list[tuple[Message, int]] = []

    def send(self, deliveries: Sequence[Delivery], delays: Sequence[int] = ()) -> set[str]:
        self.dead_letters += [] if delays else deliveries
        return set()

    def set(self, delays: Sequence[tuple[Message, int]]) -> int:
        self.delays += delays
        return 0


def a_deliverer(
    destination: Destination,
    org: Org,
    limits: Limits = LIMITS,
    memory: Memory | None = None,
    marker: InProgressMarker | None = None,
) -> Deliverer:
    """A deliverer whose queues take everything, and that asks no org what its fields take."""
    queues, backoff = Queues(), Backoff(30, 1800, 1800, lambda: 0.5)
    kept = memory or Memory(lambda: 0.0, 5, 5)
    return Deliverer(Mapper(destination), org, kept, marker or NoMarker(), queues, queues, queues, backoff, limits, inf)


def deliver(destination: Destination, org: Org, messages: Sequence[Message]) -> Sequence[Delivery]:
    return a_deliverer(destination, org).deliver(messages, SENT_AT).deliveries
