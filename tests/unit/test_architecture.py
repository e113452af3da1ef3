"""Holds the directions of import of the house: functions -> delivery -> domain, and the edges apart."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers" / "salesforce_destination" / "salesforce_destination"
ORG = ROOT / "cli" / "destination_cli" / "local" / "org"
OURS = "salesforce_destination"

PARTS = {
    "domain": sorted((PACKAGE / "domain").rglob("*.py")),
    "salesforce": sorted((PACKAGE / "salesforce").rglob("*.py")),
    "aws": sorted((PACKAGE / "aws").rglob("*.py")),
    "use cases": sorted(PACKAGE.glob("*.py")),
    "functions": sorted((ROOT / "functions").glob("*/app.py")),
    "org": sorted(ORG.rglob("*.py")),
}

MUST_NOT = {
    "domain": (f"{OURS}.aws", f"{OURS}.salesforce", f"{OURS}.delivery", f"{OURS}.settings", "functions"),
    "salesforce": (f"{OURS}.aws", f"{OURS}.delivery", "functions"),
    "aws": (f"{OURS}.salesforce", f"{OURS}.delivery", "functions"),
    "use cases": (f"{OURS}.aws", f"{OURS}.salesforce", "functions"),
    "functions": ("functions", "destination_cli"),
    "org": (OURS, "functions"),
}

IMPURE = {"os", "time", "random", "socket", "logging", "requests", "urllib3", "boto3", "botocore", "pathlib", "io"}
"""What a pure module has no use for: clock, environment, network, files, logs."""


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module)


def is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def test_there_is_something_to_hold() -> None:
    assert {part: bool(files) for part, files in PARTS.items()} == dict.fromkeys(PARTS, True)
    assert len(PARTS["domain"]) >= 10
    assert len(PARTS["functions"]) >= 2


@pytest.mark.parametrize("part", PARTS)
def test_imports_run_one_way(part: str) -> None:
    wrong = [
        f"{file.relative_to(ROOT)} imports {module}"
        for file in PARTS[part]
        for module in imports(file)
        if any(is_within(module, forbidden) for forbidden in MUST_NOT[part])
    ]

    assert wrong == []


def test_the_package_names_its_modules_in_full_so_that_the_direction_shows() -> None:
    relative = [file.name for file in PACKAGE.rglob("*.py") for module in imports(file) if module.startswith("..")]

    assert relative == []


def test_the_domain_is_pure() -> None:
    wrong = [
        f"{file.name} imports {module}"
        for file in PARTS["domain"]
        for module in imports(file)
        if module.split(".")[0] in IMPURE
    ]

    assert wrong == []


def test_the_domain_asks_no_clock() -> None:
    calls = [
        f"{file.name}:{node.lineno}"
        for file in PARTS["domain"]
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today", "environ")
    ]

    assert calls == []
