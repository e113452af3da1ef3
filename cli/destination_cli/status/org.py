"""How a stack stands with its org: its access token, and the API calls that are left."""

from __future__ import annotations

from dataclasses import dataclass

from salesforce_destination.destination.destination import Destination
from salesforce_destination.errors import DestinationError, RequestRefusedError, TokenUnavailableError

from destination_cli.target import Target


@dataclass(frozen=True, slots=True)
class OrgStatus:
    """What is known of the org; `problem` is a code where it cannot be asked. Nothing here is a secret."""

    instance_url: str = ""
    token_issued_at: int | None = None
    api_calls_used: int | None = None
    api_calls_allowed: int | None = None
    problem: str = ""


def org_status(target: Target) -> OrgStatus:
    """Ask the org one question with the stored token; a token that is refused stays as it is."""
    try:
        token = target.stored_token().current()
    except TokenUnavailableError as error:
        return OrgStatus(problem=error.code)
    issued_at = int(token.issued_at) if token.issued_at.isascii() and token.issued_at.isdigit() else None
    client, problem = target.salesforce(), ""
    version = Destination.model_fields["api_version"].default
    try:
        client.get(f"/services/data/v{version}/limits")
    except RequestRefusedError:
        pass  # without the right to see limits; the answer's header tells the calls all the same
    except DestinationError as error:
        problem = error.code
    usage = client.usage
    used, allowed = (usage.used, usage.allowed) if usage else (None, None)
    return OrgStatus(token.instance_url, issued_at, used, allowed, problem)
