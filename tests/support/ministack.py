"""
MiniStack, an AWS from PyPI that is not ours, as a process of this machine: with TLS, with IAM enforced, and with the
built functions in the Python of .venv-runtime, which holds what Lambda's runtime holds and no more.

    with TrustedOrg(org, folder) as org, MiniStack(folder, org.trust) as aws:
        stack = aws.deploy(package(built, folder, org.trust), {"HttpEndpoint": "false"})
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from deployed import Deployed, deployed, described, settled
from destination_testbench.aws_lambda.built import Built, NotHereError
from destination_testbench.local.places import ACCOUNT_ID, REGION, ROOT
from destination_testbench.template.template import NESTED_STACK, Template, read_parts
from ministack_differences import adjusted, make_by_call
from trusted_org import Trust

RUNTIME = ROOT / ".venv-runtime" / "bin" / "python"
PACKAGES = ROOT / ".venv-ministack" / "lib" / "python3.13" / "site-packages"
# The packages of MiniStack are its own: functions, which it starts with the same interpreter, do not see them.
# A command that also trusts the org's certificate.
COMMAND = (
    "import sys, requests.adapters; requests.adapters.DEFAULT_CA_BUNDLE_PATH = sys.argv.pop(1);"
    " from destination_cli.app import main; main()"
)
START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from ministack.app import main; main()"
STACK = "salesforce-destination-test"
BUCKET = "packages"
NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Package:
    """What `sam package` uploads: zip files by the logical ids of functions and layers, and the templates."""

    parts: Mapping[str, Template]
    zips: Mapping[str, Path]
    opt: Path
    more: Mapping[str, Any] = field(default_factory=dict)
    """Sections of template.yaml that its parts do not have: constants and rules."""


def package(built: Built, folder: Path, trust: Trust) -> Package:
    """Pack what `sam build` made. One file is another: the certificates that requests trusts have the org's, too."""
    zips = {}
    for logical_id, resource in built.template()["Resources"].items():
        properties = resource.get("Properties", {})
        if where := properties.get("CodeUri") or properties.get("ContentUri"):
            copy = folder / logical_id
            shutil.copytree(built.folder / where, copy)
            for certificates in copy.rglob("certifi/cacert.pem"):
                certificates.write_text(certificates.read_text() + trust.certificate.read_text())
            zips[logical_id] = Path(shutil.make_archive(str(copy), "zip", copy))
    written = built.template()
    more: dict[str, Any] = {section: written[section] for section in ("Mappings", "Rules") if section in written}
    return Package(read_parts(built.folder / "template.yaml"), zips, folder / "DestinationsLayer", more)


