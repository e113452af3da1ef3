"""One MiniStack for all tests of this folder, with the stack in it that delivers to a simulated org."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from destination_testbench.aws_lambda.built import NotHereError, build
from destination_testbench.org import OrgConfig, SimulatedOrg, seed
from ministack import MiniStack, package
from ministack_side import CONTACTS, CREDENTIALS, Side, show
from trusted_org import MY_DOMAIN, TrustedOrg

QUICK = {"RedeliveryBaseSeconds": 1, "RedeliveryMaxSeconds": 1}


@pytest.fixture(scope="session")
def side(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Side]:
    folder = tmp_path_factory.mktemp("ministack")
    org = SimulatedOrg(OrgConfig(instance_url=f"https://{MY_DOMAIN}"))
    seed(org, contacts=CONTACTS)
    try:
        built = build(folder / "checkout")
        with TrustedOrg(org, folder) as trusted, MiniStack(folder / "aws", trusted.trust) as aws:
            made = package(built, folder / "zips", trusted.trust)
            start = time.monotonic()
            side = Side(aws, org, aws.deploy(made, {}, constants=QUICK), made)
            side.rows.append(("deployed", f"{len(side.stack.resources)} resources", time.monotonic() - start))
            side.run("connect", "--from", "-", typed=json.dumps(CREDENTIALS))
            yield side
            with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
                show(side.rows)
    except NotHereError as error:
        pytest.skip(str(error))
