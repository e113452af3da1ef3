"""
What a failed log-in means, as a table: Salesforce's two words -> which field or setting is at fault, and what to do.

Salesforce's own text never leaves this module: it may echo what was sent. What it says is known by the table or it is
unknown. Either way the refresh queue tries again about once a minute; `permanent` says whether a person has to act.

The evidence for each row is in the tests. Wordings differ between grants, years and kinds of app, so that a row may name
the beginning of a description only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from salesforce_destination.domain.errors import CredentialsError, SalesforceUnavailableError


@dataclass(frozen=True, slots=True)
class LoginRefusal:
    """Why there is no token: `field` is the key of the credentials secret at fault, or empty for a Salesforce setting."""

    code: str
    permanent: bool
    field: str
    problem: str
    cure: str


class LoginUnavailableError(SalesforceUnavailableError):
    """Salesforce did not log us in, but may do so later; `field`, `problem` and `cure` as in CredentialsError."""

    def __init__(self, status: int | None, refusal: LoginRefusal) -> None:
        super().__init__(status, [refusal.code])
        self.field, self.problem, self.cure = refusal.field, refusal.problem, refusal.cure


_PERMITTED = "In Salesforce open the app's policies, set Permitted Users to admin approved users, and add"
_HISTORY = "Setup > Login History shows the true cause."
_IF_IT_STAYS = "If it stays so, check `domain`: Setup > My Domain shows the org's address."

_IN_PROGRESS = LoginRefusal(
    *("LOGIN_IN_PROGRESS", False, "refresh_token"),
    "is being used by another log-in at this moment.",
    "Nothing, if it passes. If it comes back, another program uses the same refresh token: give each its own.",
)
_NO_RUN_AS = LoginRefusal(
    *("RUN_AS_USER_MISSING", True, ""),
    "The app has no Run As user for the client credentials flow.",
    "In Salesforce open the app's policies, enable the client credentials flow and name the integration user as Run As.",
)
_USER_INACTIVE = LoginRefusal(
    *("USER_INACTIVE", True, ""),
    "The integration user is inactive or frozen.",
    "Activate it in Setup > Users, or let the app run as another user.",
)
_ORG_INACTIVE = LoginRefusal(
    *("ORG_INACTIVE", True, "domain"),
    "leads to an org that is inactive: expired, deleted, locked or being copied.",
    "Check that it is the org you mean, and its state with Salesforce.",
)
_AUDIENCE = LoginRefusal(
    *("AUDIENCE_INVALID", True, "domain"),
    "is of another kind than the org: a sandbox's log-in was signed for production, or the other way round.",
    "A sandbox's is acme--uat or acme--uat.sandbox.my.salesforce.com, a production org's acme.",
)
_RATE = LoginRefusal(
    *("LOGIN_RATE_EXCEEDED", False, ""),
    "The integration user has logged in too often within an hour.",
    "It passes within the hour. Find what else logs in as this user: Setup > Login History.",
)
_NOT_APPROVED = LoginRefusal(
    *("APP_NOT_APPROVED", True, ""),
    "The integration user is not approved for the app.",
    f"{_PERMITTED} the user's profile or a permission set that the user has; the app needs the scopes api and refresh_token.",
)
_NOT_INSTALLED = LoginRefusal(
    *("APP_NOT_INSTALLED", True, "client_id"),
    "is of an app that this org does not have or does not let in.",
    "Make or install the app in the org of `domain`; check that `domain` is that org.",
)
_ASSERTION = LoginRefusal(
    *("ASSERTION_INVALID", True, "private_key"),
    "does not fit the certificate in the app, or the app does not accept signed log-ins.",
    "Upload the certificate of this key to the app and enable the JWT bearer flow; check `username` and `client_id` too.",
)
_CLIENT_SECRET = LoginRefusal(
    *("CLIENT_SECRET_WRONG", True, "client_secret"),
    "is not the one of the app.",
    "Copy the Consumer Secret of the app anew; check that `client_id` is of the same app.",
)
_SCOPE = LoginRefusal(
    *("SCOPE_INVALID", True, ""),
    "The app lacks an OAuth scope.",
    "Give the app the scope api, for the refresh_token and jwt_bearer grants also refresh_token.",
)
_SALESFORCE_FAULT = LoginRefusal(
    *("RETRY_REQUESTED", False, ""),
    "Salesforce had a fault of its own and asks to try again.",
    "Nothing, if it passes.",
)

TABLE: tuple[tuple[str, str, LoginRefusal], ...] = (
    (
        *("invalid_grant", "authentication failure"),
        LoginRefusal(
            *("LOGIN_REFUSED", True, "password"),
            "or username or security_token is wrong, the user is locked, or the org blocks the username-password flow.",
            f"{_HISTORY} Orgs made since Summer '23 block that flow: better use client_credentials.",
        ),
    ),
    (
        *("invalid_grant", "expired access/refresh token"),
        LoginRefusal(
            *("REFRESH_TOKEN_EXPIRED", True, "refresh_token"),
            "has expired, was revoked, or was replaced by rotation or by a sixth approval of the app.",
            "Authorise the app again and put in the new one. Check the app's refresh token policy (valid until revoked).",
        ),
    ),
    ("invalid_grant", "inactive user", _USER_INACTIVE),
    ("inactive_user", "", _USER_INACTIVE),
    ("invalid_grant", "inactive org", _ORG_INACTIVE),
    ("inactive_org", "", _ORG_INACTIVE),
    ("invalid_grant", "user hasn't approved this consumer", _NOT_APPROVED),
    ("invalid_app_access", "", _NOT_APPROVED),
    ("app_not_found", "", _NOT_INSTALLED),
    ("oauth_ec_app_not_found", "", _NOT_INSTALLED),
    ("invalid_grant", "audience validation failed", _AUDIENCE),
    ("invalid_grant", "audience is invalid", _AUDIENCE),
    ("invalid_grant", "invalid audience", _AUDIENCE),
    ("invalid_grant", "invalid assertion", _ASSERTION),
    ("invalid_grant", "token request is already being processed", _IN_PROGRESS),
    # Until about September 2024 two refreshes at once were answered so; no code is ever sent here.
    ("invalid_grant", "expired authorization code", _IN_PROGRESS),
    (
        *("invalid_grant", "request not supported on this domain"),
        LoginRefusal(
            *("DOMAIN_NOT_MY_DOMAIN", True, "domain"),
            "does not take this way of logging in: the client credentials flow works on an org's own address only.",
            "Put in the My Domain of the org (acme or acme.my.salesforce.com); Setup > My Domain shows it.",
        ),
    ),
    ("invalid_grant", "no client credentials user enabled", _NO_RUN_AS),
    (
        *("invalid_grant", "ip restricted"),
        LoginRefusal(
            *("IP_RESTRICTED", True, ""),
            "Salesforce does not let the user log in from the function's address.",
            "Relax the IP restrictions in the app's policies, or let the function leave by an address that is allowed.",
        ),
    ),
    (
        *("invalid_grant", "invalid login hours"),
        LoginRefusal(
            *("OUTSIDE_LOGIN_HOURS", False, ""),
            "The integration user may not log in at this hour.",
            "Remove the login hours from the user's profile.",
        ),
    ),
    ("invalid_grant", "login rate exceeded", _RATE),
    ("rate_limit_exceeded", "", _RATE),
    (
        *("invalid_client_id", ""),
        LoginRefusal(
            *("CLIENT_ID_UNKNOWN", True, "client_id"),
            "is not known in this org.",
            "Copy the Consumer Key of the app anew and check `domain`. A new app is known after some 10 minutes.",
        ),
    ),
    ("invalid_client", "", _CLIENT_SECRET),
    (
        *("unsupported_grant_type", ""),
        LoginRefusal(
            *("GRANT_NOT_SUPPORTED", True, "grant_type"),
            "is a way to log in that the app does not allow.",
            "Enable this flow in the app's OAuth settings, or use another grant_type.",
        ),
    ),
    ("unauthorized_client", "", _SCOPE),
    ("invalid_scope", "", _SCOPE),
    (
        *("invalid_request", ""),
        LoginRefusal(
            *("LOGIN_REQUEST_INVALID", True, ""),
            "Salesforce finds the log-in request incomplete or not allowed.",
            f"Check `domain` and that no value of the credentials secret is cut off. {_HISTORY}",
        ),
    ),
    ("unknown_error", "", _SALESFORCE_FAULT),
    ("server_error", "", _SALESFORCE_FAULT),
    ("temporarily_unavailable", "", _SALESFORCE_FAULT),
)
"""(error, beginning of error_description) -> what it means. The first row that fits holds."""

UNREADABLE = LoginRefusal(
    *("LOGIN_ANSWER_UNREADABLE", False, "domain"),
    "answered with something else than a token answer, as Salesforce does in an outage.",
    _IF_IT_STAYS,
)
REDIRECTED = LoginRefusal(
    *("LOGIN_REDIRECTED", False, "domain"),
    "sends log-ins elsewhere, as Salesforce does in maintenance and after a change of My Domain; no secret was sent on.",
    _IF_IT_STAYS,
)
UNREACHABLE = LoginRefusal(
    *("LOGIN_UNREACHABLE", False, "domain"),
    "could not be reached, or did not answer in time.",
    f"{_IF_IT_STAYS} In a VPC the function needs a way to the internet.",
)
UNKNOWN_HOST = LoginRefusal(
    *("LOGIN_HOST_UNKNOWN", False, "domain"),
    "is a name that the DNS does not know.",
    "Check its spelling: Setup > My Domain shows it. In a VPC the function needs DNS.",
)
NOT_TRUSTED = LoginRefusal(
    *("LOGIN_HOST_NOT_TRUSTED", False, "domain"),
    "answers with a certificate that cannot be trusted.",
    "Nothing was sent. Something between the function and Salesforce intercepts the connection.",
)

_WORD = re.compile(r"[a-z][a-z_]{2,39}")


def login_error(status: int, answer: Mapping[str, Any] | None) -> CredentialsError | LoginUnavailableError:
    """Name what an answer other than a token means; `answer` is None where it was no JSON object."""
    if 300 <= status < 400:
        return LoginUnavailableError(status, REDIRECTED)
    if answer is None or status >= 500 or not isinstance(answer.get("error"), str):
        return LoginUnavailableError(status, UNREADABLE)
    refusal = _look_up(answer["error"].lower(), str(answer.get("error_description") or "").lower())
    if refusal.permanent:
        return CredentialsError(refusal.field, refusal.problem, refusal.cure, refusal.code)
    return LoginUnavailableError(status, refusal)


def _look_up(error: str, description: str) -> LoginRefusal:
    description = " ".join(description.split()).replace("\u2019", "'")
    for known_error, beginning, refusal in TABLE:
        if error == known_error and description.startswith(beginning):
            return refusal
    named = f" ({error})" if _WORD.fullmatch(error) else ""
    problem = f"Salesforce refused the log-in for a reason that is not known here{named}."
    return LoginRefusal("LOGIN_REFUSED_UNKNOWN", True, "", problem, f"{_HISTORY} Check each value of the credentials.")
