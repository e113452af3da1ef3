"""`make mutants` finds a weak test: a fault that no test notices is printed, and one that a test notices is not."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import mutants
import pytest
from mutants import EQUIVALENT, PACKAGE, TESTS, chosen, modules_of, mutants_of
from shell_commands import ROOT

SAMPLE = """
LIMIT = 3

def is_over(count: int) -> bool:
    return count > LIMIT
"""
WEAK = """
from sample.rule import is_over

def test_one_is_not_over() -> None:
    assert not is_over(1)

def test_four_is_over() -> None:
    assert is_over(4)
"""
CHANGES_NOTHING = "rule.py : LIMIT = 3 -> LIMIT = 2"
MISSED = "rule.py:5 | rule.py is_over: count > LIMIT -> count >= LIMIT"


def run(folder: Path, tests: str) -> subprocess.CompletedProcess[str]:
    package = folder / "sample"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "rule.py").write_text(SAMPLE)
    (folder / "test_rule.py").write_text(tests)
    (folder / "known.toml").write_text(f"[[changes_nothing]]\nwhy = 'it is a sample'\nfaults = ['{CHANGES_NOTHING}']\n")
    options = {"--package": package, "--tests": folder / "test_rule.py", "--equivalent": folder / "known.toml"}
    words = [str(word) for option in options.items() for word in option]
    command = [sys.executable, mutants.__file__, "rule.py", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_a_fault_that_no_test_finds_is_printed_with_its_place_unless_it_is_known_to_change_nothing(
    tmp_path: Path,
) -> None:
    result = run(tmp_path, WEAK)

    assert result.stdout.splitlines() == [
        MISSED,
        "4 of 4 faults tried: 2 found, 1 that change nothing, 1 missed.",
    ], result.stderr
    assert result.returncode == 1


def test_tests_that_fail_without_any_fault_find_none(tmp_path: Path) -> None:
    result = run(tmp_path, WEAK + "    assert is_over(2)\n")

    assert result.stdout.startswith("The tests fail without any fault, so they find none. Run: pytest "), result.stderr
    assert result.returncode == 2


SOURCE = """
Pair = tuple[str, int]

if TYPE_CHECKING:
    import typing

@dataclass(slots=True)
class Memory:
    size: int | None = 5

def f(a: int | None = None) -> bool | None:
    if a in (1, 2):
        return not a
    if g:
        return a
    return max(a, 1) == sorted([a, 2], key=g)[0] and a // 2
"""


def test_comparisons_numbers_conditions_and_orders_are_changed_and_types_are_not(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(SOURCE)

    changes = [mutant.text.removeprefix("m.py ") for mutant in mutants_of(tmp_path, "m.py")]

    assert changes == [
        "Memory: size: int | None = 5 -> size: int | None = 6",
        "Memory: size: int | None = 5 -> size: int | None = 4",
        "f: a in (1, 2) -> a not in (1, 2)",
        "f: (1, 2) -> (2, 2)",
        "f: (1, 2) -> (0, 2)",
        "f: (1, 2) -> (1, 3)",
        "f: (1, 2) -> (1, 1)",
        "f: not a -> not not a",
        "f: if g: -> if not g:",
        "f: max(a, 1) == sorted([a, 2], key=g)[0] and a // 2 -> max(a, 1) == sorted([a, 2], key=g)[0] or a // 2",
        "f: max(a, 1) == sorted([a, 2], key=g)[0] -> max(a, 1) != sorted([a, 2], key=g)[0]",
        "f: max(a, 1) -> min(a, 1)",
        "f: max(a, 1) -> max(a, 2)",
        "f: max(a, 1) -> max(a, 0)",
        "f: sorted([a, 2], key=g) -> sorted([a, 2])",
        "f: [a, 2] -> [2, a]",
        "f: [a, 2] -> [a, 3]",
        "f: [a, 2] -> [a, 1]",
        "f: sorted([a, 2], key=g)[0] -> sorted([a, 2], key=g)[1]",
        "f: sorted([a, 2], key=g)[0] -> sorted([a, 2], key=g)[-1]",
        "f: a // 2 -> a * 2",
        "f: a // 2 -> a // 3",
        "f: a // 2 -> a // 1",
    ]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_choice_goes_by_the_seed_and_is_spread_over_the_modules(seed: int) -> None:
    faults = [[mutants.Mutant(module, number) for number in range(50)] for module in ("a.py", "b.py", "c.py")]

    first = chosen(faults, 30, seed)

    assert first == chosen(faults, 30, seed)
    assert first != chosen(faults, 30, seed + 1)
    assert [sum(mutant.module == module for mutant in first) for module in ("a.py", "b.py", "c.py")] == [10] * 3


def test_each_fault_that_is_said_to_change_nothing_can_still_be_put_into_the_code() -> None:
    modules = modules_of(PACKAGE)
    possible = {mutant.text for module in modules for mutant in mutants_of(PACKAGE, module)}
    listed = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))["changes_nothing"]

    assert len(modules) > 15
    assert [fault for reason in listed for fault in reason["faults"] if fault not in possible] == []
    assert all(reason["why"] for reason in listed)


def test_the_tests_that_are_run_are_there() -> None:
    assert all((ROOT / path.removeprefix("--ignore=")).exists() for path in TESTS)
