"""The use case of the refresh function: a request in, a stored access token out.

What it holds is the order. A log-in is counted before it is made. A rotated refresh token is stored before anything is
done with the access token that came with it, since the old one is dead by then. An access token is used before it is
stored.
"""

from collections.abc import Callable
from typing import Protocol

from salesforce_destination.errors import CredentialsError
from salesforce_destination.login.answer import Login
from salesforce_destination.login.credentials import Credentials, GrantType
from salesforce_destination.login.token import AccessToken, RefreshRequest


class Store(Protocol):
    """Keeps both secrets (aws.token_store.TokenStore)."""

    def access_token(self) -> AccessToken | None:
        """The stored access token."""

    def count_log_in(self, now: float) -> None:
        """Note a log-in before it is made; raise LoginUnavailableError where there may be none now."""

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
    use: Callable[[AccessToken], None],
    now: float,
    *,
    allow_local: bool,
    may_write_credentials: bool = True,
) -> bool:
    """
    Log in, use the token once, and store it; tell whether that was done. Where another one is stored, nothing is done.

    Raises CredentialsError where a person has to act, SalesforceUnavailableError or TokenUnavailableError where time
    may help. In each case the stored token stays as it was.
    """
    if request.is_met_by(store.access_token()):
        return False
    secret = store.credentials()
    credentials = Credentials.from_secret(secret, allow_local=allow_local)
    if credentials.grant_type is GrantType.REFRESH_TOKEN and not may_write_credentials:
        raise rotation_forbidden("Deploy with CredentialsRotate=true, so that no refresh token is ever lost.")
    store.count_log_in(now)
    login = log_in(credentials)
    refresh_token = login.rotated_refresh_token(credentials)
    if refresh_token is not None:
        store.write_refresh_token(secret, refresh_token)
    token = login.access_token(credentials)
    use(token)
    store.write_access_token(token)
    return True


def rotation_forbidden(cure: str) -> CredentialsError:
    """Nothing is tried with a refresh token whose successor might be lost."""
    problem = "is refresh_token, but the function may not store the next refresh token if the app rotates them."
    return CredentialsError("grant_type", problem, cure, "ROTATION_FORBIDDEN")
