"""`make size` measures every size that has a ceiling, and finds what passes one."""

from __future__ import annotations

import importlib.util
import tomllib
from types import ModuleType

import pytest
from shell_commands import ROOT


@pytest.fixture(scope="module")
def size() -> ModuleType:
    specification = importlib.util.spec_from_file_location("size", ROOT / ".ci" / "size.py")
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_every_part_has_modules(size: ModuleType) -> None:
    found = {part: size.modules_of(part) for part in size.PARTS}

    assert all(found.values())
    assert size.words_of(size.PAGES) > 5_000


def test_what_passes_its_ceiling_is_named_and_so_is_what_has_none(size: ModuleType) -> None:
    sizes = {"product_lines": 12_001, "readme_lines": 150, "make_test_seconds": None, "sentences": 3}

    assert size.over(sizes, {"product_lines": 12_000, "readme_lines": 150, "make_test_seconds": 300}) == [
        "product_lines is 12,001; .ci/ceilings.toml allows 12,000.",
        "sentences is 3; .ci/ceilings.toml allows 0.",
    ]


def test_a_module_is_small_below_forty_lines(size: ModuleType) -> None:
    modules = [(ROOT / "a.py", 39), (ROOT / "b.py", 40), (ROOT / "__init__.py", 1)]

    assert size.small_of(modules) == [ROOT / "a.py"]


def test_every_ceiling_is_a_size_that_is_measured(size: ModuleType) -> None:
    source = (ROOT / ".ci" / "size.py").read_text(encoding="utf-8")
    ceilings = tomllib.loads(size.CEILINGS.read_text(encoding="utf-8"))

    assert len(ceilings) == 9
    assert {name for name in ceilings if f'yield "{name}"' not in source} == set()
