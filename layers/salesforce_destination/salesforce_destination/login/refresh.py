"""
The use case of the refresh function: a request in, a stored access token out.

It knows neither where secrets are kept nor how to log in; both are given. What it holds is the order: a rotated refresh
token is stored before anything is done with the access token that came with it, since the old one is dead by then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from salesforce_destination.errors import CredentialsError
from salesforce_destination.login.answer import Login
from salesforce_destination.login.credentials import Credentials, GrantType
from salesforce_destination.login.refresh_request import RefreshRequest
from salesforce_destination.login.token import AccessToken


class Store(Protocol):
    """Keeps both secrets (aws.token_store.TokenStore)."""

    def access_token(self) -> AccessToken | None:
        """The stored access token."""

    def write_access_token(self, token: AccessToken) -> None:
        """Store an access token for all functions."""

    def credentials(self) -> str:
        """The text of the credentials secret."""

    def write_refresh_token(self, credentials: str, refresh_token: str) -> None:
        """Store a rotated refresh token, or fail."""


def refresh(
    request: RefreshRequest,
    store: Store,
    log_in: Callable[[Credentials], Login],
    *,
    allow_local: bool,
    may_write_credentials: bool = True,
) -> bool:
    """
    Log in and store the token; tell whether that was done. Nothing is done where another token is stored already.

    Raises CredentialsError where a person has to act, SalesforceUnavailableError or TokenUnavailableError where time
    may help. In each case the stored token stays as it was.
    """
    if request.is_met_by(store.access_token()):
        return False
    secret = store.credentials()
    credentials = Credentials.from_secret(secret, allow_local=allow_local)
    if credentials.grant_type is GrantType.REFRESH_TOKEN and not may_write_credentials:
        raise _rotation_forbidden()
    login = log_in(credentials)
    refresh_token = login.rotated_refresh_token(credentials)
    if refresh_token is not None:
        store.write_refresh_token(secret, refresh_token)
    store.write_access_token(login.access_token(credentials))
    return True


def _rotation_forbidden() -> CredentialsError:
    return CredentialsError(
        "grant_type",
        "is refresh_token, but the function may not store the next refresh token if the app rotates them.",
        "Deploy with CredentialsRotate=true, so that no refresh token is ever lost.",
        "ROTATION_FORBIDDEN",
    )
