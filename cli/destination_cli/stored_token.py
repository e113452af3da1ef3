"""The stack's access token, for a person's machine: read, never asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from salesforce_destination.aws.clients import make_client, read_secret
from salesforce_destination.errors import CredentialsError, TokenUnavailableError
from salesforce_destination.login.salesforce_host import check_instance_url
from salesforce_destination.login.token import AccessToken


@dataclass
class StoredToken:
    """
    The token in its secret. A refused one is read again, and no other one is asked for.

    As the functions do, it takes a token for a server that is not Salesforce's as none.
    """

    secrets_client: Callable[[], Any]
    secret_id: str
    allow_local: bool = False
    _token: AccessToken | None = field(default=None, init=False, repr=False)

    def current(self) -> AccessToken:
        """The stored token, or TokenUnavailableError."""
        self._token = self._token or self._read()
        return self._token

    def replace(self, refused: AccessToken | None) -> AccessToken:
        """The token that was stored in place of the refused one, or TokenUnavailableError."""
        self._token = None
        token = self._read()
        if refused and token.value == refused.value:
            raise TokenUnavailableError
        self._token = token
        return token

    def _read(self) -> AccessToken:
        token = AccessToken.from_secret(
            read_secret(make_client(self.secrets_client, "SECRETS_UNAVAILABLE"), self.secret_id)
        )
        if token is None:
            raise TokenUnavailableError
        try:
            check_instance_url(token.instance_url, allow_local=self.allow_local)
        except CredentialsError as error:
            raise TokenUnavailableError(error.code) from None
        return token
