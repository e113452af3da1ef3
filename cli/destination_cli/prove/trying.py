"""Trying every fact in a sandbox, and leaving nothing behind."""

from __future__ import annotations

import secrets
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from salesforce_destination.destination.destination import Destination
from salesforce_destination.record.description import read_description

from destination_cli.org_api import OrgApi, OrgError
from destination_cli.prove.fact import Fact, Standing, Trial
from destination_cli.prove.fields import UnfitError, choose
from destination_cli.prove.stage import Stage

TAG = "Destination-prove"


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of each fact, in which org, and how many records had to stay."""

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


class Interrupted(OrgError):
    """A person or the system ended the run."""


def stage_in(api: OrgApi, destination: Destination, pairs: int) -> tuple[Stage, str]:
    """A stage in a sandbox, and the org's name; OrgError for a production org or a user without the rights."""
    (org,) = api.query("Id, Name, IsSandbox", "Organization", {})
    if org["IsSandbox"] is not True:
        raise OrgError(
            f"{org['Name']} is not a sandbox. This command creates and removes records, with thousands of writes."
            " Name the stack of a sandbox."
        )
    name = destination.salesforce_object
    described = api.send("GET", f"sobjects/{name}/describe")
    if not described.good:
        raise OrgError(f"This user cannot see an sObject {name} ({described.code}).")
    _check_rights(name, described.body)
    try:
        fields = choose(read_description(described.body), destination)
    except UnfitError as error:
        raise OrgError(str(error)) from None
    return Stage(api, destination, fields, f"{TAG}-{secrets.token_hex(4)}", pairs), str(org["Name"])


def _check_rights(name: str, described: dict[str, Any]) -> None:
    words = {"createable": "create", "updateable": "edit", "deletable": "delete"}
    lacking = [word for flag, word in words.items() if described.get(flag) is not True]
    if lacking:
        raise OrgError(
            f"This user may not {', '.join(lacking)} {name}. Pipe in the token of an administrator of the"
            " sandbox: --access-token-stdin."
        )


def prove(stage: Stage, org: str, facts: Sequence[Fact], begin: Callable[[Fact], None]) -> Proof:
    """Try facts one after the other. The records are removed in any case, also when interrupted."""
    trials: list[tuple[Fact, Trial]] = []
    with _interruptible():
        try:
            for fact in facts:
                begin(fact)
                trials.append((fact, fact.attempt(stage)))
        except KeyboardInterrupt:
            with _undisturbed():
                removed, left = _clean(stage)
            raise Interrupted(f"Interrupted. {removed} records were removed, {_left(stage, left)}") from None
        except BaseException:
            with _undisturbed():
                _clean(stage)
            raise
    with _undisturbed():
        removed, left = _clean(stage)
    return Proof(org, stage.sobject, trials, removed, left, stage.tag)


def _clean(stage: Stage) -> tuple[int, int]:
    try:
        return stage.clean()
    except OrgError as error:
        raise OrgError(f"{error} {_left(stage, 1)}") from None


def _left(stage: Stage, count: int) -> str:
    if not count:
        return "none is left."
    return f"some are left: delete those with {stage.fields.tag} = '{stage.tag}'."


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let the system's request to end be like a person's: both remove the records first."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let no second Ctrl-C keep records from being removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
