from __future__ import annotations

import os
from io import StringIO
from pathlib import Path

import pytest
from destination_cli.checkout import StackFile
from destination_testbench.local.command import COULD_NOT_START, is_running, run_local
from destination_testbench.local.endpoints import write_stack_file
from rich.console import Console

STACK = StackFile("a-stack", "http://127.0.0.1:4567", "eu-west-1", {}, {}, "contacts.toml", os.getpid())


def test_a_second_stack_is_refused_with_the_address_of_the_first(tmp_path: Path) -> None:
    write_stack_file(STACK, tmp_path)
    console = Console(record=True, width=80, file=StringIO())

    status = run_local(console, {}, tmp_path)

    said = console.export_text()
    assert status == COULD_NOT_START
    assert (str(os.getpid()) in said, "http://127.0.0.1:4567" in said) == (True, True)


@pytest.mark.parametrize("left", [None, '{"pid": 1}', "no JSON"])
def test_what_a_stack_left_that_was_killed_keeps_nobody_from_starting(tmp_path: Path, left: str | None) -> None:
    if left is not None:
        (tmp_path / "stack.json").write_text(left)

    assert not is_running(tmp_path, Console(quiet=True))
