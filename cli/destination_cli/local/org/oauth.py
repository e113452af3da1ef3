"""The token endpoint: four grants, and Salesforce's answers to whatever is wrong with a log-in."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from destination_cli.local.org.assertion import AssertionRefusedError, subject_of
from destination_cli.local.org.exchange import Answer, OrgRequest
from destination_cli.local.org.facts import OrgConfig
from destination_cli.local.org.people import ConnectedApp, User
from destination_cli.local.org.record_id import to_long
from destination_cli.local.org.refresh_tokens import RefreshTokens
from destination_cli.local.org.sessions import Session, Sessions

LOGIN_HOSTS = {"login.salesforce.com", "test.salesforce.com"}
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class GrantRefused(Exception):
    """The token endpoint's 400: an error and its description."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error)
        self.error, self.description = error, description


@dataclass(frozen=True, slots=True)
class Login:
    """One request to the token endpoint."""

    form: Mapping[str, str]
    host: str
    origin: str
    app: ConnectedApp
    now: float

    def required(self, name: str) -> str:
        """A parameter that must be there."""
        if not (value := self.form.get(name, "")):
            raise GrantRefused("invalid_request", f"missing required parameter: {name}")
        return value


class OAuth:
    """Logs users in."""

    def __init__(self, config: OrgConfig, users: list[User], sessions: Sessions) -> None:
        self.config, self.users, self.sessions = config, users, sessions
        self.apps: dict[str, ConnectedApp] = {}
        self.refresh_tokens = RefreshTokens(config.rotate_refresh_tokens, sessions)

    def answer(self, request: OrgRequest, now: float) -> Answer:
        """The answer to any path below /services/oauth2/."""
        return self.token(request, now)

    def token(self, request: OrgRequest, now: float) -> Answer:
        """POST /services/oauth2/token."""
        try:
            if request.method != "POST":
                raise GrantRefused("invalid_request", "must use HTTP POST")
            login = self._login(request, now)
            return Answer(200, self._granted(login), NO_STORE)
        except GrantRefused as refusal:
            body = {"error": refusal.error, "error_description": refusal.description}
            return Answer(400, body, NO_STORE)

    def user(self, **wanted: str) -> User | None:
        """The user with this id or username."""
        return next((u for u in self.users if all(getattr(u, name) == value for name, value in wanted.items())), None)

    def _login(self, request: OrgRequest, now: float) -> Login:
        form = form_of(request)
        if not form.get("grant_type"):
            raise GrantRefused("invalid_request", "missing required parameter: grant_type")
        if form["grant_type"] not in ("password", "client_credentials", "refresh_token", JWT_GRANT):
            raise GrantRefused("unsupported_grant_type", "grant type not supported")
        host = urlsplit(request.origin).hostname or ""
        # The app of a JWT grant is named inside the assertion.
        app = ConnectedApp() if form["grant_type"] == JWT_GRANT else self._app(form)
        return Login(form, host, request.origin, app, now)

    def _app(self, form: Mapping[str, str]) -> ConnectedApp:
        if not (client_id := form.get("client_id", "")):
            raise GrantRefused("invalid_request", "missing required parameter: client_id")
        if (app := self.apps.get(client_id)) is None:
            raise GrantRefused("invalid_client_id", "client identifier invalid")
        if not hmac.compare_digest(app.client_secret.encode(), form.get("client_secret", "").encode()):
            raise GrantRefused("invalid_client", "invalid client credentials")
        return app

    def _granted(self, login: Login) -> dict[str, str]:
        grant = login.form["grant_type"]
        if grant == "client_credentials":
            user = self._run_as(login)
        elif grant == "password":
            user = self._by_password(login)
        elif grant == JWT_GRANT:
            return self._opened(login, *self._by_assertion(login))
        else:
            return self._refreshed(login)
        return self._opened(login, user, login.app)

    def _run_as(self, login: Login) -> User:
        if login.host in LOGIN_HOSTS:
            raise GrantRefused("invalid_grant", "request not supported on this domain")
        if not self.config.client_credentials_flow or not login.app.client_credentials or not login.app.run_as:
            raise GrantRefused("invalid_grant", "no client credentials user enabled")
        return self._active(self.user(id=login.app.run_as))

    def _by_password(self, login: Login) -> User:
        user = self.user(username=login.required("username"))
        given = login.required("password")
        if user is None or not self.config.password_flow or given != user.password + user.security_token:
            raise GrantRefused("invalid_grant", "authentication failure")
        return self._active(user)

    def _by_assertion(self, login: Login) -> tuple[User, ConnectedApp]:
        try:
            app, username = subject_of(login.required("assertion"), self.apps, login.origin, login.now)
        except AssertionRefusedError as refusal:
            raise GrantRefused(refusal.error, refusal.description) from None
        user = self.user(username=username)
        if user is None or not app.approved:
            raise GrantRefused("invalid_grant", "user hasn't approved this consumer")
        return self._active(user), app

    def _refreshed(self, login: Login) -> dict[str, str]:
        found = self.refresh_tokens.exchange(login.required("refresh_token"), login.app.client_id)
        if found is None:
            raise GrantRefused("invalid_grant", "expired access/refresh token")
        user_id, token = found
        opened = self._opened(login, self._active(self.user(id=user_id)), login.app, token)
        return opened | ({"refresh_token": token} if token != login.form["refresh_token"] else {})

    def _active(self, user: User | None) -> User:
        if user is None or not user.active:
            raise GrantRefused("invalid_grant", "inactive user")
        return user

    def _opened(self, login: Login, user: User, app: ConnectedApp, refresh_token: str = "") -> dict[str, str]:
        session = self.sessions.open(user, app.client_id, login.now, refresh_token)
        return self.described(session, login.origin, login.now, app.scope)

    def described(self, session: Session, origin: str, now: float, scope: str) -> dict[str, str]:
        """What a log-in answers. There is no expires_in, and the time is a text."""
        issued_at = str(int(now * 1000))
        org, user = to_long(self.config.organization_id[:15]), session.user.id
        identity = f"https://login.salesforce.com/id/{org}/{user}"
        signature = base64.b64encode(hashlib.sha256((identity + issued_at).encode()).digest()).decode()
        jwt_format = {"token_format": "jwt"} if self.config.jwt_token_format else {}
        return {
            "access_token": session.token,
            "signature": signature,
            **jwt_format,
            "scope": scope,
            "instance_url": self.config.instance_url or origin,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued_at,
            **({"api_instance_url": "https://api.salesforce.com"} if jwt_format else {}),
        }


def form_of(request: OrgRequest) -> dict[str, str]:
    """The parameters: of the body, of the query, and the client's from HTTP Basic."""
    form = dict(request.query) | dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    scheme, _, value = request.header("authorization").partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(value).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise GrantRefused("invalid_client", "invalid client credentials") from None
        form |= {"client_id": unquote(client_id), "client_secret": unquote(secret)}
    return form
