"""The use case of the connection check: a file and an org in, findings out; what keeps it from the org is one too."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from salesforce_destination.connection.comparison import OrgFacts, examine
from salesforce_destination.connection.field_fit import nearest_name
from salesforce_destination.connection.finding import Finding, Level, error, warning
from salesforce_destination.destination.destination import Destination
from salesforce_destination.errors import (
    ACCESS_REFUSALS,
    NO_ACCESS_TOKEN,
    NOT_CONNECTED,
    DailyLimitError,
    DestinationError,
    Mistake,
    RequestRefusedError,
    SessionExpiredError,
    TokenUnavailableError,
)
from salesforce_destination.record.description import ObjectDescription


class OrgFactFinder(Protocol):
    """Asks the org (salesforce.facts.FactFinder)."""

    def describe(self, sobject: str) -> ObjectDescription:
        """What the org tells of an sObject."""

    def facts(self, destination: Destination, described: Mapping[str, ObjectDescription]) -> OrgFacts:
        """All else that the org tells its integration user, as far as the file makes it matter."""

    def sobjects(self) -> list[str]:
        """The names of all sObjects that it can see."""


@dataclass(frozen=True, slots=True)
class Connection:
    """What a check came to. `answered` says if the org was there to be asked, `is_new` if nobody has connected yet."""

    findings: tuple[Finding, ...]
    answered: bool = True
    is_new: bool = False
    facts: OrgFacts | None = None
    rows: Mapping[str, int | str] | None = None  # that were swept

    @property
    def problems(self) -> int:
        """How many findings keep messages from being delivered."""
        return sum(finding.level is Level.ERROR for finding in self.findings)

    @property
    def is_good(self) -> bool:
        """Whether profiles can be delivered as the file says."""
        return self.answered and not self.problems

    @property
    def is_known(self) -> bool:
        """Whether the check found anything out; in an outage of Salesforce's or a new stack it does not."""
        return not self.is_new and (self.answered or self.problems > 0)

    def as_json(self) -> dict[str, Any]:
        """The check for programs; no personal data is in it."""
        found = {"connected": self.is_good, "problems": self.problems, "findings": [*map(asdict, self.findings)]}
        return found | ({"rows_swept": self.rows} if self.rows else {})


def check_connection(destination: Destination, org: OrgFactFinder) -> Connection:
    """Compare a destination file with the org as it is now; what stands in the way is a finding, never an exception."""
    described: dict[str, ObjectDescription] = {}
    absent: list[Finding] = []
    try:
        for name in destination.objects:
            try:
                described[name.lower()] = org.describe(name)
            except RequestRefusedError as problem:
                # Salesforce says the same of what it does not know and of what it hides from this user.
                if problem.status != 404:
                    raise
                absent.append(_not_there(name, destination.api_version, org))
        if absent:
            return Connection(tuple(dict.fromkeys(absent)))
        facts = org.facts(destination, described)
        return Connection(tuple(examine(destination, facts)), facts=facts)
    except DestinationError as problem:
        return Connection((trouble(problem),), answered=False, is_new=problem.code == NOT_CONNECTED)


def unusable(mistakes: Iterable[Mistake]) -> Connection:
    """What a check comes to that a wrong file or environment ends at once."""
    told = ((mistake, f"{mistake.place} {mistake.problem}".strip()) for mistake in mistakes)
    findings = (Finding(Level.ERROR, mistake.key, "", problem, mistake.cure) for mistake, problem in told)
    return Connection(tuple(findings), answered=False)


def _not_there(name: str, version: str, org: OrgFactFinder) -> Finding:
    try:
        close = nearest_name(name, org.sobjects())
    except RequestRefusedError:
        return error("api_version", "", f"The org does not support version {version} of the API.", "Write a lower one.")
    except DestinationError as problem:
        return trouble(problem)
    nearest = f"Did you mean {close}? Otherwise give" if close else "Give"
    problem_words = f"There is no sObject {name} that the integration user can see."
    return error("salesforce_object", "", problem_words, f"{nearest} it the right to read and edit {name}.")


_SEE_LOG = 'The refresh-token function logs the cause as "no log-in"; `destination connect` tries new credentials.'
_SEE_ROLE = "Check the function's role and the AWS Health Dashboard."
_UNREAD = "The access token cannot be read from Secrets Manager (SECRETS_UNAVAILABLE)."
_UNASKED = "Salesforce refuses the access token, and no other can be asked for (REFRESH_QUEUE_UNAVAILABLE)."
_TOKEN_TROUBLE: Mapping[str, tuple[str, str, str]] = {
    NO_ACCESS_TOKEN: ("credentials", "The destination has no access token that Salesforce accepts.", _SEE_LOG),
    NOT_CONNECTED: ("credentials", "The stack is not connected yet.", "Run `destination connect --stack NAME`."),
    "SECRETS_UNAVAILABLE": ("ACCESS_TOKEN_SECRET_ID", _UNREAD, _SEE_ROLE),
    "REFRESH_QUEUE_UNAVAILABLE": ("REFRESH_QUEUE_URL", _UNASKED, _SEE_ROLE),
}


def trouble(problem: DestinationError) -> Finding:
    """Name what kept a whole request from being answered; a warning where it is expected to pass by itself."""
    if refusal := ACCESS_REFUSALS.get(problem.code):
        return error("credentials" if isinstance(problem, TokenUnavailableError) else "connection", "", *refusal)
    if isinstance(problem, TokenUnavailableError | SessionExpiredError):
        code = NO_ACCESS_TOKEN if isinstance(problem, SessionExpiredError) else problem.code
        foreign = "The stored access token is for a server that is not Salesforce's."
        key, said, cure = _TOKEN_TROUBLE.get(code, ("credentials", foreign, _SEE_LOG))
        return error(key, "", said, cure)
    if isinstance(problem, DailyLimitError):
        cure = "Messages wait until it has some again. Find what uses them: Setup > Company Information."
        return error("api_calls", "", "The org has used all its API calls of the last 24 hours.", cure)
    if isinstance(problem, RequestRefusedError):
        if problem.code == "UNSUPPORTED_API_VERSION":
            return error("api_version", "", "The org does not support this version of the API.", "Write a lower one.")
        refused = f"Salesforce refuses the request ({problem.code})."
        return error("connection", "", refused, "Look at the integration user's permissions.")
    cure = "Try again. See status.salesforce.com for outages."
    return warning("connection", "", f"Salesforce gave no answer ({problem.code}).", cure)
