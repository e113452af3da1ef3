"""
Small worlds at random, each held to the model of whose record a person's is, and to what may never happen.

`WORLDS_FROM=1000 WORLDS_TO=2000` tries others than those that the gate tries.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from builders import SENT_AT, a_message
from destination_testbench.org.records.store import Change, StoredRecord
from people_table import KINDS, Crm, ident, outcome
from random_people import GUARD, KEYS, NOBODY, SINCE, UNIQUE, Expected, Model, Said, Step, There, World, a_world
from salesforce_destination.outcome import Message
from salesforce_destination.record.guards import guard_formula
from salesforce_destination.record.record import Update

WORLDS = range(int(os.environ.get("WORLDS_FROM", "0")), int(os.environ.get("WORLDS_TO", "30")))
FOUND = (550, 3193, 3341)
"""Worlds in which something was found."""

MOST_CALLS = 16
MOST_TRIES = 8
CODES = {
    *re.findall(r"[A-Z]+_[A-Z_]+", (Path(__file__).parents[3] / "docs" / "outcomes.md").read_text()),
    *("NO_IDENTITY", "IDENTITY_MALFORMED", "RECORD_MERGED"),
}


@dataclass
class Run:
    world: World
    crm: Crm = field(init=False)
    said: dict[int, Said] = field(init=False)
    final: dict[int, str] = field(default_factory=dict)
    tries: dict[int, int] = field(default_factory=dict)
    times: dict[tuple[str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.said = {said.number: said for people in self.world.messages.values() for said in people}
        file = self.world.file
        self.crm = Crm(file.text(), {"all_errors_at_once": self.world.all_errors_at_once})
        if file.has_guard:
            for name in ("Contact", "Lead"):
                for guard in (GUARD, SINCE):
                    text = f"Newer. [CDP-STALE:{guard}]"
                    self.crm.org.admin.add_rule(name, f"{name}_{guard[:-3]}", guard_formula(guard), text)
        self.crm.put(self.world.before)

    def all(self) -> None:
        for step in self.world.steps:
            self.step(step)
        for _ in range(MOST_TRIES):
            waiting = tuple(number for number, what in self.final.items() if what.startswith("deferred"))
            if not waiting:
                break
            self.step(Step(waiting))
        assert not [what for what in self.final.values() if what.startswith("deferred")], self.final
        codes = {code for what in self.final.values() if (code := what.partition(" ")[2])}
        assert codes <= CODES
        self.look_at_histories()

    def step(self, step: Step) -> None:
        if step.act == "cold":
            self.crm.start_cold()
        elif step.act:
            self.act(step.act)
        if not step.messages:
            return
        self.crm.org.faults.clear()
        for fault in step.faults:
            self.crm.org.faults.add(fault)
        self.send(step.messages, is_faulty=bool(step.faults))

    def act(self, what: str) -> None:
        """Do what people do, where it can be done."""
        verb, first, *rest = what.split()
        rows = [self.row(ident(short)) for short in (first, *rest[1:])]
        if any(row is None or row.deleted or row.get("IsConverted") for row in rows) and verb != "undelete":
            return
        if verb == "undelete":
            if rows[0] is not None and rows[0].deleted and not rows[0].get("MasterRecordId"):
                self.crm.org.admin.undelete(KINDS[first[0]][0], ident(first))
        elif not (verb == "convert" and self.would_share_a_key(*rows)):
            self.crm.act(what)

    def would_share_a_key(self, lead: StoredRecord | None, contact: StoredRecord | None) -> bool:
        taken = {
            str(row.get(KEYS[key])).lower() for row in self.rows("Contact") if row is not contact for key in UNIQUE
        }
        return lead is None or any(str(lead.get(KEYS[key])).lower() in taken - {"none"} for key in UNIQUE)

    def rows(self, sobject: str) -> Iterable[StoredRecord]:
        return [row for row in self.crm.org.records(sobject).records.values() if not row.deleted]

    def row(self, record_id: str) -> StoredRecord | None:
        return next(
            (row for name in ("Contact", "Lead") if (row := self.crm.org.records(name).records.get(record_id))), None
        )

    def snapshot(self) -> dict[str, There]:
        found = {}
        for sobject in ("Contact", "Lead"):
            for row in self.crm.org.records(sobject).records.values():
                keys = {key: str(value).lower() for key, name in KEYS.items() if (value := row.get(name)) is not None}
                found[row.id] = There(
                    sobject,
                    row.id,
                    keys,
                    float(str(row.get(GUARD) or 0)),
                    row.deleted,
                    str(row.get("MasterRecordId") or ""),
                    str(row.get("ConvertedContactId") or ""),
                    bool(row.get("IsConverted")),
                )
        return found

    def send(self, numbers: tuple[int, ...], *, is_faulty: bool) -> None:
        before = self.snapshot()
        histories = {record_id: len(self.history(record_id)) for record_id in before}
        model = Model(self.world.file, before)
        messages = []
        for number in numbers:
            self.tries[number] = self.tries.get(number, 0) + 1
            messages.append(self.message(number))
        self.deliver(messages)
        updates = [
            (self.world.messages[numbers[update.message]][update.profile], update) for update in self.crm.batch.updates
        ]
        assert len(updates) == sum(len(self.world.messages[number]) for number in numbers)
        for number, delivery in zip(numbers, self.crm.batch.deliveries, strict=True):
            self.final[number] = outcome(delivery.outcome)
        expected = model.expected([said for said, _ in updates])
        changes = {row_id: [*self.history(row_id)][histories.get(row_id, 0) :] for row_id in self.snapshot()}
        new = [row_id for row_id in changes if row_id not in before]
        self.look_at_places(changes, expected, before)
        self.look_at_new(new, updates, expected, model)
        if is_faulty:
            self.note_times(updates)
            return
        assert len(self.crm.calls.split()) <= MOST_CALLS
        self.look_at_outcomes(updates, expected, before, model, new)
        self.note_times(updates)

    def note_times(self, updates: list[tuple[Said, Update]]) -> None:
        for said, _ in updates:
            for pair in self.names(said):
                self.times[pair] = max(self.times.get(pair, 0), self.at(said))

    def is_late(self, said: Said) -> bool:
        """Whether a newer message with one of these identities came in an earlier batch."""
        return any(self.times.get(pair, 0) > self.at(said) for pair in self.names(said))

    def names(self, said: Said) -> set[tuple[str, str]]:
        """The identities of a profile, and the records that are in the org with one of them."""
        given = {(source, value.lower()) for source, value in said.identities.items()}
        held = {
            ("id", row.id.lower())
            for name in ("Contact", "Lead")
            for row in self.crm.org.records(name).records.values()
            if any((source, str(row.get(KEYS[source])).lower()) in given for source in KEYS)
        }
        return given | held

    def message(self, number: int) -> Message:
        people = self.world.messages[number]
        body = {"people": [said.profile() for said in people]}
        time = str(SENT_AT - 100_000 + 1000 * people[0].at)
        message = a_message(body, event_time=time, receive_count=self.tries[number])
        return replace(message, id=f"message-{number}")

    def deliver(self, messages: list[Message]) -> None:
        self.crm.recorder.calls.clear()
        self.crm.time += 2000.0
        self.crm.begun = self.crm.time
        self.crm.batch = self.crm.deliverer.deliver(messages, SENT_AT)

    def history(self, record_id: str) -> Collection[Change]:
        row = self.row(record_id)
        return row.history if row else ()

    def at(self, said: Said) -> int:
        """The time of the message, which is that of all its profiles."""
        people = next(people for people in self.world.messages.values() if said in people)
        return SENT_AT - 100_000 + 1000 * people[0].at

    # What may never happen.

    def look_at_places(
        self, changes: Mapping[str, list[Change]], expected: Mapping[int, Expected], before: Mapping[str, There]
    ) -> None:
        """Mixed: each value that was written is of somebody whose record it is."""
        for record_id, made in changes.items():
            filled = [change.fields["Title"][0] for change in made if is_ours(change) and "Title" in change.fields]
            assert not filled or filled[0] is None
            for number in {tag for change in made for tag in tags(change)}:
                assert number in expected, "a value of nobody in this batch"
                wanted = expected[number]
                if record_id in before:
                    assert record_id == wanted.place or record_id in wanted.may_be_at, (record_id, number, wanted)

    def look_at_new(
        self,
        new: list[str],
        updates: list[tuple[Said, Update]],
        expected: Mapping[int, Expected],
        model: Model,
    ) -> None:
        """Created twice, or come back: who is made is nobody's, and nobody is made in two records."""
        known = {said.number: ids for said, _ in updates if isinstance(ids := model.identities(said), dict)}
        for record_id in new:
            row = self.row(record_id)
            assert row is not None
            made = {tag for change in row.history for tag in tags(change)}
            assert any(expected[number].is_new for number in made) or self.world.file.creates, made
            for number in made:
                theirs = known[number]
                is_nobody = not expected[number].place and expected[number].codes <= NOBODY
                assert is_nobody or expected[number].may_be_new, "a person who is there was made again"
                for rule, value in theirs.items():
                    held = row.get(KEYS[rule]) if rule != "id" else None
                    same = {value} | {known[n][rule] for n in one_person(number, known) if rule in known[n]}
                    assert held is None or str(held).lower() in same, (number, rule, held)
        for group in groups_of(known, expected):
            is_one = not differ(group, known)
            made_of = [r for r in new if {tag for c in self.history(r) for tag in tags(c)} & group]
            assert not is_one or len(made_of) <= 1, (group, made_of)

    # What the model says.

    def look_at_outcomes(
        self,
        updates: list[tuple[Said, Update]],
        expected: Mapping[int, Expected],
        before: Mapping[str, There],
        model: Model,
        new: list[str],
    ) -> None:
        known = {s.number: ids for s, _ in updates if isinstance(ids := model.identities(s), dict)}
        groups = groups_of(known, expected)
        by_number = {said.number: (said, update) for said, update in updates}
        by_place: dict[str, list[tuple[Said, str]]] = {}
        for said, update in updates:
            assert update.outcome is not None
            what, wanted = outcome(update.outcome), expected[said.number]
            minds = self.world.file.minds_consents and not said.consents
            if minds and said.loyal_at < 0:
                assert what == "skipped", (said, what)
            elif wanted.may_be_new and wanted.codes != NOBODY:
                assert not what.startswith("deferred"), (said, what)
            elif wanted.place:
                assert what in ("delivered", "superseded"), (said, what, wanted)
                by_place.setdefault(wanted.place, []).append((said, what))
            elif wanted.may_be_at:
                assert what == "delivered" or what in {f"rejected {code}" for code in wanted.codes}, (
                    said,
                    what,
                    wanted,
                )
            elif group := next((group for group in groups if said.number in group), None):
                self.look_at_group(group, by_number, expected, new, known)
            else:
                codes = {f"rejected {code}" for code in wanted.codes}
                codes |= {"superseded"} if self.is_late(said) else set()
                has_left = any(not other.consents and shares(other, said) for other, _ in updates)
                is_over = self.world.file.minds_consents and has_left and what == "skipped"
                assert what in codes or is_over, (said, what, wanted)
        unsure = {each.place for each in expected.values() if each.may_be_new}
        for place, here in ((place, here) for place, here in by_place.items() if place not in unsure):
            self.look_at_newest(place, here, before[place].time)

    def look_at_newest(self, place: str, here: list[tuple[Said, str]], stored: float) -> None:
        row = self.row(place)
        assert row is not None
        newest = max(self.at(said) for said, _ in here)
        consenting = [(said, what) for said, what in here if said.consents or not self.world.file.minds_consents]
        name = tag_of(row.get("LastName"))
        for said, what in consenting:
            if what == "delivered" and (said.loyal_at < 0 or not self.world.file.has_guard):
                assert name is not None, said
                assert self.at(self.said[name]) >= self.at(said), (said, name)
        if self.world.file.has_guard and newest >= stored:
            assert all(what == "delivered" for said, what in here if self.at(said) == newest), here
            assert float(str(row.get(GUARD))) == newest
        elif self.world.file.has_guard and all(said.loyal_at < 0 for said, _ in here):
            assert all(what == "superseded" for _, what in here), here

    def look_at_group(
        self,
        group: set[int],
        by_number: Mapping[int, tuple[Said, Update]],
        expected: Mapping[int, Expected],
        new: list[str],
        known: Mapping[int, Mapping[str, str]],
    ) -> None:
        """People without a record who share identities: one new record, where they differ in none."""
        whats = {n: outcome(by_number[n][1].outcome) for n in group}
        several = differ(group, known)
        minds = self.world.file.minds_consents and not all(by_number[n][0].consents for n in group)
        if minds or several:
            allowed = {"delivered", "superseded", "deferred DUPLICATE_VALUE", "rejected NOT_FOUND"}
            allowed |= {"rejected INVALID_CROSS_REFERENCE_KEY", "rejected DUPLICATE_VALUE"}
            allowed |= {"skipped"} if minds else set()
            allowed |= {"rejected IDENTITY_CONFLICT", "rejected DUPLICATE_EXTERNAL_ID"} if several else set()
            assert {*whats.values()} <= allowed, whats
        else:
            assert {what for n, what in whats.items() if expected[n].is_new} <= {"delivered", "superseded"}, whats
            (made,) = [r for r in new if {tag for c in self.history(r) for tag in tags(c)} & group]
            row = self.row(made)
            assert row is not None
            written = [by_number[n] for n in group if not whats[n].startswith("rejected")]
            last = max(written, key=lambda pair: pair[1].order)[0].number
            name = tag_of(row.get("LastName"))
            assert name is not None
            assert self.at(self.said[name]) >= self.at(self.said[last])
            for rule in self.world.file.rules:
                value = next((known[n][rule] for n in group if rule in known[n]), None)
                is_sure = rule != "id" and all(expected[n].is_new for n in group)
                assert not is_sure or str(row.get(KEYS[rule]) or "").lower() == (value or "")

    def look_at_histories(self) -> None:
        """Stale: no guard goes back; `if_empty` fills, and `create` makes."""
        for record_id in self.snapshot():
            for change in self.history(record_id):
                for name in ("LastName", "Phone") if self.world.file.has_guard else ():
                    was, number = map(tag_of, change.fields.get(name, (None, None)))
                    assert was is None or number is None or self.at(self.said[number]) >= self.at(self.said[was])
                old, now = change.fields.get(GUARD, (None, None))
                if self.world.file.has_guard and change.operation == "update" and old is not None:
                    assert float(str(now)) >= float(str(old))
                if self.world.file.has_guard and change.operation == "update" and SINCE in change.fields:
                    before, after = change.fields[SINCE]
                    assert before is None or str(after) >= str(before)
                if change.operation == "update":
                    assert "FirstName" not in change.fields or tag_of(change.fields["FirstName"][1]) is None
                if self.world.file.has_guard and "LastName" in change.fields and GUARD in change.fields:
                    tag = tag_of(change.fields["LastName"][1])
                    assert tag is None or self.at(self.said[tag]) <= float(str(now))


