"""A successful answer of the token endpoint, and when its token may be used."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from salesforce_destination.errors import CredentialsError
from salesforce_destination.login.credentials import Credentials
from salesforce_destination.login.refusals import LoginUnavailableError
from salesforce_destination.login.salesforce_host import check_instance_url
from salesforce_destination.login.token import AccessToken, is_sendable

_IDENTITY_PATH = re.compile(r"/id/(?P<org>00D[0-9A-Za-z]{12})(?:[0-9A-Za-z]{3})?/[0-9A-Za-z]+")
ORG_ID_LENGTH = 15
"""An id of 18 characters is the one of 15 with a checksum for programs that confuse cases (Salesforce Help)."""


@dataclass(frozen=True, slots=True)
class Login:
    """What Salesforce answered, unchecked.

    `refresh_token` comes only with rotation, and then the old one is dead already: it has to be stored whatever else is
    wrong with the answer. That is why the checks wait until somebody asks for the access token.
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
        url = check_instance_url(instance_url, allow_local=credentials.is_local)
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
