"""What is started cold: the functions as they are built, and beside them what others would write."""

from __future__ import annotations

import subprocess
from pathlib import Path

from destination_testbench.aws_lambda.built import Built
from destination_testbench.aws_lambda.emulator import PYTHON, Package

from benchmarks.cold_start.figures import DELIVER, EMPTY, LIBRARIES

CODE = {
    EMPTY: "def lambda_handler(event, context):\n    return {}\n",
    LIBRARIES: """
import json
import os
from functools import cache

import boto3
import requests

secrets = boto3.client("secretsmanager")
sqs = boto3.client("sqs")
session = requests.Session()


@cache
def token():
    return json.loads(secrets.get_secret_value(SecretId=os.environ["ACCESS_TOKEN_SECRET_ID"])["SecretString"])


def lambda_handler(event, context):
    profiles = [json.loads(record["body"]) for record in event["Records"]]
    if profiles:
        answer = session.patch(
            token()["instance_url"] + "/services/data/v66.0/composite/sobjects",
            headers={"Authorization": "Bearer " + token()["access_token"]},
            json={"allOrNone": False, "records": [record_of(profile) for profile in profiles]},
        )
        assert all(result["success"] for result in answer.json()), answer.text
    return {"batchItemFailures": []}


def record_of(profile):
    return {
        "attributes": {"type": "Contact"},
        "Id": profile["identityMap"]["crmID"][0]["id"],
        "LastName": profile["person"]["name"]["lastName"],
    }
""",
}
BUILT = {
    DELIVER: "DeliverFunction",
    "the refresh-token function": "RefreshTokenFunction",
    "the check-connection function": "CheckConnectionFunction",
}
WITH_BATCHES = (LIBRARIES, DELIVER)


def contenders(built: Built, folder: Path) -> dict[str, Package]:
    """All of them, compiled alike and with the same layers."""
    layers = built.layers(BUILT[DELIVER])
    bare = {
        name: Package(_compiled(folder / str(number), code), layers) for number, (name, code) in enumerate(CODE.items())
    }
    return {**bare, **{name: Package.of(built, logical_id) for name, logical_id in BUILT.items()}}


def _compiled(folder: Path, code: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "app.py").write_text(code, encoding="utf-8")
    command = [str(PYTHON), "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(folder)]
    subprocess.run(command, check=True)
    return folder
