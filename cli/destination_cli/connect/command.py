"""What `destination connect` does and says. No secret is ever printed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.padding import Padding
from salesforce_destination.errors import CredentialsError
from salesforce_destination.login.refusals import LoginUnavailableError

from destination_cli.connect.trying import (
    WAIT_SECONDS,
    RefreshTokenSpentError,
    Tried,
    ask_for_token,
    attempt,
    store,
    stored_token,
    wait_for_token,
)
from destination_cli.login_cause import login_cause
from destination_cli.target import Target

GOOD, REFUSED, COULD_NOT = 0, 1, 2

SETUP = 'docs/salesforce-setup.md shows the screens, under each step and under "When it does not work".'

FROM_HERE = frozenset({"IP_RESTRICTED", "LOGIN_UNREACHABLE", "LOGIN_HOST_UNKNOWN", "LOGIN_HOST_NOT_TRUSTED"})
"""What may be otherwise from where the function runs."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: whether the credentials were stored, whether the stack has a token by them, and what to do."""

    status: int
    stored: bool = False
    token: bool = False
    org_id: str = ""
    instance_url: str = ""
    code: str = ""
    field: str = ""
    problem: str = ""
    cure: str = ""

    def as_json(self) -> str:
        """The outcome for programs."""
        return json.dumps({key: value for key, value in asdict(self).items() if key != "status"}, indent=2)


def connect(secret: str, target: Target, seconds: float = WAIT_SECONDS) -> Outcome:
    """Try credentials; only where they work, store them and have the stack log in by them."""
    try:
        tried = attempt(secret, target)
    except CredentialsError as error:
        return _refused(REFUSED, error)
    except LoginUnavailableError as error:
        return _refused(COULD_NOT, error)
    except RefreshTokenSpentError as error:
        return _spent(error.reason)
    before = stored_token(target)
    try:
        store(tried, target)
    except (BotoCoreError, ClientError):
        if tried.secret == secret:
            raise
        return _spent("The credentials could not be stored.")
    ask_for_token(target)
    arrived = wait_for_token(target, before, tried, seconds)
    return _stored(tried) if arrived else _without_token(tried, target)


def show(outcome: Outcome, console: Console) -> None:
    """Say what came of it, as a person reads it."""
    if outcome.instance_url:
        org = f" ({outcome.org_id})" if outcome.org_id else ""
        console.print(f"[green]✓[/] Logged in to {outcome.instance_url}{org}.", highlight=False)
    if outcome.stored:
        console.print("[green]✓[/] The credentials are stored.", highlight=False)
    if outcome.token:
        console.print("[green]✓[/] Connected: the stack has an access token.", highlight=False)
        return
    field = f" {outcome.field}" if outcome.field else ""
    console.print(f"[red]✗[/] [bold]{outcome.code}[/]{field}", highlight=False)
    console.print(Padding(f"{outcome.problem}\n{outcome.cure}", (0, 0, 0, 4)), markup=False, highlight=False)
    if not outcome.stored:
        console.print(f"\nNothing was stored. {SETUP}", markup=False, highlight=False)


def _refused(status: int, error: CredentialsError | LoginUnavailableError) -> Outcome:
    here = " This try came from your machine. The function runs elsewhere." if error.code in FROM_HERE else ""
    return Outcome(status, code=error.code, field=error.field, problem=error.problem, cure=error.cure + here)


def _spent(reason: str) -> Outcome:
    cure = (
        "Salesforce has replaced the refresh token, so you cannot use it again. Correct the cause,"
        " authorise the app once more, and connect with the new refresh_token."
    )
    return Outcome(REFUSED, code="REFRESH_TOKEN_SPENT", field="refresh_token", problem=reason, cure=cure)


def _stored(tried: Tried) -> Outcome:
    return Outcome(GOOD, True, True, tried.org_id, tried.token.instance_url)


def _without_token(tried: Tried, target: Target) -> Outcome:
    cause = login_cause(target)
    problem = cause.problem if cause else "The refresh-token function has not stored a token yet."
    cure = cause.cure if cause else "Run `destination check` later, or look at the function's log."
    return Outcome(REFUSED, True, False, tried.org_id, tried.token.instance_url, "NO_ACCESS_TOKEN", "", problem, cure)