def differ(group: Collection[int], known: Mapping[int, Mapping[str, str]]) -> bool:
    """Whether these have two values for one rule."""
    pairs = {pair for number in group for pair in known[number].items()}
    return len(pairs) > len(dict(pairs))


def shares(one: Said, other: Said) -> bool:
    given = {source: value.lower() for source, value in one.identities.items()}
    return any(given.get(source) == value.lower() for source, value in other.identities.items())


def one_person(number: int, known: Mapping[int, Mapping[str, str]]) -> set[int]:
    """Those whom the first identities of some make one: the rule that decides finds one record for all."""
    found, new = {number}, {number}
    while new:
        new = {n for n in known.keys() - found if any(decides_alike(known[n], known[other]) for other in found)}
        found |= new
    return found


def decides_alike(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    return any(next(iter(a.items())) in b.items() for a, b in ((one, other), (other, one)))


def groups_of(known: Mapping[int, Mapping[str, str]], expected: Mapping[int, Expected]) -> list[set[int]]:
    """Those without a record, by the identities that they share, of whom one at least may be made."""
    groups: list[set[int]] = []
    for number, identities in known.items():
        if not (expected[number].is_new or expected[number].codes == NOBODY):
            continue
        mine = {number}
        for group in list(groups):
            if any(identities.items() & known[other].items() for other in group):
                mine |= group
                groups.remove(group)
        groups.append(mine)
    return [group for group in groups if any(expected[number].is_new for number in group)]


def tag_of(value: object) -> int | None:
    found = re.fullmatch(r"(?:name|phone|title|first)(\d+)", str(value))
    return int(found[1]) if found else None


def is_ours(change: Change) -> bool:
    return change.operation in ("update", "create")


def tags(change: Change) -> set[int]:
    if not is_ours(change):
        return set()
    return {tag for _, now in change.fields.values() if (tag := tag_of(now)) is not None}


@pytest.mark.parametrize("seed", [*WORLDS, *FOUND])
def test_a_world_at_random(seed: int) -> None:
    Run(a_world(seed)).all()
