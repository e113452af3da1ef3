"""Every `sam` command that the documents show or name is one that the SAM CLI has, with its options."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
from shell_commands import commands, mentioned

SAM = Path(__file__).parents[3] / ".venv-sam" / "bin" / "sam"

pytestmark = [pytest.mark.sam, pytest.mark.skipif(not SAM.exists(), reason="make test-all installs SAM")]


def documented() -> dict[tuple[str, ...], set[str]]:
    """The options of each command, by the words that name it."""
    found: dict[tuple[str, ...], set[str]] = {}
    for command in [*commands(), *mentioned()]:
        for words in command.runs("sam"):
            name = tuple(words[: 2 if words[0] in ("local", "remote") else 1])
            found.setdefault(name, set()).update(word for word in words if word.startswith("-"))
    return found


@cache
def help_of(name: tuple[str, ...]) -> str:
    done = subprocess.run([SAM, *name, "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_sam_command_has_the_options_that_it_is_given() -> None:
    found = documented()

    unknown = [
        (*name, option)
        for name, options in found.items()
        for option in options
        if not re.search(rf"(?<![\w-]){option}(?![\w-])", help_of(name))
    ]
    assert {("build",), ("deploy",), ("validate",), ("delete",), ("local", "invoke"), ("remote", "invoke")} <= set(
        found
    )
    assert unknown == []
