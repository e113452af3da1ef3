"""Every built function under AWS's own emulator and runtime client, beside the local stack's, with every event."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from built_sides import (
    DONE,
    EVENTS_OF,
    FUNCTIONS,
    Runners,
    Side,
    a_side,
    an_event,
    as_the_local_stack_does,
    assert_same,
)
from cryptography.hazmat.primitives import serialization
from destination_testbench.aws_lambda.built import Built, NotHereError, build
from destination_testbench.aws_lambda.emulator import EmulatedFunction, Package
from destination_testbench.aws_lambda.execution_environment import FunctionError
from destination_testbench.demo.delivery import metric_sums
from destination_testbench.local.places import ROOT
from destination_testbench.local.stack import LocalStack
from logins import a_secret, rsa_key

from benchmarks.cold_start.contenders import BUILT, contenders
from benchmarks.cold_start.figures import DELIVER, EMPTY, LIBRARIES
from benchmarks.cold_start.measurement import starts

pytestmark = [pytest.mark.sam, pytest.mark.timeout(300)]


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
        states = [tmp_path_factory.mktemp(str(request.param)) for _ in range(2)]
        yield (
            a_side(request.param, states[0], closing, as_the_local_stack_does),
            a_side(request.param, states[1], closing, under_the_emulator(built, states[1])),
        )


def under_the_emulator(built: Built, state: Path) -> Runners:
    def a_runner(stack: LocalStack, name: str, closing: ExitStack) -> EmulatedFunction:
        function = EmulatedFunction(Package.of(built, name), variables(stack, name), state / f"{name}.log")
        return closing.enter_context(function)

    return a_runner


def variables(stack: LocalStack, name: str) -> dict[str, str]:
    """What the template gives the function, with this stack's addresses; the destination file is the built layer's."""
    function = stack.function(name)
    given = dict(function.environment)
    if "DESTINATION_FILE" in given:
        given["DESTINATION_FILE"] = f"/opt/{Path(given['DESTINATION_FILE']).name}"
    tmp = function.log.parents[1] / "tmp-of-the-emulator"
    tmp.mkdir(exist_ok=True)
    return {**given, "TMPDIR": str(tmp), "AWS_LAMBDA_FUNCTION_NAME": function.name}


def test_every_event_is_posted() -> None:
    assert {file.name for file in (ROOT / "events").iterdir()} == {
        event for events in EVENTS_OF.values() for event in events
    }
    assert {function for events in EVENTS_OF.values() for function in events.values()} == set(FUNCTIONS)


def test_each_built_function_answers_each_event_as_the_local_stacks_does(
    sides: tuple[Side, Side], request: pytest.FixtureRequest
) -> None:
    local, emulated = sides

    assert_same(local, emulated, EVENTS_OF[request.node.callspec.params["sides"]])

    # Lambda's log format and level, which the runtime client heeds, leave both.
    log = emulated.stack.options.state / "DeliverFunction.log"
    assert metric_sums(log)["RecordsDelivered"]
    assert '"level":"INFO"' in log.read_text(encoding="utf-8")


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


def test_the_emulator_tells_what_a_function_took_to_start_and_for_its_batches(built: Built, tmp_path: Path) -> None:
    packages = contenders(built, tmp_path / "bare")

    taken = {name: rounds[0] for name, rounds in starts(packages, 1, tmp_path).items()}

    assert {name: len(costs) for name, costs in taken.items() if len(costs) > 1} == {LIBRARIES: 3, DELIVER: 3}
    assert set(taken) == {EMPTY, LIBRARIES, *BUILT}
    assert taken[EMPTY][0].cpu < taken[LIBRARIES][0].cpu
    assert taken[DELIVER][2].cpu < taken[DELIVER][0].cpu
