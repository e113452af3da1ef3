"""Holds the directions of import of the house, folder by folder, and proves that a wrong import would be found."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYER = "layers/salesforce_destination"
OURS, COMMAND, TESTBENCH, ORG = (
    "salesforce_destination",
    "destination_cli",
    "destination_testbench",
    "destination_testbench.org",
)

PURE = ("errors", "outcome", "profile", "destination", "record", "mapping")
"""Each knows those before it and nothing else of the package."""

USE_CASES = ("delivery", "connection", "login")
"""They know what is pure, and not each other."""

EDGES = ("salesforce", "aws")
"""They know what is pure and the use cases whose ports they serve, and not each other."""

MAY_IMPORT: Mapping[str, tuple[str, ...]] = {
    **{name: PURE[:place] for place, name in enumerate(PURE)},
    **dict.fromkeys(USE_CASES, PURE),
    **dict.fromkeys(EDGES, (*PURE, *USE_CASES, "USER_AGENT")),
    "settings": PURE,
    "assembly": (*PURE, *USE_CASES, *EDGES, "settings"),
}
"""What each part of the package knows beside itself."""

IMPURE = {"os", "time", "random", "socket", "logging", "requests", "urllib3", "boto3", "botocore", "pathlib", "io"}
"""What a pure module has no use for: clock, environment, network, files, logs."""

CLOCKS = {"now", "utcnow", "today", "environ"}


def modules_below(folder: str) -> dict[str, str]:
    """The sources of a folder's modules, by their names."""
    root = ROOT / folder
    names = {file: ".".join(file.relative_to(root).with_suffix("").parts) for file in sorted(root.rglob("*.py"))}
    return {name.removesuffix(".__init__"): file.read_text(encoding="utf-8") for file, name in names.items()}


PACKAGE, CLI, BENCH = modules_below(LAYER), modules_below("cli"), modules_below("testbench")
FUNCTIONS = {f"functions.{name}": source for name, source in modules_below("functions").items()}


def imports(source: str) -> Iterator[str]:
    """What a module imports, a name from a package as a module of it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


def is_within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def part_of(module: str) -> str:
    """The part of the package that a module belongs to: its folder, or itself where it lies in none."""
    return [*module.split("."), ""][1]


def wrong_in_package(modules: Mapping[str, str]) -> list[str]:
    return [
        f"{name} imports {module}"
        for name, source in modules.items()
        if name != OURS
        for module in imports(source)
        if module.startswith(".")
        or is_within(module, "functions", COMMAND, TESTBENCH)
        or (is_within(module, OURS) and part_of(module) not in (part_of(name), *MAY_IMPORT[part_of(name)]))
        or (part_of(name) in PURE and module.split(".")[0] in IMPURE)
    ]


def wrong_in(modules: Mapping[str, str], *forbidden: str) -> list[str]:
    return [
        f"{name} imports {module}"
        for name, source in modules.items()
        for module in imports(source)
        if is_within(module, *forbidden)
    ]


def clocks_in(modules: Mapping[str, str]) -> list[str]:
    return [
        f"{name}:{node.lineno}"
        for name, source in modules.items()
        if part_of(name) in PURE
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and node.attr in CLOCKS
    ]


def org_modules(modules: Mapping[str, str]) -> dict[str, str]:
    return {name: source for name, source in modules.items() if is_within(name, ORG)}


def wrong_in_org(modules: Mapping[str, str]) -> list[str]:
    outside = wrong_in(modules, OURS, COMMAND, "functions")
    bench = [
        f"{name} imports {module}"
        for name, source in modules.items()
        for module in imports(source)
        if is_within(module, TESTBENCH) and not is_within(module, ORG)
    ]
    return outside + bench


def test_there_is_something_to_hold() -> None:
    parts = {part_of(name) for name in PACKAGE} - {""}

    assert parts == MAY_IMPORT.keys()
    assert len(FUNCTIONS) == 3
    assert min(len(PACKAGE), len(CLI), len(BENCH), len(org_modules(BENCH))) > 20


def test_each_folder_of_the_package_knows_only_those_above_it() -> None:
    assert wrong_in_package(PACKAGE) == []


@pytest.mark.parametrize(
    ("folder", "planted"),
    [
        ("profile", f"from {OURS}.destination.destination import Destination"),
        ("destination", f"from {OURS}.record import record"),
        ("record", f"import {OURS}.mapping.mapper"),
        ("mapping", f"from {OURS} import delivery"),
        ("mapping", "import time"),
        ("profile", "from pathlib import Path"),
        ("delivery", f"from {OURS}.login.token import AccessToken"),
        ("connection", f"from {OURS}.aws.clients import make_aws_client"),
        ("login", f"from {OURS}.salesforce.oauth import log_in"),
        ("salesforce", f"from {OURS}.aws import clients"),
        ("aws", f"from {OURS}.salesforce import client"),
        ("aws", f"from {OURS}.settings import Settings"),
        ("record", "from ..mapping import mapper"),
        ("delivery", "import functions.deliver.app"),
        ("aws", f"from {TESTBENCH}.org import SimulatedOrg"),
    ],
)
def test_a_wrong_import_is_found_in_each_folder(folder: str, planted: str) -> None:
    assert wrong_in_package({f"{OURS}.{folder}.planted": planted}) != []


@pytest.mark.parametrize("part", ["errors", "outcome", "settings", "assembly"])
def test_a_wrong_import_is_found_in_each_module_beside_the_folders(part: str) -> None:
    assert wrong_in_package({f"{OURS}.{part}": "import functions.deliver.app"}) != []


def test_what_is_pure_asks_no_clock() -> None:
    assert clocks_in(PACKAGE) == []
    assert clocks_in({f"{OURS}.mapping.planted": "from datetime import datetime\nnow = datetime.now()"}) != []


def test_the_functions_know_the_package_and_nothing_else_of_ours() -> None:
    assert wrong_in(FUNCTIONS, "functions", COMMAND, TESTBENCH) == []
    assert wrong_in({"functions.deliver.app": f"from {COMMAND} import app"}, "functions", COMMAND, TESTBENCH) != []


def test_the_command_knows_nothing_of_the_testbench() -> None:
    assert wrong_in(CLI, TESTBENCH, "functions") == []
    assert wrong_in({f"{COMMAND}.planted": f"import {TESTBENCH}.local.stack"}, TESTBENCH, "functions") != []


def test_the_testbench_imports_no_function() -> None:
    assert wrong_in(BENCH, "functions") == []
    assert wrong_in({f"{TESTBENCH}.chaos.planted": "from functions.deliver import app"}, "functions") != []


def test_the_simulated_org_knows_nothing_of_what_it_tests() -> None:
    assert wrong_in_org(org_modules(BENCH)) == []


@pytest.mark.parametrize("module", [f"{OURS}.record.record", f"{COMMAND}.target", f"{TESTBENCH}.aws.queue"])
def test_a_wrong_import_is_found_in_each_folder_of_the_simulated_org(module: str) -> None:
    folders = {name.rsplit(".", 1)[0] for name in org_modules(BENCH)}

    assert len(folders) > 10
    assert all(wrong_in_org({f"{folder}.planted": f"import {module}"}) for folder in folders)
