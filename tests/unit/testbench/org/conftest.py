"""An org and someone who calls it."""

from __future__ import annotations

import pytest
from destination_testbench.org import SimulatedOrg
from org_caller import Caller, Clock, an_org


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def org(clock: Clock) -> SimulatedOrg:
    return an_org(clock=clock)


@pytest.fixture
def caller(org: SimulatedOrg) -> Caller:
    return Caller(org)
