"""An org on the network."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from destination_testbench.org import OrgServer, SimulatedOrg, seed, serve


@pytest.fixture
def org() -> SimulatedOrg:
    org = SimulatedOrg()
    seed(org, contacts=1000, leads=2)
    return org


@pytest.fixture
def server(org: SimulatedOrg) -> Iterator[OrgServer]:
    with serve(org) as server:
        yield server
