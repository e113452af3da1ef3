"""What the commands have in common: how they are told which stack, and how they end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

if TYPE_CHECKING:
    from destination_cli.target import Target

COULD_NOT_DO_IT = 2
"""The exit status where a command could not do its work at all; 1 says that it found something."""

StateFolder = Annotated[Path, typer.Option("--state", help="Folder for endpoints.json and the logs.")]
StackName = Annotated[str | None, typer.Option("--stack", help="Name of a deployed stack.")]
OnThisMachine = Annotated[bool, typer.Option("--local", help="The stack of `make local`.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result for programs.")]


def run(stack: str | None, local: bool, state: Path, work: Callable[[Target], int]) -> NoReturn:
    """Do some work with a stack and exit with its status, or with 2 and a sentence where it cannot be done."""
    from destination_cli.target import Target, TargetError, explained

    try:
        with explained(stack or "the local stack"):
            status = work(Target.of(stack, local, state))
    except TargetError as error:
        Console(stderr=True).print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(COULD_NOT_DO_IT) from None
    raise typer.Exit(status)
