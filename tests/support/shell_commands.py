"""The commands that README.md, SECURITY.md and docs/ show, taken apart as a shell does."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
)
"""All that the repository tells a reader but for CHANGELOG.md, which names what is gone."""

CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:aws|sam|make|\.venv/bin/destination) [^`\n]+)`")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\S.*\n(?:[ \t]+.*\n)*", re.MULTILINE)
"""A command begins at the start of a line; lines that begin with a space continue it."""

ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
OPERATORS = frozenset("();<>|&{}") | {"&&", "||", ");", "()", ";}"}


@dataclass(frozen=True, slots=True)
class Command:
    """A command as a person types it, on the page that shows it; it may have several programs in it."""

    page: str
    text: str

    @property
    def calls(self) -> list[list[str]]:
        """Each program that it runs, with its words; assignments before it are left out."""
        return list(_calls(self.text))

    def runs(self, program: str) -> Iterator[list[str]]:
        """The words after this program, for each time that it is run."""
        return (words[1:] for words in self.calls if words[0] == program)

    def __str__(self) -> str:
        return f"{self.page}: {self.text.strip()}"


def commands(pages: tuple[Path, ...] = PAGES) -> list[Command]:
    """Every command of every block ```console, in the order of the page."""
    return [
        Command(page.name, text)
        for page in pages
        for block in CONSOLE.findall(page.read_text(encoding="utf-8"))
        for text in COMMAND.findall(block)
    ]


def mentioned(pages: tuple[Path, ...] = PAGES) -> list[Command]:
    """Every command that the prose names; it may leave out what stands elsewhere."""
    return [
        Command(page.name, text)
        for page in pages
        for text in INLINE.findall(FENCE.sub("", page.read_text(encoding="utf-8")))
    ]


def _calls(text: str) -> Iterator[list[str]]:
    """Words that an operator ends are a call; what stands in `$(...)` is one of its own."""
    inner, outer = _without_substitutions(text)
    lexer = shlex.shlex(outer.replace("\\\n", " ").replace("\n", " ; "), posix=True, punctuation_chars="();<>|&{}")
    lexer.whitespace_split = True
    words: list[str] = []
    redirected = False
    for word in [*lexer, ";"]:
        if set(word) <= OPERATORS:
            if set(word) <= set("<>"):
                redirected = True
                continue
            yield from _call(words)
            words = []
        elif redirected:
            redirected = False
        else:
            words.append(word)
    for part in inner:
        yield from _calls(part)


def _call(words: list[str]) -> Iterator[list[str]]:
    while words and ASSIGNMENT.match(words[0]):
        words = words[1:]
    if words:
        yield words


def _without_substitutions(text: str) -> tuple[list[str], str]:
    """What stands in the outermost `$(...)`, and the text with `@` in its place."""
    inner, outer, depth, start = [], "", 0, 0
    at = 0
    while at < len(text):
        if text.startswith("$(", at) or (depth and text[at] == "("):
            depth += 1
            step = 2 if text[at] == "$" else 1
            start = at + step if depth == 1 else start
            at += step
            continue
        if depth and text[at] == ")":
            depth -= 1
            if not depth:
                inner.append(text[start:at])
                outer += "@"
        elif not depth:
            outer += text[at]
        at += 1
    return inner, outer
