"""
The commands of the documents, run in a shell as they stand, page by page, on the local stack.

`aws` asks this process, which has tests/support/aws_command.py and the local AWS. `.venv/bin/destination` is the real
one, loaded once, with `--local` for `--stack`; only `destination output` asks this process too, as the local stack has
fewer outputs. The front door is the model of API Gateway, with the template's definition. What is not run is listed,
each with its reason; what an earlier page has shown already is not run again.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from aws_command import CommandError, read_command, run_command
from botocore.exceptions import ClientError
from destination_testbench.aws.front_door import FromQueue, FrontDoor, ToQueue
from destination_testbench.aws.front_door_server import QueueQuery
from destination_testbench.local.options import StackOptions
from destination_testbench.local.places import REGION
from destination_testbench.local.stack import LocalStack
from destination_testbench.org import SimulatedOrg, seed
from forked_command import forked_command
from local_stack import wait_until
from shell_commands import ROOT, Command, commands
from the_template import resolved

QUICK = {"BatchWindowSeconds": 1, "RedeliveryBaseSeconds": 1, "RedeliveryMaxSeconds": 1}
KEY = "the-key-of-the-sender-of-profiles"
CONTACT = "003Ab0000000001IAA"
STACK = "salesforce-destination-prod"
STACKS = (STACK, "salesforce-destination-dev")
PAGES = (
    "adobe-setup.md",
    "README.md",
    "local-stack.md",
    "operating.md",
    "salesforce-setup.md",
    "runbook.md",
    "aws-setup.md",
)
"""In this order: the last one pauses the stack."""

NOT_RUN = {
    r"^make |^\.ci/run": "targets of the Makefile, which the gate runs",
    r"^sam |AWS_PROFILE=\S+ sam ": "builds and deploys; test_sam_build.py and test_template.py have what can be tried",
    r"^git ": "changes the repository",
    r"\bsf ": "the Salesforce CLI",
    r"^op ": "stands for whatever reads a password store",
    r"destination connect --stack": "asks a person; tests/integration/cli/test_connect.py answers",
    r"destination prove": "makes records; tests/integration/cli/test_prove.py runs it",
    r"docs/sam_local\.py|^export AWS_": "for sam local invoke",
    r"delete-queue|delete-secret": "would take the stack of this test away",
    r"kms schedule-key-deletion": "moto knows a key by its id only, KMS by its ARN as well",
    r"lambda get-account-settings|update-termination-protection": "not in moto",
    r"kinesis put-record": "needs the pipe's stack, whose pipe no simulated AWS has",
    r"aws cloudformation deploy": "needs networks and pipes; cfn-lint reads the templates",
    r"cloudwatch set-alarm-state": "nobody watches alarms on this machine",
    r"sns subscribe": "moto would send to the subscriber",
    r"salesforce-destination-network": "asks the stack of the line before",
}

MAY_BE_MISSING = ("curl", "openssl")
"""The tests need Python alone."""

RAN_AND_FOUND = (0, 1)
"""Of our commands; 2 is one that could not be done."""

NOTHING_TO_RESUME = "send profiles.jsonl --resume"


ASKING = """
import http.client, os, sys
asked = http.client.HTTPConnection(sys.argv[1])
asked.request("POST", "/aws", "\\0".join([os.getcwd(), *sys.argv[2:]]).encode())
answer = asked.getresponse()
print(answer.read().decode(), file=sys.stdout if answer.status == 200 else sys.stderr)
sys.exit(answer.status != 200)
"""


class Stands:
    """The front door at an address of this machine, and whoever answers for `aws`."""

    def __init__(self, stack: LocalStack) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                code, answer = aws(body) if self.path == "/aws" else front_door(body, self.headers)
                self.send_response(code)
                self.end_headers()
                self.wfile.write(answer.encode())

            def log_message(self, format: str, *words: Any) -> None: ...

        def aws(body: str) -> tuple[int, str]:
            folder, *words = body.split("\0")
            try:
                return 200, run_command(read_command(words), stack.aws.client, Path(folder))
            except (CommandError, ClientError, OSError) as error:
                return 400, f"aws: {error}"

        def send(request: ToQueue) -> FromQueue:
            return QueueQuery(stack.aws.url)(replace(request, path=urlsplit(stack.endpoints.queue_url).path))

        def front_door(body: str, headers: Message) -> tuple[int, str]:
            answer = door.post("/profiles", body.encode(), dict(headers))
            self.codes.append(answer.status)
            return answer.status, answer.body

        definition = resolved("AWS::ApiGateway::RestApi", HttpEndpoint="true")["FrontDoor"]["Body"]
        door = FrontDoor(definition, KEY, send)
        self.codes: list[int] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, daemon=True).start()


class Reader:
    """Somebody with a terminal in a clone of the repository, who types what the pages show."""

    def __init__(self, stack: LocalStack, org: SimulatedOrg, folder: Path, destination: str) -> None:
        self.stack, self.org, self.folder, self.destination = stack, org, folder, destination
        self.stands = Stands(stack)
        self.typed_before: set[str] = set()
        self._make_cloudformation_stack()
        self._make_clone()

    def _make_cloudformation_stack(self) -> None:
        """The stacks that the pages name in the local AWS, with the outputs of the one that runs."""
        gateway = self.stack.aws.client("apigateway")
        key_id = gateway.create_api_key(name="sender", value=KEY, enabled=True)["id"]
        second_key_id = gateway.create_api_key(name="second", value=KEY[::-1], enabled=True)["id"]
        kms_arn = self.stack.aws.client("kms").create_key()["KeyMetadata"]["Arn"]
        more = {
            "HttpEndpointUrl": f"http://{self.stands.address}/v1/profiles",
            "HttpApiKeyId": key_id,
            "SecondHttpApiKeyId": second_key_id,
            "KeyArn": kms_arn,
        }
        outputs = {**self.stack.cloud.outputs(), **more}
        logs = [outputs[name] for name in outputs if name.endswith("LogGroupName")]
        for log in (*logs, f"/aws/apigateway/{STACK}"):
            self.stack.aws.client("logs").create_log_group(logGroupName=log)
        template = {
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
            "Outputs": {name: {"Value": value} for name, value in outputs.items()},
        }
        for name in STACKS:
            self.stack.aws.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))

    def _make_clone(self) -> None:
        for path in ROOT.iterdir():
            if not path.name.startswith("."):
                (self.folder / path.name).symlink_to(path)
        python, state = sys.executable, self.stack.options.state
        a_program(self.folder / "bin" / "aws", f"exec '{python}' -S -c '{ASKING}' {self.stands.address} \"$@\"")
        query = "Stacks[0].Outputs[?OutputKey=='$2'].OutputValue"
        ours = f"""if [ "$1" = output ]; then
  exec aws cloudformation describe-stacks --stack-name "$4" --output text --query "{query}"
