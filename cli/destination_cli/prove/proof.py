"""`destination prove`: every fact is tried in one sandbox, shown in a table, and nothing is left behind."""

import json
import secrets
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from salesforce_destination.destination.destination import Destination, spelled_as
from salesforce_destination.login.token import AccessToken
from salesforce_destination.record.description import read_description

from destination_cli.create_fields.found import describe
from destination_cli.org_api import OrgApi, OrgError, admin_token, stack_token
from destination_cli.prove.fact import Fact, Standing, Trial
from destination_cli.prove.guard_facts import GUARD_FACTS
from destination_cli.prove.stage import Stage, choose
from destination_cli.prove.write_facts import WRITE_FACTS
from destination_cli.target import Target, destination_in
from destination_cli.terminal import COULD_NOT, FINDINGS, GOOD, counted

FACTS: tuple[Fact, ...] = (*WRITE_FACTS, *GUARD_FACTS)
TAG = "Destination-prove"
SIGNS = {Standing.HOLDS: "[green]✓[/]", Standing.FAILS: "[red]✗[/]", Standing.UNTRIED: "[dim]-[/]"}


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of each fact on one sObject, in which org, and how many records had to stay."""

    org: str
    sobject: str
    trials: Sequence[tuple[Fact, Trial]]
    removed: int
    left: int
    tag: str

    @property
    def all_hold(self) -> bool:
        """Whether none of the facts that could be tried was found otherwise."""
        return not any(trial.standing is Standing.FAILS for _, trial in self.trials)


def stages_in(api: OrgApi, destination: Destination, pairs: int) -> tuple[list[Stage], str]:
    """A stage for each sObject of a file, and the org's name; OrgError in production, or for who has not the rights."""
    (org,) = api.query("Id, Name, IsSandbox, OrganizationType", "Organization", {})
    if org["IsSandbox"] is not True and org["OrganizationType"] != "Developer Edition":
        why = "This command creates and removes records, with thousands of writes. Name the stack of such an org."
        raise OrgError(f"{org['Name']} is neither a sandbox nor a Developer Edition. {why}")
    return [_stage_for(api, file, pairs) for file in destination.by_object], str(org["Name"])


def _stage_for(api: OrgApi, destination: Destination, pairs: int) -> Stage:
    name = destination.salesforce_object
    described = describe(api, name)
    words = {"createable": "create", "updateable": "edit", "deletable": "delete"}
    if lacking := [word for flag, word in words.items() if described.get(flag) is not True]:
        cure = "Pipe in the token of an administrator of the sandbox: --access-token-stdin."
        raise OrgError(f"This user may not {', '.join(lacking)} {name}. {cure}")
    description = read_description(described)
    destination = spelled_as(destination, [description.name, *description.fields])
    return Stage(api, destination, choose(description, destination), f"{TAG}-{secrets.token_hex(4)}", pairs)


def prove(stage: Stage, org: str, facts: Sequence[Fact], begin: Callable[[str], object]) -> Proof:
    """Try facts one after the other. The records are removed in any case, also when interrupted."""
    trials: list[tuple[Fact, Trial]] = []
    ended = ""
    with _on_signals(_interrupt):
        try:
            for fact in facts:
                begin(fact.sentence)
                trials.append((fact, fact.tried(stage)))
        except KeyboardInterrupt:
            ended = "Interrupted."
        except OrgError as error:
            ended = str(error)
        finally:
            with _on_signals(signal.SIG_IGN):
                removed, left = _clean(stage, ended)
    if ended:
        raise OrgError(f"{ended} {removed} records were removed, {_left(stage, left)}")
    return Proof(org, stage.sobject, trials, removed, left, stage.tag)


def _clean(stage: Stage, ended: str) -> tuple[int, int]:
    try:
        return stage.clean()
    except OrgError as error:
        raise OrgError(f"{ended or error} The records could not be removed, {_left(stage, 1)}") from None


def _left(stage: Stage, count: int) -> str:
    return f"some are left: delete those with {stage.fields.tag} = '{stage.tag}'." if count else "none is left."


SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""How a person, the system and a terminal that is closed ask a program to end."""


def _interrupt(*_: object) -> None:
    # No second one shall keep records from being removed.
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


@contextmanager
def _on_signals(handler: Any) -> Iterator[None]:
    """Do this when asked to end, for as long as the context lasts; what was ignored before stays so."""
    here = threading.current_thread() is threading.main_thread()
    heard = [number for number in SIGNALS if here and signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in heard}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


def run_prove(
    file: Path,
    target: Target | None,
    console: Console,
    read_token: Callable[[], str] | None,
    facts: Sequence[Fact] = FACTS,
    instance_url: str | None = None,
    pairs: int = 500,
    as_json: bool = False,
) -> int:
    """Try the facts and print what came of it; the exit status. Raises TargetError where it cannot be done."""
    destination = destination_in(file)
    token, stored = _tokens(target, instance_url, read_token)
    stages, org = stages_in(OrgApi(token, destination.api_version), destination, pairs)
    proofs = []
    for stage in stages:
        stage.delivering = OrgApi(stored, destination.api_version) if stored else None
        with nullcontext() if as_json else console.status("") as line:
            proofs.append(prove(stage, org, facts, line.update if line else str))
        if not as_json:
            show(proofs[-1], console)
    if as_json:
        print(for_programs(proofs))
    if any(proof.left for proof in proofs):
        return COULD_NOT
    return GOOD if all(proof.all_hold for proof in proofs) else FINDINGS


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
        said = f"[bold]{escape(fact.sentence)}[/] This does not hold here. What follows:"
        console.print(f"\n[red]✗[/] {said}", highlight=False)
        console.print(Padding(escape(fact.otherwise), (0, 0, 0, 4)), highlight=False)
    held = len(proof.trials) - len(failed) - untried
    console.print(f"\n{held} hold, {len(failed)} do not, {counted(untried, 'was', 'were')} not tried.", highlight=False)
    if proof.left:
        where = f"{proof.left} records could not be removed. Search for {proof.tag}."
        console.print(where, style="red", highlight=False)
    else:
        console.print(f"{proof.removed} records were created and removed.", highlight=False)


def for_programs(proofs: Sequence[Proof]) -> str:
    """Proofs in one org for programs."""
    trials = ((proof.sobject, fact, asdict(trial)) for proof in proofs for fact, trial in proof.trials)
    facts = [
        {"salesforce_object": sobject, "name": it.name, "sentence": it.sentence, "otherwise": it.otherwise, **seen}
        for sobject, it, seen in trials
    ]
    report = {
        "org": proofs[0].org,
        "salesforce_objects": [proof.sobject for proof in proofs],
        "all_hold": all(proof.all_hold for proof in proofs),
        "facts": facts,
        "records_removed": sum(proof.removed for proof in proofs),
        "records_left": sum(proof.left for proof in proofs),
    }
    return json.dumps(report, indent=2)


def _tokens(
    target: Target | None, instance_url: str | None, read_token: Callable[[], str] | None
) -> tuple[AccessToken, AccessToken | None]:
    """Whose token the trials are made with, and the stack's own where it is another one."""
    stored = stack_token(target) if target and not (read_token and instance_url) else None
    if read_token is None and stored:
        return stored, None
    address = instance_url or (stored.instance_url if stored else "")
    if read_token is None or not address:
        raise OrgError("Name the org: --stack NAME, --local, or --instance-url together with --access-token-stdin.")
    return admin_token(read_token(), address, bool(target and target.is_local)), stored
