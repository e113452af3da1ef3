"""The commands that operating a stack takes. Each imports what it needs when it is called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from destination_cli.checkout import STATE
from destination_cli.command_options import AsJson, OnThisMachine, StackName, StateFolder, run


def register(app: typer.Typer) -> None:
    """Add the commands to the `destination` command."""
    for command in (status, send, pause, resume, dead_letters, explain, output):
        app.command()(command)


def status(
    stack: StackName = None, local: OnThisMachine = False, as_json: AsJson = False, state: StateFolder = STATE
) -> None:
    """Show what a stack is doing: what waits, what was delivered, what failed. Exits with 1 if a person has to act."""
    from destination_cli.status import command
    from destination_cli.target import Target

    def work(target: Target) -> int:
        found = command.status_of(target)
        print(found.as_json()) if as_json else command.show(found, Console())
        return command.exit_status(found)

    run(stack, local, state, work)


def send(
    file: Annotated[Path, typer.Argument(help="Profiles, one JSON object on each line; - for standard input.")],
    as_of: Annotated[
        str | None,
        typer.Option(help="Time of the snapshot, such as 2026-01-11T21:24:39Z. Newer changes in Salesforce stay."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue where an interrupted send stopped.")] = False,
    stack: StackName = None,
    local: OnThisMachine = False,
    as_json: AsJson = False,
    state: StateFolder = STATE,
) -> None:
    """Send the profiles of a file to the queue. Exits with 1 if some lines could not be sent."""
    from destination_cli.send import command
    from destination_cli.target import Target, TargetError

    def work(target: Target) -> int:
        if str(file) != "-":
            return command.send_file(target, file, Console(), as_of=as_of, resume=resume, as_json=as_json)
        if resume:
            raise TargetError("Standard input cannot be resumed. Write the profiles to a file and send that.")
        return command.send_stream(target, command.standard_input(), Console(), as_of=as_of, as_json=as_json)

    run(stack, local, state, work)


def dead_letters(
    put_back: Annotated[bool, typer.Option("--redrive", help="Put them back on the queue.")] = False,
    reason: Annotated[list[str] | None, typer.Option(help="Only those with this code; may be repeated.")] = None,
    export: Annotated[Path | None, typer.Option(help="Write them to this file, one JSON object on each line.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Show the profiles and Salesforce's error texts.")] = False,
    samples: Annotated[int, typer.Option(help="Dead letters to show for each reason.", min=0)] = 2,
    stack: StackName = None,
    local: OnThisMachine = False,
    as_json: AsJson = False,
    state: StateFolder = STATE,
) -> None:
    """Show why messages were rejected, put them back, or write them to a file. Exits with 1 if there are any."""
    from destination_cli.dead_letters import command
    from destination_cli.target import Target

    def work(target: Target) -> int:
        if put_back:
            return command.put_back(target, Console(), codes=reason or (), as_json=as_json)
        return command.list_letters(
            target, Console(), show=show, samples=samples, as_json=as_json, file=export, codes=reason or ()
        )

    run(stack, local, state, work)


def pause(
    stack: StackName = None, local: OnThisMachine = False, as_json: AsJson = False, state: StateFolder = STATE
) -> None:
    """Stop delivery. Profiles can still be sent; they wait on the queue."""
    _switch(stack, local, as_json, state, on=False)


def resume(
    stack: StackName = None, local: OnThisMachine = False, as_json: AsJson = False, state: StateFolder = STATE
) -> None:
    """Start delivery again."""
    _switch(stack, local, as_json, state, on=True)


def explain(
    identity: Annotated[str, typer.Argument(help="The identity as it is in the profile: the Id, or an external ID.")],
    file: Annotated[
        Path | None, typer.Option(help="The destination file, if it is not the one of the checkout.")
    ] = None,
    since: Annotated[str, typer.Option(help="How far to look back: 90m, 24h, 14d.")] = "14d",
    stack: StackName = None,
    local: OnThisMachine = False,
    as_json: AsJson = False,
    state: StateFolder = STATE,
) -> None:
    """Show the outcomes of one contact's messages, and what the org holds. Shows personal data."""
    from destination_cli.explain import command
    from destination_cli.target import Target

    def work(target: Target) -> int:
        explanation = command.explain(target, identity, file, since)
        print(command.as_json(explanation)) if as_json else command.show(explanation, Console())
        return 0 if explanation.is_good else 1

    run(stack, local, state, work)


def output(
    name: Annotated[str, typer.Argument(help="The output's name, such as QueueUrl.")],
    stack: StackName = None,
    local: OnThisMachine = False,
    as_json: AsJson = False,
    state: StateFolder = STATE,
) -> None:
    """Print one output of a stack, any stack, for other commands: `"$(destination output QueueUrl --stack NAME)"`."""
    from destination_cli.target import Target, TargetError

    def work(target: Target) -> int:
        if name not in target.outputs:
            there = ", ".join(sorted(target.outputs)) or "none"
            raise TargetError(f"The stack {target.name} has no output {name}. It has: {there}.")
        print(json.dumps({name: target.outputs[name]}) if as_json else target.outputs[name])
        return 0

    run(stack, local, state, work)


def _switch(stack: StackName, local: OnThisMachine, as_json: AsJson, state: StateFolder, *, on: bool) -> None:
    from destination_cli.pause import show, switch
    from destination_cli.target import Target

    def work(target: Target) -> int:
        result = switch(target, on=on)
        print(result.as_json()) if as_json else show(result, Console())
        return 0

    run(stack, local, state, work)
