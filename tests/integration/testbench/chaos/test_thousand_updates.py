"""The comparison in which every other way of delivering lost records, or did not say which."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from destination_testbench.chaos.traffic import ProfileEvent
from destination_testbench.org import Fault, FaultKind, record_id
from simulated import a_world, codes_of_letters, one_event_each, run, writes

PEOPLE = 1_000
COMPOSITE = "/composite"
LOCKED = tuple(record_id("003", person) for person in range(100, 1_000, 80))[:11]

BAD = {
    5: ("NOT_JSON", lambda body: None),
    250: ("REQUIRED_VALUE_MISSING", lambda body: body["person"]["name"].pop("lastName")),
    500: ("INVALID_EMAIL_ADDRESS", lambda body: body["personalEmail"].update(address="person at example.com")),
    750: (
        "INVALID_CROSS_REFERENCE_KEY",
        lambda body: body["identityMap"]["crmID"][0].update(id=record_id("003", 9_999)),
    ),
}


def spoiled(event: ProfileEvent, code: str, spoil: Any) -> ProfileEvent:
    body = json.loads(event.body)
    spoil(body)
    text = json.dumps(body)
    return replace(event, body=text[:-1] if code == "NOT_JSON" else text, code=code)


@pytest.mark.parametrize("seconds", [1, 600], ids=["all at once", "within minutes"])
def test_of_a_thousand_updates_996_are_written_once_and_4_are_reported(tmp_path: Path, seconds: int) -> None:
    world = a_world(tmp_path, PEOPLE)
    events = [
        spoiled(event, *BAD[event.person]) if event.person in BAD else event
        for event in one_event_each(PEOPLE, seconds)
    ]
    world.org.faults.add(Fault(FaultKind.LOCK, times=1, records=LOCKED))
    world.org.faults.add(Fault(FaultKind.OUTAGE, times=1, path=COMPOSITE))
    world.org.faults.add(Fault(FaultKind.SESSION_EXPIRED, times=1, skip=1, path=COMPOSITE))

    run(world, events, hours=3.0)

    written = {person: writes(world, person) for person in range(1, PEOPLE + 1)}
    assert len(LOCKED) == 11
    assert {person for person, count in written.items() if count == 0} == BAD.keys()
    assert {count for person, count in written.items() if person not in BAD} == {1}
    assert codes_of_letters(world) == {event.body: event.code for event in events if event.code}
    assert world.cloud.queue.all() == []
    assert world.deferrals["UNABLE_TO_LOCK_ROW"] == len(LOCKED)
    assert {fault.fault.kind for fault in world.org.faults.active()} == {FaultKind.LATENCY, FaultKind.LOCK}
    for event in events:
        record = world.org.records("Contact").records[record_id("003", event.person)]
        assert event.code or record.get("LastName") == event.values["LastName"]
