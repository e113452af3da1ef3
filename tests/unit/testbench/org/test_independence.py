from __future__ import annotations

import ast
from pathlib import Path

import destination_testbench.org

HOME = Path(destination_testbench.org.__file__).parent


def imported(source: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def test_the_org_knows_nothing_of_what_it_serves() -> None:
    modules = list(HOME.rglob("*.py"))
    names = {name for module in modules for name in imported(module.read_text())}

    assert len(modules) > 30
    assert not [name for name in names if name.startswith("salesforce_destination")]
    assert {name for name in names if name.startswith("destination_testbench")} == {
        name for name in names if name.startswith("destination_testbench.org")
    }


def test_every_module_of_the_org_can_be_read_in_a_sitting() -> None:
    lengths = {module.name: len(module.read_text().splitlines()) for module in HOME.rglob("*.py")}

    assert {name: length for name, length in lengths.items() if length > 300} == {}
