"""The use case of the refresh function: a request in, a stored access token out. What it holds is the order.

A log-in is counted before it is made; a rotated refresh token is stored at once, since the old one is dead by then; an
access token is used before it is stored.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from salesforce_destination.errors import CredentialsError
from salesforce_destination.login.credentials import Credentials, GrantType
from salesforce_destination.login.refusals import LoginUnavailableError
from salesforce_destination.login.salesforce_host import check_instance_url, is_local
from salesforce_destination.login.token import AccessToken, RefreshRequest, is_sendable

_IDENTITY_PATH = re.compile(r"/id/(?P<org>00D[0-9A-Za-z]{12})(?:[0-9A-Za-z]{3})?/[0-9A-Za-z]+")
ORG_ID_LENGTH = 15  # an id of 18 characters is that of 15 with a checksum for programs that confuse cases


@dataclass(frozen=True, slots=True)
class Login:
    """What Salesforce answered, checked only when the access token is asked for.

    A rotated refresh token has to be stored whatever else is wrong with the answer: the old one is dead already.
    """

    answer: Mapping[str, Any] = field(repr=False)

    def rotated_refresh_token(self, credentials: Credentials) -> str | None:
        """The refresh token that has replaced the one in the credentials."""
        refresh_token = self.answer.get("refresh_token")
        if not credentials.refresh_token or not is_sendable(refresh_token):
            return None
        return refresh_token if refresh_token != credentials.refresh_token else None

    def access_token(self, credentials: Credentials) -> AccessToken:
        """The token, once it is known to be for a server of Salesforce and for the org that is meant."""
        value, instance_url = self.answer.get("access_token"), self.answer.get("instance_url")
        if not is_sendable(value) or not isinstance(instance_url, str):
            raise LoginUnavailableError(200, "LOGIN_ANSWER_UNREADABLE")
        if credentials.org_id and self.org_id != credentials.org_id[:ORG_ID_LENGTH]:
            cure = "If `domain` names the right org, enter its id (Setup > Company Information)."
            raise CredentialsError("org_id", "is not the id of the org that was logged in to.", cure, "ORG_ID_DIFFERS")
        url = check_instance_url(instance_url, allow_local=is_local(credentials.url))
        issued_at = self.answer.get("issued_at")
        return AccessToken(value, url, str(issued_at) if isinstance(issued_at, str | int) else "")

    @property
    def org_id(self) -> str | None:
        """The 15 characters of the org in the identity URL, `https://login.salesforce.com/id/<org>/<user>`."""
        try:
            identity = _IDENTITY_PATH.fullmatch(urlsplit(str(self.answer.get("id"))).path)
        except ValueError:
            return None
        return identity["org"] if identity else None


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


LogIn = Callable[[Credentials], Login]
Use = Callable[[AccessToken], None]


def refresh(
    request: RefreshRequest, store: Store, log_in: LogIn, use: Use, now: float, *, allow_local: bool, may_write: bool
) -> bool:
    """Log in, use the token once, and store it; tell whether so. Where another one is stored, nothing is done.

    Where a person has to act CredentialsError is raised, where time may help another; the stored token stays then.
    """
    if request.is_met_by(store.access_token()):
        return False
    secret = store.credentials()
    credentials = Credentials.from_secret(secret, allow_local=allow_local)
    if credentials.grant_type is GrantType.REFRESH_TOKEN and not may_write:
        raise rotation_forbidden("Deploy with CredentialsRotate=true, so that no refresh token is ever lost.")
    store.count_log_in(now)
    login = log_in(credentials)
    if refresh_token := login.rotated_refresh_token(credentials):
        store.write_refresh_token(secret, refresh_token)
    token = login.access_token(credentials)
    use(token)
    store.write_access_token(token)
    return True


def rotation_forbidden(cure: str) -> CredentialsError:
    """Nothing is tried with a refresh token whose successor might be lost."""
    problem = "is refresh_token, but the function may not store the next refresh token if the app rotates them."
    return CredentialsError("grant_type", problem, cure, "ROTATION_FORBIDDEN")
