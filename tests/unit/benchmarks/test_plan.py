"""What is measured, and what would take so long that less of it is."""

from __future__ import annotations

import json
from pathlib import Path

from destination_testbench.aws_lambda.event_source import BYTES_AROUND_A_BODY, LARGEST_EVENT_BYTES
from salesforce_destination.mapping.mapper import Mapper
from salesforce_destination.settings import load_destination

from benchmarks.contenders import NAMES
from benchmarks.events import MESSAGES_PER_EVENT, WARM_UP, Variant, event, sqs_record, write_events
from benchmarks.plan import LONG, SHORT, Cell


def test_every_contender_gets_every_size_and_every_org() -> None:
    cells = list(LONG.cells())

    assert LONG.repeats >= 5
    for name in NAMES:
        own = {(cell.profiles, cell.latency_ms) for cell in cells if cell.name == name and not cell.ms_per_record}
        assert own >= {(size, latency) for size in (1_000, 10_000, 100_000) for latency in (0, 100, 500)}
    assert {cell.name for cell in cells if cell.ms_per_record == 50} == set(NAMES)


def test_no_run_of_the_plan_takes_much_longer_than_it_may() -> None:
    for plan in (LONG, SHORT):
        waits = [
            cell.measured(plan.longest_seconds).profiles * cell.latency_ms / 1000
            for cell in plan.cells()
            if cell.name == "single"
        ]
        assert max(waits) <= plan.longest_seconds


def test_an_update_for_each_of_100_000_records_is_scaled_from_ten() -> None:
    assert Cell("single", 100_000, 500).measured(12.0).profiles == 10
    assert Cell("deliver", 100_000, 100).measured(12.0).profiles == 100_000


def test_a_profile_has_the_size_and_the_shape_of_adobe_s() -> None:
    sizes = {variant: len(sqs_record(77, variant)["body"].encode()) for variant in Variant}
    bodies = {variant: json.loads(sqs_record(77, variant)["body"]) for variant in Variant}

    assert 1_150 <= sizes[Variant.PLAIN] <= 1_350
    assert len(bodies[Variant.PLAIN]["segmentMembership"]["ups"]) == 4
    assert len(bodies[Variant.WIDE]["segmentMembership"]["ups"]) == 25


def test_an_event_of_1_000_messages_fits_into_an_invocation() -> None:
    for variant in Variant:
        bodies = sum(len(record["body"].encode()) for record in event(1, MESSAGES_PER_EVENT, variant)["Records"])
        assert bodies + MESSAGES_PER_EVENT * BYTES_AROUND_A_BODY < LARGEST_EVENT_BYTES


def test_every_audience_is_mapped() -> None:
    statuses = {}
    for variant in Variant:
        mapper = Mapper(load_destination(str(variant.destination_file)))
        mapped = mapper.map(json.loads(sqs_record(5, variant)["body"]), None, 1_774_000_000_000)
        assert mapped is not None
        statuses[variant] = [name for name in mapped.fields if name.startswith("CDP_")]

    assert {variant: len(fields) for variant, fields in statuses.items()} == {Variant.PLAIN: 3, Variant.WIDE: 25}


def test_no_two_profiles_are_about_one_record(tmp_path: Path) -> None:
    file = tmp_path / "events"
    write_events(file, 2_500, Variant.PLAIN)

    events = [json.loads(line)["Records"] for line in file.read_text(encoding="utf-8").splitlines()]

    ids = {json.loads(record["body"])["identityMap"]["crmID"][0]["id"] for records in events for record in records}
    assert [len(records) for records in events] == [WARM_UP, 1_000, 1_000, 500]
    assert len(ids) == 2_500 + WARM_UP
