"""What the contenders of the benchmark send: the same records, and the floor the very bytes of the deliver function."""

from __future__ import annotations

import json
from typing import Any

import pytest
from answering import delivered

from benchmarks.answering.server import Request
from benchmarks.contenders import NAMES, by_hand
from benchmarks.events import WARM_UP, Variant

PROFILES, FEW = 1_100, 210


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


def test_the_floor_sends_the_bytes_of_the_deliver_function() -> None:
    _, of_the_floor = delivered("floor", PROFILES)
    _, (describe, *of_the_function) = delivered("deliver", PROFILES)

    assert describe.path.endswith("/sobjects/Contact/describe")
    assert len(of_the_floor) == 3
    assert [call.body for call in of_the_floor] == [call.body for call in of_the_function]
    assert [call.path for call in of_the_floor] == [call.path for call in of_the_function]


def test_with_25_audiences_the_floor_sends_them_all() -> None:
    _, of_the_floor = delivered("floor", 10, Variant.WIDE)
    _, by_hand_written = delivered("collections", 10, Variant.WIDE)

    records = [plain(record) for call in of_the_floor for record in records_of(call)]
    assert {len(record) for record in records} == {29}
    assert records == [plain(record) for call in by_hand_written for record in records_of(call)]


@pytest.mark.parametrize(
    ("name", "profiles", "calls"),
    [("collections", FEW, 2), ("orjson", FEW, 2), ("composite", FEW, 1), ("single", 20, 20)],
)
def test_each_contender_writes_the_same_records_in_its_own_number_of_calls(
    name: str, profiles: int, calls: int
) -> None:
    _, of_the_floor = delivered("floor", profiles)

    run, kept = delivered(name, profiles)

    assert (run.settled, run.calls) == (profiles, calls)
    expected = [plain(record) for call in of_the_floor for record in records_of(call)]
    assert len(expected) == profiles + WARM_UP
    assert [plain(record) for call in kept for record in records_of(call)] == expected


def test_bulk_sends_every_row_in_one_job_and_asks_what_became_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_hand, "ASK_AFTER_SECONDS", 0.01)

    run, kept = delivered("bulk", FEW)

    assert (run.settled, run.calls) == (FEW, 7)
    (upload,) = [call for call in kept if call.method == "PUT"][1:]
    assert upload.body.count(b"\n") == FEW + 1


def test_the_function_reads_its_secrets_once_and_logs_a_few_bytes_for_a_profile() -> None:
    run, _ = delivered("deliver", PROFILES)

    assert (run.settled, run.calls, run.aws_calls) == (PROFILES, 2, 0)
    assert run.bytes_in > run.bytes_out > 0


def test_every_contender_is_tried_here() -> None:
    assert set(NAMES) == {"floor", "deliver", "collections", "orjson", "composite", "single", "bulk"}
