"""
Small worlds at random, in which members and rows follow people: their last status is the newest, and nothing is lost.

`WORLDS_FROM=1000 WORLDS_TO=2000` tries others than those that the gate tries.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from builders import SENT_AT
from destination_testbench.org.records.campaigns import add_statuses
from destination_testbench.org.records.store import StoredRecord
from members_and_rows import CAMPAIGN, OTHER, STATUSES, a_crm
from people_table import KINDS, Crm, ident
from random_parts import BAD, CAMPAIGNS, FIRST, KEYS, NEWS, Event, Said, World, a_world
from salesforce_destination.outcome import Delivery, Outcome, OutcomeKind, WaitingParts
from salesforce_destination.record.guards import guard_formula
from salesforce_destination.record.record import Update

WORLDS = range(int(os.environ.get("WORLDS_FROM", "0")), int(os.environ.get("WORLDS_TO", "15")))
FOUND = (27, 43, 82, 100, 211, 661)
"""Worlds in which something was found."""

MOST_CALLS = 30
MOST_TRIES = 12
SETTLED = ("delivered", "superseded")
OURS = {"sent", "left"}
SINCE = {audience: f"CDP_{'Newsletter' if audience == NEWS else 'Loyal'}_Since__c" for audience in CAMPAIGNS}
Json = Any


@dataclass
class Waits:
    """A message on its queue, with what of it is left and how often it came; or a dead letter."""

    event: Event
    number: int
    parts: WaitingParts | None = None
    tries: int = 0
    is_letter: bool = False
    final: Outcome | None = None


@dataclass
class Run:
    world: World
    crm: Crm = field(init=False)
    queue: dict[int, Waits] = field(init=False)
    placed: dict[tuple[str, str], set[tuple[int, str]]] = field(default_factory=dict)
    """By record and part, what was said of it and settled: since when, and the status."""
    unsure: set[tuple[str, str]] = field(default_factory=set)
    """By person and campaign, the members that people made, moved or took away."""
    refused: set[str] = field(default_factory=set)
    there: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.queue = {number: Waits(event, number) for number, event in self.world.events.items()}
        self.crm = a_crm(self.world.file.text())
        for name, value in self.world.facts.items():
            self.crm.org.admin.set_fact(name, value)
        for name in ("Contact", "Lead"):
            for guard in ("CDP_Newsletter_Since__c", "CDP_Event_Time__c"):
                text = f"Newer. [CDP-STALE:{guard}]"
                self.crm.org.admin.add_rule(name, f"{name}_{guard[:-3]}", guard_formula(guard), text)
            self.crm.org.admin.add_rule(name, f"{name}_Ruled", f'LastName = "{BAD["ruled"]}"', "Not so")
        self.crm.put(self.world.before)
        for number, short in enumerate(self.world.members, 1):
            person = "ContactId" if short[0] == "C" else "LeadId"
            values: dict[str, object] = {"CampaignId": CAMPAIGN, person: ident(short), "Status": "Responded"}
            self.crm.org.insert("CampaignMember", f"00v0000000001{number:02d}AAA", values)

    def all(self) -> None:
        for step in self.world.steps:
            if step.act:
                self.act(step.act)
                continue
            for fault in step.faults:
                self.crm.org.faults.add(fault)
            self.send(step.messages)
        self.mend()
        self.settle()
        for each in self.queue.values():
            if each.is_letter:
                each.is_letter, each.tries, each.final = False, 0, None
                self.send([each.number])
        self.settle()
        self.look_at_end()

    def mend(self) -> None:
        self.crm.org.faults.clear()
        for name in ("Contact", "Lead"):
            self.crm.org.admin.remove_rule(name, f"{name}_Ruled")
        for campaign in (CAMPAIGN, OTHER):
            self.crm.org.admin.undelete("Campaign", campaign)
            add_statuses(self.crm.org.store, campaign, STATUSES)

    def settle(self) -> None:
        for _ in range(MOST_TRIES):
            waiting = [number for number, each in self.queue.items() if self.waits(each)]
            if not waiting:
                return
            self.send(waiting)
        raise AssertionError({each.number: each.final for each in self.queue.values() if self.waits(each)})

    def waits(self, each: Waits) -> bool:
        return not each.is_letter and (each.final is None or each.final.kind is OutcomeKind.DEFERRED)

    # What people do.

    def act(self, what: str) -> None:
        verb, first, *rest = [*what.split(), ""]
        if verb == "cold":
            self.crm.start_cold()
        elif verb == "lock":
            self.crm.org.faults.lock([first], tries=int(rest[0]))
        elif verb == "rename":
            add_statuses(self.crm.org.store, first, (("Mailed", False), ("Responded", True), ("Left", False)))
        elif verb == "drop":
            self.unsure |= {(self.person(row), first) for row in self.members()}
            self.crm.org.admin.delete("Campaign", first)
        elif verb in ("moved", "taken"):
            self.touch(verb, int(first))
        elif verb in ("delete", "merge", "convert"):
            self.move(what, first, rest[1] if len(rest) > 1 else "")

    def touch(self, verb: str, number: int) -> None:
        if not (there := list(self.members())):
            return
        row = there[number % len(there)]
        self.unsure.add((self.person(row), str(row.get("CampaignId"))))
        if verb == "moved":
            self.crm.org.admin.edit("CampaignMember", row.id, {"Status": "Responded"})
        else:
            self.crm.org.admin.delete("CampaignMember", row.id)

    def move(self, what: str, first: str, other: str) -> None:
        rows = [self.row(ident(short)) for short in (first, other) if short]
        if any(row is None or row.deleted or row.get("IsConverted") for row in rows):
            return
        if other:
            self.unsure |= {(ident(other), campaign) for campaign in CAMPAIGNS.values()}
        self.crm.act(what)

    # What is there.

    def row(self, record_id: str) -> StoredRecord | None:
        name = next(name for name, prefix in KINDS.values() if record_id.startswith(prefix))
        return self.crm.org.records(name).records.get(record_id)

    def live(self, record_id: str) -> StoredRecord | None:
        row = self.row(record_id)
        return None if row is None or row.deleted or row.get("IsConverted") else row

    def members(self) -> Iterator[StoredRecord]:
        return (row for row in self.crm.org.records("CampaignMember").records.values() if not row.deleted)

    def person(self, member: StoredRecord) -> str:
        return str(member.get("ContactId") or member.get("LeadId"))

    def people(self) -> dict[str, int]:
        names = ("Contact", "Lead")
        return {row.id: len(row.history) for name in names for row in self.crm.org.records(name).records.values()}

    # Batches.

    def send(self, numbers: Iterable[int]) -> None:
        taken = [self.queue[number] for number in numbers if self.waits(self.queue[number])]
        if not taken:
            return
        for each in taken:
            each.tries += 1
        messages = [each.event.message(each.number, each.parts, each.tries) for each in taken]
        before, people = {row.id: dict(row.values) for row in self.members()}, self.people()
        self.there = {*people}
        self.crm.recorder.calls.clear()
        self.crm.recorder.bodies.clear()
        self.crm.time = self.crm.begun = self.crm.time + 2000.0
        batch = self.crm.batch = self.crm.deliverer.deliver(messages, SENT_AT)
        assert len(batch.deliveries) == len(messages)
        for each, delivery in zip(taken, batch.deliveries, strict=True):
            self.follow(each, delivery, [u for u in batch.updates if taken[u.message] is each])
        self.look_at_bodies()
        assert len(self.crm.calls.split()) <= MOST_CALLS, self.crm.calls
        for row in self.crm.org.records("CampaignMember").records.values():
            if (was := before.get(row.id)) and str(was.get("Status")).lower() not in OURS:
                assert row.get("Status") == was["Status"], (row, was)
        if all(message.parts for message in messages):
            assert self.people() == people

    def follow(self, each: Waits, delivery: Delivery, updates: list[Update]) -> None:
        was_parts = each.parts
        kinds = {update.outcome.kind for update in updates if update.outcome}
        assert all(update.outcome for update in updates)
        if delivery.parts:
            assert kinds.isdisjoint({OutcomeKind.REJECTED, OutcomeKind.DEFERRED}), delivery
            assert delivery.parts_outcome or delivery.outcome.kind in ("rejected", "deferred")
        each.final = delivery.outcome
        if delivery.outcome.kind is OutcomeKind.REJECTED:
            each.is_letter = True
            if left := delivery.parts or delivery.message.parts:
                each.parts = WaitingParts(left.names, SENT_AT, 0)
        elif delivery.parts and delivery.outcome.kind is not OutcomeKind.DEFERRED:
            assert delivery.parts_outcome is not None
            each.parts, each.tries, each.final = delivery.parts, 0, delivery.parts_outcome
        for said, update in zip(each.event.said, updates, strict=True):
            names = None if was_parts is None else was_parts.names.get(update.profile, ())
            self.look_at_update(each, said, update, names)

    def look_at_update(self, each: Waits, said: Said, update: Update, names: tuple[str, ...] | None) -> None:
        """Whoever is there has all of her parts settled, or they wait."""
        wanted = self.world.file.parts(said, each.event.time, is_form=each.event.is_form)
        wanted = {name: it for name, it in wanted.items() if names is None or name in names}
        found = {part.audience: part for part in update.parts}
        assert update.outcome is not None
        if update.place is None or self.is_nobody(update) or update.outcome.kind == "skipped":
            is_gone = not [row for row in self.who(said) if row.id in self.there and self.live(row.id)]
            is_unsettled = update.outcome.kind == "deferred" or is_gone or not wanted
            is_unsettled |= all(part.outcome and part.outcome.kind == "deferred" for part in update.parts)
            assert is_unsettled or self.is_nobody(update), (each, update)
            return
        assert found.keys() == wanted.keys(), (each, update)
        kind, record_id = update.outcome.kind, update.place[1]
        self.refused |= {record_id} if kind == "rejected" else set()
        for name, (status, since) in wanted.items():
            part = found[name]
            if kind != "deferred":
                assert part.outcome is not None, (each, update, name)
            if part.outcome is not None and part.outcome.kind in SETTLED:
                self.placed.setdefault((record_id, name), set()).add((since, status))

    def is_nobody(self, update: Update) -> bool:
        assert update.outcome is not None
        codes = {"NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY", "ENTITY_IS_DELETED", "DUPLICATE_EXTERNAL_ID"}
        codes |= {"IDENTITY_CONFLICT", "CANNOT_UPDATE_CONVERTED_LEAD", "RECORD_MERGED"}
        return update.outcome.reason is not None and update.outcome.reason.code in codes

    def who(self, said: Said) -> list[StoredRecord]:
        """The records with the first identity that a profile has."""
        rule = next(rule for rule in self.world.file.rules if rule in said.identities)
        value = said.identities[rule]
        rows = [row for name in self.world.file.objects for row in self.crm.org.records(name).records.values()]
        return [row for row in rows if value in (row.id, row.get(KEYS.get(rule, "Id")))]

    # What is sent.

    def look_at_bodies(self) -> None:
        statuses = {
            campaign: {str(status.get("Label")).lower() for status in self.crm.org.campaigns.statuses(campaign)}
            for campaign in CAMPAIGNS.values()
        }
        for body in self.crm.recorder.bodies:
            rows = list[tuple[str, ...]]()
            for part in body.get("compositeRequest", ()) if isinstance(body, Mapping) else ():
                if part["method"] == "DELETE":
                    ids = part["url"].partition("ids=")[2].partition("&")[0].split(",")
                    assert all(each.startswith("00v") for each in ids)
                    assert [each for each in ids if each in self.crm.org.records("CampaignMember").records] == ids
                    rows += [("id", each) for each in ids]
                for row in (part.get("body") or {}).get("records", ()):
                    rows.append(self.name_of(row))
                    is_empty = not row.keys() - {"attributes", "id", *KEYS.values()} and part["method"] == "PATCH"
                    assert not (is_empty and ("id" not in row or self.live(row["id"]))), row
                    if row["attributes"]["type"] == "CampaignMember":
                        member = self.crm.org.records("CampaignMember").records.get(row.get("id", ""))
                        campaign = row.get("CampaignId") or (member and member.get("CampaignId"))
                        assert str(row["Status"]).lower() in statuses[str(campaign)], row
            assert len(rows) == len(set(rows)), rows

    def name_of(self, row: Mapping[str, Json]) -> tuple[str, ...]:
        if "id" in row:
            return "id", row["id"]
        if row["attributes"]["type"] == "CampaignMember":
            return "member", str(row.get("CampaignId")), str(row.get("ContactId") or row.get("LeadId"))
        return row["attributes"]["type"], row.get("CDP_Key__c") or str(sorted(map(str, row.items())))

    # How it ends.

    def look_at_end(self) -> None:
        stored = {str(row.get("CDP_Key__c")): row for row in self.crm.all("CDP_Membership__c").values()}
        members = {(self.person(row), str(row.get("CampaignId"))): row for row in self.members()}
        for (record_id, name), said in self.placed.items():
            kind, _, audience = name.partition(" ")
            if (person := self.live(record_id)) is None:
                continue
            newest = {status for since, status in said if since == max(said)[0]}
            if kind == "row":
                row = stored[f"{record_id}:{audience}"]
                assert row.get("Status__c") in newest, (record_id, name, said, row)
                assert float(str(row.get("Since_Ms__c"))) == max(said)[0]
                assert record_id in (row.get("Contact__c"), row.get("Lead__c"))
            elif self.world.file.is_guarded(audience):
                self.look_at_member(person, audience, said, members.get((record_id, CAMPAIGNS[audience])))
        for row in members.values():
            assert str(row.get("Status")).lower() in {*OURS, "responded"}

    def look_at_member(
        self, person: StoredRecord, audience: str, said: set[tuple[int, str]], member: StoredRecord | None
    ) -> None:
        held = str(person.get(SINCE[audience]) or "")
        texts = {"realized": "Sent", "existing": "Sent", "exited": self.world.file.campaigns[audience]}
        is_sure = person.id not in self.refused and not self.world.file.minds_consents
        since = max(said)[0] if is_sure else _ms(held)
        ends = {texts[status] for at, status in said if at >= since}
        if member is not None and member.get("Status") == "Responded":
            return
        if (person.id, CAMPAIGNS[audience]) in self.unsure:
            return
        status = str(member.get("Status")) if member else "delete" if "delete" in ends else "Left"
        assert status in ends, (person.id, audience, said, held, member)


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000) if text else FIRST - 1


@pytest.mark.parametrize("seed", [*WORLDS, *FOUND])
def test_a_world_at_random(seed: int) -> None:
    Run(a_world(seed)).all()
