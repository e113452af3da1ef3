"""What can go wrong as a whole, named by what to do about it.

A record that Salesforce refuses is not an exception: the request around it succeeded, and the refusal comes back as a
value (see outcome). No message here carries a response body, a field value or a secret: Salesforce's texts echo both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake a person made: where, what is wrong there, and what would be right."""

    key: str  # such as mappings[2].target
    problem: str
    cure: str = ""
    place: str = ""  # the key as people count (mapping 3, 'LastName', line 14: target)
    excerpt: str = ""  # the line with a caret

    def __str__(self) -> str:
        where = self.place or f"{self.key}:"
        return " ".join(filter(None, [where, self.problem, self.cure])) + (self.excerpt and f"\n{self.excerpt}")


class DestinationError(Exception):
    """Base of every error of this package; `code` is its one word for logs, metrics and dead letters."""

    code: str = "DESTINATION_ERROR"


class MistakesError(DestinationError):
    """A text that a person wrote cannot be used. All its mistakes are reported at once."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = tuple(mistakes)


class DestinationFileError(MistakesError):
    """The destination file cannot be used until a person mends it."""


class SettingsError(MistakesError):
    """The function's environment cannot be used until the deployment is mended."""


class CredentialsError(DestinationError):
    """Logging in will fail until a person mends `field` of the credentials secret, or a setting in Salesforce.

    `field` is the key of the secret that is at fault, or empty where Salesforce's answer points to a setting instead;
    `problem` and `cure` are our words, never Salesforce's.
    """

    def __init__(self, field: str, problem: str, cure: str, code: str = "CREDENTIALS_INVALID") -> None:
        super().__init__(f"{field}: {problem} {cure}" if field else f"{problem} {cure}")
        self.field, self.problem, self.cure, self.code = field, problem, cure, code


NO_ACCESS_TOKEN = "NO_ACCESS_TOKEN"  # the code of a TokenUnavailableError where the secret holds none, or no other came
NOT_CONNECTED = "NOT_CONNECTED"  # the code where nobody has filled the secrets yet: no fault, but a new stack


class TokenUnavailableError(DestinationError):
    """There is no access token that Salesforce takes: wait for the refresh function. `code` says why in one word."""

    def __init__(self, code: str = NO_ACCESS_TOKEN) -> None:
        super().__init__(code)
        self.code = code


NEW_TOKEN_REFUSED, SESSION_IP_LOCKED, ORG_MOVED = "NEW_TOKEN_REFUSED", "SESSION_IP_LOCKED", "ORG_MOVED"
"""A new token that is refused where it was made, one that is refused only elsewhere, and a call that is redirected."""


def texts_by_name(table: str) -> dict[str, tuple[str, str]]:
    """Read a table of texts: a line of names, below it a problem in one line, and its cure."""
    found = re.findall(r"^(\S.*)\n +(.*)\n((?: +.*\n)+)", table, re.MULTILINE)
    return {names: (problem, " ".join(cure.split())) for names, problem, cure in found}


_OF_ACCESS = texts_by_name("""
NEW_TOKEN_REFUSED
    Salesforce refuses the first call with a new access token.
    Give the app the OAuth scope api. If Setup > API Access Control is on, allow the app there.
SESSION_IP_LOCKED
    Salesforce refuses a new access token from another address than the one that it was made for.
    In Setup > Session Settings, switch off "Lock sessions to the IP address from which they originated", or give the
    functions one fixed address. Check "Enforce login IP ranges on every request" there, too.
INVALID_OPERATION_WITH_EXPIRED_PASSWORD
    The password of the integration user has expired.
    Reset it, and give the user the permission "Password Never Expires". The grant password needs the new one.
INVALID_JWT_FORMAT INVALID_AUTH_HEADER
    Salesforce does not take the app's JWT-based access tokens.
    Switch off "Issue JSON Web Token (JWT)-based access tokens for named users" in the OAuth settings of the app.
ORG_MOVED URL_NOT_RESET
    Salesforce redirects calls, as it does in maintenance and after a change of My Domain.
    If it lasts, compare `domain` of the credentials with Setup > My Domain, and correct it by `destination connect`.
API_DISABLED_FOR_ORG API_CURRENTLY_DISABLED
    The integration user may not use the API.
    Give it the permission "API Enabled". Editions below Enterprise may not include the API. Else ask Salesforce.
""")
ACCESS_REFUSALS = {code: words for codes, words in _OF_ACCESS.items() for code in codes.split()}
"""What keeps the integration user from the API as a whole: the code of it -> what is so, and what to do about it."""


class TimeIsUpError(DestinationError):
    """What is left of the invocation is too short for another request. Nothing was sent: leave it to a later one."""

    code = "TIME_IS_UP"


class SalesforceError(DestinationError):
    """Base of every failure of a whole request to Salesforce.

    `status` is the HTTP status, or None where no answer came; `codes` are Salesforce's error codes. `text` is what
    Salesforce says, for dead letters alone: it echoes field values, and stands in no message and no repr. `fields` are
    those that it names.
    """

    def __init__(
        self, status: int | None, codes: Iterable[str] = (), text: str = "", fields: Iterable[str] = ()
    ) -> None:
        self.status, self.codes, self.text, self.fields = status, tuple(codes), text, tuple(fields)
        self.code = self.codes[0] if self.codes else f"HTTP_{status}" if status else "NO_ANSWER"
        super().__init__(" ".join([str(status or "no answer"), *self.codes]))


class SessionExpiredError(SalesforceError):
    """The access token is not valid any more. Nothing was executed: ask for another one, and send once more."""


class SalesforceUnavailableError(SalesforceError):
    """Salesforce cannot answer now. Nothing was executed, or executing it again does no harm: try again later."""


class ConcurrentLimitError(SalesforceError):
    """Too many long requests run at once in the org: try again later."""


class DailyLimitError(SalesforceError):
    """The org has spent its API calls of 24 hours. More calls in this batch are useless: try again much later."""


class OutcomeUnknownError(SalesforceError):
    """A request went out, no readable answer came: send it again when it cannot be running any more."""


class BadRequestError(SalesforceError):
    """Something in the request is not accepted, and it is not said what. In smaller parts the rest may pass."""


class RequestRefusedError(SalesforceError):
    """The request as a whole does not fit the org (permission, API version, sObject). A person has to mend that."""


class UnknownCodeError(RequestRefusedError):
    """Nobody has described the code. It says nothing of a record; met again, one body must not hold the others back."""