fi
words=()
while (($#)); do
  case "$1" in --stack | --local) words+=(--local --state "{state}");; *) words+=("$1");; esac
  [ "$1" = --stack ] && shift
  shift
done
exec {self.destination} "${{words[@]}}" """
        a_program(self.folder / ".venv" / "bin" / "destination", ours)
        self._write("profile.json", profile_of_the_guide())
        line = json.dumps(json.loads(profile_of_the_guide())) + "\n"
        self._write("profiles.jsonl", line)
        people = (ROOT / "layers" / "destinations" / "people.toml").read_text(encoding="utf-8")
        self._write("people.toml", people.replace("# since_field", "since_field"))
        self._write("members.csv", "\n".join(["SalesforceId", *self.org.records("Contact").records]))
        for record in self.org.records("Contact"):
            record.values["CDP_Loyal__c"] = None if record.id == CONTACT else "realized"
        s3 = self.stack.aws.client("s3")
        s3.create_bucket(Bucket="acme-export", CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket="acme-export", Key="profiles.jsonl", Body=line.encode())
        credentials = {
            "grant_type": "client_credentials",
            "domain": self.stack.salesforce_url,
            "client_id": "local-client-id",
            "client_secret": "local-client-secret",
        }
        self._write("credentials.json", json.dumps(credentials))

    def _write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def types(self, page: str) -> list[tuple[Command, int, str]]:
        """Run a page's commands in one shell; give each with its status and what it printed."""
        shown = [command for command in commands() if command.page == page and not reason_not_to_run(command)]
        typed = [command for command in shown if ".venv" not in command.text or command.text not in self.typed_before]
        self.typed_before |= {command.text for command in shown}
        printed = self.folder / "printed"
        printed.mkdir(exist_ok=True)
        lines = ["set -o pipefail"]
        for number, command in enumerate(typed):
            text = command.text.replace("http://127.0.0.1:43049", self.stack.salesforce_url)
            lines += [f"exec > {printed}/{number} 2>&1", text.rstrip(), f"echo $? > {printed}/{number}.status"]
        environment = {
            **os.environ,
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}",
            "AWS_ENDPOINT_URL": self.stack.aws.url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "NO_PROXY": "127.0.0.1",
        }
        subprocess.run(["bash", "-c", "\n".join(lines)], cwd=self.folder, env=environment, check=True, timeout=240)
        return [
            (command, int((printed / f"{number}.status").read_text()), (printed / str(number)).read_text())
            for number, command in enumerate(typed)
        ]

    def status_of_the_contact(self) -> object:
        """What the org holds for the contact of the guide."""
        return next(record for record in self.org.records("Contact") if record.id == CONTACT).get("CDP_Loyal__c")


