"""
Put faults into the code, one at a time, and print those that no test finds (`make mutants`).

A fault is one comparison, number, condition, set or order turned into another. Each is tried in a process of its own,
which loads the changed module in place of the true one; its tests end at the first failure. Faults that change nothing
stand in the list beside this file, with the reason. One run is the same as the next: the choice goes by a seed.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import resource
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import Phase, settings

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers" / "salesforce_destination" / "salesforce_destination"
ROOMS = ("delivery", "record", "mapping")
SIMULATIONS = "tests/unit/delivery/test_redelivery_timing.py"
"""Days of outage on a simulated clock take too long to be run for each fault."""

TESTS = [*(f"tests/unit/{room}" for room in ROOMS), f"--ignore={SIMULATIONS}"]
EQUIVALENT = Path(__file__).with_name("mutants.toml")
CPU_SECONDS, MEMORY_BYTES = 20, 2 << 30
"""End a loop that a fault made endless; the tests take three seconds."""

LONGEST_TEXT = 80
"""Of an expression that is printed: of a table its first rows are enough."""

MOST, SEED, MINUTES = 300, 1, 20.0

COMPARISONS: Mapping[type[ast.cmpop], Sequence[type[ast.cmpop]]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
OPERATORS: Mapping[type[ast.operator | ast.boolop], type[ast.operator | ast.boolop]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.LShift: ast.RShift,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
OPPOSITES = {"min": "max", "max": "min", "any": "all", "all": "any"}
NOT_CHANGED = frozenset({"slots", "frozen", "repr", "init", "compare", "strict"})
"""Arguments that say how a class is made or what is asserted, not what becomes of a message."""

Change = tuple[ast.AST, str, object]
"""A node, the name of one of its attributes, and what that becomes."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """The fault with this number in a module; its text tells it apart when lines move."""

    module: str
    number: int
    line: int = 0
    text: str = ""


def _changes_of(node: ast.AST) -> Iterator[Change]:
    """Every way to turn this node into another."""
    match node:
        case ast.Compare(ops=ops):
            for place, operator in enumerate(ops):
                for other in COMPARISONS[type(operator)]:
                    yield node, "ops", [*ops[:place], other(), *ops[place + 1 :]]
        case ast.Constant(value=bool(value)):
            yield node, "value", not value
        case ast.Constant(value=int(value) | float(value)):
            yield node, "value", value + 1
            yield node, "value", value - 1
        case ast.BoolOp(op=operator) | ast.BinOp(op=operator) | ast.AugAssign(op=operator):
            if opposite := OPERATORS.get(type(operator)):
                yield node, "op", opposite()
        case _:
            yield from _changes_of_order(node)


def _changes_of_order(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield node, "operand", ast.UnaryOp(ast.Not(), operand)
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return
        case ast.If(test=test) | ast.IfExp(test=test) if isinstance(test, ast.Name | ast.Attribute | ast.Call):
            yield node, "test", ast.UnaryOp(ast.Not(), test)
        case ast.Call(func=ast.Name(id=name) as called) if name in OPPOSITES:
            yield called, "id", OPPOSITES[name]
        case ast.Call(func=ast.Name(id="sorted"), keywords=[_, *_]):
            yield node, "keywords", []
        case ast.Tuple() | ast.List() if isinstance(node.ctx, ast.Load) and len(node.elts) > 1:
            first, second, *others = node.elts
            yield node, "elts", [second, first, *others]


def _faults_of(node: ast.AST, scope: str = "", around: ast.AST | None = None) -> Iterator[tuple[ast.AST, str, Change]]:
    """Every fault that fits below a node, in the order of the text: what shows it, the name around it, the change."""
    shown = around if around and isinstance(node, ast.Constant) else node
    if not _has_no_order(node, around):
        for change in _changes_of(node):
            yield shown, scope, change
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        scope = f"{scope}.{node.name}".lstrip(".")
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not (isinstance(child, ast.keyword) and child.arg in NOT_CHANGED):
                yield from _faults_of(child, scope, node)


def _has_no_order(node: ast.AST, around: ast.AST | None) -> bool:
    """Whether this is a tuple that something is only looked up in, or one of types."""
    if not isinstance(node, ast.Tuple):
        return False
    match around:
        case ast.Compare(ops=[ast.In() | ast.NotIn()]) | ast.ExceptHandler():
            return True
        case ast.Subscript(value=ast.Name(id=name)):
            return name in ("tuple", "dict", "Mapping", "Callable")
    return False


def mutants_of(package: Path, module: str) -> list[Mutant]:
    """Every fault that can be put into a module."""
    found = []
    tree = ast.parse((package / module).read_text(encoding="utf-8"))
    for number, (shown, scope, (node, name, value)) in enumerate(list(_faults_of(tree))):
        before, true = _first_line(shown), getattr(node, name)
        setattr(node, name, value)
        text = f"{module} {scope}: {before} -> {_first_line(shown)}"
        setattr(node, name, true)
        found.append(Mutant(module, number, getattr(shown, "lineno", 0), text))
    return found


def _first_line(node: ast.AST) -> str:
    line = ast.unparse(node).strip().splitlines()[0]
    return line if len(line) <= LONGEST_TEXT else f"{line[:LONGEST_TEXT]}..."


class FaultLoader(MetaPathFinder, Loader):
    """Loads one module with a fault in it; the others are loaded as ever."""

    def __init__(self, package: Path, mutant: Mutant) -> None:
        path = package / mutant.module
        self._name = ".".join([package.name, *Path(mutant.module).with_suffix("").parts])
        tree = ast.parse(path.read_text(encoding="utf-8"))
        setattr(*list(_faults_of(tree))[mutant.number][-1])
        self._code = compile(ast.fix_missing_locations(tree), str(path), "exec")

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        return spec_from_loader(fullname, self) if fullname == self._name else None

    def exec_module(self, module: ModuleType) -> None:
        exec(self._code, module.__dict__)


def _run_tests(package: Path, mutant: Mutant | None, tests: Sequence[str]) -> int:
    """Run the tests on a mutant, in a process made for it; give pytest's exit code."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    os.environ["BODIES"] = "3000"
    phases = (Phase.explicit, Phase.generate)
    settings.register_profile("mutants", phases=phases, derandomize=True, database=None, max_examples=40, deadline=None)
    settings.load_profile("mutants")
    sys.path.insert(0, str(package.parent))
    if mutant:
        sys.meta_path.insert(0, FaultLoader(package, mutant))
    return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]))


