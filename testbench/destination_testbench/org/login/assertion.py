"""JWT bearer assertions: signed by the app's key, for a user, for a few minutes."""

from __future__ import annotations

from collections.abc import Mapping

from destination_testbench.org.login.people import ConnectedApp

AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")
# Salesforce takes assertions that expire within a few minutes of its own clock.
LONGEST_LIFE = 300.0


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
        left = float(str(expiry)) - now
    except ValueError:
        raise AssertionRefusedError("invalid_grant", "invalid assertion") from None
    if left <= 0 or left > LONGEST_LIFE:
        raise AssertionRefusedError("invalid_grant", "expired authorization code" if left <= 0 else "invalid assertion")
