"""Every built function under AWS's own emulator and runtime client, beside the local stack's, with every event."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from destination_cli.local.built import Built, NotHereError, build
from destination_cli.local.emulator import EmulatedFunction, Package
from destination_cli.local.execution_environment import FunctionError
from destination_cli.local.invoker import Invoker
from destination_cli.local.options import Options, find_destination
from destination_cli.local.org import SimulatedOrg, seed
from destination_cli.local.places import ROOT
from destination_cli.local.stack import LocalStack
from local_stack import wait_until
from logins import a_secret, rsa_key

pytestmark = [pytest.mark.sam, pytest.mark.timeout(300)]

FUNCTIONS = ("DeliverFunction", "RefreshTokenFunction", "CheckConnectionFunction")
EVENTS_OF = {
    "contacts": {
        "check_connection.json": "CheckConnectionFunction",
        "deliver.json": "DeliverFunction",
        "deliver-adobe.json": "DeliverFunction",
        "deliver-same-record.json": "DeliverFunction",
        "deliver-refused.json": "DeliverFunction",
        "refresh_token.json": "RefreshTokenFunction",
    },
    "leads": {"check_connection.json": "CheckConnectionFunction", "deliver-leads.json": "DeliverFunction"},
}
CASES = [(destination, event) for destination, events in EVENTS_OF.items() for event in events]
CLOCKED = {"CreatedDate", "LastModifiedDate", "SystemModstamp"}
DONE: dict[str, list[str]] = {"batchItemFailures": []}


@dataclass(frozen=True)
class Side:
    """A local stack whose functions run either as the local stack runs them, or built and under the emulator."""

    stack: LocalStack
    org: SimulatedOrg
    runners: dict[str, Any]

    def invoke(self, function: str, event: dict[str, Any]) -> Any:
        return self.runners[function].invoke(event)

    def dead_letters(self) -> list[Any]:
        """Those there are, each without what only SQS says of it; they are gone then."""
        url, letters = self.stack.endpoints.dead_letter_queue_url, []
        while found := self.stack.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages"):
            for letter in found:
                self.stack.sqs.delete_message(QueueUrl=url, ReceiptHandle=letter["ReceiptHandle"])
                letters.append((letter["Body"], letter["MessageAttributes"]))
        return sorted(letters, key=repr)

    def records(self) -> dict[str, Any]:
        """What each record holds, but for when it was written."""
        objects = [self.org.records(name).records for name in ("Contact", "Lead")]
        return {
            identity: {name: value for name, value in record.values.items() if name not in CLOCKED}
            for records in objects
            for identity, record in records.items()
        }

    def secret(self, name: str) -> str:
        client = self.stack.aws.client("secretsmanager")
        return str(client.get_secret_value(SecretId=self.stack.cloud.attribute(name, "Ref"))["SecretString"])

    def store(self, name: str, text: str) -> None:
        client = self.stack.aws.client("secretsmanager")
        client.put_secret_value(SecretId=self.stack.cloud.attribute(name, "Ref"), SecretString=text)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    try:
        return build(tmp_path_factory.mktemp("built") / "checkout")
    except NotHereError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module", params=EVENTS_OF)
def sides(
    request: pytest.FixtureRequest, built: Built, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Side, Side]]:
    """The local stack's functions, and the built ones, each with an AWS and an org of its own."""
    with ExitStack() as closing:
        yield tuple(  # type: ignore[misc]
            a_side(request.param, runtime, tmp_path_factory.mktemp(str(request.param)), closing)
            for runtime in (None, built)
        )


def a_side(destination: str, built: Built | None, state: Path, closing: ExitStack) -> Side:
    org = SimulatedOrg()
    seed(org, contacts=20, leads=5)
    stack = closing.enter_context(LocalStack(Options(destination=find_destination(destination), state=state), org))
    runners = {name: a_runner(stack, name, built, state, closing) for name in FUNCTIONS}
    side = Side(stack, org, runners)
    wait_until(lambda: "access_token" in side.secret("AccessTokenSecret"), 60)
    return side


