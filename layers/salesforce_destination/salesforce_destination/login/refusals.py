"""A failed log-in, in our words: which field of the credentials or which setting is at fault, and what to do.

Salesforce's own text never leaves this module: it may echo what was sent. The evidence for each row is in its test. A
row names how a description begins: wordings differ. A problem reads on from the name of its field; without one it is a
sentence. The log-in is tried again in any case; the kind of error says if a person has to act.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from salesforce_destination.errors import CredentialsError, SalesforceUnavailableError, texts_by_name


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

    def __init__(self, status: int | None, code: str) -> None:
        super().__init__(status, [code])
        refusal = REFUSALS[code]
        self.field, self.problem, self.cure = refusal.field, refusal.problem, refusal.cure


# Of each: its code, the key at fault, and below a problem in one line and its cure. Behind < stands what Salesforce
# answers: the error, and how its description begins.
_UNTIL_MENDED = texts_by_name("""
LOGIN_REFUSED password < invalid_grant: authentication failure
    is wrong, or username or security_token is, or the user is locked, or the org blocks the username-password flow.
    Setup > Login History shows the cause. Orgs since Summer '23 block that flow: use client_credentials instead.
REFRESH_TOKEN_EXPIRED refresh_token < invalid_grant: expired access/refresh token
    has expired, was revoked, or was replaced by rotation or by a sixth approval of the app.
    Authorise the app again and store the new one. Check the app's refresh token policy (valid until revoked).
USER_INACTIVE < invalid_grant: inactive user | inactive_user
    The integration user is inactive or frozen.
    Activate it in Setup > Users, or let the app run as another user.
ORG_INACTIVE domain < invalid_grant: inactive org | inactive_org
    names an inactive org: it is expired, deleted, locked or being copied.
    Check that it is the right org, and ask Salesforce about its state.
APP_NOT_APPROVED < invalid_grant: user hasn't approved this consumer | invalid_app_access | oauth_app_access_denied
    The integration user is not approved for the app.
    In the app's policies, set Permitted Users to admin approved users, and add a permission set of the user. Setup >
    API Access Control asks for this of every app. The app needs the scopes api and refresh_token.
APP_BLOCKED < oauth_app_blocked
    The org blocks the app.
    In Setup > Connected Apps OAuth Usage, unblock or install it. If Setup > API Access Control is on, approve it.
IP_RESTRICTED < invalid_grant: activation secret invalid | invalid_grant: ip restricted
    Salesforce does not let the user log in from the function's address.
    Relax the IP restrictions in the app's policies, or give the function a fixed address that is allowed.
APP_NOT_INSTALLED client_id < app_not_found | oauth_ec_app_not_found
    belongs to an app that this org does not have or has blocked.
    Create or install the app in the org of `domain`, and check that `domain` is the right org.
AUDIENCE_INVALID domain < invalid_grant: audience | invalid_grant: invalid audience
    does not match the kind of org: a sandbox's log-in was signed for production, or the other way round.
    For a sandbox write acme--uat or acme--uat.sandbox.my.salesforce.com, for a production org acme.
ASSERTION_INVALID private_key < invalid_grant: invalid assertion
    does not match the certificate in the app, or the app does not accept signed log-ins.
    Upload its certificate to the app and enable the JWT bearer flow. Check `username` and `client_id` too.
DOMAIN_NOT_MY_DOMAIN domain < invalid_grant: request not supported on this domain
    does not accept this flow: client credentials work only on the org's own address.
    Write the My Domain of the org (acme or acme.my.salesforce.com). Setup > My Domain shows it.
RUN_AS_USER_MISSING < invalid_grant: no client credentials user enabled
    The app has no Run As user for the client credentials flow.
    In the app's policies, enable the client credentials flow and set the integration user as Run As.
CLIENT_ID_UNKNOWN client_id < invalid_client_id
    is not known in this org.
    Copy the app's Consumer Key again and check `domain`. A new app is known after about 10 minutes.
CLIENT_SECRET_WRONG client_secret < invalid_client
    is not the secret of the app.
    Copy the app's Consumer Secret again, and check that `client_id` is of the same app.
GRANT_NOT_SUPPORTED grant_type < unsupported_grant_type
    names a flow that the app does not allow.
    Enable this flow in the app's OAuth settings, or use another grant_type.
SCOPE_INVALID < unauthorized_client | invalid_scope
    The app lacks an OAuth scope.
    Give the app the scope api, and for the refresh_token and jwt_bearer grants also refresh_token.
LOGIN_REQUEST_INVALID < invalid_request
    Salesforce finds the log-in request incomplete or not allowed.
    Check `domain` and that no value of the credentials secret is cut off. Setup > Login History shows the cause.
