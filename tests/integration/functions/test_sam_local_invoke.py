"""Every event through `sam local invoke`: the function in Lambda's image, the layers at /opt."""

from __future__ import annotations

import importlib.util
import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from built_sides import EVENTS_OF, Runners, Side, a_side, as_the_local_stack_does, assert_same
from destination_testbench.aws_lambda.built import THIS_PROCESSOR, Built, copy, sam
from destination_testbench.local.places import ROOT
from destination_testbench.local.stack import LocalStack

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

IMAGE = f"public.ecr.aws/lambda/python:3.13-{THIS_PROCESSOR}"
NETWORK = ["docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Subnet}}"]


@dataclass(frozen=True)
class Container:
    """A function that a container is started for, at each event."""

    name: str
    built: Built
    variables: Path
    parameters: str

    def invoke(self, event: Any) -> Any:
        """What the command prints last."""
        file = self.variables.with_name(f"{self.name}.json")
        file.write_text(json.dumps(event), encoding="utf-8")
        place = self.built.folder.parents[1]
        pull = ["--skip-pull-image"] if is_here(IMAGE) else []
        given = ["-e", str(file), "--env-vars", str(self.variables), "--parameter-overrides", self.parameters]
        output = sam(place, "local", "invoke", self.name, "--config-env", "local", *given, *pull)
        answer = next(line for line in output.splitlines() if line.startswith(('{"batch', '{"destination')))
        return json.JSONDecoder().raw_decode(answer)[0]


def is_here(image: str) -> bool:
    return subprocess.run(["docker", "image", "inspect", image], capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """What a person runs before `sam local invoke`."""
    specification = importlib.util.spec_from_file_location("sam_local", ROOT / "docs" / "sam_local.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, script: ModuleType) -> Built:
    checkout = copy(tmp_path_factory.mktemp("built") / "checkout")
    shutil.copy(ROOT / "samconfig.toml", checkout)
    template = (checkout / "template.yaml").read_text(encoding="utf-8")
    (checkout / "template.local.yaml").write_text(script.local_template(template), encoding="utf-8")
    sam(checkout, "build", "--config-env", "local")
    return Built(checkout / ".aws-sam" / "local", THIS_PROCESSOR)


@pytest.fixture(scope="module", params=EVENTS_OF)
def sides(
    request: pytest.FixtureRequest, built: Built, script: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Side, Side]]:
    with ExitStack() as closing:
        states = [tmp_path_factory.mktemp(str(request.param)) for _ in range(2)]
        yield (
            a_side(request.param, states[0], closing, as_the_local_stack_does),
            a_side(request.param, states[1], closing, in_containers(built, script, str(request.param), states[1])),
        )


def in_containers(built: Built, script: ModuleType, destination: str, state: Path) -> Runners:
    def a_runner(stack: LocalStack, name: str, closing: ExitStack) -> Container:
        file = state / "sam.json"
        if not file.exists():
            prepare(stack, script, file, closing)
        return Container(name, built, file, f"DestinationFile={destination}.toml")

    return a_runner


def prepare(stack: LocalStack, script: ModuleType, file: Path, closing: ExitStack) -> None:
    """Do what docs/sam_local.py does and what it asks a person to do: let containers reach this machine."""
    endpoints = {**vars_of(stack), "salesforce_url": stack.salesforce_url}
    secrets = stack.aws.client("secretsmanager")
    for name, text in script.secrets(endpoints).items():
        secrets.create_secret(Name=name, SecretString=text)
    variables = script.variables(endpoints, stack.cloud.attribute("RefreshQueue", "Ref"))
    file.write_text(json.dumps(variables), encoding="utf-8")
    network = subprocess.run(NETWORK, capture_output=True, text=True, check=True).stdout.strip()
    gateway = str(ip_network(network)[1])  # an engine that has just been installed does not name it
    for url in (stack.aws.url, stack.salesforce_url):
        closing.enter_context(forwarded(gateway, int(url.rpartition(":")[2])))


def vars_of(stack: LocalStack) -> dict[str, Any]:
    found = stack.endpoints
    return {name: getattr(found, name) for name in ("aws_endpoint_url", "queue_url", "dead_letter_queue_url")}


def forwarded(address: str, port: int) -> socket.socket:
    """Whatever comes to this port of an address goes to the same port of this machine alone, until it is closed."""
    listening = socket.create_server((address, port))

    def accept() -> None:
        while True:
            try:
                caller, _ = listening.accept()
            except OSError:
                return
            there = socket.create_connection(("127.0.0.1", port))
            for source, target in ((caller, there), (there, caller)):
                threading.Thread(target=pour, args=(source, target), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listening


def pour(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


def test_each_function_in_a_container_answers_each_event_as_the_local_stacks_does(
    sides: tuple[Side, Side], request: pytest.FixtureRequest
) -> None:
    local, contained = sides
    events = EVENTS_OF[request.node.callspec.params["sides"]]

    # The containers have an access token of their own, which has to be there first.
    assert_same(local, contained, {"refresh_token.json": "RefreshTokenFunction", **events})