def a_runner(stack: LocalStack, name: str, built: Built | None, state: Path, closing: ExitStack) -> Any:
    function = stack.function(name)
    if built is None:
        invoker = Invoker(function)
        closing.callback(invoker.close)
        return invoker
    return closing.enter_context(
        EmulatedFunction(Package.of(built, name), variables(stack, name), state / f"{name}.log")
    )


def variables(stack: LocalStack, name: str) -> dict[str, str]:
    """What the template gives the function, with this stack's addresses; the destination file is the built layer's."""
    function = stack.function(name)
    given = dict(function.environment)
    if "DESTINATION_FILE" in given:
        given["DESTINATION_FILE"] = f"/opt/{Path(given['DESTINATION_FILE']).name}"
    tmp = function.log.parents[1] / "tmp-of-the-emulator"
    tmp.mkdir(exist_ok=True)
    return {**given, "TMPDIR": str(tmp), "AWS_LAMBDA_FUNCTION_NAME": function.name}


def an_event(name: str) -> dict[str, Any]:
    return dict(json.loads((ROOT / "events" / name).read_text(encoding="utf-8")))


def test_every_event_is_posted() -> None:
    assert {file.name for file in (ROOT / "events").iterdir()} == {event for _, event in CASES}
    assert {function for events in EVENTS_OF.values() for function in events.values()} == set(FUNCTIONS)


def test_each_built_function_answers_each_event_as_the_local_stacks_does(
    sides: tuple[Side, Side], request: pytest.FixtureRequest
) -> None:
    local, emulated = sides
    events = EVENTS_OF[request.node.callspec.params["sides"]]
    records_at_first = local.records()

    for name, function in events.items():
        answers = [side.invoke(function, an_event(name)) for side in sides]

        assert answers[1] == answers[0], name
        assert answers[0] == DONE or answers[0]["connected"], name
        assert emulated.dead_letters() == local.dead_letters(), name
    assert emulated.records() == local.records()
    assert local.records() != records_at_first


def test_a_built_function_logs_in_by_each_library_that_it_was_built_with(sides: tuple[Side, Side]) -> None:
    emulated = sides[1]
    key = rsa_key().public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    emulated.org.oauth.apps["local-client-id"].public_key = key.public_bytes(serialization.Encoding.PEM, form).decode()
    domain = emulated.stack.salesforce_url
    emulated.store("CredentialsSecret", a_secret("jwt_bearer", domain=domain, client_id="local-client-id"))
    emulated.store("AccessTokenSecret", "{}")

    answer = emulated.invoke("RefreshTokenFunction", an_event("refresh_token.json"))

    assert answer == DONE
    assert "access_token" in emulated.secret("AccessTokenSecret")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_package_that_is_missing_is_missed(built: Built, function: str, tmp_path: Path) -> None:
    package = Package.of(built, function)
    lame = tmp_path / "layer"
    shutil.copytree(package.layers[0], lame, ignore=shutil.ignore_patterns("requests"))
    assert (package.layers[0] / "python" / "requests").exists()

    with pytest.raises(FunctionError, match="No module named 'requests'"):
        started(replace(package, layers=(lame, *package.layers[1:])), tmp_path)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    ("handler", "complaint"),
    [("app.handler", "Handler 'handler' missing"), ("main.lambda_handler", "No module named 'main'")],
)
def test_a_handler_of_another_name_is_missed(
    built: Built, function: str, handler: str, complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(FunctionError, match=complaint):
        started(replace(Package.of(built, function), handler=handler), tmp_path)


def started(package: Package, folder: Path) -> Any:
    """What becomes of a function's first invocation."""
    names = {"POWERTOOLS_METRICS_NAMESPACE": "SalesforceDestination", "POWERTOOLS_SERVICE_NAME": "stack"}
    with EmulatedFunction(package, names, folder / "log") as function:
        return function.invoke({"Records": []})
