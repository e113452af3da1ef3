"""What one environment has learned about the org, kept from batch to batch.

Nothing here is needed to be right: another environment, or the same after a restart, finds it out again. It saves calls
whose outcome is known.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from salesforce_destination.record.record import Record

if TYPE_CHECKING:
    from salesforce_destination.delivery.parts import Campaign
    from salesforce_destination.record.description import ObjectDescription

RECORDS_REMEMBERED = 20_000
"""At most; of the older half all are forgotten together."""

PARTS_REMEMBERED = 50_000
PEOPLE_COUNTED = 1_000
"""Of so many people at the most a share becomes new records."""

FEWEST_PEOPLE = 100
"""An environment that has seen fewer creates as if it had seen so many."""

SLOW_SECONDS = 15.0
"""A call that takes longer is too large for this org: Salesforce counts calls over 20 s against a limit of 25."""

FAST_SECONDS = 5.0
LIMIT_BELIEVED_SECONDS = 600.0
"""How long a spent limit is believed before one batch asks again; the limit counts rolling hours."""

DESCRIBE_EVERY_SECONDS = 300.0
"""How often the org is asked whether a missing field has come."""

LAST_ANSWERS = 20
"""Of so many records the org's last answer tells whether a refusal is common."""

MOST_ANSWERS = LAST_ANSWERS // 2 + 1
ANSWERS_COUNT_SECONDS = 3_600.0


@dataclass(slots=True, repr=False)
class LastAnswers:
    """What the org last said to one kind of write, for telling a common cause from a single bad record.

    Only first tries of distinct records count: what waits for a cause comes again and again, and would pass for its
    proof. `last` holds when each was answered, and the code that refused it or nothing; `written` the last records that
    passed at any try; `waiting` those that wait for a cause, each with its code.
    """

    last: dict[str, tuple[float, str]] = field(default_factory=dict)
    written: dict[str, float] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)

    def note(self, key: str, code: str, now: float, *, is_first: bool) -> str:
        """Count the answer to a record; give the code of the cause that it ends, by passing."""
        ended = "" if code else self.waiting.pop(key, "")
        if ended:
            self.last = {other: answer for other, answer in self.last.items() if answer[1] != ended}
        if is_first:
            _put(self.last, key, (now, code), LAST_ANSWERS)
        if not code:
            _put(self.written, key, now, 2)
        return ended

    def note_waiting(self, key: str, code: str) -> None:
        """Remember that a record waits because of this code."""
        _put(self.waiting, key, code, RECORDS_REMEMBERED)

    def passes(self, key: str, now: float) -> bool:
        """Whether another record than this one was written within the hour."""
        return any(now - time < ANSWERS_COUNT_SECONDS for other, time in self.written.items() if other != key)

    def is_half(self, code: str, now: float, least: int) -> bool:
        """Whether this code refused half of all that counts and `least`, or half of the latest, if several are of them.

        The latest alone may be: of a trickle, what passed before the cause began is in the majority for an hour.
        """
        recent = [each for each in self.last.values() if now - each[0] < ANSWERS_COUNT_SECONDS]
        latest = [[refusal for time, refusal in recent if time >= start] for start in {time for time, _ in recent}]
        counts = [(codes.count(code), len(codes)) for codes in latest]
        return any(2 * count >= size and count >= max(least, 1 + (size < len(recent))) for count, size in counts)


def _put(entries: dict[str, Any], key: str, value: object, most: int) -> None:
    """Put this last, and keep so many."""
    entries.pop(key, None)
    entries[key] = value
    if len(entries) > most:
        del entries[next(iter(entries))]


