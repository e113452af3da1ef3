"""`make growth`: what a bad day costs. 32 batches, good ones and bad ones, each of 1,000 to 8,000 messages.

Nothing may grow faster than the messages do: neither the calls, which `make test` counts, nor the CPU.
"""

from __future__ import annotations

import gc
import json
import math
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from math import inf
from pathlib import Path
from typing import Any

from salesforce_destination.delivery.backoff import Backoff
from salesforce_destination.delivery.batch import Batch
from salesforce_destination.delivery.deliverer import Deliverer, Limits
from salesforce_destination.delivery.memory import RECORDS_REMEMBERED, Memory
from salesforce_destination.destination.destination import Destination, read_destination
from salesforce_destination.errors import BadRequestError, SalesforceUnavailableError
from salesforce_destination.mapping.mapper import Mapper
from salesforce_destination.outcome import Delivery, Message
from salesforce_destination.record.classification import RecordError
from salesforce_destination.record.composite import Collection, CollectionReply, CompositeWriter
from salesforce_destination.record.description import ObjectDescription, read_description
from salesforce_destination.record.record import Record, Update, merge, to_18
from salesforce_destination.record.successor import Move, Successor

from benchmarks.layout import Table, number

Json = Any

SIZES = (1_000, 2_000, 4_000, 8_000)
REPEATS = 5
MOST_EXPONENT = 1.1
"""Twice the messages may cost 2.14 times as much: some noise above twice."""

TELLING = (
    "one record, all events refused",
    "100 events a record, all refused",
    "400 for one record",
    "413 above 100 records",
    "413 above one record",
    "a limit that one record meets",
    "a limit that every record meets",
    "all locked, two batches",
)
"""The cases that the documents show."""

KEPT = Path(__file__).parent / "results" / "growth.json"
NOW = 1_774_000_000_000
CONTACTS = """
name = "Growth"
salesforce_object = "Contact"
[identity]
source = "identityMap.crmID[0].id"
target = "SalesforceId"
[[mappings]]
source = "person.name.lastName"
target = "LastName"
required = true
max_length = 80
[[mappings]]
source = "personalEmail.address"
target = "Email"
when_refused = "omit"
[[audiences]]
id = "loyal"
mapping_id = "CDP_Loyal__c"
"""
ORDERED = CONTACTS + '[ordering]\nfield = "Time__c"\n'
FOLLOWING = 'merged_records = "follow"\n' + CONTACTS
LEADS = CONTACTS.replace('"Contact"', '"Lead"')
CONVERTED = 'converted_leads = "contact"\n' + LEADS
CONSENT = CONTACTS + '[profiles]\nonly_if = "consent"\n'
SEVERAL = CONTACTS + '[profiles]\nselect = "profiles[]"\n'
NAMES = (
    CONTACTS.replace('mapping_id = "CDP_Loyal__c"', 'name = "Loyal"\nmapping_id = "CDP_Names__c"\nvalue = "names"')
    + '[profiles]\nmemberships = "all"\n'
)
WIDE = (
    "max_audience_fields = 60\n"
    + CONTACTS
    + "".join(f'[[audiences]]\nid = "a{each}"\nmapping_id = "A{each}__c"\n' for each in range(50))
)

REFUSED = RecordError("STRING_TOO_LONG", "Too long.", ("LastName",))
LIMIT = RecordError("LIMIT_EXCEEDED", "CPU time limit")
LOCKED = RecordError("UNABLE_TO_LOCK_ROW")
STALE = RecordError("FIELD_CUSTOM_VALIDATION_EXCEPTION", "[CDP-STALE:Time__c]")
LACKING = RecordError("INVALID_FIELD", "No such column 'CDP_Loyal__c' on sobject of type Contact")
DELETED = RecordError("ENTITY_IS_DELETED")
WAS_CONVERTED = RecordError("CANNOT_UPDATE_CONVERTED_LEAD")
OMITTED = RecordError("INVALID_EMAIL_ADDRESS", "", ("Email",))

