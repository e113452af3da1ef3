"""A simulated Salesforce org for tests, benchmarks and the local stack: strict where public mocks are loose.

It knows nothing of the package it serves. `SimulatedOrg` answers requests without a transport, `serve` puts it on the
network, `OrgAdapter` behind a requests session.
"""

from destination_testbench.org.exchange import OrgReply, OrgRequest
from destination_testbench.org.facts import Facts, OrgConfig
from destination_testbench.org.faults.faults import Fault, FaultKind
from destination_testbench.org.org import SimulatedOrg
from destination_testbench.org.records.access import AccessLevel
from destination_testbench.org.records.duplicates import DuplicateRule
from destination_testbench.org.records.record_id import record_id
from destination_testbench.org.records.seed import seed
from destination_testbench.org.transport.adapter import OrgAdapter
from destination_testbench.org.transport.server import OrgServer, serve

__all__ = [
    "AccessLevel",
    "DuplicateRule",
    "Facts",
    "Fault",
    "FaultKind",
    "OrgAdapter",
    "OrgConfig",
    "OrgReply",
    "OrgRequest",
    "OrgServer",
    "SimulatedOrg",
    "record_id",
    "seed",
    "serve",
]
