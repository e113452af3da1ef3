"""Where credentials come from: a person's answers, a file, or standard input."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import typer
from rich.console import Console
from salesforce_destination.login.credentials import NEEDS, WHERE, GrantType

from destination_cli.target import TargetError

SECRET = frozenset({"client_secret", "refresh_token", "password", "security_token"})
"""What nobody who looks on may read."""

STANDARD_INPUT = "-"

WAYS = {
    GrantType.CLIENT_CREDENTIALS: "the app's key and secret; they do not expire",
    GrantType.JWT_BEARER: "your key signs each log-in; there is no shared secret",
    GrantType.REFRESH_TOKEN: "a person authorised the app in a browser",
    GrantType.PASSWORD: "only for old connected apps; Salesforce ends it on 2027-02-20",
}


def given_credentials(source: str | None, grant: GrantType | None) -> str:
    """The text of the credentials secret, as a file, standard input or a person gives it."""
    if source is None and sys.stdin.isatty():
        return ask(grant)
    if source in (None, STANDARD_INPUT):
        return sys.stdin.read()
    try:
        return Path(source).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise TargetError(f"{source} cannot be read. Name a JSON file, or - for standard input.") from None


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
    return GrantType(_until(lambda: _answer("grant_type", default="client_credentials"), list(GrantType)))


def _until(answer: Callable[[], str], allowed: list[GrantType]) -> str:
    while (given := answer().strip()) not in allowed:
        typer.echo(f"Type one of {', '.join(allowed)}.", err=True)
    return given


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
