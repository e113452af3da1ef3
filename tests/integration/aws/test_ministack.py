"""
The stack in an AWS that is not ours: the transformed template deployed with what `sam build` makes, its event source
mapping, schedule, queues, secrets and IAM, and every `destination` command for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from destination_testbench.aws_lambda.built import NotHereError, build
from destination_testbench.org import OrgConfig, SimulatedOrg, seed
from local_stack import wait_until
from ministack import Deployed, MiniStack, Package, package
from trusted_org import MY_DOMAIN, TrustedOrg

pytestmark = [pytest.mark.ministack, pytest.mark.timeout(300)]

CREDENTIALS = {
    "grant_type": "client_credentials",
    "domain": MY_DOMAIN,
    "client_id": "local-client-id",
    "client_secret": "local-client-secret",
}


@dataclass(frozen=True)
class Side:
    """The stack, and the org that it delivers to."""

    aws: MiniStack
    org: SimulatedOrg
    stack: Deployed
    package: Package

    def last_names(self, ids: list[str]) -> list[Any]:
        records = self.org.records("Contact").records
        return [records[identity].values.get("LastName") for identity in ids]


@pytest.fixture(scope="module")
def side(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Side]:
    folder = tmp_path_factory.mktemp("ministack")
    org = SimulatedOrg(OrgConfig(instance_url=f"https://{MY_DOMAIN}"))
    seed(org, contacts=1_100)
    try:
        built = build(folder / "checkout")
        with TrustedOrg(org, folder) as trusted, MiniStack(folder / "aws", trusted.trust) as aws:
            made = package(built, folder / "zips", trusted.trust)
            side = Side(aws, org, aws.deploy(made, {}), made)
            connected = aws.command("connect", "--from", "-", "--stack", side.stack.name, typed=json.dumps(CREDENTIALS))
            assert connected.returncode == 0, connected.stderr
            yield side
    except NotHereError as error:
        pytest.skip(str(error))


def profiles(ids: list[str], name: str) -> str:
    """A file for `destination send`."""
    people = ({"identityMap": {"crmID": [{"id": it}]}, "person": {"name": {"lastName": name}}} for it in ids)
    return "".join(f"{json.dumps(person)}\n" for person in people)


def test_a_thousand_messages_come_through_the_event_source_mapping_and_are_written(side: Side) -> None:
    ids = list(side.org.records("Contact").records)[:1_000]

    sent = side.aws.command("send", "-", "--stack", side.stack.name, typed=profiles(ids, "Okafor"))

    assert sent.returncode == 0, sent.stderr
    wait_until(lambda: set(side.last_names(ids)) == {"Okafor"}, 60)