@dataclass
class MiniStack:
    """A running server; `environ` is what a program needs to take it for AWS."""

    folder: Path
    trust: Trust
    seconds_to_start: float = field(default=60.0)

    def __enter__(self) -> MiniStack:
        if not PACKAGES.exists() or not RUNTIME.exists():
            raise NotHereError("MiniStack is not here; make .venv-ministack/.made .venv-runtime/.made")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = a_free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.environ = {
            **{name: os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")},
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_CA_BUNDLE": str(self.trust.certificate),
            **self.trust.proxy,
        }
        self._log = (self.folder / "ministack.log").open("w")
        self._process = subprocess.Popen(
            [RUNTIME, "-c", START, PACKAGES],
            cwd=self.folder,
            env={
                **self.environ,
                "PATH": os.defpath,
                "LANG": "en_US.UTF-8",
                "TMPDIR": str(self.folder),
                "AUTH": "true",
                "BIND_HOST": "127.0.0.1",
                "DOCKER_HOST": f"unix://{self.folder}/no-docker.sock",
                "GATEWAY_PORT": str(self.port),
                "LAMBDA_EXECUTOR": "local",
                "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
                "MINISTACK_HOST": "127.0.0.1",
                "MINISTACK_REGION": REGION,
                "MINISTACK_SSL_CERT": str(self.trust.certificate),
                "MINISTACK_SSL_KEY": str(self.trust.key),
                "USE_SSL": "1",
            },
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        deadline = time.monotonic() + self.seconds_to_start
        while not self._answers():
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.1)
        self.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        return self

    def __exit__(self, *exception: object) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)  # the functions too; nobody reads its state again
        self._process.wait()
        self._log.close()

    def log(self) -> str:
        """The end of what the server says."""
        return (self.folder / "ministack.log").read_text()[-4000:]

    def _answers(self) -> bool:
        try:
            self.client("sts").get_caller_identity()
        except (BotoCoreError, ClientError):
            return False
        return True

    def client(self, service: str, credentials: Mapping[str, str] | None = None) -> Any:
        """A client of a service for the account's root user, or with credentials as STS gives them."""
        given = credentials or {
            "AccessKeyId": self.environ["AWS_ACCESS_KEY_ID"],
            "SecretAccessKey": self.environ["AWS_SECRET_ACCESS_KEY"],
            "SessionToken": self.environ["AWS_SESSION_TOKEN"],
        }
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            verify=str(self.trust.certificate),
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, proxies={}),
        )

    def command(self, *words: str, typed: str = "", seconds: float = 90) -> subprocess.CompletedProcess[str]:
        """Run `destination` with these words; it knows of no account but this one."""
        return subprocess.run(
            [sys.executable, "-c", COMMAND, self.trust.certificate, *words],
            cwd=ROOT,
            env={**self.environ, "PATH": os.defpath},
            input=typed,
            capture_output=True,
            text=True,
            timeout=seconds,
        )

    def deploy(
        self,
        what: Package,
        parameters: Mapping[str, str],
        name: str = STACK,
        seconds: float = 90,
        constants: Mapping[str, Any] = NOTHING,
    ) -> Deployed:
        """
        Create or update this stack. As with `sam deploy`, a parameter that is left out keeps its value.

        `constants` are other values for some of the template's, by their names.
        """
        s3, cloudformation = self.client("s3"), self.client("cloudformation")
        is_there, declared = self._is_there(name), what.parts[""].parameters
        before = described(cloudformation, name)["Parameters"] if is_there else []
        left_out = declared.keys() - parameters.keys()
        kept = {it["ParameterKey"]: it["ParameterValue"] for it in before if it["ParameterKey"] in left_out}
        for logical_id, file in what.zips.items():
            s3.put_object(Bucket=BUCKET, Key=logical_id, Body=file.read_bytes())
        bodies = {part: self._body(template, what) for part, template in what.parts.items()}
        bodies[""].update(json.loads(json.dumps(what.more)))
        for values in bodies[""].get("Mappings", {}).get("Constants", {}).values():
            for constant in values:
                bodies[""]["Parameters"].pop(constant)  # what the reader of templates makes of it
            values.update({key: value for key, value in constants.items() if key in values})
        bodies = {part: adjusted(body, {**kept, **parameters}, str(what.opt)) for part, body in bodies.items()}
        for part, body in bodies.items():
            s3.put_object(Bucket=BUCKET, Key=f"{part or 'whole'}.template", Body=json.dumps(body, default=str))
        call = cloudformation.update_stack if is_there else cloudformation.create_stack
        given: list[dict[str, Any]] = [
            {"ParameterKey": it, "ParameterValue": value} for it, value in parameters.items()
        ]
        given += ({"ParameterKey": it, "UsePreviousValue": True} for it in kept)
        capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
        try:
            call(StackName=name, TemplateURL=self._url("whole.template"), Capabilities=capabilities, Parameters=given)
        except ClientError as error:
            if "No updates" not in str(error):
                raise
        stack = settled(cloudformation, name, seconds)
        make_by_call(self.client)
        return deployed(cloudformation, stack)

    def _url(self, key: str) -> str:
        return f"{self.url}/{BUCKET}/{key}"

    def _body(self, template: Template, what: Package) -> dict[str, Any]:
        resources = json.loads(json.dumps(template.resources, default=str))
        for logical_id, resource in resources.items():
            properties = resource.get("Properties", {})
            if resource["Type"] == NESTED_STACK:
                properties["TemplateURL"] = self._url(f"{logical_id}.template")
            for place in ("Code", "Content"):
                if "S3Key" in properties.get(place, ()):
                    # SAM ends the logical id of a layer with ten digits of a hash.
                    key = logical_id if logical_id in what.zips else logical_id[:-10]
                    properties[place] = {"S3Bucket": BUCKET, "S3Key": key}
        return {
            "Parameters": dict(template.parameters),
            "Conditions": template.conditions,
            "Resources": resources,
            "Outputs": template.outputs,
        }

    def _is_there(self, name: str) -> bool:
        try:
            return bool(described(self.client("cloudformation"), name))
        except ClientError:
            return False


def a_free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
