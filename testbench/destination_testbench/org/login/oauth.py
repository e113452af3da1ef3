"""The OAuth endpoints: token, revoke, introspect, userinfo."""

from __future__ import annotations

import base64
import hashlib

from destination_testbench.org.exchange import JsonAnswer, OrgRequest
from destination_testbench.org.facts import OrgConfig
from destination_testbench.org.faults.failure import not_simulated
from destination_testbench.org.login.grants import Granted, GrantRefused, Grants, form_of, required
from destination_testbench.org.login.people import ConnectedApp, User
from destination_testbench.org.login.sessions import RefreshTokens, Session, Sessions
from destination_testbench.org.records.record_id import to_long

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class OAuth:
    """Logs users in and out."""

    def __init__(self, config: OrgConfig, users: list[User], sessions: Sessions) -> None:
        self._config, self._sessions = config, sessions
        self.refresh_tokens = RefreshTokens(config, sessions)
        self.grants = Grants(config, users, self.refresh_tokens)

    @property
    def apps(self) -> dict[str, ConnectedApp]:
        """The connected apps by their client id."""
        return self.grants.apps

    def answer(self, request: OrgRequest, now: float) -> JsonAnswer:
        """The answer to any path below /services/oauth2/."""
        endpoints = {
            "token": self.token,
            "revoke": self.revoke,
            "introspect": self.introspect,
            "userinfo": self.userinfo,
        }
        endpoint = endpoints.get(request.path.rstrip("/").rpartition("/")[2])
        if endpoint is None:
            raise not_simulated(f"{request.method} {request.path}")
        try:
            return endpoint(request, now)
        except GrantRefused as refusal:
            return JsonAnswer(400, {"error": refusal.error, "error_description": refusal.description}, NO_STORE)

    def token(self, request: OrgRequest, now: float) -> JsonAnswer:
        """POST token: an access token. There is no expires_in, and the time is a text."""
        granted = self.grants.granted(request, now)
        session = self._sessions.open(granted.user, granted.app.client_id, now, granted.refresh_token)
        session.address = request.address
        session.rest = granted.app.api_allowed and bool({"api", "full"} & {*granted.app.scope.split()})
        return JsonAnswer(200, self.described(session, granted, request, now), NO_STORE)

    def revoke(self, request: OrgRequest, now: float) -> JsonAnswer:
        """POST revoke: 200 and nothing. Revoking a refresh token ends its access tokens too."""
        token = required(form_of(request), "token")
        if not self._sessions.revoke(token) and not self.refresh_tokens.revoke(token):
            raise GrantRefused("unsupported_token_type", "this token type is not supported")
        return JsonAnswer(200, {}, NO_STORE)

    def introspect(self, request: OrgRequest, now: float) -> JsonAnswer:
        """POST introspect: whether a token is good, and until when; for an app that names itself."""
        form = form_of(request)
        try:
            self.grants.client(form)
        except GrantRefused as refusal:
            return JsonAnswer(401, {"error": refusal.error, "error_description": refusal.description}, NO_STORE)
        session = self._sessions.find(required(form, "token"), now)
        return JsonAnswer(200, self._introspected(session) if session else {"active": False}, NO_STORE)

    def userinfo(self, request: OrgRequest, now: float) -> JsonAnswer:
        """GET userinfo, or the identity address that a log-in names: a dead token is 403 here, not 401."""
        given = request.header("authorization").partition(" ")[2] or request.query.get("oauth_token", "")
        session = self._sessions.use(given, now)
        if session is None:
            return JsonAnswer(403, "Bad_OAuth_Token")
        user, origin = session.user, self._config.instance_url or request.origin
        identity = self._identity(user)
        urls = {
            "rest": f"{origin}/services/data/v{{version}}/",
            "sobjects": f"{origin}/services/data/v{{version}}/sobjects/",
            "query": f"{origin}/services/data/v{{version}}/query/",
            "partner": f"{origin}/services/Soap/u/{{version}}/{self._config.organization_id[:15]}",
            "metadata": f"{origin}/services/Soap/m/{{version}}/{self._config.organization_id[:15]}",
            "profile": f"{origin}/{user.id}",
        }
        common = {
            "user_id": user.id,
            "organization_id": to_long(self._config.organization_id[:15]),
            "email": user.username,
            "email_verified": True,
            "utcOffset": 0,
            "active": user.active,
            "urls": urls,
        }
        if request.path.startswith("/id/"):
            names = {"username": user.username, "display_name": user.name, "last_name": user.name, "first_name": None}
            locale = {"language": self._config.language, "locale": self._config.language, "timezone": "GMT"}
            more = {"id": identity, "asserted_user": True, "user_type": "STANDARD", "status": {}, "photos": {}}
            return JsonAnswer(200, common | names | locale | more | {"is_app_installed": True})
        names = {
            "preferred_username": user.username,
            "nickname": user.name,
            "name": user.name,
            "family_name": user.name,
        }
        locale = {"locale": self._config.language, "language": self._config.language, "zoneinfo": "GMT"}
        return JsonAnswer(200, {"sub": identity} | common | names | locale | {"user_type": "STANDARD"})

    def described(self, session: Session, granted: Granted, request: OrgRequest, now: float) -> dict[str, str]:
        """What a log-in answers."""
        issued_at, identity = str(int(now * 1000)), self._identity(session.user)
        signature = base64.b64encode(hashlib.sha256((identity + issued_at).encode()).digest()).decode()
        rotated = self._config.rotate_refresh_tokens and granted.refresh_token
        return {
            "access_token": session.token,
            **({"refresh_token": granted.refresh_token} if rotated else {}),
            "signature": signature,
            "scope": granted.app.scope,
            "instance_url": self._config.instance_url or request.origin,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued_at,
        }

    def _introspected(self, session: Session) -> dict[str, object]:
        issued, expires = int(session.issued), int(session.last_used + self._config.session_timeout)
        return {
            "active": True,
            "scope": self.apps[session.client_id].scope if session.client_id in self.apps else "api",
            "client_id": session.client_id,
            "username": session.user.username,
            "sub": self._identity(session.user),
            "token_type": "access_token",
            "exp": expires,
            "iat": issued,
            "nbf": issued,
        }

    def _identity(self, user: User) -> str:
        host = "test" if self._config.sandbox else "login"
        return f"https://{host}.salesforce.com/id/{to_long(self._config.organization_id[:15])}/{user.id}"