Answer = Callable[[Sequence[Collection], int], list[CollectionReply]]
"""What the org answers to a request, and to its which call."""


# Messages.


@cache
def person_id(person: int, prefix: str = "003") -> str:
    """The Id of a contact, or of a lead."""
    return str(to_18(f"{prefix}Ab{person:010d}"))


def profile(person: int, name: str = "Okafor", **more: Json) -> Json:
    """A profile in the shape of Adobe's, with one audience."""
    memberships = {"loyal": {"status": "realized", "lastQualificationTime": "2026-01-11T21:24:39Z"}}
    return {
        "identityMap": {"crmID": [{"id": person_id(person)}]},
        "person": {"name": {"lastName": name}},
        "personalEmail": {"address": f"{person}@example.com"},
        "segmentMembership": {"ups": memberships},
        **more,
    }


Bodies = Callable[[int], Sequence[Json]]
"""The bodies of so many messages."""


def one_each(count: int) -> Sequence[Json]:
    """A message about each person."""
    return each_with({})(count)


def each_with(more: Json, prefix: str = "003") -> Bodies:
    """A message about each person that holds something more."""
    first = json.dumps(profile(0, **more))
    return lambda count: [first.replace(person_id(0), person_id(person, prefix)) for person in range(count)]


def about(people: Callable[[int], int], is_bad: Callable[[int, int], bool]) -> Bodies:
    """Messages about so many people in turn; which of so many have a bad name."""
    return lambda count: [
        profile(place % people(count), "Bad" if is_bad(place, count) else f"Good {place}") for place in range(count)
    ]


