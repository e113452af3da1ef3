"""
A failed log-in, described for the person who reads the log.
"""

from __future__ import annotations

from dataclasses import dataclass

from salesforce_destination.errors import SalesforceUnavailableError


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
