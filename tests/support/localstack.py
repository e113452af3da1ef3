"""
LocalStack, another AWS that is not ours, as a process of this machine, and all that it does otherwise than the models.

    with LocalStackServer(folder) as aws:
        stack = aws.deploy(EVERY_OPTION)

Its Lambda runs functions in Docker only, so here it keeps them and runs none.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import requests
from botocore.config import Config
from deployed import Deployed, deployed, settled
from destination_testbench.local.places import ACCOUNT_ID, REGION, ROOT
from destination_testbench.template.template import NESTED_STACK
from ministack import BUCKET, STACK, a_free_port
from the_template import parts, source

PYTHON = ROOT / ".venv-localstack" / "bin" / "python"
START = """
from localstack.services.lambda_.invocation.docker_runtime_executor import DockerRuntimeExecutor as Docker
Docker.prepare_version = Docker.cleanup_version = classmethod(lambda executor, version: None)
from localstack.runtime.main import main
main()
"""
SECONDS_LATE = 1.0
"""How much later than it should a message may come back."""

NOT_MADE = ("AWS::CloudWatch::Dashboard",)

NO_PROFILES = "", "{", "[]", "null", "1", "{}", "[{}]", '{"profiles": []}', '{"profiles": {}}', '{"profiles": [1]}'
"""Bodies that the front door refuses."""

NOT_TAKEN = "The queue did not take it. Send it again."
DIFFERENCES: Mapping[str, Mapping[Any, Any]] = {
    "An entry with a receipt handle that is none is the server's fault; moto, as the model, blames the sender. "
    "More than 12 hours of visibility are taken; AWS documents that they are not.": {
        ("refused_visibility", 0): [("0", False)],
        ("batches", 2): [("x", False)],
    },
    "An attribute of the type Binary or Number may hold anything; AWS was seen to refuse an empty one and no number.": {
        **{("attributes", place): "none" for place in (2, 3, 4, 5)},
        ("attributes", 6): [],
        ("attributes", 7): ["0", "1"],
    },
    "SQS tells API Gateway its error under ErrorResponse.Error; AWS documents Error.": {
        "too large": (503, NOT_TAKEN),
        "a character that no queue takes": (503, NOT_TAKEN),
    },
    "An import leaves x-amazon-apigateway-gateway-responses out, so that the gateway's refusals have its own words.": {
        **{f"no profile: {body}": (400, "Invalid request body") for body in NO_PROFILES},
        **dict.fromkeys(("text/plain", "application/xml"), (415, "Unsupported Media Type")),
    },
}
"""What LocalStack answers otherwise than the models, by the reason; `queue_scripts.Differences` for the queue."""

BY_PLACE = {place: answer for answers in DIFFERENCES.values() for place, answer in answers.items()}


def without_lost_parameters(declared: Mapping[str, Any]) -> dict[str, Any]:
    """A nested stack's parameters, of which LocalStack loses those that are empty: they get that as their default."""
    return {name: {"Default": "", **it} if it["Type"] == "String" else it for name, it in declared.items()}


def extra_periods(periods: int) -> int:
    """How many periods more than it needs its evaluator looks at; AWS does not say how many."""
    return max(periods // 3, 2)


class LocalStackServer:
    """A running server, until it is closed."""

    def __init__(self, folder: Path, seconds_to_start: float = 90) -> None:
        self._folder, self._seconds = folder, seconds_to_start
        self.url = f"http://127.0.0.1:{a_free_port()}"

    def __enter__(self) -> LocalStackServer:
        assert PYTHON.exists(), "LocalStack is not here; `make localstack` installs it"
        self._log = (self._folder / "localstack.log").open("w")
        self._process = subprocess.Popen(
            [PYTHON, "-c", START],
            cwd=self._folder,
            env={
                "PATH": os.defpath,
                "HOME": str(self._folder),
                "TMPDIR": str(self._folder),
                "FILESYSTEM_ROOT": str(self._folder),
                "OVERRIDE_IN_DOCKER": "0",
                "GATEWAY_LISTEN": self.url.removeprefix("http://"),
                # It would send statistics home and fetch a certificate.
                "DISABLE_EVENTS": "1",
                "SKIP_SSL_CERT_DOWNLOAD": "1",
                "DNS_ADDRESS": "0",
                "DEFAULT_REGION": REGION,
            },
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + self._seconds
        while not self._answers():
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.2)
        self.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(3)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def log(self) -> str:
        """The end of what the server says."""
        return (self._folder / "localstack.log").read_text()[-4000:]

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/_localstack/health", timeout=5).ok
        except requests.ConnectionError:
            return False

    def client(self, service: str, account: str = ACCOUNT_ID) -> Any:
        """A client of a service for an account: each has resources of its own."""
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=account,
            aws_secret_access_key="none",
            aws_session_token=None,
            config=Config(proxies={}, s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )

    def deploy(self, parameters: Mapping[str, str], name: str = STACK, seconds: float = 120) -> Deployed:
        """Create the whole stack, its functions empty and not joined to their queues."""
        s3, cloudformation = self.client("s3"), self.client("cloudformation")
        s3.put_object(Bucket=BUCKET, Key="empty", Body=_an_empty_package())
        for logical_id, body in self._bodies().items():
            s3.put_object(Bucket=BUCKET, Key=f"{logical_id}.template", Body=json.dumps(body, default=str))
        cloudformation.create_stack(
            StackName=name,
            TemplateURL=f"{self.url}/{BUCKET}/.template",
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        )
        return deployed(cloudformation, settled(cloudformation, name, seconds))

    def _bodies(self) -> dict[str, Any]:
        bodies = {}
        for part, template in parts().items():
            resources = json.loads(json.dumps(template.resources, default=str))
            for logical_id, resource in resources.items():
                properties = resource.get("Properties", {})
                if resource["Type"] == NESTED_STACK:
                    properties["TemplateURL"] = f"{self.url}/{BUCKET}/{logical_id}.template"
                if resource["Type"] == "AWS::Lambda::EventSourceMapping":
                    properties["Enabled"] = False
                for place in {"Code", "Content"} & properties.keys():
                    if "S3Key" in properties[place]:
                        properties[place] = {"S3Bucket": BUCKET, "S3Key": "empty"}
            bodies[part] = {
                "Parameters": without_lost_parameters(template.parameters) if part else template.parameters,
                "Conditions": template.conditions,
                "Resources": resources,
                "Outputs": template.outputs,
            }
        bodies[""]["Rules"] = source()["Rules"]
        return bodies


def _an_empty_package() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", "")
    return packed.getvalue()
