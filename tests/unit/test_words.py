"""One word means one thing: words of our own that the trade has words for are gone, and no two classes share a name."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = sorted(
    file
    for folder in ("layers/salesforce_destination", "functions", "cli", "testbench", "benchmarks")
    for file in (ROOT / folder).rglob("*.py")
)
TEXTS = [
    *CODE,
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "stacks").glob("*.yaml")),
    *(ROOT / name for name in ("README.md", "SECURITY.md", "CONTRIBUTING.md", "template.yaml", "Makefile")),
]
PAGE = ROOT / "testbench" / "destination_testbench" / "org" / "page"
"""The org's page has classes of its own; another page takes its place."""

GONE = re.compile(
    r"(?<![A-Za-z])(fates?|misfits?|crumbs?|commonness|mishaps?|furnish(?:es|ed|ing)?|planting|weather)(?![a-z])", re.I
)
"""Outcome, schema mismatch, in-progress marker, common cause, AWS faults, set up, first records, org faults."""


def gone_words(text: str) -> list[str]:
    return GONE.findall(re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", text))


def class_names(source: str) -> Iterator[str]:
    yield from (node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef))


def named_twice(sources: Iterable[str]) -> list[str]:
    names = Counter(name for source in sources for name in class_names(source) if not name.startswith("_"))
    return sorted(name for name, count in names.items() if count > 1)


def test_words_of_our_own_are_gone() -> None:
    found = {str(file.relative_to(ROOT)): gone_words(file.read_text(encoding="utf-8")) for file in TEXTS}

    assert len(found) > 250
    assert {file: words for file, words in found.items() if words} == {}


@pytest.mark.parametrize(
    "planted", ["class OrgWeather:", "fate_of(record)", "leaves_crumbs = True", "a DestinationMisfit"]
)
def test_a_word_that_comes_back_is_found(planted: str) -> None:
    assert gone_words(planted) != []


def test_no_two_public_classes_have_one_name() -> None:
    sources = [file.read_text(encoding="utf-8") for file in CODE if not file.is_relative_to(PAGE)]

    assert sum(len(list(class_names(source))) for source in sources) > 200
    assert named_twice(sources) == []
    assert named_twice(["class Answer: ...", "class Answer: ..."]) == ["Answer"]
