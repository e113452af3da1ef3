"""What the deliver function keeps from invocation to invocation, and what it does not load or pile up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import a_message, an_id, an_sqs_record
from destination_testbench.demo.profiles import profile
from destination_testbench.org import SimulatedOrg, seed
from real_function import RealFunction, a_real_function

CONTACTS = 1_000

DELIVER_ALL = """
for line in events:
    deliver(json.loads(line))
"""

WHAT_IS_LOADED = """
deliver(json.loads(events.readline()))
result = {
    "at_start": at_start,
    "after": sorted(sys.modules),
}
"""

HOW_MEMORY_GROWS = """
import gc, tracemalloc
tracemalloc.start()
for number, line in enumerate(events, 1):
    deliver(json.loads(line))
    if number in (20, 120):
        gc.collect()
        result[number] = tracemalloc.get_traced_memory()[0]
"""

HIGHEST = """
def kilobytes():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

result["before"] = kilobytes()
deliver(json.loads(events.readline()))
result["after"] = kilobytes()
"""
"""getrusage would tell the parent's figure, where that was higher."""

HEAVY = {"boto3", "s3transfer", "jwt", "cryptography", "aws_xray_sdk", "rich", "typer", "moto"}
"""Packages that take long to load, and that a good batch has no use for."""

MODULES_AT_START, MODULES_AFTER_A_BATCH = 630, 650
"""Ceilings, a twentieth above what there is, so that a package that comes along unseen is seen."""


@pytest.fixture
def function(tmp_path: Path) -> Iterator[RealFunction]:
    org = SimulatedOrg()
    seed(org, contacts=CONTACTS, leads=0)
    with a_real_function(org, tmp_path) as real:
        yield real


def a_batch(number: int, messages: int) -> dict[str, Any]:
    """The nth batch, of the next contacts in turn, each some time later than before."""
    people = [1 + (number * messages + place) % CONTACTS for place in range(messages)]
    return {
        "Records": [
            an_sqs_record(
                a_message(
                    json.dumps(profile(person, an_id(person))),
                    number=number * messages + place,
                    sent_at=1_774_000_000_000 + number * 1_000,
                )
            )
            for place, person in enumerate(people)
        ]
    }


def test_fifty_invocations_take_one_connection_and_ask_once_for_each_secret(function: RealFunction) -> None:
    function.run(DELIVER_ALL, [a_batch(number, 3) for number in range(50)])

    assert function.org.org.usage.used(function.org.org.now()) == 50 + 1  # the describe, once in an environment
    assert (function.org.connections, function.org.handshakes) == (1, 1)
    assert function.secrets.calls == {"GetSecretValue token": 1, "GetSecretValue key": 1}
    assert function.secrets.connections == 1


def test_a_good_batch_loads_no_heavy_package_that_it_has_no_use_for(function: RealFunction) -> None:
    loaded = function.run(WHAT_IS_LOADED, [a_batch(0, 3)])

    at_start, after = set(loaded["at_start"]), set(loaded["after"])
    assert {"requests", "botocore.session", "pydantic"} <= at_start
    assert {name.split(".")[0] for name in after} & HEAVY == set()
    assert len(at_start) < MODULES_AT_START, len(at_start)
    assert len(after) < MODULES_AFTER_A_BATCH, len(after)


def test_the_memory_of_a_batch_does_not_depend_on_how_many_went_before(function: RealFunction) -> None:
    in_use = function.run(HOW_MEMORY_GROWS, [a_batch(number, 100) for number in range(120)])

    # After ten batches every record's time is remembered; 100 batches of 130 kB follow, and nothing of them stays.
    assert in_use["20"] > 500_000
    assert in_use["120"] - in_use["20"] < 100_000


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells a process's highest memory")
def test_a_thousand_messages_of_a_good_kilobyte_take_half_of_the_smallest_function(function: RealFunction) -> None:
    batch = a_batch(0, 1_000)
    sizes = [len(record["body"]) for record in batch["Records"]]
    assert sum(sizes) / len(sizes) > 1_200

    highest = function.run(HIGHEST, [batch])

    # Kilobytes; the template's smallest function has 256 MB.
    assert highest["before"] > 30_000
    assert highest["before"] < highest["after"] < 128_000
