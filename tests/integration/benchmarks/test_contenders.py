"""What the contenders of the benchmark send: the same records, and the floor the very bytes of the deliver function."""

from __future__ import annotations

import json
from typing import Any

import pytest
from answering import delivered

from benchmarks.answering.server import Request
from benchmarks.contenders import NAMES
from benchmarks.events import WARM_UP, Variant

PROFILES = 1_100


def records_of(call: Request) -> list[dict[str, Any]]:
    if not call.body or call.headers.get("content-type", "").startswith("text/csv"):
        return []
    body = json.loads(call.body)
    if "compositeRequest" in body:
        return [record for part in body["compositeRequest"] for record in part["body"]["records"]]
    if call.path.startswith("/services/data/v66.0/sobjects/Contact/"):
        return [{"Id": call.path.rpartition("/")[2], **body}]
    return list(body.get("records", []))


def plain(record: dict[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in record.items() if name != "attributes"}


@pytest.mark.parametrize("variant", Variant)
def test_the_floor_sends_the_bytes_of_the_deliver_function(variant: Variant) -> None:
    _, of_the_floor = delivered("floor", PROFILES, variant)
    _, of_the_function = delivered("deliver", PROFILES, variant)

    assert len(of_the_floor) == 3
    assert [call.body for call in of_the_floor] == [call.body for call in of_the_function]
    assert [call.path for call in of_the_floor] == [call.path for call in of_the_function]


@pytest.mark.parametrize(("name", "calls"), [("deliver", 2), ("collections", 6), ("single", PROFILES)])
def test_each_contender_writes_the_same_records_in_its_own_number_of_calls(name: str, calls: int) -> None:
    _, of_the_floor = delivered("floor", PROFILES)

    run, kept = delivered(name, PROFILES)

    assert (run.written, run.calls) == (PROFILES, calls)
    expected = [plain(record) for call in of_the_floor for record in records_of(call)]
    assert len(expected) == PROFILES + WARM_UP
    assert [plain(record) for call in kept for record in records_of(call)] == expected


def test_bulk_sends_every_row_in_one_job_and_asks_what_became_of_them() -> None:
    run, kept = delivered("bulk", PROFILES)

    assert (run.written, run.calls) == (PROFILES, 7)
    (upload,) = [call for call in kept if call.method == "PUT"][1:]
    assert upload.body.count(b"\n") == PROFILES + 1


def test_the_function_reads_its_secrets_once_and_logs_a_few_bytes_for_a_profile() -> None:
    run, _ = delivered("deliver", PROFILES)

    assert run.aws_calls == 0
    assert run.bytes_in > run.bytes_out > 0


def test_every_contender_is_tried_here() -> None:
    assert set(NAMES) == {"floor", "deliver", "collections", "single", "bulk"}
