"""Access tokens and refresh tokens that the org has given out, until they expire or are revoked."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from destination_testbench.org.facts import OrgConfig
from destination_testbench.org.login.people import User


@dataclass(slots=True)
class Session:
    """One access token, given to `address`. Every call sets its time-out back; `rest` tells if it is for that API."""

    token: str
    user: User
    client_id: str
    issued: float
    last_used: float
    refresh_token: str = ""
    address: str = ""
    rest: bool = True


class Sessions:
    """The access tokens by their value."""

    def __init__(self, config: OrgConfig, random_text: Callable[[int], str] = secrets.token_urlsafe) -> None:
        self._config, self._random_text = config, random_text
        self._sessions: dict[str, Session] = {}
        self.issued = 0

    def open(self, user: User, client_id: str, now: float, refresh_token: str = "", counted: bool = True) -> Session:
        """Give out a token: the org's id, an exclamation mark, and what nobody can guess. `issued` counts log-ins."""
        text = self._random_text(72).replace("-", "_").replace("~", ".")
        token = f"{self._config.organization_id[:15]}!AQ{text}"
        self._sessions[token] = session = Session(token, user, client_id, now, now, refresh_token)
        self.issued += counted
        return session

    def find(self, token: str, now: float) -> Session | None:
        """The session of a token that is still good."""
        session = self._sessions.get(token)
        if session is None or now - session.last_used >= self._config.session_timeout:
            self._sessions.pop(token, None)
            return None
        return session

    def use(self, token: str, now: float) -> Session | None:
        """The session of a token that is still good, its time-out set back."""
        if session := self.find(token, now):
            session.last_used = now
        return session

    def revoke(self, token: str) -> bool:
        """End one session; false when there is none."""
        return self._sessions.pop(token, None) is not None

    def revoke_all(self, refresh_token: str | None = None) -> int:
        """End every session, or those of one refresh token; how many there were."""
        chosen = [s.token for s in self._sessions.values() if refresh_token in (None, s.refresh_token)]
        for token in chosen:
            del self._sessions[token]
        return len(chosen)


LOCAL_REFRESH_TOKEN = "local-refresh-token"


@dataclass(slots=True)
class Approval:
    """A user's approval of an app. `token` is the one that is good; `dead` are those rotated away."""

    user_id: str
    client_id: str
    token: str
    dead: set[str]


class RefreshTokens:
    """The approvals of an org.

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