def _start(package: Path, mutant: Mutant | None, tests: Sequence[str]) -> int:
    process = os.fork()
    if process == 0:
        code = 1  # a fault that does not even load is found
        try:
            code = _run_tests(package, mutant, tests)
        finally:
            os._exit(code)
    return process


def pass_without_a_fault(package: Path, tests: Sequence[str]) -> bool:
    """Whether the tests pass on the code as it is: where they fail anyway, they find nothing."""
    _, status = os.waitpid(_start(package, None, tests), 0)
    return status == 0


def tried(
    package: Path, mutants: Sequence[Mutant], tests: Sequence[str], at_once: int = 2, minutes: float = MINUTES
) -> Iterator[tuple[Mutant, bool]]:
    """Try mutants as long as there is time: which, and whether a test found it."""
    begun = time.monotonic()
    waiting, running = list(reversed(mutants)), dict[int, Mutant]()
    while waiting or running:
        if time.monotonic() - begun > minutes * 60:
            waiting.clear()
        while waiting and len(running) < at_once:
            mutant = waiting.pop()
            running[_start(package, mutant, tests)] = mutant
        if running:
            process, status = os.wait()
            yield running.pop(process), status != 0


def chosen(mutants: Sequence[Sequence[Mutant]], most: int, seed: int) -> list[Mutant]:
    """At most so many mutants, by seed, from all modules in turn."""
    draw = random.Random(seed)
    shuffled = [draw.sample(list(of_module), len(of_module)) for of_module in mutants]
    turns = range(max(map(len, shuffled), default=0))
    return [of_module[turn] for turn in turns for of_module in shuffled if turn < len(of_module)][:most]


def modules_of(package: Path) -> list[str]:
    """The modules of the three rooms that decide what becomes of a message."""
    paths = [path for room in ROOMS for path in sorted((package / room).glob("*.py"))]
    return [path.relative_to(package).as_posix() for path in paths]


def main() -> int:
    """Try mutants; end with 1 where one that no test finds is not known to change nothing."""
    parser = argparse.ArgumentParser(description="Put faults into the code and print those that no test finds.")
    parser.add_argument("modules", nargs="*", help="such as delivery/memory.py; without any, all of the three rooms")
    parser.add_argument("--package", type=Path, default=PACKAGE)
    parser.add_argument("--tests", action="append", help="what pytest is given")
    parser.add_argument("--equivalent", type=Path, default=EQUIVALENT, help="the list of faults that change nothing")
    parser.add_argument("--most", type=int, default=MOST)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--at-once", type=int, default=2)
    given = parser.parse_args()
    faults = [mutants_of(given.package, module) for module in given.modules or modules_of(given.package)]
    reasons = tomllib.loads(given.equivalent.read_text(encoding="utf-8"))["changes_nothing"]
    known = {fault for reason in reasons for fault in reason["faults"]}
    mutants = chosen(faults, given.most, given.seed)
    tests, counts = given.tests or TESTS, Counter[str]()
    if not pass_without_a_fault(given.package, tests):
        print(f"The tests fail without any fault, so they find none. Run: pytest {' '.join(tests)}")  # noqa: T201
        return 2
    for mutant, is_found in tried(given.package, mutants, tests, given.at_once, given.minutes):
        result = "found" if is_found else "equivalent" if mutant.text in known else "missed"
        counts[result] += 1
        if result == "missed":
            print(f"{mutant.module}:{mutant.line} | {mutant.text}", flush=True)  # noqa: T201
    found, equivalent, missed = (counts[result] for result in ("found", "equivalent", "missed"))
    total = sum(map(len, faults))
    print(  # noqa: T201
        f"{counts.total()} of {total} faults tried: {found} found, {equivalent} that change nothing, {missed} missed."
    )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
