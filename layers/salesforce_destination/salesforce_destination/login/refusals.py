"""
A failed log-in, in our words: which field of the credentials or which setting is at fault, and what to do.

Salesforce's own text never leaves this module: it may echo what was sent. What it says is known by the table or it is
unknown. The evidence for each row is in its test. Wordings differ between grants, years and kinds of app, so that a row
may name the beginning of a description only. A problem reads on from the name of its field; without one it is a
sentence. Whatever it is, the log-in is tried again; the kind of error says if a person has to act.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from salesforce_destination.errors import CredentialsError, SalesforceUnavailableError


@dataclass(frozen=True, slots=True)
class LoginRefusal:
    """Why there is no token: the key of the credentials at fault, empty for a setting, and if a person has to act."""

    code: str
    problem: str
    cure: str
    field: str = ""
    permanent: bool = True


class LoginUnavailableError(SalesforceUnavailableError):
    """Salesforce did not log us in, but may do so later; `field`, `problem` and `cure` as in CredentialsError."""

    def __init__(self, status: int | None, refusal: LoginRefusal) -> None:
        super().__init__(status, [refusal.code])
        self.field, self.problem, self.cure = refusal.field, refusal.problem, refusal.cure


_may_pass = partial(LoginRefusal, permanent=False)
_LOGIN_REFUSED = LoginRefusal(
    "LOGIN_REFUSED",
    "is wrong, or username or security_token is, or the user is locked, or the org blocks the username-password flow.",
    "Setup > Login History shows the cause. Orgs since Summer '23 block that flow: use client_credentials instead.",
    field="password",
)
_REFRESH_TOKEN_EXPIRED = LoginRefusal(
    "REFRESH_TOKEN_EXPIRED",
    "has expired, was revoked, or was replaced by rotation or by a sixth approval of the app.",
    "Authorise the app again and store the new one. Check the app's refresh token policy (valid until revoked).",
    field="refresh_token",
)
_USER_INACTIVE = LoginRefusal(
    "USER_INACTIVE",
    "The integration user is inactive or frozen.",
    "Activate it in Setup > Users, or let the app run as another user.",
)
_ORG_INACTIVE = LoginRefusal(
    "ORG_INACTIVE",
    "names an inactive org: it is expired, deleted, locked or being copied.",
    "Check that it is the right org, and ask Salesforce about its state.",
    field="domain",
)
_NOT_APPROVED = LoginRefusal(
    "APP_NOT_APPROVED",
    "The integration user is not approved for the app.",
    "In the app's policies, set Permitted Users to admin approved users, and add a permission set of the user. Setup >"
    " API Access Control asks for this of every app. The app needs the scopes api and refresh_token.",
)
_NOT_INSTALLED = LoginRefusal(
    "APP_NOT_INSTALLED",
    "belongs to an app that this org does not have or has blocked.",
    "Create or install the app in the org of `domain`, and check that `domain` is the right org.",
    field="client_id",
)
_APP_BLOCKED = LoginRefusal(
    "APP_BLOCKED",
    "The org blocks the app.",
    "In Setup > Connected Apps OAuth Usage, unblock or install it. If Setup > API Access Control is on, approve it.",
)
_AUDIENCE = LoginRefusal(
    "AUDIENCE_INVALID",
    "does not match the kind of org: a sandbox's log-in was signed for production, or the other way round.",
    "For a sandbox write acme--uat or acme--uat.sandbox.my.salesforce.com, for a production org acme.",
    field="domain",
)
_ASSERTION = LoginRefusal(
    "ASSERTION_INVALID",
    "does not match the certificate in the app, or the app does not accept signed log-ins.",
    "Upload its certificate to the app and enable the JWT bearer flow. Check `username` and `client_id` too.",
    field="private_key",
)
_IN_PROGRESS = _may_pass(
    "LOGIN_IN_PROGRESS",
    "is being used by another log-in at this moment.",
    "Wait. If it happens again, another program uses the same refresh token: give each its own.",
    field="refresh_token",
)
_EXPIRED = _may_pass(
    "LOGIN_EXPIRED",
    "Salesforce treats the log-in as expired: another one used the same refresh token, or the clocks differ.",
    "Wait. If it happens again, check that nothing else uses the refresh token of this stack.",
)
_DOMAIN_NOT_MY_DOMAIN = LoginRefusal(
    "DOMAIN_NOT_MY_DOMAIN",
    "does not accept this flow: client credentials work only on the org's own address.",
    "Write the My Domain of the org (acme or acme.my.salesforce.com). Setup > My Domain shows it.",
    field="domain",
)
_NO_RUN_AS = LoginRefusal(
    "RUN_AS_USER_MISSING",
    "The app has no Run As user for the client credentials flow.",
    "In the app's policies, enable the client credentials flow and set the integration user as Run As.",
)
_IP_RESTRICTED = LoginRefusal(
    "IP_RESTRICTED",
    "Salesforce does not let the user log in from the function's address.",
    "Relax the IP restrictions in the app's policies, or give the function a fixed address that is allowed.",
)
_OUTSIDE_LOGIN_HOURS = _may_pass(
    "OUTSIDE_LOGIN_HOURS",
    "The integration user may not log in at this hour.",
    "Remove the login hours from the user's profile.",
)
_RATE = _may_pass(
    "LOGIN_RATE_EXCEEDED",
    "The integration user has logged in too often within an hour.",
    "Wait an hour. Find what else logs in as this user: Setup > Login History.",
)
_CLIENT_ID_UNKNOWN = LoginRefusal(
    "CLIENT_ID_UNKNOWN",
    "is not known in this org.",
    "Copy the app's Consumer Key again and check `domain`. A new app is known after about 10 minutes.",
    field="client_id",
)
_CLIENT_SECRET = LoginRefusal(
    "CLIENT_SECRET_WRONG",
    "is not the secret of the app.",
    "Copy the app's Consumer Secret again, and check that `client_id` is of the same app.",
    field="client_secret",
)
_GRANT_NOT_SUPPORTED = LoginRefusal(
    "GRANT_NOT_SUPPORTED",
    "names a flow that the app does not allow.",
    "Enable this flow in the app's OAuth settings, or use another grant_type.",
    field="grant_type",
)
_SCOPE = LoginRefusal(
    "SCOPE_INVALID",
    "The app lacks an OAuth scope.",
    "Give the app the scope api, and for the refresh_token and jwt_bearer grants also refresh_token.",
)
_LOGIN_REQUEST_INVALID = LoginRefusal(
    "LOGIN_REQUEST_INVALID",
    "Salesforce finds the log-in request incomplete or not allowed.",
    "Check `domain` and that no value of the credentials secret is cut off. Setup > Login History shows the cause.",
)
_SALESFORCE_FAULT = _may_pass(
    "RETRY_REQUESTED", "Salesforce had an internal error and asks to try again.", "Wait: the log-in is tried again."
)
UNREADABLE = _may_pass(
    "LOGIN_ANSWER_UNREADABLE",
    "did not answer with a token, as Salesforce does in an outage.",
    "If it lasts, check `domain`: Setup > My Domain shows the org's address.",
    field="domain",
)
REDIRECTED = _may_pass(
    "LOGIN_REDIRECTED",
    "redirects log-ins, as Salesforce does in maintenance and after a change of My Domain. No secret was sent there.",
    "If it lasts, check `domain`: Setup > My Domain shows the org's address.",
    field="domain",
)
UNREACHABLE = _may_pass(
    "LOGIN_UNREACHABLE",
    "could not be reached, or did not answer in time.",
    "If it lasts, check `domain`: Setup > My Domain shows it. In a VPC the function needs a way to the internet.",
    field="domain",
)
UNKNOWN_HOST = _may_pass(
    "LOGIN_HOST_UNKNOWN",
    "is a host name that DNS does not know.",
    "Check its spelling: Setup > My Domain shows it. In a VPC the function needs DNS.",
    field="domain",
)
NOT_TRUSTED = _may_pass(
    "LOGIN_HOST_NOT_TRUSTED",
    "answers with a certificate that cannot be trusted.",
    "Nothing was sent. Something between the function and Salesforce intercepts the connection.",
    field="domain",
)

PROXY_FAILS = _may_pass(
    "LOGIN_PROXY_FAILS",
    "The proxy that HTTPS_PROXY names does not connect to Salesforce.",
    "Let the proxy connect to the host of `domain`, or list that host in NO_PROXY.",
)
TOKEN_UNTRIED = _may_pass(
    "TOKEN_UNTRIED",
    "Salesforce gave an access token and did not answer the first call with it, as in an outage.",
    "Wait: the log-in is tried again.",
)
LOG_INS_SPENT = _may_pass(
    "LOG_INS_SPENT",
    "The stack has logged in three times in a row, and waits before the next log-in.",
    "Wait: it logs in by itself within ten minutes.",
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
    ("oauth_app_access_denied", "", _NOT_APPROVED),
    ("oauth_app_blocked", "", _APP_BLOCKED),
    ("invalid_grant", "activation secret invalid", _IP_RESTRICTED),
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
    return LoginRefusal("LOGIN_REFUSED_UNKNOWN", problem, cure)
