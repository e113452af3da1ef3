"""`destination connect`: credentials are asked for, tried, and stored only if they work. No secret is ever printed."""

import json
import sys
import time
import uuid
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.padding import Padding
from salesforce_destination.errors import ACCESS_REFUSALS, NEW_TOKEN_REFUSED, SESSION_IP_LOCKED, CredentialsError
from salesforce_destination.login.credentials import NEEDS, WHERE, Credentials, GrantType, with_refresh_token
from salesforce_destination.login.refresh import rotation_forbidden
from salesforce_destination.login.refusals import LoginUnavailableError
from salesforce_destination.login.token import MESSAGE_GROUP, AccessToken, RefreshReason, RefreshRequest
from salesforce_destination.salesforce.oauth import log_in, login_session, use

from destination_cli.function_logs import login_cause
from destination_cli.target import Target, TargetError
from destination_cli.terminal import COULD_NOT, FINDINGS, GOOD

SECRET = frozenset({"client_secret", "refresh_token", "password", "security_token"})
"""What nobody who looks on may read."""

STANDARD_INPUT = "-"

WAYS = {
    GrantType.CLIENT_CREDENTIALS: "the app's key and secret; they do not expire",
    GrantType.JWT_BEARER: "your key signs each log-in; there is no shared secret",
    GrantType.REFRESH_TOKEN: "a person authorised the app in a browser",
    GrantType.PASSWORD: "for old connected apps; Salesforce ends it on 2027-02-20",
}

WAIT_SECONDS = 75.0  # a log-in that failed just before holds the refresh queue for a minute
POLL_SECONDS = 0.5
SETUP = 'docs/salesforce-setup.md shows the screens, under each step and under "When it does not work".'

FROM_HERE = frozenset({"IP_RESTRICTED", "LOGIN_UNREACHABLE", "LOGIN_HOST_UNKNOWN", "LOGIN_HOST_NOT_TRUSTED"})
"""What may be otherwise from where the function runs."""


def given_credentials(source: str | None, grant: GrantType | None) -> str:
    """The text of the credentials secret, as a file, standard input or a person gives it."""
    if source is None and sys.stdin.isatty():
        return ask(grant)
    try:
        text = sys.stdin.read() if source in (None, STANDARD_INPUT) else Path(source).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise TargetError(f"{source} cannot be read. Name a JSON file, or - for standard input.") from None
    if not text.strip():
        given = "Standard input" if source in (None, STANDARD_INPUT) else source
        raise TargetError(f"{given} is empty. Give the credentials as JSON, or call `connect` in a terminal: it asks.")
    return text


def ask(grant: GrantType | None) -> str:
    """Ask a person for what the chosen grant needs; secrets are not shown while they are typed."""
    console = Console(stderr=True)
    chosen = grant or _choose(console)
    values = {"grant_type": chosen.value}
    for key in NEEDS[chosen]:
        console.print(f"\n{WHERE[key]}", style="dim", markup=False, highlight=False)
        values[key] = _private_key() if key == "private_key" else _answer(key)
    if chosen is GrantType.PASSWORD:
        console.print("\nIt is appended to the password. Leave it empty if the org does not ask for it.", style="dim")
        values["security_token"] = _answer("security_token", default="")
    return json.dumps(values, indent=2)


def _choose(console: Console) -> GrantType:
    for way, words in WAYS.items():
        console.print(f"  {way.value:20} {words}", markup=False, highlight=False)
    while (given := _answer("grant_type", default="client_credentials").strip()) not in list(GrantType):
        typer.echo(f"Type one of {', '.join(GrantType)}.", err=True)
    return GrantType(given)


def _answer(key: str, default: str | None = None) -> str:
    return str(typer.prompt(key, default=default, hide_input=key in SECRET, show_default=key not in SECRET, err=True))


def _private_key() -> str:
    """A key has many lines, which no prompt takes: its file is asked for."""
    while True:
        file = Path(_answer("File with the private_key")).expanduser()
        try:
            return file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            typer.echo(f"{file} cannot be read.", err=True)


class RefreshTokenSpentError(Exception):
    """This try replaced the refresh token, so the old one is dead. The text says why the new one is not stored."""


@dataclass(frozen=True, slots=True)
class Tried:
    """Credentials that work: the secret to store, and the token and the org that they led to."""

    secret: str
    token: AccessToken
    org_id: str


