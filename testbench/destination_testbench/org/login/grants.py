"""Who a request to the token endpoint logs in, grant by grant, or why it logs nobody in."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from destination_testbench.org.exchange import OrgRequest
from destination_testbench.org.facts import OrgConfig
from destination_testbench.org.faults.failure import not_simulated
from destination_testbench.org.login.people import ConnectedApp, User
from destination_testbench.org.login.sessions import RefreshTokens

LOGIN_HOSTS = {"login.salesforce.com", "test.salesforce.com"}
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GRANTS = {"password", "client_credentials", "refresh_token", JWT_GRANT}
UNBUILT_GRANTS = {
    *("authorization_code", "device", "hybrid_refresh", "hybrid_token", "assertion", "client_assertion"),
    *(f"urn:ietf:params:oauth:grant-type:{name}" for name in ("saml2-bearer", "token-exchange", "device_code")),
}


class GrantRefused(Exception):
    """The token endpoint's 400: an error and its description."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error)
        self.error, self.description = error, description


@dataclass(frozen=True, slots=True)
class Granted:
    """Who is logged in through which app. The refresh token is the one that is good from now on."""

    user: User
    app: ConnectedApp
    refresh_token: str = ""


class Grants:
    """Judges log-ins."""

    def __init__(self, config: OrgConfig, users: list[User], refresh_tokens: RefreshTokens) -> None:
        self._config, self._users, self._refresh_tokens = config, users, refresh_tokens
        self.apps: dict[str, ConnectedApp] = {}

    def granted(self, request: OrgRequest, now: float) -> Granted:
        """Who is logged in; GrantRefused when nobody is."""
        form = form_of(request)
        grant = required(form, "grant_type")
        if grant in UNBUILT_GRANTS:
            raise not_simulated(f"the grant {grant}")
        if form.get("format", "json") != "json":
            raise not_simulated(f"token answers as {form['format']}")
        if grant not in GRANTS:
            raise GrantRefused("unsupported_grant_type", "grant type not supported")
        if grant == JWT_GRANT:
            return self._by_assertion(form, request.origin, now)
        app = self.client(form)
        if grant == "client_credentials":
            return Granted(self._run_as(app, request.origin), app)
        if grant == "password":
            return Granted(self.by_password(required(form, "username"), required(form, "password")), app)
        return self._refreshed(form, app)

    def client(self, form: Mapping[str, str]) -> ConnectedApp:
        """The app whose id and secret a form holds."""
        if (app := self.apps.get(required(form, "client_id"))) is None:
            raise GrantRefused("invalid_client_id", "client identifier invalid")
        if not hmac.compare_digest(app.client_secret.encode(), form.get("client_secret", "").encode()):
            raise GrantRefused("invalid_client", "invalid client credentials")
        return unblocked(app)

    def by_password(self, username: str, password: str) -> User:
        """The user of a name and of a password with the security token behind it."""
        user = next((user for user in self._users if user.username.lower() == username.lower()), None)
        if user is None or not self._config.password_flow or password != user.password + user.security_token:
            raise GrantRefused("invalid_grant", "authentication failure")
        return active(user)

    def _run_as(self, app: ConnectedApp, origin: str) -> User:
        if urlsplit(origin).hostname in LOGIN_HOSTS:
            raise GrantRefused("invalid_grant", "request not supported on this domain")
        user = next((user for user in self._users if user.id == app.run_as), None)
        if user is None:
            raise GrantRefused("invalid_grant", "no client credentials user enabled")
        return active(user)

    def _by_assertion(self, form: Mapping[str, str], origin: str, now: float) -> Granted:
        try:
            app, username = subject_of(required(form, "assertion"), self.apps, origin, now)
        except AssertionRefusedError as refusal:
            raise GrantRefused(refusal.error, refusal.description) from None
        user = next((user for user in self._users if user.username.lower() == username.lower()), None)
        if user is None or not unblocked(app).approved:
            raise GrantRefused("invalid_grant", "user hasn't approved this consumer")
        return Granted(active(user), app)

    def _refreshed(self, form: Mapping[str, str], app: ConnectedApp) -> Granted:
        found = self._refresh_tokens.exchange(required(form, "refresh_token"), app.client_id)
        user = next((user for user in self._users if found and user.id == found[0]), None)
        if found is None or user is None:
            raise GrantRefused("invalid_grant", "expired access/refresh token")
        return Granted(active(user), app, found[1])


def required(form: Mapping[str, str], name: str) -> str:
    """A parameter that must be there."""
    if not (value := form.get(name, "")):
        raise GrantRefused("invalid_request", f"missing required parameter: {name}")
    return value


def active(user: User) -> User:
    """The user, unless an administrator has switched it off."""
    if not user.active:
        raise GrantRefused("invalid_grant", "inactive user")
    return user


def unblocked(app: ConnectedApp) -> ConnectedApp:
    """The app, unless an administrator has blocked it."""
    if app.blocked:
        raise GrantRefused("OAUTH_APP_BLOCKED", "this app is blocked by admin")
    return app


def form_of(request: OrgRequest) -> dict[str, str]:
    """The parameters: of the body, of the query, and the client's from HTTP Basic."""
    if request.method != "POST":
        raise GrantRefused("invalid_request", "must use HTTP POST")
    form = dict(request.query) | dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    scheme, _, value = request.header("authorization").partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise GrantRefused("invalid_client", "invalid client credentials") from None
        form |= {"client_id": unquote(client_id), "client_secret": unquote(secret)}
    return form


AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")
# Salesforce takes assertions that expire within a few minutes of its own clock.
LONGEST_LIFE = 300.0
# Salesforce's own command writes the expiry in milliseconds, thousands of years ahead as seconds, and is let in.
MILLISECONDS = 100_000_000_000.0


class AssertionRefusedError(Exception):
    """The assertion logs nobody in."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error)
        self.error, self.description = error, description


def subject_of(assertion: str, apps: Mapping[str, ConnectedApp], origin: str, now: float) -> tuple[ConnectedApp, str]:
    """The app that signed an assertion, and the username it is for."""
    # PyJWT is needed by this grant alone.
    import jwt

    try:
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        raise AssertionRefusedError("invalid_grant", "invalid assertion") from None
    if (app := apps.get(str(claims.get("iss")))) is None:
        raise AssertionRefusedError("invalid_client_id", "client identifier invalid")
    if app.public_key is None:
        raise AssertionRefusedError("invalid_grant", "invalid assertion")
    try:
        jwt.decode(
            assertion,
            app.public_key,
            ["RS256"],
            options={"verify_exp": False, "verify_aud": False, "verify_iat": False},
        )
    except jwt.InvalidTokenError:
        raise AssertionRefusedError("invalid_grant", "invalid assertion") from None
    check_claims(claims.get("aud"), claims.get("exp"), origin, now)
    return app, str(claims.get("sub", claims.get("prn", "")))


def check_claims(audience: object, expiry: object, origin: str, now: float) -> None:
    """Refuse an assertion for someone else, or for another time. Some clients write the expiry as text."""
    if audience not in (*AUDIENCES, origin):
        raise AssertionRefusedError("invalid_grant", "Audience validation failed")
    try:
        expires = float(str(expiry))
    except ValueError:
        raise AssertionRefusedError("invalid_grant", "invalid assertion") from None
    left = expires - now
    if left <= 0 or LONGEST_LIFE < left < MILLISECONDS - now:
        raise AssertionRefusedError("invalid_grant", "expired authorization code" if left <= 0 else "invalid assertion")
