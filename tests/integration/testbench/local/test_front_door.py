from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from destination_cli.checkout import read_stack_file
from destination_testbench.demo.profiles import expected_fields, profile
from destination_testbench.local.options import StackOptions
from destination_testbench.local.stack import LocalStack
from destination_testbench.org import SimulatedOrg, record_id, seed
from local_stack import wait_until
from the_template import EVERY_OPTION

PARAMETERS = {**EVERY_OPTION, "BatchWindowSeconds": 1}


@pytest.fixture
def org() -> SimulatedOrg:
    org = SimulatedOrg()
    seed(org, contacts=3, leads=0)
    return org


@pytest.fixture
def stack(org: SimulatedOrg, tmp_path: Path) -> Iterator[LocalStack]:
    with LocalStack(StackOptions(state=tmp_path / "state", parameters=PARAMETERS), org) as stack:
        yield stack


def test_with_every_option_a_post_to_the_local_front_door_reaches_the_org(stack: LocalStack, org: SimulatedOrg) -> None:
    identity = record_id("003", 2)
    posted = {"profiles": [profile(2, identity)]}
    wanted = expected_fields(2)["LastName"]
    outputs = read_stack_file(stack.options.state)
    assert outputs is not None
    here = json.loads((stack.options.state / "endpoints.json").read_text(encoding="utf-8"))
    url = here["http_endpoint_url"]

    refused = requests.post(url, json=posted, timeout=10)
    taken = requests.post(url, json=posted, headers={"x-api-key": here["http_api_key"]}, timeout=10)

    assert url == outputs.outputs["HttpEndpointUrl"]
    assert (refused.status_code, taken.status_code) == (403, 200)
    assert taken.json()["message_id"]
    wait_until(lambda: [it for it in org.records("Contact") if it.id == identity and it.values["LastName"] == wanted])
