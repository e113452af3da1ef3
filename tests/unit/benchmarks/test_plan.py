"""What is measured, and what would take so long that less of it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from destination_testbench.aws_lambda.event_source import BYTES_AROUND_A_BODY, LARGEST_EVENT_BYTES
from salesforce_destination.mapping.mapper import Mapper
from salesforce_destination.profile.profile import profiles_in, read_body
from salesforce_destination.settings import load_destination

from benchmarks.contenders import CHOICES, NAMES
from benchmarks.events import CASES, MESSAGES_PER_EVENT, NOW_MS, WARM_UP, Variant, event, sqs_record, write_events
from benchmarks.plan import COMPARED, LONG, SHORT, SMALL_BATCHES, Cell

ADDED = {Variant.ABSENT: set(), Variant.ORDERING: {"CDP_Event_Time__c"}}
"""What a corner's records have more than those that it is set beside."""


def test_every_contender_gets_every_size() -> None:
    cells = set(LONG.cells())

    assert LONG.repeats >= 5
    for size in (1_000, 10_000, 100_000):
        assert {Cell(name, size) for name in NAMES} <= cells
        assert {Cell(name, size, variant=Variant.WIDE) for name in COMPARED} <= cells
        assert {Cell(name, size, 100) for name in CHOICES} <= cells
    assert {cell.batch for cell in cells} == {1, 10, 100, 1_000} == {*SMALL_BATCHES, MESSAGES_PER_EVENT}
    assert {cell.variant for cell in cells} == set(Variant)


def test_no_run_of_the_plan_takes_much_longer_than_it_may() -> None:
    for plan in (LONG, SHORT):
        waits = [
            cell.measured(plan.longest_seconds).profiles * cell.latency_ms / 1000
            for cell in plan.cells()
            if cell.name == "single"
        ]
        assert max(waits) <= plan.longest_seconds


def test_an_update_for_each_of_100_000_records_is_scaled_from_a_hundred() -> None:
    assert Cell("single", 100_000, 100).measured(12.0).profiles == 100
    assert Cell("deliver", 100_000, 100).measured(12.0).profiles == 100_000


def test_a_profile_has_the_size_and_the_shape_of_adobe_s() -> None:
    sizes = {variant: len(sqs_record(77, variant)["body"].encode()) for variant in Variant}
    bodies = {variant: json.loads(sqs_record(77, variant)["body"]) for variant in Variant}

    assert 1_150 <= sizes[Variant.PLAIN] <= 1_350
    assert len(bodies[Variant.PLAIN]["segmentMembership"]["ups"]) == 4
    assert len(bodies[Variant.WIDE]["segmentMembership"]["ups"]) == 25


@pytest.mark.parametrize("variant", [Variant.PLAIN, Variant.WIDE, Variant.SEVERAL_PROFILES])
def test_an_event_of_1_000_profiles_fits_into_an_invocation(variant: Variant) -> None:
    bodies = sum(len(record["body"].encode()) for record in event(1, MESSAGES_PER_EVENT, variant)["Records"])

    assert bodies + MESSAGES_PER_EVENT * BYTES_AROUND_A_BODY < LARGEST_EVENT_BYTES


def mapped(variant: Variant) -> Mapping[str, Any]:
    mapper = Mapper(load_destination(str(variant.destination_file)))
    document = read_body(sqs_record(5, variant)["body"])
    found = mapper.map(profiles_in(document, mapper.select)[0], None, NOW_MS)
    assert found is not None
    return {"Id": found.identity, **found.fields}


@pytest.mark.parametrize("variant", [each for each in Variant if each is not Variant.WIDE])
def test_a_corner_comes_to_the_record_that_it_is_set_beside(variant: Variant) -> None:
    fields, beside = mapped(variant), mapped(CASES[variant].base)

    assert {name: fields[name] for name in beside} == beside
    assert len(beside) == (29 if CASES[variant].base is Variant.WIDE else 7)
    since = {f"CDP_Since_{number:02}__c" for number in range(1, 26)} if CASES[variant].file == "since" else set()
    assert fields.keys() - beside.keys() == ADDED.get(variant, since)


def test_the_times_repeat_or_do_not() -> None:
    for variant, least, most in ((Variant.SINCE_REPEATED, 2, 700), (Variant.SINCE_UNIQUE, 2_500, 2_500)):
        bodies = [json.loads(record["body"]) for record in event(1, 100, variant)["Records"]]
        times = {each["lastQualificationTime"] for body in bodies for each in body["segmentMembership"]["ups"].values()}
        assert least <= len(times) <= most


def test_no_two_profiles_are_about_one_record(tmp_path: Path) -> None:
    file = tmp_path / "events"
    write_events(file, 250, Variant.PLAIN, 100)

    events = [json.loads(line)["Records"] for line in file.read_text(encoding="utf-8").splitlines()]

    ids = {json.loads(record["body"])["identityMap"]["crmID"][0]["id"] for records in events for record in records}
    assert [len(records) for records in events] == [WARM_UP, 100, 100, 50]
    assert len(ids) == 250 + WARM_UP
