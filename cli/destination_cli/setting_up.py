"""The commands that set an org up for a destination and try what it holds to: create-fields and prove."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

from destination_cli.checkout import STATE
from destination_cli.command_options import COULD_NOT_DO_IT, AsJson, OnThisMachine, StackName, StateFolder, run

if TYPE_CHECKING:
    from destination_cli.target import Target

DestinationFile = Annotated[Path, typer.Argument(help="A destination file, such as layers/destinations/contacts.toml.")]
TokenFromInput = Annotated[
    bool, typer.Option("--access-token-stdin", help="Read an administrator's access token from standard input.")
]
InstanceUrl = Annotated[
    str | None,
    typer.Option(help="The org's address, if it is not the stack's: https://acme.my.salesforce.com."),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the `destination` command."""
    for command in (create_fields, prove):
        app.command()(command)


def create_fields(
    file: DestinationFile,
    access_token_stdin: TokenFromInput = False,
    kind: Annotated[
        str | None,
        typer.Option("--type", help="Type of new audience fields: text, checkbox, date-time, multi-select, long-text."),
    ] = None,
    export: Annotated[
        Path | None, typer.Option(help="Write an SFDX source tree into this folder. Nothing changes in the org.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    instance_url: InstanceUrl = None,
    stack: StackName = None,
    local: OnThisMachine = False,
    as_json: AsJson = False,
    state: StateFolder = STATE,
) -> None:
    """
    Make the fields, guards and permission sets that a destination file needs and the org lacks.

    Exits with 1 if something is left for a person to do.
    """
    from destination_cli.create_fields.admin_token import asker, read_token
    from destination_cli.create_fields.command import CreateFields, Options
    from destination_cli.create_fields.wanted import AUDIENCE_KINDS, FieldKind

    _be_there(file)
    if kind is not None and kind not in AUDIENCE_KINDS:
        _refuse(f"--type {kind} does not exist. Use one of {', '.join(AUDIENCE_KINDS)}.")
    options = Options(file, FieldKind(kind) if kind else None, instance_url, export, yes, as_json)

    def work(target: Target | None) -> int:
        reader = read_token if access_token_stdin else None
        return CreateFields(options, target, Console(), reader, asker()).run()

    _run(stack, local, state, work)


def prove(
    file: DestinationFile,
    access_token_stdin: TokenFromInput = False,
    pairs: Annotated[int, typer.Option(help="How many pairs of writers race for one record.", min=1, max=5000)] = 500,
    instance_url: InstanceUrl = None,
    stack: StackName = None,
    local: OnThisMachine = False,
    as_json: AsJson = False,
    state: StateFolder = STATE,
) -> None:
    """
    Try in a sandbox what this software only infers about Salesforce, with records that it deletes again.

    Exits with 1 if a fact does not hold there.
    """
    from destination_cli.create_fields.admin_token import read_token
    from destination_cli.prove.command import Options, run_prove

    _be_there(file)
    options = Options(file, instance_url, pairs, as_json)
    reader = read_token if access_token_stdin else None
    _run(stack, local, state, lambda target: run_prove(options, target, Console(), reader))


def _run(stack: str | None, local: bool, state: Path, work: Callable[[Target | None], int]) -> NoReturn:
    """Do some work with a stack, or without one where none was named."""
    from destination_cli.target import TargetError

    if stack or local:
        run(stack, local, state, work)
    try:
        status = work(None)
    except TargetError as error:
        Console(stderr=True).print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(COULD_NOT_DO_IT) from None
    raise typer.Exit(status)


def _be_there(file: Path) -> None:
    if not file.is_file():
        _refuse(f"{file} does not exist. Name a file.")


def _refuse(sentence: str) -> NoReturn:
    Console(stderr=True).print(sentence, style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(COULD_NOT_DO_IT)