def reason_not_to_run(command: Command) -> str | None:
    for pattern, reason in NOT_RUN.items():
        if re.search(pattern, command.text):
            return reason
    missing = [words[0] for words in command.calls if words[0] in MAY_BE_MISSING and not shutil.which(words[0])]
    return f"{missing[0]} is not on this machine" if missing else None


def a_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/usr/bin/env bash\n{text}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IEXEC)


def profile_of_the_guide() -> str:
    text = (ROOT / "docs" / "adobe-setup.md").read_text(encoding="utf-8")
    return text.split("In profile.json:\n\n```json\n")[1].split("```")[0]


def went_wrong(done: tuple[Command, int, str]) -> bool:
    command, status, printed = done
    is_ours = ".venv/bin/destination" in command.text
    if is_ours and NOTHING_TO_RESUME in command.text:
        return status not in (*RAN_AND_FOUND, 2)
    return status not in (RAN_AND_FOUND if is_ours else (0,)) or "Traceback" in printed


@pytest.fixture
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    folder = tmp_path_factory.mktemp("reading")
    clone = folder / "clone"
    clone.mkdir()
    org = SimulatedOrg()
    seed(org, contacts=20)
    with (
        LocalStack(StackOptions(state=folder / "state", parameters=QUICK), org) as stack,
        forked_command() as destination,
    ):
        reader = Reader(stack, org, clone, destination)
        yield reader
        reader.stands.server.shutdown()


def test_every_reason_not_to_run_something_is_still_needed() -> None:
    texts = [command.text for command in commands()]

    assert [pattern for pattern in NOT_RUN if not any(re.search(pattern, text) for text in texts)] == []


def test_enough_is_run() -> None:
    run = [command for command in commands() if not reason_not_to_run(command)]

    assert {command.page for command in run} >= set(PAGES)
    assert len(run) >= 40


@pytest.mark.long
@pytest.mark.timeout(400)
def test_the_commands_of_every_page_do_what_they_are_there_for(reader: Reader) -> None:
    found = [done for page in PAGES for done in reader.types(page)]

    assert len(found) >= 35
    assert [done for done in found if went_wrong(done)] == []
    # The profile that the guide posts to the front door is in the org, and its key nowhere.
    assert reader.stands.codes == ([200] if shutil.which("curl") else [])
    answers = [printed for command, _, printed in found if "HttpEndpointUrl" in command.text]
    assert ["message_id" in answer for answer in answers] == [True] * len(reader.stands.codes)
    from_s3 = [printed for command, _, printed in found if "s3 cp" in command.text]
    assert ["1 profile is on the queue" in printed for printed in from_s3] == [True]
    wait_until(lambda: reader.status_of_the_contact() == "realized")
    files = [path for path in reader.folder.iterdir() if path.is_file() and not path.is_symlink()]
    assert files
    assert [path.name for path in files if KEY in path.read_text()] == []
