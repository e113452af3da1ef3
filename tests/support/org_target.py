"""A stack whose org is a simulated one on this machine, as the `destination` command sees it."""

from __future__ import annotations

from typing import Any

from destination_cli.target import Target
from destination_testbench.org import OrgServer
from org_caller import ADMIN, INTEGRATION
from salesforce_destination.login.token import AccessToken


class StoredSecret:
    """Secrets Manager with one secret in it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def get_secret_value(self, **call: Any) -> dict[str, str]:
        return {"SecretString": self.text}


def a_target(server: OrgServer, token: str | None = None) -> Target:
    """A local stack that holds a token of the integration user; an empty text is none."""
    value = server.org.admin.log_in(INTEGRATION) if token is None else token
    secret = StoredSecret(AccessToken(value, server.url).to_secret() if value else "{}")
    return Target("local", {"AccessTokenSecretArn": "token"}, {}, lambda service: secret, is_local=True)


def admin_token(server: OrgServer) -> str:
    """An access token of an administrator."""
    return server.org.admin.log_in(ADMIN)
