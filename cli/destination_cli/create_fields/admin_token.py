"""The administrator's own access token: read once, kept in memory alone, and never shown."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Callable

from salesforce_destination.errors import CredentialsError
from salesforce_destination.login.salesforce_host import check_instance_url
from salesforce_destination.login.token import AccessToken, is_sendable, parse_object

from destination_cli.org_api import OrgError

HOW = "Pipe it in: sf org auth show-access-token --target-org admin --json | destination ... --access-token-stdin"


def read_token() -> str:
    """Standard input, or what is typed unseen where that is a terminal."""
    return getpass.getpass("Access token of an administrator: ") if sys.stdin.isatty() else sys.stdin.read()


def admin_token(text: str, instance_url: str, allow_local: bool) -> AccessToken:
    """The token for an org's address; the text is the token alone, or the JSON of `sf` or of the simulated org."""
    value = _value_in(text.strip())
    if value is None:
        raise OrgError(f"Standard input contains no access token. {HOW}")
    try:
        return AccessToken(value, check_instance_url(instance_url, allow_local=allow_local))
    except CredentialsError as error:
        raise OrgError(f"The org's address cannot be used: it {error.problem} {error.cure}") from None


def local_way(address: str) -> str:
    """What prints an administrator's access token of the simulated org at this address."""
    return f"""curl -s -X POST {address}/_org/token \\\n  -d '{{"username":"admin@example.com"}}'"""


def _value_in(text: str) -> str | None:
    if text.startswith("{"):
        answer = parse_object(text) or {}
        result = answer.get("result", answer)
        names = ("accessToken", "access_token")
        text = next((result[name] for name in names if name in result), "") if isinstance(result, dict) else ""
    elif text.startswith('"'):
        text = json.loads(text) if text.endswith('"') and len(text) > 1 else ""
    return text if is_sendable(text) and not text.startswith("[") else None


def asker() -> Callable[[str], bool]:
    """Asks a person yes or no at the terminal, also where standard input brought the token."""

    def ask(question: str) -> bool:
        try:
            with open("/dev/tty", "r+", encoding="utf-8") as terminal:
                terminal.write(f"{question} [y/N] ")
                terminal.flush()
                return terminal.readline().strip().lower() in ("y", "yes")
        except OSError:
            raise OrgError("There is no terminal for the question. Add --yes to continue without it.") from None

    return ask
