"""The functions of the template, their layers and their environments."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from destination_testbench.local.options import DESTINATIONS
from destination_testbench.local.places import ROOT
from salesforce_destination.settings import CHECK_NEEDS, DELIVER_NEEDS, REFRESH_TOKEN_NEEDS, Settings
from the_template import resolved, source, template

FUNCTION_LAYERS = {
    "DeliverFunction": ["DependenciesLayer", "SalesforceDestinationLayer", "DestinationsLayer"],
    "RefreshTokenFunction": ["DependenciesLayer", "SalesforceDestinationLayer"],
    "CheckConnectionFunction": ["DependenciesLayer", "SalesforceDestinationLayer", "DestinationsLayer"],
}


@pytest.mark.parametrize("function", ["DeliverFunction", "RefreshTokenFunction", "CheckConnectionFunction"])
def test_a_function_has_its_own_role_and_its_own_log(function: str) -> None:
    properties = resolved("AWS::Lambda::Function")[function]
    log_group = properties["LoggingConfig"]["LogGroup"]

    assert properties["Runtime"] == "python3.13"
    assert properties["Role"] == function.replace("Function", "Role")
    assert properties["LoggingConfig"]["LogFormat"] == "JSON"
    assert log_group == function.replace("Function", "LogGroup")
    assert int(resolved("AWS::Logs::LogGroup")[log_group]["RetentionInDays"]) > 0
    assert (ROOT / properties["Code"]["S3Key"] / "app.py").is_file()


def test_functions_and_layers_are_for_one_architecture_so_that_build_and_deployment_cannot_differ() -> None:
    functions = resolved("AWS::Lambda::Function")
    layers = layers_by_id()
    built = [layer for name, layer in layers.items() if name != "DestinationsLayer"]

    assert {tuple(function["Architectures"]) for function in functions.values()} == {("arm64",)}
    assert len(built) == 2
    assert {tuple(layer["CompatibleArchitectures"]) for layer in built} == {("arm64",)}
    assert {tuple(layer["CompatibleRuntimes"]) for layer in built} == {("python3.13",)}
    assert "CompatibleArchitectures" not in layers["DestinationsLayer"], "files of text run nowhere"


def layers_by_id(**parameters: str) -> dict[str, Any]:
    """The layers by the names that they have in template.yaml: SAM adds a hash."""
    found = resolved("AWS::Lambda::LayerVersion", **parameters)
    return {re.sub(r"[0-9a-f]{10}$", "", name): properties for name, properties in found.items()}


def lets_metrics_pass(function: Any) -> bool:
    """Lambda takes a line without a level, as metrics are, for INFO, and lets out what is below the level."""
    return function["LoggingConfig"].get("ApplicationLogLevel", "INFO") in ("TRACE", "DEBUG", "INFO")


def test_no_log_level_lets_out_the_metrics_and_none_is_set_where_lambda_would_not_heed_it() -> None:
    for function in resolved("AWS::Lambda::Function").values():
        assert lets_metrics_pass(function)
        assert not lets_metrics_pass({"LoggingConfig": {**function["LoggingConfig"], "ApplicationLogLevel": "WARN"}})
        assert "POWERTOOLS_LOG_LEVEL" not in function["Environment"]["Variables"]


@pytest.mark.parametrize("function", FUNCTION_LAYERS)
def test_a_function_has_the_layers_that_it_needs(function: str) -> None:
    layers = source()["Resources"][function]["Properties"]["Layers"]

    assert [layer["Ref"] for layer in layers] == FUNCTION_LAYERS[function]
    assert set(layers_by_id()) == {"DependenciesLayer", "SalesforceDestinationLayer", "DestinationsLayer"}


@pytest.mark.parametrize("rotate", ["true", "false"])
def test_the_refresh_token_function_is_told_whether_the_credentials_rotate(rotate: str) -> None:
    function = resolved("AWS::Lambda::Function", CredentialsRotate=rotate)["RefreshTokenFunction"]

    assert function["Environment"]["Variables"]["CREDENTIALS_ROTATE"] == rotate


def test_nothing_is_behind_an_alias_where_a_change_in_a_layer_would_not_be_seen() -> None:
    types = {resource["Type"] for resource in template().resources.values()}

    assert not types & {"AWS::Lambda::Alias", "AWS::Lambda::Version"}


@pytest.mark.parametrize(
    ("function", "needs"),
    [
        ("DeliverFunction", DELIVER_NEEDS),
        ("RefreshTokenFunction", REFRESH_TOKEN_NEEDS),
        ("CheckConnectionFunction", CHECK_NEEDS),
    ],
)
def test_the_environment_has_what_the_settings_know_and_need(function: str, needs: tuple[str, ...]) -> None:
    environment = resolved("AWS::Lambda::Function")[function]["Environment"]["Variables"]
    known = {field.name.upper() for field in fields(Settings)}

    assert {name for name in environment if not name.startswith("POWERTOOLS_")} <= known
    assert set(needs) <= set(environment)
    assert Settings.from_environ(environment, needs).access_token_secret_id == "AccessTokenSecret"


def test_the_settings_have_the_defaults_of_the_template() -> None:
    environment = resolved("AWS::Lambda::Function")["DeliverFunction"]["Environment"]["Variables"]
    numbers = {name: int(value) for name, value in environment.items() if value.isdigit()}

    assert len(numbers) == 7
    assert {name: getattr(Settings(), name.lower()) for name in numbers} == numbers


@pytest.mark.parametrize("function", ["DeliverFunction", "CheckConnectionFunction"])
def test_only_the_refresh_token_function_knows_where_the_credentials_are(function: str) -> None:
    environment = resolved("AWS::Lambda::Function")[function]["Environment"]["Variables"]

    assert "CREDENTIALS_SECRET_ID" not in environment


@pytest.mark.parametrize("name", ["contacts", "leads"])
def test_the_destination_file_lies_where_the_layer_is_mounted(name: str) -> None:
    functions = resolved("AWS::Lambda::Function", DestinationFile=f"{name}.toml")
    mounted = Path(functions["DeliverFunction"]["Environment"]["Variables"]["DESTINATION_FILE"])
    layer = source()["Resources"]["DestinationsLayer"]

    assert "BuildMethod" not in layer.get("Metadata", {}), (
        "a built layer's files lie in a folder of the builder's choice"
    )
    assert mounted.parent == Path("/opt")
    assert (ROOT / layer["Properties"]["ContentUri"] / mounted.name).is_file()


def test_every_destination_file_can_be_chosen() -> None:
    pattern = template().parameters["DestinationFile"]["AllowedPattern"]
    files = [file.name for file in DESTINATIONS.iterdir()]

    assert files
    assert all(re.fullmatch(pattern, file) for file in files)


@pytest.mark.parametrize("layer", ["DependenciesLayer", "SalesforceDestinationLayer"])
def test_a_built_layer_is_built_for_the_processor_of_the_functions(layer: str) -> None:
    metadata = source()["Resources"][layer]["Metadata"]

    assert metadata["BuildArchitecture"] == "arm64"


@pytest.mark.parametrize(
    ("resource", "folder"),
    [("DependenciesLayer", "layers/dependencies"), ("RefreshTokenFunction", "functions/refresh_token")],
)
def test_what_is_installed_is_installed_for_the_architecture(resource: str, folder: str) -> None:
    metadata = source()["Resources"][resource]["Metadata"]

    assert metadata["WorkingDirectory"] == f"{folder}/arm64"
    # The other one is for `sam local` alone.
    assert all((ROOT / folder / architecture / "platforms.txt").is_file() for architecture in ("arm64", "x86_64"))


def test_all_that_holds_code_is_compiled_by_the_makefile() -> None:
    code = {
        name: resource.get("Metadata", {})
        for name, resource in source()["Resources"].items()
        if resource["Type"] in ("AWS::Serverless::Function", "AWS::Serverless::LayerVersion")
        and name != "DestinationsLayer"
    }
    recipes = (ROOT / "layers" / "Makefile").read_text(encoding="utf-8")

    assert len(code) == 5
    assert {(of["BuildMethod"], of["ContextPath"]) for of in code.values()} == {("makefile", "layers")}
    assert all(f"build-{name}" in recipes for name in code)


@pytest.mark.parametrize("folder", ["layers/dependencies", "functions/refresh_token"])
def test_every_third_party_package_is_pinned_with_hashes(folder: str) -> None:
    lines = (ROOT / folder / "requirements.txt").read_text(encoding="utf-8").splitlines()
    packages = [line for line in lines if line and line[0] not in "# "]

    assert packages
    assert all("==" in line and line.endswith("\\") for line in packages)
    assert sum(line.strip().startswith("--hash=sha256:") for line in lines) >= len(packages)
