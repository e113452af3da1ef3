"""
A simulated Salesforce org for tests, benchmarks and the local stack: strict where public mocks are loose.

It knows nothing of the package it serves. `SimulatedOrg` answers requests without a transport, `serve` puts it on the
network, `OrgAdapter` behind a requests session.
"""

from destination_cli.local.org.access import Level
from destination_cli.local.org.adapter import OrgAdapter
from destination_cli.local.org.duplicates import DuplicateRule
from destination_cli.local.org.exchange import OrgReply, OrgRequest
from destination_cli.local.org.facts import Facts, OrgConfig
from destination_cli.local.org.fault import Fault, FaultKind
from destination_cli.local.org.org import SimulatedOrg
from destination_cli.local.org.record_id import record_id
from destination_cli.local.org.seed import seed
from destination_cli.local.org.server import OrgServer, serve

__all__ = [
    "DuplicateRule",
    "Facts",
    "Fault",
    "FaultKind",
    "Level",
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
