"""The accounting of a run, from the org's own records and the queues: what is lost, stale or wrongly dead-lettered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from destination_testbench.aws.queue import Stored
from destination_testbench.chaos.traffic import AUDIENCES, ORDERING_FIELD, Membership, ProfileEvent
from destination_testbench.org import SimulatedOrg, record_id
from destination_testbench.org.records.store import StoredRecord


@dataclass(slots=True)
class Accounting:
    """What is wrong, each with a line that says where to look. A run is good when there is nothing."""

    lost: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    wrong_dead_letters: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    created_twice: list[str] = field(default_factory=list)
    dead_letters: Counter[str] = field(default_factory=Counter)

    @property
    def is_good(self) -> bool:
        """Whether every promise was kept."""
        return not self.lines

    @property
    def lines(self) -> list[str]:
        """All that is wrong."""
        return [*self.lost, *self.stale, *self.wrong_dead_letters, *self.mixed, *self.created_twice]


def examined(
    events: Sequence[ProfileEvent],
    records_of: Callable[[int], Sequence[StoredRecord]],
    queued: Iterable[Stored],
    expired: Iterable[Stored],
    dead_letters: Iterable[Stored],
) -> Accounting:
    """Hold the end of a run against its events; `records_of` finds the records of a person.

    A good message is accounted for when each time that it carries has reached the org: with its own value, or with a
    later one. A bad one has to be a dead letter with its code, and nothing else may be one.
    """
    accounting = Accounting()
    by_body = {event.body: event for event in events}
    for place, messages in (("still queued", queued), ("expired", expired)):
        accounting.lost += [f"message {by_body[message.body].number} is {place}" for message in messages]
    arrived = _examine_dead_letters(by_body, dead_letters, accounting)
    for event in events:
        if event.code and event.number not in arrived:
            accounting.lost.append(f"bad message {event.number} ({event.code}) is neither queued nor a dead letter")
    people: dict[int, list[ProfileEvent]] = {}
    for event in events:
        if not event.code:
            people.setdefault(event.person, []).append(event)
    for person, theirs in people.items():
        _examine_person(person, records_of(person), theirs, accounting)
    return accounting


def contacts_of(org: SimulatedOrg, person: int) -> list[StoredRecord]:
    """The contact that is a person's by its number."""
    return [org.records("Contact").records[record_id("003", person)]]


def _examine_dead_letters(
    by_body: Mapping[str, ProfileEvent], dead_letters: Iterable[Stored], accounting: Accounting
) -> set[int]:
    arrived: set[int] = set()
    for letter in dead_letters:
        event = by_body.get(letter.body)
        code = letter.attributes.get("ErrorCode", {}).get("StringValue", "none")
        accounting.dead_letters[code] += 1
        if event is None:
            accounting.wrong_dead_letters.append(f"a dead letter ({code}) that nobody sent")
        elif code != event.code:
            text = f"message {event.number} is a dead letter ({code}, not {event.code or 'any'})"
            accounting.wrong_dead_letters.append(text)
        elif "ProducerAttributes" not in letter.attributes and not event.attributes.keys() <= letter.attributes.keys():
            accounting.wrong_dead_letters.append(f"message {event.number} lost its producer's attributes")
        if event:
            arrived.add(event.number)
    return arrived


def _examine_person(
    person: int, records: Sequence[StoredRecord], events: Sequence[ProfileEvent], accounting: Accounting
) -> None:
    if not records:
        accounting.lost.append(f"person {person} has no record")
    if len(records) > 1:
        accounting.created_twice.append(f"person {person} has {', '.join(record.id for record in records)}")
    for record in records[:1]:
        _examine_record(record, events, accounting)


def _examine_record(record: StoredRecord, events: Sequence[ProfileEvent], accounting: Accounting) -> None:
    newest = max(events, key=lambda event: event.happened_at)
    expected = {**newest.values}
    times: dict[str, tuple[object, int]] = {ORDERING_FIELD: (record.get(ORDERING_FIELD), newest.happened_at)}
    for audience, membership in newest_memberships(events).items():
        status_field, since_field = AUDIENCES[audience]
        expected[status_field] = membership.status
        times[since_field] = (milliseconds(record.get(since_field)), membership.since // 1000 * 1000)
    for name, (found, wanted) in times.items():
        if not isinstance(found, int | float) or found < wanted:
            reached = found if isinstance(found, int | float) else 0
            late = [event.number for event in events if _time_in(event, name) > reached]
            accounting.lost.append(f"{record.id}.{name} never reached the time of messages {late}")
    for name, value in expected.items():
        if record.get(name) != value:
            accounting.stale.append(f"{record.id}.{name} does not hold the value of the newest event")
    for name in times:
        accounting.stale += wrong_turns(record, name, {_time_in(event, name) for event in events})


def newest_memberships(events: Iterable[ProfileEvent]) -> dict[str, Membership]:
    """The newest membership of each audience."""
    newest: dict[str, Membership] = {}
    for event in events:
        for audience, membership in event.memberships.items():
            if audience not in newest or membership.since > newest[audience].since:
                newest[audience] = membership
    return newest


def _time_in(event: ProfileEvent, name: str) -> int:
    if name == ORDERING_FIELD:
        return event.happened_at
    audience = next(audience for audience, (_, since) in AUDIENCES.items() if since == name)
    membership = event.memberships.get(audience)
    return membership.since // 1000 * 1000 if membership else 0


def wrong_turns(record: StoredRecord, guard: str, known: Collection[int]) -> Iterator[str]:
    """Each time that a guard let an older time in, or one that no message has, whatever came after."""
    for change in record.history:
        before, after = change.fields.get(guard, (None, None))
        if after is None:
            continue
        if _comparable(after) not in known:
            yield f"{record.id}.{guard} got a time that no message has"
        if before is not None and _comparable(after) < _comparable(before):
            yield f"{record.id}.{guard} went back in time"


def _comparable(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float(milliseconds(value) or 0)


def milliseconds(value: object) -> int | None:
    """A Date/Time of the org's as epoch milliseconds."""
    if not isinstance(value, str):
        return None
    moment = datetime.fromisoformat(value)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