def attempt(secret: str, target: Target) -> Tried:
    """Log in and use the token once; raise CredentialsError or LoginUnavailableError, with what to do, if it fails."""
    credentials = Credentials.from_secret(secret, allow_local=target.is_local)
    if credentials.grant_type is GrantType.REFRESH_TOKEN and target.parameters.get("CredentialsRotate") != "true":
        how = "Start `make local` with CREDENTIALS_ROTATE" if target.is_local else "Deploy with CredentialsRotate"
        raise rotation_forbidden(f"{how}=true first, then connect.")
    with login_session() as session:
        login = log_in(session, credentials, time.time())
        rotated = login.rotated_refresh_token(credentials)
        try:
            token = login.access_token(credentials)
            use(session, token)
        except (CredentialsError, LoginUnavailableError) as error:
            if rotated is None:
                raise
            raise RefreshTokenSpentError(error.problem) from None
    return Tried(with_refresh_token(secret, rotated) if rotated else secret, token, login.org_id or "")


def stored_token(target: Target) -> AccessToken | None:
    """The token that the stack has now."""
    secret = target.client("secretsmanager").get_secret_value(SecretId=target.output("AccessTokenSecretArn"))
    return AccessToken.from_secret(secret.get("SecretString", ""))


def wait_for_token(target: Target, before: AccessToken | None, tried: Tried, seconds: float) -> bool:
    """Whether the stack has a token by the new credentials: another one than before, or the one of our own try."""
    give_up_at = time.monotonic() + seconds
    while time.monotonic() < give_up_at:
        token = stored_token(target)
        if token and (token != before or token.value == tried.token.value):
            return True
        time.sleep(POLL_SECONDS)
    return False


@dataclass(frozen=True, slots=True)
class ConnectResult:
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


def connect(secret: str, target: Target, seconds: float = WAIT_SECONDS) -> ConnectResult:
    """Try credentials; only where they work, store them and have the stack log in by them."""
    try:
        tried = attempt(secret, target)
    except CredentialsError as error:
        return _refused(FINDINGS, error)
    except LoginUnavailableError as error:
        return _refused(COULD_NOT, error)
    except RefreshTokenSpentError as error:
        return _spent(str(error))
    before, secret_id = stored_token(target), target.output("CredentialsSecretArn")
    try:
        # Not through TokenStore: that one keeps what it could not write for later, and here a person is told at once.
        target.client("secretsmanager").put_secret_value(SecretId=secret_id, SecretString=tried.secret)
    except (BotoCoreError, ClientError):
        if tried.secret == secret:
            raise
        return _spent("The credentials could not be stored.")
    target.client("sqs").send_message(
        QueueUrl=target.output("RefreshQueueUrl"),
        MessageBody=RefreshRequest(RefreshReason.SCHEDULE).body,
        MessageGroupId=MESSAGE_GROUP,
        # The schedule's own message may have come within five minutes; this one is not to be taken for it.
        MessageDeduplicationId=f"connect-{uuid.uuid4()}",
    )
    arrived = wait_for_token(target, before, tried, seconds)
    return _used_from_here(tried, target) if arrived else _without_token(tried, target)


def show(outcome: ConnectResult, console: Console) -> None:
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


def _refused(status: int, error: CredentialsError | LoginUnavailableError) -> ConnectResult:
    here = " This try came from your machine. The function runs elsewhere." if error.code in FROM_HERE else ""
    return ConnectResult(status, code=error.code, field=error.field, problem=error.problem, cure=error.cure + here)


def _spent(reason: str) -> ConnectResult:
    cure = (
        "Salesforce has replaced the refresh token, so you cannot use it again. Correct the cause,"
        " authorise the app once more, and connect with the new refresh_token."
    )
    return ConnectResult(FINDINGS, code="REFRESH_TOKEN_SPENT", field="refresh_token", problem=reason, cure=cure)


def _used_from_here(tried: Tried, target: Target) -> ConnectResult:
    """The stack's token was made at another address than this machine's. So it shows here if the org minds that."""
    result = ConnectResult(GOOD, True, True, tried.org_id, tried.token.instance_url)
    try:
        with login_session() as session:
            use(session, stored_token(target) or tried.token)
    except (CredentialsError, LoginUnavailableError) as error:
        code = SESSION_IP_LOCKED if error.code == NEW_TOKEN_REFUSED else error.code
        problem, cure = ACCESS_REFUSALS.get(code, (error.problem, error.cure))
        return replace(result, status=FINDINGS, token=False, code=code, problem=problem, cure=cure)
    return result


def _without_token(tried: Tried, target: Target) -> ConnectResult:
    cause = login_cause(target, pause=True)
    problem = cause.problem if cause else "The refresh-token function has not stored a token yet."
    cure = cause.cure if cause else "Run `destination check` later, or look at the function's log."
    url = tried.token.instance_url
    return ConnectResult(FINDINGS, True, False, tried.org_id, url, "NO_ACCESS_TOKEN", "", problem, cure)
