"""What the commands have in common: their options, how they end, and how they write counts and times."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console

from destination_cli.checkout import STATE

if TYPE_CHECKING:
    from destination_cli.target import Target

GOOD, FINDINGS, COULD_NOT = 0, 1, 2
"""How a command exits: all is well, it found something, or it could not do its work at all."""

DestinationFile = Annotated[Path, typer.Argument(help="A destination file, such as layers/destinations/contacts.toml.")]
TokenFromInput = Annotated[
    bool, typer.Option("--access-token-stdin", help="Read an administrator's access token from standard input.")
]
InstanceUrl = Annotated[
    str | None, typer.Option(help="The org's address, if it is not the stack's: https://acme.my.salesforce.com.")
]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The options that all commands for a stack have: which one it is, and for whom the result is printed."""

    stack: Annotated[str | None, typer.Option("--stack", help="Name of a deployed stack.")] = None
    region: Annotated[
        str | None, typer.Option(help="Its region; else AWS_REGION, AWS_DEFAULT_REGION, the profile's.")
    ] = None
    local: Annotated[bool, typer.Option("--local", help="The stack of `make local`.")] = False
    as_json: Annotated[bool, typer.Option("--json", help="Print the result for programs.")] = False
    state: Annotated[Path, typer.Option("--state", help="Folder for endpoints.json and the logs.")] = STATE

    def run(self, work: Callable[[Target], int]) -> NoReturn:
        """Do some work with the stack and exit with its status, or with 2 and a sentence where it cannot be done."""
        from destination_cli.target import Target, TargetError, explained

        try:
            with explained(self.stack or "the local stack"):
                raise typer.Exit(work(Target.of(self.stack, self.local, self.state, self.region)))
        except TargetError as error:
            refuse(str(error), as_json=self.as_json)

    def run_anywhere(self, work: Callable[[Target | None], int]) -> NoReturn:
        """Do some work with the stack, or without one where none was named."""
        from destination_cli.target import TargetError

        if self.stack or self.local:
            self.run(work)
        try:
            raise typer.Exit(work(None))
        except TargetError as error:
            refuse(str(error), as_json=self.as_json)

    def tell(self, result: Any, show: Callable[[Any, Console], None], status: int = GOOD, warning: str = "") -> int:
        """Print a result for a program or show it to a person, and a warning to both; give the status to exit with."""
        print(result.as_json()) if self.as_json else show(result, Console(emoji=False))
        if warning:
            Console(stderr=True).print(f"[yellow]![/] {warning}", highlight=False, soft_wrap=True)
        return status


def refuse(sentence: str, *, as_json: bool = False) -> NoReturn:
    """End with 2 and a sentence that says why nothing was done; a program reads it on standard output."""
    if as_json:
        print(json.dumps({"error": sentence}))
    console = Console(stderr=True)
    console.print(sentence, style="red", markup=False, highlight=False, soft_wrap=not console.is_terminal)
    raise typer.Exit(COULD_NOT) from None


def be_there(file: Path) -> None:
    """Refuse a file that does not exist."""
    if not file.is_file():
        refuse(f"{file} {'is a folder' if file.is_dir() else 'does not exist'}. Name a file.")


def counted(count: int, one: str, many: str) -> str:
    """A count before the words for one, or for any other number."""
    return f"{count:,} {one if count == 1 else many}"


def moment(epoch_ms: int) -> str:
    """A time as a person reads it."""
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