""")

# "expired authorization code": none is ever sent here. Two refreshes at once were answered so until about September
# 2024, and late signatures.
_MAY_PASS = texts_by_name("""
LOGIN_IN_PROGRESS refresh_token < invalid_grant: token request is already being processed
    is being used by another log-in at this moment.
    Wait. If it happens again, another program uses the same refresh token: give each its own.
LOGIN_EXPIRED < invalid_grant: expired authorization code
    Salesforce treats the log-in as expired: another one used the same refresh token, or the clocks differ.
    Wait. If it happens again, check that nothing else uses the refresh token of this stack.
OUTSIDE_LOGIN_HOURS < invalid_grant: invalid login hours
    The integration user may not log in at this hour.
    Remove the login hours from the user's profile.
LOGIN_RATE_EXCEEDED < invalid_grant: login rate exceeded | rate_limit_exceeded
    The integration user has logged in too often within an hour.
    Wait an hour. Find what else logs in as this user: Setup > Login History.
RETRY_REQUESTED < unknown_error | server_error | temporarily_unavailable
    Salesforce had an internal error and asks to try again.
    Wait: the log-in is tried again.
LOGIN_ANSWER_UNREADABLE domain
    did not answer with a token, as Salesforce does in an outage.
    If it lasts, check `domain`: Setup > My Domain shows the org's address.
LOGIN_REDIRECTED domain
    redirects log-ins, as Salesforce does in maintenance and after a change of My Domain. No secret was sent there.
    If it lasts, check `domain`: Setup > My Domain shows the org's address.
LOGIN_UNREACHABLE domain
    could not be reached, or did not answer in time.
    If it lasts, check `domain`: Setup > My Domain shows it. In a VPC the function needs a way to the internet.
LOGIN_HOST_UNKNOWN domain
    is a host name that DNS does not know.
    Check its spelling: Setup > My Domain shows it. In a VPC the function needs DNS.
LOGIN_HOST_NOT_TRUSTED domain
    answers with a certificate that cannot be trusted.
    Nothing was sent. Something between the function and Salesforce intercepts the connection.
LOGIN_PROXY_FAILS
    The proxy that HTTPS_PROXY names does not connect to Salesforce.
    Let the proxy connect to the host of `domain`, or list that host in NO_PROXY.
TOKEN_UNTRIED
    Salesforce gave an access token and did not answer the first call with it, as in an outage.
    Wait: the log-in is tried again.
LOG_INS_SPENT
    The stack has logged in three times in a row, and waits before the next log-in.
    Wait: it logs in by itself within ten minutes.
""")

TABLE: list[tuple[str, str, LoginRefusal]] = []
"""(error, beginning of error_description) -> what it means. The first row that fits holds."""

REFUSALS: dict[str, LoginRefusal] = {}  # every refusal by its code, and those that no answer of Salesforce's names

for _texts in (_UNTIL_MENDED, _MAY_PASS):
    for _head, _words in _texts.items():
        _name, _, _answers = _head.partition(" < ")
        _code, _, _field = _name.partition(" ")
        REFUSALS[_code] = LoginRefusal(_code, *_words, _field, _texts is _UNTIL_MENDED)
        for _error, _, _begins in (each.partition(": ") for each in _answers.split(" | ") if each):
            TABLE.append((_error, _begins, REFUSALS[_code]))

_WORD = re.compile(r"[a-z][a-z_]{2,39}")


def login_error(status: int, answer: Mapping[str, Any] | None) -> CredentialsError | LoginUnavailableError:
    """Name what an answer other than a token means; `answer` is None where it was no JSON object."""
    if 300 <= status < 400:
        return LoginUnavailableError(status, "LOGIN_REDIRECTED")
    if answer is None or status >= 500 or not isinstance(answer.get("error"), str):
        return LoginUnavailableError(status, "LOGIN_ANSWER_UNREADABLE")
    error, words = answer["error"].lower(), str(answer.get("error_description") or "").lower().split()
    description = " ".join(words).replace("\u2019", "'")
    fitting = (row[2] for row in TABLE if error == row[0] and description.startswith(row[1]))
    if (refusal := next(fitting, None)) is None:
        named = f" ({error})" if _WORD.fullmatch(error) else ""
        problem = f"Salesforce refused the log-in for an unknown reason{named}."
        cure = "Setup > Login History shows the cause. Check each value of the credentials."
        refusal = LoginRefusal("LOGIN_REFUSED_UNKNOWN", problem, cure)
    if refusal.permanent:
        return CredentialsError(refusal.field, refusal.problem, refusal.cure, refusal.code)
    return LoginUnavailableError(status, refusal.code)
