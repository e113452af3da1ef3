"""What keeps the destination from the org as a whole, as findings: which setting is at fault and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from salesforce_destination.connection.field_fit import nearest_name
from salesforce_destination.connection.finding import Finding, error, warning
from salesforce_destination.errors import (
    NO_ACCESS_TOKEN,
    DailyLimitError,
    DestinationError,
    RequestRefusedError,
    SessionExpiredError,
    TokenUnavailableError,
)

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import Destination

HTTP_NOT_FOUND = 404

_SEE_LOG = (
    "The refresh-token function's log names the key of the credentials secret, or the setting in Salesforce, beside"
    ' "no log-in"; `destination connect` tries new credentials.'
)
_NO_TOKEN = error("credentials", "", "The destination has no access token that Salesforce accepts.", _SEE_LOG)

_TOKEN_TROUBLE: Mapping[str, Finding] = {
    NO_ACCESS_TOKEN: _NO_TOKEN,
    "SECRETS_UNAVAILABLE": error(
        "ACCESS_TOKEN_SECRET_ID",
        "",
        "The access token cannot be read from Secrets Manager (SECRETS_UNAVAILABLE).",
        "Check the function's role and the AWS Health Dashboard.",
    ),
    "REFRESH_QUEUE_UNAVAILABLE": error(
        "REFRESH_QUEUE_URL",
        "",
        "Salesforce refuses the access token, and the function cannot ask for another one (REFRESH_QUEUE_UNAVAILABLE).",
        "Check the function's role and the AWS Health Dashboard.",
    ),
}

_REFUSALS: Mapping[str, tuple[str, str]] = {
    "API_DISABLED_FOR_ORG": (
        "The integration user may not use the API.",
        "Give it the permission API Enabled. Editions below Enterprise may not include the API.",
    ),
    "API_CURRENTLY_DISABLED": ("The org's API is temporarily disabled.", "Ask Salesforce why."),
    "INVALID_SESSION_ID": ("The app's access tokens do not allow the REST API.", "Give the app the OAuth scope api."),
    "UNSUPPORTED_API_VERSION": ("The org does not support this version of the API.", "Write a lower api_version."),
}
"""Salesforce's code for a whole request -> what is so, and what to do about it."""


def trouble(problem: DestinationError) -> Finding:
    """Name what kept a whole request from being answered; a warning where it is expected to pass by itself."""
    if isinstance(problem, TokenUnavailableError):
        foreign = "The stored access token is for a server that is not Salesforce's."
        return _TOKEN_TROUBLE.get(problem.code, error("credentials", "", foreign, _SEE_LOG))
    if isinstance(problem, SessionExpiredError):
        return _NO_TOKEN
    if isinstance(problem, DailyLimitError):
        cure = "Messages wait until it has some again. Find what uses them: Setup > Company Information."
        return error("api_calls", "", "The org has used all its API calls of the last 24 hours.", cure)
    if isinstance(problem, RequestRefusedError):
        default = (f"Salesforce refuses the request ({problem.code}).", "Look at the integration user's permissions.")
        return error("connection", "", *_REFUSALS.get(problem.code, default))
    cure = "Try again. See status.salesforce.com for outages."
    return warning("connection", "", f"Salesforce gave no answer ({problem.code}).", cure)


def is_not_found(problem: DestinationError) -> bool:
    """Whether Salesforce knows nothing of the kind, or hides it from this user: it tells both alike."""
    return isinstance(problem, RequestRefusedError) and problem.status == HTTP_NOT_FOUND


def no_sobject(destination: Destination, known: Sequence[str] | None) -> Finding:
    """The finding about an sObject that is not there; `known` is None where not even a list of them is."""
    name, version = destination.salesforce_object, destination.api_version
    if known is None:
        return error("api_version", "", f"The org does not support version {version} of the API.", "Write a lower one.")
    close = nearest_name(name, known)
    nearest = f"Did you mean {close}? Otherwise give" if close else "Give"
    problem = f"There is no sObject {name} that the integration user can see."
    return error("salesforce_object", "", problem, f"{nearest} it the right to read and edit {name}.")
