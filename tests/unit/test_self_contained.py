"""Every sentence of the repository can be understood with the repository alone: none refers to a paper outside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from shell_commands import ROOT

FOLDERS = (
    ".ci",
    ".github",
    "benchmarks",
    "cli",
    "docs",
    "examples",
    "functions",
    "layers",
    "stacks",
    "testbench",
    "tests",
)
SPOKEN = {
    *(".cfg", ".css", ".editorconfig", ".gitattributes", ".gitignore", ".html", ".in", ".md", ".py", ".sh"),
    *(".svg", ".toml", ".yaml", ".yml", "Makefile", "run"),
}
"""How the files end that have sentences in them."""

OUTSIDE = re.compile(
    r"""
    \b(?:the|our|this|its|fixed)\s+design(?!\s+of\b)    # "as the design asks"; the design of something is a word
    | \bdesign(?:'s|\s+(?:has|says|asks|wants|names|fixes|gives|section|document))\b
    | \b(?:order|words|table|numbers|names|tree|section\s+\d+)\s+of\s+design\b
    | \b(?:as|by|in|see|from|to)\s+design\b(?!\s+of\b)
    | \bdesign\.md\b
    | \bhouse[\s-]style\b | \btooling[\s-]notes\b | \bfield[\s-]notes\b
    | \b(?:real-orgs|rest-api-reference|writing-more)\b
    | \b(?:the|this|that|an?|open|next|other|another)\s+issue\b(?!\s+(?:form|template))
    | \bissue\s+\#?\d
    | \bthe\s+(?:brief|briefing|ticket|task\s+description)\b
    | \bas\s+(?:agreed|discussed|instructed)\b
    | \bsection\s+\d+(?:\.\d+)?\b
    | (?<![\w.])/(?:home|root|Users)/\w | \.\./shared/
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""How a text names a design, an issue or notes that the reader has not."""

PAGE = re.compile(r"(?<![\w/.*{-])((?:[\w.-]+/)*[\w-]+\.md)\b")


@cache
def files() -> tuple[Path, ...]:
    """All files with sentences in them, but for this one, which has the words to look for."""
    top = [path for path in ROOT.iterdir() if path.is_file()]
    inner = [path for name in FOLDERS for path in (ROOT / name).rglob("*") if path.is_file()]
    return tuple(path for path in (*top, *inner) if is_spoken(path) and path != Path(__file__))


def is_spoken(path: Path) -> bool:
    return bool({path.suffix, path.name} & SPOKEN)


def references(text: str) -> Iterator[str]:
    """What a text says of papers outside of the repository, with the words around it; line breaks count as spaces."""
    flat = re.sub(r"\s*\n[\s#*>]*", " ", text)
    yield from (flat[max(0, found.start() - 40) : found.end() + 40] for found in OUTSIDE.finditer(flat))


def test_no_sentence_refers_to_a_paper_outside_the_repository() -> None:
    found = [
        (str(path.relative_to(ROOT)), words)
        for path in files()
        for words in references(path.read_text(encoding="utf-8"))
    ]

    assert len(files()) >= 400
    assert {path.suffix for path in files()} >= {".py", ".md", ".yaml", ".toml", ".yml"}
    assert {path.relative_to(ROOT).parts[0] for path in files()} >= {name for name in FOLDERS if (ROOT / name).is_dir()}
    assert found == []


def test_every_page_that_the_code_and_the_template_name_is_in_the_repository() -> None:
    pages = {path.name for path in files() if path.suffix == ".md"}
    named = [
        (str(path.relative_to(ROOT)), page)
        for path in files()
        if path.suffix != ".md"
        for page in PAGE.findall(path.read_text(encoding="utf-8"))
    ]

    assert len(named) >= 40
    assert [(path, page) for path, page in named if not (ROOT / page).is_file() and Path(page).name not in pages] == []


@pytest.mark.parametrize(
    "planted",
    [
        "numbers have design's defaults",
        "made to wait, as the design asks",
        "Outcomes in the order of design: the best first",
        "names are as design has them",
        "as in\n    # design.md",
        "the words of house-style.md",
        "House style: one noun a module",
        "the tooling notes say how",
        "how the issue wants it",
        "see issue 12",
        "this issue counts on it",
        "counted as section 6 says",
        "what the brief asks for",
        "as agreed with them",
        "recorded in ../shared/salesforce",
        "see real-orgs.md",
    ],
)
def test_a_sentence_that_does_is_found(planted: str) -> None:
    assert list(references(f"It waits. Here is {planted} and goes on."))


@pytest.mark.parametrize(
    "innocent",
    [
        "a token that was issued an hour ago",
        "designed for the trickle",
        "the design of the alarm is a rule of its own",
        "this section says what it means",
        "an issue form asks for the version",
    ],
)
def test_a_sentence_that_does_not_is_left_alone(innocent: str) -> None:
    assert list(references(innocent)) == []