def bad_one(count: int) -> Sequence[Json]:
    """A message about each person, and one of them is bad."""
    return [profile(person, "Bad" if person == count // 3 else "Okafor") for person in range(count)]


def three(place: int) -> Sequence[Json]:
    """The profiles of a message with three."""
    return [profile(3 * place + each) for each in range(3)]


def identities(record_id: str, others: int = 0) -> Json:
    """An identity, and others that nobody asks for."""
    return {"crmID": [{"id": record_id}], "ecid": [{"id": f"{each:038}"} for each in range(others)]}


def memberships(count: int, namespaces: int = 1, name: str = "a") -> Json:
    """So many audiences in so many namespaces."""
    return {
        f"n{space}": {f"{name}{each}": {"status": "exited"} for each in range(count)} for space in range(namespaces)
    }


def nested(depth: int) -> Json:
    """An object within objects."""
    return {"deeper": nested(depth - 1)} if depth else {}


# What the org answers.


def written(request: Sequence[Collection], call: int) -> list[CollectionReply]:
    """Everything is written."""
    return [[()] * len(collection) for collection in request]


def records(error: RecordError, is_refused: Callable[[Record], bool] = lambda record: True) -> Answer:
    """Some records are refused."""
    return lambda request, call: [
        [(error,) if is_refused(record) else () for record in collection] for collection in request
    ]


def is_bad(record: Record) -> bool:
    """Whether an event of this record has a bad name."""
    return any(update.fields.get("LastName") == "Bad" for update in record.updates)


def in_place(record: Record) -> bool:
    """Whether this record was not moved yet."""
    return not record.is_moved


def older(record: Record) -> bool:
    """Whether this record's time is older than the org's."""
    return "Time__c" in record.fields


def limit(is_reached: Callable[[Collection], bool]) -> Answer:
    """A trigger reaches a limit over a whole collection."""
    return lambda request, call: [
        [(LIMIT,)] * len(collection) if is_reached(collection) else [()] * len(collection) for collection in request
    ]


def whole(is_refused: Callable[[Sequence[Record]], bool], status: int = 400) -> Answer:
    """A request is refused as a whole."""

    def answer(request: Sequence[Collection], call: int) -> list[CollectionReply]:
        if is_refused([record for collection in request for record in collection]):
            raise BadRequestError(status, ["JSON_PARSER_ERROR"])
        return written(request, call)

    return answer


def failing(error: Exception, at: int) -> Answer:
    """One call fails as a whole."""

    def answer(request: Sequence[Collection], call: int) -> list[CollectionReply]:
        if call == at:
            raise error
        return written(request, call)

    return answer


class GrowthOrg:
    """An org that answers by a rule; every record that is gone has one successor, or each its own."""

    def __init__(self, destination: Destination, answer: Answer, survivors: int) -> None:
        self._answer, self._survivors, self._calls = answer, survivors, 0
        self._writer = CompositeWriter(destination)

    def send(self, collections: Sequence[Collection]) -> list[CollectionReply]:
        """Answer a request by the rule."""
        self._calls += 1
        self._writer.request(collections)
        return self._answer(collections, self._calls)

    def query(self, queries: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """Nothing here is looked up."""
        raise AssertionError(queries)

    def retrieve(self, sobject: str, ids: Sequence[str], fields: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """Nothing here is read."""
        raise AssertionError(sobject, ids, fields)

    def contact_of_lead(self) -> Callable[[str], Successor]:
        """Nothing here is found as a lead."""
        raise AssertionError

    def find(self, move: Move, records: Sequence[Record]) -> Mapping[str, Successor]:
        """Give the successors."""
        self._calls += 1
        if not self._survivors:
            return {}
        fields = frozenset({"LastName", "Email"}) if move is Move.CONVERTED else None
        ids = [person_id(500_000 + place % self._survivors) for place in range(len(records))]
        return {record.key: Successor("Contact", there, fields) for record, there in zip(records, ids, strict=True)}

    def describe(self, sobject: str = "", *, anew: bool = False) -> ObjectDescription:
        """Describe nothing."""
        self._calls += 1
        return read_description({})

    def is_nearly_full(self) -> bool:
        """Nobody's storage is measured here."""
        return False

    def seconds_left(self) -> float:
        """As long as an invocation may take."""
        return 250.0

    def api_calls(self) -> int:
        """How many calls were made."""
        return self._calls

    def api_usage_percent(self) -> float | None:
        """Nobody counts a day's calls here."""
        return None


class Nowhere:
    """Queues that take everything, and a marker that nothing needs."""

    def is_suspect(self, message_id: str) -> bool:
        """No process has died."""
        return False

    def mark(self, message_id: str) -> None:
        """Mark nothing."""

    def clear(self) -> None:
        """Clear nothing."""

    def send(self, deliveries: Sequence[Delivery], delays: Sequence[int] = ()) -> set[str]:
        """Take dead letters, and messages of the function's own."""
        return set()

    def set(self, delays: Sequence[tuple[Message, int]]) -> int:
        """Take delays."""
        return 0


# The cases.


@dataclass(frozen=True, slots=True)
class GrowthCase:
    """A batch of messages and what the org makes of it.

    `calls` are the API calls that 1,000 messages cost, in all `batches` of the same messages. `gone_to` says into how
    many records those that are gone were merged, `collection` how many records are sent in one.
    """

    name: str
    calls: int
    bodies: Bodies = one_each
    answer: Answer = written
    file: str = CONTACTS
    batches: int = 1
    gone_to: int = 0
    collection: int = 200
    remembers: int = 0


EVENTS_REFUSED = records(REFUSED, is_bad)
HAS_BAD = limit(lambda sent: any(map(is_bad, sent)))
CASES: Sequence[GrowthCase] = (
    GrowthCase("a record each", 1),
    GrowthCase("one record, all written", 1, about(lambda count: 1, lambda place, count: False)),
    GrowthCase("one record, all events refused", 12, about(lambda count: 1, lambda place, count: True), EVENTS_REFUSED),
    GrowthCase(
        "one record, an event refused", 12, about(lambda n: 1, lambda place, n: place == n // 3), EVENTS_REFUSED
    ),
    GrowthCase(
        "10 events a record, one refused", 6, about(lambda n: n // 10, lambda at, n: at < n // 10), EVENTS_REFUSED
    ),
    GrowthCase(
        "100 events a record, all refused", 10, about(lambda n: n // 100, lambda place, n: True), EVENTS_REFUSED
    ),
    GrowthCase("all refused for one reason", 1, answer=records(REFUSED)),
    GrowthCase("a field refused in each", 2, answer=records(OMITTED, lambda record: "Email" in record.fields)),
    GrowthCase("400 for one record", 23, bad_one, whole(lambda sent: any(map(is_bad, sent)))),
    GrowthCase("413 above 100 records", 16, answer=whole(lambda sent: len(sent) > 100, 413)),
    GrowthCase("413 above one record", 60, answer=whole(lambda sent: len(sent) > 1, 413)),
    GrowthCase("a limit that one record meets", 8, bad_one, HAS_BAD),
    GrowthCase("a limit above 50 records", 6, answer=limit(lambda sent: len(sent) > 50)),
    GrowthCase("the same, with the next batch", 10, answer=limit(lambda sent: len(sent) > 50), batches=2),
    GrowthCase("a limit above one record", 60, answer=limit(lambda sent: len(sent) > 1)),
    GrowthCase("a limit that every record meets", 20, answer=limit(lambda sent: True)),
    GrowthCase("all locked, two batches", 5, answer=records(LOCKED), batches=2),
    GrowthCase("all older than the org's", 2, answer=records(STALE, older), file=ORDERED),
    GrowthCase(
        "a field that the org lacks", 3, answer=records(LACKING, lambda record: "CDP_Loyal__c" in record.fields)
    ),
    GrowthCase(
        "converted leads, followed",
        3,
        each_with({}, "00Q"),
        records(WAS_CONVERTED, in_place),
        file=CONVERTED,
        gone_to=10**6,
    ),
    GrowthCase("merged records, followed", 3, answer=records(DELETED, in_place), file=FOLLOWING, gone_to=10**6),
    GrowthCase("all merged into one record", 3, answer=records(DELETED, in_place), file=FOLLOWING, gone_to=1),
    GrowthCase(
        "3 profiles a message", 3, lambda count: [{"profiles": three(each)} for each in range(count)], file=SEVERAL
    ),
    GrowthCase("200 more identities", 1, each_with({"identityMap": identities(person_id(0), 200)})),
    GrowthCase("50 audiences, mapped", 1, each_with({"segmentMembership": memberships(50)}), file=WIDE),
    GrowthCase("50 namespaces, 200 audiences", 1, each_with({"segmentMembership": memberships(4, 50, "z")})),
    GrowthCase("objects 50 deep", 1, each_with({"more": nested(50)})),
    GrowthCase("not JSON, or no identity", 0, lambda count: ["{", {"person": {}}] * (count // 2)),
    GrowthCase("no consent, so exits", 1, file=CONSENT),
    GrowthCase("names of audiences in a field", 1, file=NAMES),
    GrowthCase("redelivered, memory full", 2, batches=2, remembers=RECORDS_REMEMBERED, file=ORDERED),
    GrowthCase("an outage at the third call", 3, answer=failing(SalesforceUnavailableError(503), 3), collection=20),
)


def deliverer(case: GrowthCase) -> Deliverer:
    """A deliverer of an environment that has just started, or remembers others."""
    destination, nowhere = read_destination(case.file), Nowhere()
    memory = Memory(lambda: 0.0)
    others = [Update(0, 0, person_id(900_000 - n), "", {"LastName": "x"}, NOW) for n in range(case.remembers)]
    memory.note_written(merge(others))
    org, backoff = GrowthOrg(destination, case.answer, case.gone_to), Backoff(30, 1800, 1800, lambda: 0.5)
    limits = Limits(records_per_collection=case.collection)
    return Deliverer(Mapper(destination), org, memory, nowhere, nowhere, nowhere, nowhere, backoff, limits, inf)


def messages(case: GrowthCase, count: int) -> list[Message]:
    """The messages of a case, each a second after the one before."""
    bodies = [body if isinstance(body, str) else json.dumps(body) for body in case.bodies(count)]
    return [Message(str(place), "", body, NOW + place * 1_000) for place, body in enumerate(bodies)]


def run(case: GrowthCase, sent: Sequence[Message]) -> tuple[list[Batch], float]:
    """Deliver a case's batches; the seconds of CPU that it took."""
    delivers = deliverer(case)
    gc.collect()
    gc.disable()  # the function looks for garbage by growth
    started = time.process_time()
    batches = [delivers.deliver(sent, NOW + 10_000_000) for _ in range(case.batches)]
    seconds = time.process_time() - started
    gc.enable()
    return batches, seconds


@dataclass(slots=True)
class Grown:
    """What a case cost: calls, and microseconds of CPU per message, by the number of messages."""

    name: str
    calls: list[int] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)

    def exponents(self) -> tuple[float, float]:
        """How calls and CPU grow from the last size but one to the last: 1 is twice for twice the messages."""
        calls = math.log2(self.calls[-1] / self.calls[-2]) if self.calls[-2] else 0.0
        return calls, 1 + math.log2(self.cpu_us[-1] / self.cpu_us[-2])


def measure(case: GrowthCase, sizes: Sequence[int] = SIZES, repeats: int = REPEATS) -> Grown:
    """Run a case by each size in turn, several times.

    CPU is the least of them: what else runs on the machine only ever adds.
    """
    sent = {size: messages(case, size) for size in sizes}
    rounds = [{size: run(case, sent[size]) for size in sizes} for _ in range(repeats)]
    calls = [sum(batch.requests for batch in rounds[0][size][0]) for size in sizes]
    cpu = [min(each[size][1] for each in rounds) / size * 1e6 for size in sizes]
    return Grown(case.name, calls, [round(us, 1) for us in cpu])


def table(kept: Json) -> Table:
    """All cases, with the exponents of the last doubling."""
    rows = []
    for grown in (Grown(**each) for each in kept["cases"]):
        calls, cpu = grown.exponents()
        times = [number(us) for us in grown.cpu_us]
        rows.append([grown.name, *map(str, grown.calls), f"{calls:.2f}", *times, f"{cpu:.2f}"])
    heads = ["calls", *(f"{size // 1000}k" for size in SIZES), "exp.", *(f"{size // 1000}k" for size in SIZES), "exp."]
    remark = (
        "Calls, then µs of CPU per message, without HTTP, by thousands of messages; exponents of the last doubling."
    )
    return Table("How calls and CPU grow with the messages", heads, rows, [remark, _provenance(kept)])


def bad_days(kept: Json) -> Table:
    """The cases that tell most, for the documents."""
    telling = [(case["name"], case["calls"]) for case in kept["cases"] if case["name"] in TELLING]
    rows = [[name, f"{calls[0]:,}", f"{calls[-1]:,}"] for name, calls in telling]
    heads = ["API calls for", f"{SIZES[0]:,} messages", f"{SIZES[-1]:,}"]
    return Table("API calls of batches that go wrong", heads, rows, [f"Measured on {kept['date']} by `make growth`."])


def _provenance(kept: Json) -> str:
    return f"Measured on {kept['date']} by `make growth`, Python {kept['python']}; CPU: the least of {REPEATS}."


def load() -> Json:
    """What `make growth` kept."""
    return json.loads(KEPT.read_text(encoding="utf-8"))


def main() -> None:
    """Measure all cases, keep the figures and print the table."""
    cases = [measure(case) for case in CASES]
    shown = [{"name": each.name, "calls": each.calls, "cpu_us": each.cpu_us} for each in cases]
    kept = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "python": platform.python_version(), "cases": shown}
    KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    print(table(kept).text())
    grows = [each.name for each in cases if max(each.exponents()) > MOST_EXPONENT]
    print(
        f"Grows faster than the messages: {', '.join(grows)}." if grows else "Nothing grows faster than the messages."
    )


if __name__ == "__main__":
    main()