@dataclass(slots=True)
class Memory:
    """One environment's memory; `clock` gives seconds that only go forward, `main` is the file's first sObject.

    `call_seconds` is how long a call takes here of late.
    """

    clock: Callable[[], float]
    collections_per_request: int = 5
    most_collections: int = 5
    records_per_collection: int = 200
    missing: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    main: str = ""
    update_only_ignored: bool = False
    campaigns: Mapping[str, Campaign] | None = None
    campaigns_at: float = 0.0
    is_nearly_full: bool = False
    full_asked_at: float | None = None
    call_seconds: float = 0.0
    _parts: dict[str, Any] = field(default_factory=dict, repr=False)
    _people: deque[bool] = field(default_factory=lambda: deque(maxlen=PEOPLE_COUNTED))
    _looked_at: float = 0.0
    _spent_at: float | None = None
    _newest: dict[str, dict[str, int]] = field(default_factory=dict)
    _older: dict[str, dict[str, int]] = field(default_factory=dict)
    answers: defaultdict[object, LastAnswers] = field(default_factory=lambda: defaultdict(LastAnswers), repr=False)
    _partly: OrderedDict[tuple[str, int], frozenset[str]] = field(default_factory=OrderedDict)

    def known_among(self, records: Sequence[Record]) -> set[str]:
        """The keys of the records of which something is remembered."""
        keys = [record.key for record in records]
        return self._newest.keys() & keys | self._older.keys() & keys

    def known_stale(self, record: Record) -> frozenset[str]:
        """The fields of a record for which a newer value has been written from here."""
        newest = self._newest.get(record.key) or self._older.get(record.key)
        if newest is None:
            return frozenset()
        times = _times(record)
        return frozenset(name for name, time in newest.items() if name in times and times[name] < time)

    def newest(self, key: str, name: str) -> int:
        """The newest time of a record's field that is known here; 0 where none is."""
        return (self._newest.get(key) or self._older.get(key) or {}).get(name, 0)

    def has_part(self, record: Record) -> bool:
        """Whether this member or row was written from here, with the same status and time."""
        return record.is_part and self._parts.get(record.key) == _said(record)

    def note_written(self, records: Sequence[Record]) -> None:
        """Remember the times of what was written."""
        newest, older = self._newest, self._older
        for record in records if records and records[0].is_part else ():
            _put(self._parts, record.key, _said(record), PARTS_REMEMBERED)
        for record in records:
            key, times = record.key, _times(record)
            if record.left_out:
                times = {name: times.get(name, 0) for name in record.fields}
            if key in newest or key in older:
                self._note(key, times)
            else:
                newest[key] = times
        self._forget()

    def note_stale(self, record: Record, fields: Iterable[str]) -> None:
        """Remember that the org holds something newer than these fields of a record."""
        times = _times(record)
        self._note(record.key, {name: times.get(name, 0) + 1 for name in fields})
        self._forget()

    def _note(self, key: str, times: dict[str, int]) -> None:
        known = self._newest.setdefault(key, self._older.get(key, times))
        for name, time in times.items():
            if known.get(name, 0) < time:
                known[name] = time

    def _forget(self) -> None:
        if len(self._newest) > RECORDS_REMEMBERED // 2:
            self._newest, self._older = {}, self._newest

    def named(self, sobject: str) -> str:
        """An sObject as it is remembered: the first one of the file has no name, as in records without an address."""
        return "" if sobject == self.main else sobject

    def note_missing(self, sobject: str, fields: Iterable[str]) -> None:
        """Remember that an sObject of the org has not these fields."""
        if not any(self.missing.values()):
            self._looked_at = self.clock()
        self.missing[self.named(sobject)].update(fields)

    def missing_of(self, record: Record) -> frozenset[str]:
        """Those of a record's fields that the org has not."""
        return (
            frozenset(self.missing[self.named(record.sobject)] & record.fields.keys()) if self.missing else frozenset()
        )

    def ask_for_missing(self, describe: Callable[[str], ObjectDescription]) -> None:
        """Look whether missing fields have come, at most every five minutes."""
        if any(self.missing.values()) and self.clock() - self._looked_at >= DESCRIBE_EVERY_SECONDS:
            self._looked_at = self.clock()
            for sobject, fields in self.missing.items():
                if fields:
                    described = describe(sobject)
                    fields -= {name for name in fields if described.takes(name)}

    def note_people(self, people: int, created: int) -> None:
        """Count people who came for the first time, and new records."""
        self._people.extend([False] * min(max(people - created, 0), PEOPLE_COUNTED))
        self._people.extend([True] * created)

    def may_be_created(self, percent: int, people: int) -> int:
        """How many of so many new people may get a record, if that share of the last 1,000 may."""
        before = list(self._people)[-max(PEOPLE_COUNTED - people, 0) :] if people < PEOPLE_COUNTED else []
        counted = max(len(before) + people, FEWEST_PEOPLE)
        return percent * min(counted, max(people, PEOPLE_COUNTED)) // 100 - sum(before)

    def note_part(self, parts: Iterable[tuple[str, int]], missing: frozenset[str]) -> None:
        """Remember that all of these profiles was written but the missing fields."""
        for part in parts:
            self._partly[part] = missing
        while len(self._partly) > PARTS_REMEMBERED:
            self._partly.popitem(last=False)

    def is_written_but(self, parts: Iterable[tuple[str, int]], missing: frozenset[str]) -> bool:
        """Whether each of these profiles was written already, but for these fields or fewer."""
        return all(part in self._partly and self._partly[part] <= missing for part in parts)

    def note_limit_spent(self) -> None:
        """Remember that the org's API calls are spent."""
        self._spent_at = self.clock()

    def is_limit_spent(self) -> bool:
        """Whether asking is useless for now."""
        return self._spent_at is not None and self.clock() - self._spent_at < LIMIT_BELIEVED_SECONDS

    def note_call(self, seconds: float, *, trouble: bool) -> None:
        """Fit requests to the org: half as large after a slow call, a time-out or locks, one more after a fast call."""
        self.call_seconds = max(seconds, self.call_seconds / 2)
        if trouble or seconds > SLOW_SECONDS:
            self.collections_per_request = max(1, self.collections_per_request // 2)
        elif seconds < FAST_SECONDS:
            self.collections_per_request = min(self.most_collections, self.collections_per_request + 1)


def _said(record: Record) -> tuple[Any, ...]:
    """What the newest event of a member or row says."""
    last = record.updates[-1]
    return last.event_time, *last.fields.values()


def _times(record: Record) -> dict[str, int]:
    """The time of each field's value: the newest among the updates that hold it."""
    if len(record.updates) == 1:
        only = record.updates[0]
        times = dict.fromkeys(only.fields, only.event_time)
        return {**times, **only.times} if only.times else times
    times = {}
    for update in record.updates:
        for name in update.fields.keys() & record.fields.keys():
            times[name] = max(times.get(name, 0), update.times.get(name, update.event_time))
    return times
