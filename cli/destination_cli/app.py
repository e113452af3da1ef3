"""The `destination` command, with all of its commands. Each imports what it needs when it is called."""

from __future__ import annotations

import inspect
import json
import logging
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from salesforce_destination import __version__
from salesforce_destination.login.credentials import GrantType

from destination_cli.terminal import Chosen, DestinationFile, InstanceUrl, TokenFromInput, be_there, refuse

if TYPE_CHECKING:
    from destination_cli.check import Report
    from destination_cli.target import Target

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def main() -> None:
    """Run the command line."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    app()


def _print_version(asked: bool) -> None:
    if asked:
        print(f"destination {__version__}")
        raise typer.Exit


def for_a_stack(command: Callable[..., None]) -> None:
    """Make a command of what takes a Chosen first: its options come behind the command's own."""
    shared = inspect.signature(Chosen, eval_str=True).parameters
    _, *own = inspect.signature(command, eval_str=True).parameters.values()

    @wraps(command)
    def called(**given: Any) -> None:
        chosen = Chosen(**{name: given.pop(name) for name in shared})
        command(chosen, **given)

    called.__signature__ = inspect.Signature([*own, *shared.values()])  # type: ignore[attr-defined]
    app.command()(called)


@app.callback()
def destination(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Deliver customer profiles and their audience memberships to Salesforce."""


@for_a_stack
def check(
    chosen: Chosen,
    file: DestinationFile,
    offline: Annotated[bool, typer.Option("--offline", help="Check only the file, without an org.")] = False,
    describe: Annotated[
        list[Path] | None, typer.Option(help="Compare with an sObject's describe, saved as JSON; may be repeated.")
    ] = None,
    document: Annotated[
        bool, typer.Option("--document", help="Print one page for the Salesforce administrator, in Markdown.")
    ] = False,
) -> None:
    """Show what a destination file sends where, and what does not fit the org. Exits with 1 if something does not.

    Example: `destination check people.toml --stack NAME --document`
    """
    from destination_cli.check import SignOff, report_on, show

    def tell(report: Report, warning: str = "") -> int:
        if document and report.destination:
            return chosen.tell(SignOff(report, report.destination), SignOff.show, report.exit_status, warning)
        return chosen.tell(report, show, report.exit_status, warning)

    be_there(file)
    for saved in describe or ():
        be_there(saved)
    if chosen.stack or chosen.local:
        if offline or describe:
            option = "--offline" if offline else "--describe"
            refuse(f"With {option} no stack is asked. Leave out either {option} or --stack and --local.")
        chosen.run(lambda target: tell(report_on(file, target=target), target.alarm_topic()))
    if not offline and not describe:
        refuse(
            "Add --stack NAME or --local to compare the file with the org of a stack, --describe FILE to compare it"
            " with a saved describe, or --offline to check only the file."
        )
    raise typer.Exit(tell(report_on(file, describe or ())))


@for_a_stack
def connect(
    chosen: Chosen,
    grant: Annotated[
        GrantType | None,
        typer.Option(metavar="<str>", help=f"How to log in: {', '.join(GrantType)}. Asked for if you leave it out."),
    ] = None,
    source: Annotated[
        str | None, typer.Option("--from", help="A JSON file with the credentials, or - for standard input.")
    ] = None,
    wait: Annotated[float, typer.Option(help="Seconds to wait for the stack's own log-in.", min=0)] = 75,
) -> None:
    """Ask for credentials, try them, and store them if they work. Exits with 1 if they do not."""
    from destination_cli.connect import connect as try_and_store
    from destination_cli.connect import given_credentials, show

    def work(target: Target) -> int:
        result = try_and_store(given_credentials(source, grant), target, wait)
        return chosen.tell(result, show, result.status, target.alarm_topic())

    chosen.run(work)


@for_a_stack
def create_fields(
    chosen: Chosen,
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
) -> None:
    """Make the fields, guards and permission sets that a destination file needs and the org lacks.

    Exits with 1 if something is left for a person to do.
    """
    from destination_cli.create_fields.creation import CreateFields
    from destination_cli.create_fields.needs import AUDIENCE_KINDS, FieldKind
    from destination_cli.org_api import agreed, read_token

    be_there(file)
    if kind is not None and kind not in AUDIENCE_KINDS:
        refuse(f"--type {kind} does not exist. Use one of {', '.join(AUDIENCE_KINDS)}.")
    reader = read_token if access_token_stdin else None
    options = FieldKind(kind) if kind else None, instance_url, export, yes, chosen.as_json
    chosen.run_anywhere(lambda target: CreateFields(file, target, Console(), reader, agreed, *options).run())


@for_a_stack
def prove(
    chosen: Chosen,
    file: DestinationFile,
    access_token_stdin: TokenFromInput = False,
    pairs: Annotated[int, typer.Option(help="How many pairs of writers race for one record.", min=1, max=5000)] = 500,
    instance_url: InstanceUrl = None,
) -> None:
    """Try in a sandbox what this software only infers about Salesforce, with records that it deletes again.

    Exits with 1 if a fact does not hold there.
    """
    from destination_cli.org_api import read_token
    from destination_cli.prove.proof import FACTS, run_prove

    be_there(file)
    reader = read_token if access_token_stdin else None
    options = instance_url, pairs, chosen.as_json
    chosen.run_anywhere(lambda target: run_prove(file, target, Console(), reader, FACTS, *options))


@for_a_stack
def status(
    chosen: Chosen,
    audience: Annotated[str | None, typer.Option(help="Name, id or Mapping ID of an audience, to show by day.")] = None,
    since: Annotated[str, typer.Option(help="With --audience: how far to look back, 455d at most.")] = "7d",
    file: Annotated[Path | None, typer.Option(help="With --audience: the file, if not the checkout's.")] = None,
) -> None:
    """Show what a stack is doing: what waits, what was delivered, what failed. Exits with 1 if a person has to act."""
    from destination_cli.status import show, show_audience, status_of

    def work(target: Target) -> int:
        if audience is not None:
            return show_audience(target, Console(), audience, file, since, as_json=chosen.as_json)
        found = status_of(target)
        return chosen.tell(found, show, int(bool(found.findings)), target.alarm_topic())

    chosen.run(work)


@for_a_stack
def send(
    chosen: Chosen,
    file: Annotated[Path, typer.Argument(help="Profiles, one JSON object on each line; - for standard input.")],
    as_of: Annotated[
        str | None,
        typer.Option(help="Time of the snapshot, such as 2026-01-11T21:24:39Z. Newer changes in Salesforce stay."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue where an interrupted send stopped.")] = False,
) -> None:
    """Send the profiles of a file to the queue. Exits with 1 if some lines could not be sent."""
    from destination_cli.send.load import send_file, send_stream
    from destination_cli.target import TargetError

    def work(target: Target) -> int:
        if str(file) != "-":
            return send_file(target, file, Console(), as_of=as_of, resume=resume, as_json=chosen.as_json)
        if resume:
            raise TargetError("Standard input cannot be resumed. Write the profiles to a file and send that.")
        return send_stream(target, sys.stdin.buffer, Console(), as_of=as_of, as_json=chosen.as_json)

    chosen.run(work)


@for_a_stack
def count(
    chosen: Chosen,
    file: DestinationFile,
    expect: Annotated[
        list[str] | None, typer.Option(help="AUDIENCE=NUMBER, or a CSV file of audiences and numbers; may be repeated.")
    ] = None,
) -> None:
    """Count who is in each audience as the org holds them. Exits with 1 if a number is not the expected one.

    Example: `destination count people.toml --stack NAME --expect "Loyal customers=12034"`
    """
    from destination_cli.count import Count, count_in, expectations
    from destination_cli.org_api import OrgApi
    from destination_cli.target import destination_in

    def work(target: Target) -> int:
        destination = destination_in(file)
        expected = expectations(expect or (), destination)
        found = count_in(OrgApi.of(target, destination.api_version), destination, expected)
        return chosen.tell(found, Count.show, int(not found.is_good))

    be_there(file)
    chosen.run(work)


@for_a_stack
def reconcile(
    chosen: Chosen,
    file: DestinationFile,
    audience: Annotated[str, typer.Option(help="The audience, by its id or name in the file.")],
    members: Annotated[Path, typer.Option(help="Who is in it: CSV, JSON lines, or an id on each line; - for input.")],
    as_of: Annotated[str | None, typer.Option(help="When the list was made. Newer changes in Salesforce stay.")] = None,
    identity: Annotated[str | None, typer.Option(help="The rule by which the list names people: its target.")] = None,
    column: Annotated[str | None, typer.Option(help="The list's column, if it is not called like that.")] = None,
    ceiling: Annotated[float, typer.Option(help="Most differences, in percent of the larger side.", min=0)] = 5,
    save: Annotated[
        Path | None, typer.Option(help="New file for the old values; else reconcile-AUDIENCE-TIME.csv.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Put exits and entries on the queue.")] = False,
) -> None:
    """Compare an audience in the org with a list of its members. Sends nothing without --yes; exits with 1 then.

    Example: `destination reconcile people.toml --audience loyal --members m.csv --as-of 2026-01-11T21:24:39Z --local`
    """
    from destination_cli.org_api import OrgApi
    from destination_cli.reconcile import Difference, Mirror
    from destination_cli.send.load import event_time_of
    from destination_cli.target import destination_in

    def work(target: Target) -> int:
        destination = destination_in(file)
        mirror = Mirror.of(destination, audience, identity, event_time_of(as_of))
        with sys.stdin.buffer if str(members) == "-" else members.open("rb") as source:
            api = OrgApi.of(target, destination.api_version)
            found = mirror.reconcile(api, source, column, ceiling, save, target if yes else None)
        return chosen.tell(found, Difference.show, found.exit_status)

    for each in (file, *([] if str(members) == "-" else [members])):
        be_there(each)
    chosen.run(work)


@for_a_stack
def pause(chosen: Chosen) -> None:
    """Stop delivery. Profiles can still be sent; they wait on the queue."""
    _switch(chosen, on=False)


@for_a_stack
def resume(chosen: Chosen) -> None:
    """Start delivery again."""
    _switch(chosen, on=True)


def _switch(chosen: Chosen, *, on: bool) -> None:
    from destination_cli.queues import show, switch

    chosen.run(lambda target: chosen.tell(switch(target, on=on), show))


@for_a_stack
def dead_letters(
    chosen: Chosen,
    put_back: Annotated[bool, typer.Option("--redrive", help="Put them back on the queue.")] = False,
    reason: Annotated[list[str] | None, typer.Option(help="Only those with this code; may be repeated.")] = None,
    export: Annotated[Path | None, typer.Option(help="Write them to this file, one JSON object on each line.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Show the profiles and Salesforce's error texts.")] = False,
    samples: Annotated[int, typer.Option(help="Dead letters to show for each reason.", min=0)] = 2,
) -> None:
    """Show why messages were rejected, put them back, or write them to a file. Exits with 1 if there are any."""
    from destination_cli.dead_letters import command

    def work(target: Target) -> int:
        if put_back:
            return command.put_back(target, Console(), codes=reason or (), as_json=chosen.as_json)
        return command.list_dead_letters(
            target, Console(), show=show, samples=samples, as_json=chosen.as_json, file=export, codes=reason or ()
        )

    chosen.run(work)


@for_a_stack
def explain(
    chosen: Chosen,
    identity: Annotated[str, typer.Argument(help="The identity as it is in the profile: the Id, or an external ID.")],
    file: Annotated[Path | None, typer.Option(help="The destination file, if not the one of the checkout.")] = None,
    since: Annotated[str, typer.Option(help="How far to look back: 90m, 24h, 14d.")] = "14d",
) -> None:
    """Show the outcomes of one contact's messages, and what the org holds. Shows personal data."""
    from destination_cli import explain as explaining

    def work(target: Target) -> int:
        explanation = explaining.explain(target, identity, file, since)
        return chosen.tell(explanation, explaining.show, int(not explanation.is_good))

    chosen.run(work)


@for_a_stack
def erase(
    chosen: Chosen,
    identity: Annotated[str, typer.Argument(help="Her Id, or her value of a field by which the file finds people.")],
    file: Annotated[Path | None, typer.Option(help="The destination file, if not the one of the checkout.")] = None,
    rule: Annotated[str | None, typer.Option("--identity", help="The field that the value is of: Email.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it. Without this it only finds and counts.")] = False,
    keep_record: Annotated[bool, typer.Option("--keep-record", help="Clear the file's fields of her record.")] = False,
    also: Annotated[
        list[str] | None, typer.Option(help="Delete her records of this object too, such as Task; may be repeated.")
    ] = None,
    lift: Annotated[bool, typer.Option("--lift", help="Let her be written again.")] = False,
    access_token_stdin: TokenFromInput = False,
) -> None:
    """Erase a person: suppress her, wait ten minutes, delete. Call it again if it was interrupted.

    Exits with 1 if something of her is there. Example: `destination erase 003Ab0000000001IAA --stack NAME --yes`
    """
    from destination_cli import erase as erasing
    from destination_cli.org_api import read_token

    def work(target: Target) -> int:
        person, reader = (file, identity, rule), read_token if access_token_stdin else None
        receipt = erasing.erase(target, person, also or (), reader, yes=yes, keep=keep_record, lift=lift)
        return chosen.tell(receipt, erasing.show, int(bool(receipt.found - receipt.deleted - receipt.cleared)))

    chosen.run(work)


@for_a_stack
def output(chosen: Chosen, name: Annotated[str, typer.Argument(help="The output's name, such as QueueUrl.")]) -> None:
    """Print one output of a stack, any stack, for other commands: `"$(destination output QueueUrl --stack NAME)"`."""

    def work(target: Target) -> int:
        if name not in target.outputs:
            there = ", ".join(sorted(target.outputs)) or "none"
            refuse(f"The stack {target.name} has no output {name}. It has: {there}.", as_json=chosen.as_json)
        print(json.dumps({name: target.outputs[name]}) if chosen.as_json else target.outputs[name])
        return 0

    chosen.run(work)


@app.command()
def schema() -> None:
    """Print the JSON Schema of destination files, for editors that complete and check them."""
    from destination_cli.schema import destination_schema

    print(destination_schema(), end="")
