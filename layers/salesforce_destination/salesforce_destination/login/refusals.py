"""
A failed log-in, in our words: which field of the credentials or which setting is at fault, and what to do.

Salesforce's own text never leaves this module: it may echo what was sent. What it says is known by the table or it is
unknown. The evidence for each row is in its test. Wordings differ between grants, years and kinds of app, so that a row
may name the beginning of a description only. A problem reads on from the name of its field; without one it is a
sentence. The refresh queue tries again about once a minute; the kind of error says if a person has to act.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from salesforce_destination.errors import CredentialsError, SalesforceUnavailableError


@dataclass(frozen=True, slots=True)
class LoginRefusal:
    """
    Why there is no token, in our words.

    `field` is the key of the credentials secret at fault, or empty for a setting in Salesforce; `permanent` says that a
    person has to act.
    """

    code: str
    field: str
    problem: str
    cure: str
    permanent: bool


class LoginUnavailableError(SalesforceUnavailableError):
    """Salesforce did not log us in, but may do so later; `field`, `problem` and `cure` as in CredentialsError."""

    def __init__(self, status: int | None, refusal: LoginRefusal) -> None:
        super().__init__(status, [refusal.code])
        self.field, self.problem, self.cure = refusal.field, refusal.problem, refusal.cure


def _person_acts(code: str, field: str, problem: str, cure: str) -> LoginRefusal:
    return LoginRefusal(code, field, problem, cure, permanent=True)


def _may_pass(code: str, field: str, problem: str, cure: str) -> LoginRefusal:
    return LoginRefusal(code, field, problem, cure, permanent=False)


_LOGIN_REFUSED = _person_acts(
    "LOGIN_REFUSED",
    "password",
    "is wrong, or username or security_token is, or the user is locked, or the org blocks the username-password flow.",
    (
        "Setup > Login History shows the cause. Orgs created since Summer '23 block that flow: use "
        "client_credentials instead."
    ),
)
_REFRESH_TOKEN_EXPIRED = _person_acts(
    "REFRESH_TOKEN_EXPIRED",
    "refresh_token",
    "has expired, was revoked, or was replaced by rotation or by a sixth approval of the app.",
    "Authorise the app again and store the new one. Check the app's refresh token policy (valid until revoked).",
)
_USER_INACTIVE = _person_acts(
    "USER_INACTIVE",
    "",
    "The integration user is inactive or frozen.",
    "Activate it in Setup > Users, or let the app run as another user.",
)
_ORG_INACTIVE = _person_acts(
    "ORG_INACTIVE",
    "domain",
    "names an inactive org: it is expired, deleted, locked or being copied.",
    "Check that it is the right org, and ask Salesforce about its state.",
)
_NOT_APPROVED = _person_acts(
    "APP_NOT_APPROVED",
    "",
    "The integration user is not approved for the app.",
    (
        "In Salesforce, open the app's policies, set Permitted Users to admin approved users, and add the "
        "user's profile or a permission set that the user has. The app needs the scopes api and "
        "refresh_token."
    ),
)
_NOT_INSTALLED = _person_acts(
    "APP_NOT_INSTALLED",
    "client_id",
    "belongs to an app that this org does not have or has blocked.",
    "Create or install the app in the org of `domain`, and check that `domain` is the right org.",
)
_AUDIENCE = _person_acts(
    "AUDIENCE_INVALID",
    "domain",
    "does not match the kind of org: a sandbox's log-in was signed for production, or the other way round.",
    "For a sandbox write acme--uat or acme--uat.sandbox.my.salesforce.com, for a production org acme.",
)
_ASSERTION = _person_acts(
    "ASSERTION_INVALID",
    "private_key",
    "does not match the certificate in the app, or the app does not accept signed log-ins.",
    (
        "Upload the certificate of this key to the app and enable the JWT bearer flow. Check `username` and "
        "`client_id` too."
    ),
)
_IN_PROGRESS = _may_pass(
    "LOGIN_IN_PROGRESS",
    "refresh_token",
    "is being used by another log-in at this moment.",
    "Wait. If it happens again, another program uses the same refresh token: give each its own.",
)
_EXPIRED = _may_pass(
    "LOGIN_EXPIRED",
    "",
    "Salesforce treats the log-in as expired: another one used the same refresh token, or the clocks differ.",
    "Wait. If it happens again, check that nothing else uses the refresh token of this stack.",
)
_DOMAIN_NOT_MY_DOMAIN = _person_acts(
    "DOMAIN_NOT_MY_DOMAIN",
    "domain",
    "does not accept this flow: client credentials work only on the org's own address.",
    "Write the My Domain of the org (acme or acme.my.salesforce.com). Setup > My Domain shows it.",
)
_NO_RUN_AS = _person_acts(
    "RUN_AS_USER_MISSING",
    "",
    "The app has no Run As user for the client credentials flow.",
    (
        "In Salesforce, open the app's policies, enable the client credentials flow and set the integration "
        "user as Run As."
    ),
)
_IP_RESTRICTED = _person_acts(
    "IP_RESTRICTED",
    "",
    "Salesforce does not let the user log in from the function's address.",
    "Relax the IP restrictions in the app's policies, or give the function a fixed address that is allowed.",
)
_OUTSIDE_LOGIN_HOURS = _may_pass(
    "OUTSIDE_LOGIN_HOURS",
    "",
    "The integration user may not log in at this hour.",
    "Remove the login hours from the user's profile.",
)
_RATE = _may_pass(
    "LOGIN_RATE_EXCEEDED",
    "",
    "The integration user has logged in too often within an hour.",
    "Wait an hour. Find what else logs in as this user: Setup > Login History.",
)
_CLIENT_ID_UNKNOWN = _person_acts(
    "CLIENT_ID_UNKNOWN",
    "client_id",
    "is not known in this org.",
    "Copy the app's Consumer Key again and check `domain`. A new app is known after about 10 minutes.",
)
_CLIENT_SECRET = _person_acts(
    "CLIENT_SECRET_WRONG",
    "client_secret",
    "is not the secret of the app.",
    "Copy the app's Consumer Secret again, and check that `client_id` is of the same app.",
)
_GRANT_NOT_SUPPORTED = _person_acts(
    "GRANT_NOT_SUPPORTED",
    "grant_type",
    "names a flow that the app does not allow.",
    "Enable this flow in the app's OAuth settings, or use another grant_type.",
)
_SCOPE = _person_acts(
    "SCOPE_INVALID",
    "",
    "The app lacks an OAuth scope.",
    "Give the app the scope api, and for the refresh_token and jwt_bearer grants also refresh_token.",
)
_LOGIN_REQUEST_INVALID = _person_acts(
    "LOGIN_REQUEST_INVALID",
    "",
    "Salesforce finds the log-in request incomplete or not allowed.",
    ("Check `domain` and that no value of the credentials secret is cut off. Setup > Login History shows the cause."),
)
_SALESFORCE_FAULT = _may_pass(
    "RETRY_REQUESTED",
    "",
    "Salesforce had an internal error and asks to try again.",
    "Wait: the log-in is tried again.",
)
UNREADABLE = _may_pass(
    "LOGIN_ANSWER_UNREADABLE",
    "domain",
    "did not answer with a token, as Salesforce does in an outage.",
    "If it lasts, check `domain`: Setup > My Domain shows the org's address.",
)
REDIRECTED = _may_pass(
    "LOGIN_REDIRECTED",
    "domain",
    (
        "redirects log-ins, as Salesforce does during maintenance and after a change of My Domain. No "
        "secret was sent there."
    ),
    "If it lasts, check `domain`: Setup > My Domain shows the org's address.",
)
UNREACHABLE = _may_pass(
    "LOGIN_UNREACHABLE",
    "domain",
    "could not be reached, or did not answer in time.",
    (
        "If it lasts, check `domain`: Setup > My Domain shows the org's address. In a VPC the function "
        "needs a way to the internet."
    ),
)
UNKNOWN_HOST = _may_pass(
    "LOGIN_HOST_UNKNOWN",
    "domain",
    "is a host name that DNS does not know.",
    "Check its spelling: Setup > My Domain shows it. In a VPC the function needs DNS.",
)
NOT_TRUSTED = _may_pass(
    "LOGIN_HOST_NOT_TRUSTED",
    "domain",
    "answers with a certificate that cannot be trusted.",
    "Nothing was sent. Something between the function and Salesforce intercepts the connection.",
)

TABLE: tuple[tuple[str, str, LoginRefusal], ...] = (
    ("invalid_grant", "authentication failure", _LOGIN_REFUSED),
    ("invalid_grant", "expired access/refresh token", _REFRESH_TOKEN_EXPIRED),
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
    # No code is ever sent here. Two refreshes at once were answered so until about September 2024, and late signatures.
    ("invalid_grant", "expired authorization code", _EXPIRED),
    ("invalid_grant", "request not supported on this domain", _DOMAIN_NOT_MY_DOMAIN),
    ("invalid_grant", "no client credentials user enabled", _NO_RUN_AS),
    ("invalid_grant", "ip restricted", _IP_RESTRICTED),
    ("invalid_grant", "invalid login hours", _OUTSIDE_LOGIN_HOURS),
    ("invalid_grant", "login rate exceeded", _RATE),
    ("rate_limit_exceeded", "", _RATE),
    ("invalid_client_id", "", _CLIENT_ID_UNKNOWN),
    ("invalid_client", "", _CLIENT_SECRET),
    ("unsupported_grant_type", "", _GRANT_NOT_SUPPORTED),
    ("unauthorized_client", "", _SCOPE),
    ("invalid_scope", "", _SCOPE),
    ("invalid_request", "", _LOGIN_REQUEST_INVALID),
    ("unknown_error", "", _SALESFORCE_FAULT),
    ("server_error", "", _SALESFORCE_FAULT),
    ("temporarily_unavailable", "", _SALESFORCE_FAULT),
)
"""(error, beginning of error_description) -> what it means. The first row that fits holds."""


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
    problem = f"Salesforce refused the log-in for an unknown reason{named}."
    cure = "Setup > Login History shows the cause. Check each value of the credentials."
    return LoginRefusal("LOGIN_REFUSED_UNKNOWN", "", problem, cure, permanent=True)
