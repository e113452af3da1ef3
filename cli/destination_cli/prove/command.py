"""`destination prove`: a table of the facts that this software rests on, as they are in one sandbox."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from salesforce_destination.destination.destination import Destination
from salesforce_destination.errors import DestinationFileError, TokenUnavailableError
from salesforce_destination.login.token import AccessToken
from salesforce_destination.settings import load_destination

from destination_cli.create_fields.admin_token import admin_token
from destination_cli.org_api import OrgApi, OrgError
from destination_cli.plural import counted
from destination_cli.prove.fact import Fact, Standing
from destination_cli.prove.facts import FACTS
from destination_cli.prove.trying import Proof, prove, stage_in
from destination_cli.target import Target

GOOD, FINDINGS, COULD_NOT = 0, 1, 2
SIGNS = {Standing.HOLDS: "[green]✓[/]", Standing.FAILS: "[red]✗[/]", Standing.UNTRIED: "[dim]-[/]"}


@dataclass(frozen=True, slots=True)
class Options:
    """What a person asked for on the command line."""

    file: Path
    instance_url: str | None = None
    pairs: int = 500
    as_json: bool = False


def run_prove(
    options: Options,
    target: Target | None,
    console: Console,
    read_token: Callable[[], str] | None,
    facts: Sequence[Fact] = FACTS,
) -> int:
    """Try the facts and print what came of it; the exit status. Raises TargetError where it cannot be done."""
    destination = _destination(options.file)
    api = OrgApi(_token(options, target, read_token), destination.api_version)
    stage, org = stage_in(api, destination, options.pairs)
    status = nullcontext() if options.as_json else console.status("")
    with status as line:
        proof = prove(stage, org, facts, lambda fact: line.update(fact.sentence) if line else None)
    if options.as_json:
        print(as_json(proof))
    else:
        show(proof, console)
    if proof.left:
        return COULD_NOT
    return GOOD if proof.all_hold else FINDINGS


def show(proof: Proof, console: Console) -> None:
    """Print a proof as a person reads it."""
    table = Table("", "Fact", "Seen", box=None, pad_edge=False, header_style="dim")
    for fact, trial in proof.trials:
        table.add_row(SIGNS[trial.standing], escape(fact.sentence), escape(trial.seen))
    console.print(f"In {escape(proof.org)}, with {proof.sobject} records made for this:\n", highlight=False)
    console.print(table)
    failed = [fact for fact, trial in proof.trials if trial.standing is Standing.FAILS]
    untried = sum(trial.standing is Standing.UNTRIED for _, trial in proof.trials)
    for fact in failed:
        console.print(
            f"\n[red]✗[/] [bold]{escape(fact.sentence)}[/] This does not hold here. What follows:", highlight=False
        )
        console.print(Padding(escape(fact.otherwise), (0, 0, 0, 4)), highlight=False)
    held = len(proof.trials) - len(failed) - untried
    console.print(f"\n{held} hold, {len(failed)} do not, {counted(untried, 'was', 'were')} not tried.", highlight=False)
    if proof.left:
        where = f"{proof.left} records could not be removed. Search for {proof.tag}."
        console.print(where, style="red", highlight=False)
    else:
        console.print(f"{proof.removed} records were created and removed.", highlight=False)


def as_json(proof: Proof) -> str:
    """A proof for programs."""
    facts = [
        {
            "name": fact.name,
            "sentence": fact.sentence,
            "standing": trial.standing,
            "seen": trial.seen,
            "otherwise": fact.otherwise,
        }
        for fact, trial in proof.trials
    ]
    report = {
        "org": proof.org,
        "salesforce_object": proof.sobject,
        "all_hold": proof.all_hold,
        "facts": facts,
        "records_removed": proof.removed,
        "records_left": proof.left,
    }
    return json.dumps(report, indent=2)


def _destination(file: Path) -> Destination:
    try:
        return load_destination(file)
    except DestinationFileError as error:
        raise OrgError(f"{file} has mistakes. The first: {error.mistakes[0]}") from None


def _token(options: Options, target: Target | None, read_token: Callable[[], str] | None) -> AccessToken:
    stored = _stored(target) if target and not (read_token and options.instance_url) else None
    if read_token is None and stored:
        return stored
    address = options.instance_url or (stored.instance_url if stored else "")
    if read_token is None or not address:
        raise OrgError("Name the org: --stack NAME, --local, or --instance-url together with --access-token-stdin.")
    return admin_token(read_token(), address, bool(target and target.is_local))


def _stored(target: Target) -> AccessToken:
    try:
        return target.stored_token().current()
    except TokenUnavailableError:
        raise OrgError("The stack has no access token yet. Run `destination connect` first.") from None
