"""Refresh tokens, with or without rotation."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from destination_testbench.org.facts import OrgConfig
from destination_testbench.org.login.sessions import Sessions

LOCAL_REFRESH_TOKEN = "local-refresh-token"


@dataclass(slots=True)
class Approval:
    """A user's approval of an app. `token` is the one that is good; `dead` are those rotated away."""

    user_id: str
    client_id: str
    token: str
    dead: set[str]


class RefreshTokens:
    """
    The approvals of an org.

    With rotation each exchange gives a new token and the old one dies at once. Whoever uses a dead one has stolen it or
    lost the new one: everything it led to is revoked.
    """

    def __init__(self, config: OrgConfig, sessions: Sessions) -> None:
        self._config, self._sessions = config, sessions
        self._approvals: list[Approval] = []

    def approve(self, user_id: str, client_id: str, token: str) -> None:
        """Let this token log a user in."""
        self._approvals.append(Approval(user_id, client_id, token, set()))

    def exchange(self, token: str, client_id: str) -> tuple[str, str] | None:
        """The user of a token and the token that is good from now on; None when it is good for nothing."""
        for approval in self._approvals:
            if token in approval.dead:
                self._sessions.revoke_all(approval.token)
                self._approvals.remove(approval)
                return None
            if token == approval.token and client_id == approval.client_id:
                if self._config.rotate_refresh_tokens:
                    approval.dead.add(token)
                    approval.token = f"5Aep861{secrets.token_urlsafe(40)}"
                return approval.user_id, approval.token
        return None

    def revoke(self, token: str) -> bool:
        """End an approval and its sessions; false when there is none."""
        for approval in self._approvals:
            if approval.token == token:
                self._approvals.remove(approval)
                self._sessions.revoke_all(token)
                return True
        return False
