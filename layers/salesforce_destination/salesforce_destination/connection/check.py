"""The use case of the connection check: a destination file and an org in, everything there is to say about them out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

from salesforce_destination.connection.comparison import OrgFacts, examine
from salesforce_destination.connection.finding import Finding, Level
from salesforce_destination.connection.guard_fit import guard_fields
from salesforce_destination.connection.trouble import is_not_found, no_sobject, trouble
from salesforce_destination.errors import DestinationError, Mistake, RequestRefusedError

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import Destination


class OrgFactFinder(Protocol):
    """Asks the org (salesforce.facts.FactFinder)."""

    def facts(self, sobject: str, *, rules: bool) -> OrgFacts:
        """What the org tells its integration user about an sObject."""
        ...

    def sobjects(self) -> list[str]:
        """The names of all sObjects that it can see."""
        ...


@dataclass(frozen=True, slots=True)
class Connection:
    """What a check came to. `answered` says whether the org was there to be asked at all."""

    findings: tuple[Finding, ...]
    answered: bool = True

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
        """Whether the check found anything out; in an outage of Salesforce's it does not."""
        return self.answered or self.problems > 0

    def as_json(self) -> dict[str, Any]:
        """The check for programs; no personal data is in it."""
        return {
            "connected": self.is_good,
            "problems": self.problems,
            "findings": [asdict(finding) for finding in self.findings],
        }


def check_connection(destination: Destination, org: OrgFactFinder) -> Connection:
    """Compare a destination file with the org as it is now; what stands in the way is a finding, never an exception."""
    try:
        facts = org.facts(destination.salesforce_object, rules=bool(guard_fields(destination)))
    except DestinationError as problem:
        if is_not_found(problem):
            return Connection((_not_there(destination, org),))
        return Connection((trouble(problem),), answered=False)
    return Connection(tuple(examine(destination, facts)))


def unusable(mistakes: Iterable[Mistake]) -> Connection:
    """What a check comes to that a wrong file or environment ends at once."""
    findings = (Finding(Level.ERROR, mistake.key, "", mistake.problem, mistake.cure) for mistake in mistakes)
    return Connection(tuple(findings), answered=False)


def _not_there(destination: Destination, org: OrgFactFinder) -> Finding:
    try:
        return no_sobject(destination, org.sobjects())
    except RequestRefusedError:
        return no_sobject(destination, None)
    except DestinationError as problem:
        return trouble(problem)
