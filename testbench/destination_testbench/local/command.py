"""`make local`: the stack in a terminal."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from types import FrameType

from destination_cli.checkout import read_stack_file
from rich.console import Console
from salesforce_destination.errors import DestinationFileError
from salesforce_destination.settings import load_destination

from destination_testbench.aws.process import LocalAwsError
from destination_testbench.aws_lambda.execution_environment import FunctionError
from destination_testbench.local.endpoints import FILE_NAME
from destination_testbench.local.options import DESTINATIONS, OptionError, StackOptions
from destination_testbench.local.places import ROOT
from destination_testbench.local.stack import LocalStack
from destination_testbench.template.parameters import ParameterError

COULD_NOT_START = 2

StartError = (OptionError, ParameterError, LocalAwsError, FunctionError)
"""What a person can mend; anything else is a fault of ours and shows where."""


def run_local(console: Console, environ: Mapping[str, str], state: Path) -> int:
    """Run the stack until Ctrl-C. The exit status is 0, or 2 if it could not start."""
    with ending_on_signals() as ended:
        try:
            options = replace(StackOptions.from_environ(environ), state=state.resolve())
            if not is_usable(options, console) or is_running(options.state, console):
                return COULD_NOT_START
            with LocalStack(options) as stack:
                _introduce(stack, console)
                ended.wait()
                console.print("Stopping.")
        except StartError as error:
            console.print(f"The local stack cannot start. {error}", style="red", markup=False, highlight=False)
            return COULD_NOT_START
    return 0


def is_usable(options: StackOptions, console: Console) -> bool:
    """Whether the destination file can be used; its mistakes are shown if not."""
    file = options.destination or DESTINATIONS / "contacts.toml"
    try:
        load_destination(file)
    except DestinationFileError as error:
        console.print(f"{file} cannot be used:", style="red", markup=False, highlight=False, soft_wrap=True)
        for mistake in error.mistakes:
            console.print(f"  {mistake}", markup=False, highlight=False, soft_wrap=True)
        return False
    return True


def is_running(state: Path, console: Console) -> bool:
    """Whether another stack runs with this folder: two would write over each other's addresses."""
    other = read_stack_file(state)
    if other is None:
        return False
    console.print(
        f"A local stack already runs (process {other.pid}, AWS at {other.aws_endpoint_url})."
        " Use that one, or stop it with Ctrl-C in its terminal.",
        style="red",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    return True


def _introduce(stack: LocalStack, console: Console) -> None:
    for name, value in filter(all, asdict(stack.endpoints).items()):
        console.print(f"{name:22} {value}", markup=False, highlight=False, soft_wrap=True)
    state = os.path.relpath(stack.options.state, ROOT)
    files = f"{'addresses as JSON':22} {state}/{FILE_NAME}\n{'logs':22} {state}/logs"
    console.print(files, highlight=False, soft_wrap=True)
    console.print(
        "\nReady. Send profiles to queue_url with any AWS SDK and any credentials, at aws_endpoint_url. Ctrl-C stops.",
        highlight=False,
    )
    if not stack.options.salesforce_url:
        console.print(f"Records in the org: {stack.salesforce_url}/", highlight=False, soft_wrap=True)


@contextmanager
def ending_on_signals() -> Iterator[threading.Event]:
    """An event that is set by SIGINT and SIGTERM, in place of what they do otherwise, so that everything is stopped."""
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
