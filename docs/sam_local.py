# ruff: noqa: T201 -- it speaks to the person who runs it
"""Prepares `sam local invoke` against a running `make local`.

A function in a container sees this machine as host.docker.internal, so it needs addresses and secrets of its own. This
writes them to .local/sam.json, and template.local.yaml for the environment `local` of samconfig.toml: template.yaml for
this machine's processor, with AWS_ENDPOINT_URL, for SAM passes on only variables that the template names. What is
deployed stays as it is.
"""

from __future__ import annotations

import json
import platform
import re
import sys
from pathlib import Path
from typing import Any

import boto3

ROOT = Path(__file__).parents[1]
ENDPOINTS = ROOT / ".local" / "endpoints.json"
VARIABLES = ROOT / ".local" / "sam.json"
TEMPLATE, LOCAL_TEMPLATE = ROOT / "template.yaml", ROOT / "template.local.yaml"

HOST = "host.docker.internal"
CREDENTIALS_SECRET, ACCESS_TOKEN_SECRET = "sam-local-credentials", "sam-local-access-token"
OUTCOME_KEY_SECRET = "sam-local-outcome-key"
ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL"


def from_a_container(url: str) -> str:
    """The address under which a container reaches what listens on this machine."""
    return url.replace("127.0.0.1", HOST)


def variables(endpoints: dict[str, Any], refresh_queue_url: str) -> dict[str, dict[str, str]]:
    """What --env-vars takes: the variables of both functions that differ from the template's."""
    return {
        "Parameters": {
            ENDPOINT_VARIABLE: from_a_container(endpoints["aws_endpoint_url"]),
            "QUEUE_URL": from_a_container(endpoints["queue_url"]),
            "DEAD_LETTER_QUEUE_URL": from_a_container(endpoints["dead_letter_queue_url"]),
            "REFRESH_QUEUE_URL": from_a_container(refresh_queue_url),
            "CREDENTIALS_SECRET_ID": CREDENTIALS_SECRET,
            "ACCESS_TOKEN_SECRET_ID": ACCESS_TOKEN_SECRET,
            "OUTCOME_KEY_SECRET_ID": OUTCOME_KEY_SECRET,
            "REFUSAL_SECRET_ID": "",
            "SUPPRESSION_BUCKET": "",
        }
    }


def secrets(endpoints: dict[str, Any]) -> dict[str, str]:
    """Secrets beside those of the local stack, whose own functions reach the org by another name."""
    credentials = {
        "grant_type": "client_credentials",
        "domain": from_a_container(endpoints["salesforce_url"]),
        "client_id": "local-client-id",
        "client_secret": "local-client-secret",
    }
    return {
        CREDENTIALS_SECRET: json.dumps(credentials),
        ACCESS_TOKEN_SECRET: "{}",
        OUTCOME_KEY_SECRET: "a key for this machine",
    }


def local_template(template: str, processor: str = platform.machine()) -> str:
    """The template for this processor, with AWS_ENDPOINT_URL among the variables of all functions."""
    architecture = "arm64" if processor in ("aarch64", "arm64") else "x86_64"
    variable = rf'\1{ENDPOINT_VARIABLE}: ""\n\g<0>'
    return re.sub(r"^( *)ACCESS_TOKEN_SECRET_ID:", variable, template, flags=re.MULTILINE).replace(
        "arm64", architecture
    )


def main() -> int:
    """Prepare, and say what to run."""
    if not ENDPOINTS.is_file():
        print(f"{ENDPOINTS.relative_to(ROOT)} is missing: run `make local` first.", file=sys.stderr)
        return 2
    endpoints = json.loads(ENDPOINTS.read_text(encoding="utf-8"))
    where: dict[str, str] = {
        "endpoint_url": endpoints["aws_endpoint_url"],
        "region_name": endpoints["region"],
        "aws_access_key_id": "local",
        "aws_secret_access_key": "local",
    }
    secrets_manager, sqs = boto3.client("secretsmanager", **where), boto3.client("sqs", **where)
    known = {secret["Name"] for secret in secrets_manager.list_secrets()["SecretList"]}
    for name, text in secrets(endpoints).items():
        if name not in known:
            secrets_manager.create_secret(Name=name, SecretString=text)
    (refresh_queue_url,) = (url for url in sqs.list_queues()["QueueUrls"] if url.endswith(".fifo"))
    VARIABLES.write_text(json.dumps(variables(endpoints, refresh_queue_url), indent=2) + "\n", encoding="utf-8")
    LOCAL_TEMPLATE.write_text(local_template(TEMPLATE.read_text(encoding="utf-8")), encoding="utf-8")
    print("On Linux, let containers in (Docker Desktop does that by itself):\n")
    for url in (endpoints["aws_endpoint_url"], endpoints["salesforce_url"]):
        port = url.rpartition(":")[2]
        print(f"  socat TCP-LISTEN:{port},bind=172.17.0.1,fork,reuseaddr TCP:127.0.0.1:{port} &")
    print("\nThen `sam build --config-env local` and `sam local invoke`; docs/local-stack.md shows it.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
