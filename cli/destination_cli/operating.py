"""The commands that operating a stack takes. Each imports what it needs when it is called."""

from __future__ import annotations

import typer
from rich.console import Console

from .command_options import AsJson, OnThisMachine, StackName, StateFolder, run
from .local.places import STATE


def register(app: typer.Typer) -> None:
    """Add the commands to the `destination` command."""
    for command in (pause, resume):
        app.command()(command)


def pause(
    stack: StackName = None, local: OnThisMachine = False, as_json: AsJson = False, state: StateFolder = STATE
) -> None:
    """Take no more messages from the queue. Profiles can still be sent; they wait."""
    _switch(stack, local, as_json, state, on=False)


def resume(
    stack: StackName = None, local: OnThisMachine = False, as_json: AsJson = False, state: StateFolder = STATE
) -> None:
    """Take messages from the queue again."""
    _switch(stack, local, as_json, state, on=True)


def _switch(stack: StackName, local: OnThisMachine, as_json: AsJson, state: StateFolder, *, on: bool) -> None:
    from .pause import show, switch
    from .target import Target

    def work(target: Target) -> int:
        result = switch(target, on=on)
        print(result.as_json()) if as_json else show(result, Console())
        return 0

    run(stack, local, state, work)
