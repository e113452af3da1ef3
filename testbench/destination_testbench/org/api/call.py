"""One call to a resource of the org's data API, the versions that it can name, and what more than one resource says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from destination_testbench.org.faults.failure import RequestFailure, not_found, not_simulated
from destination_testbench.org.login.people import User
from destination_testbench.org.records.store import Transaction
from destination_testbench.org.values.json_text import read_json, token


@dataclass(slots=True)
class ApiCall:
    """What a resource is given. `resource` is the path below /services/data/vXX.X, `body` bytes, in a composite JSON.

    The journal of a composite's subrequests is one, so that they can be rolled back together.
    """

    method: str
    version: str
    resource: str
    user: User
    now: float
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = b""
    journal: list[Callable[[], None]] = field(default_factory=list)
    seen: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    @property
    def root(self) -> str:
        """The path that every resource of this version starts with."""
        return f"/services/data/v{self.version}"

    def json(self) -> Any:
        """The body as JSON; refused when there is none."""
        return read_json(self.body) if isinstance(self.body, bytes) else self.body

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object."""
        value = self.json()
        if isinstance(value, dict):
            return value
        if isinstance(value, list):
            text = (
                "Json Deserialization failed on token 'null' and has left off in the middle of parsing a row."
                " Will go to end of row to begin parsing the next row"
            )
            raise RequestFailure(400, "INVALID_FIELD", text)
        text = f"Cannot deserialize instance of object from {token(value)} value [line:1, column:1]"
        raise RequestFailure(400, "JSON_PARSER_ERROR", text)

    def transaction(self) -> Transaction:
        """The frame for this call's writes."""
        duplicates = self.headers.get("sforce-duplicate-rule-header", "").replace(" ", "").lower().split(";")
        assign = self.headers.get("sforce-auto-assign", "TRUE").strip().upper() != "FALSE"
        return Transaction(self.user, self.now, "allowsave=true" in duplicates, assign, self.journal, self.seen)


BUILT_HEADERS = {"sforce-auto-assign", "sforce-duplicate-rule-header", "sforce-query-options"}
# They change nothing that is seen here: who asks, and what the user looked at last.
WITHOUT_EFFECT = {"sforce-call-options", "sforce-mru", "sforce-locale-options"}
CONDITIONS = {"if-match", "if-none-match", "if-unmodified-since"}


def check_headers(headers: Mapping[str, str]) -> None:
    """Say which header of Salesforce's this org has not."""
    for name in headers:
        if name in CONDITIONS or (name.startswith("sforce-") and name not in BUILT_HEADERS | WITHOUT_EFFECT):
            raise not_simulated(f"the header {name}")


def known(body: Mapping[str, Any], members: set[str], what: str) -> None:
    """Say which member of a request this org has not: no recorded answer tells what Salesforce says of one more."""
    if more := body.keys() - members:
        raise not_simulated(f"the member {min(more)} of a {what} request")


# Versions 21 to 30 are retired; a new one comes with each season, Spring '26 being 66.
OLDEST, NEWEST = 31, 68
RETIRED = range(21, 31)
SEASONS = ("Summer", "Winter", "Spring")
FIRST_YEAR = 14


def release(version: int) -> str:
    """The release that brought a version: 31 is Summer '14, 32 Winter '15."""
    passed = version - OLDEST
    return f"{SEASONS[passed % 3]} '{FIRST_YEAR + (passed + 2) // 3}"


def all_versions() -> list[dict[str, str]]:
    """What /services/data/ answers, to anyone."""
    return [
        {"label": release(number), "url": f"/services/data/v{number}.0", "version": f"{number}.0"}
        for number in range(OLDEST, NEWEST + 1)
    ]


def check_version(version: str) -> None:
    """Refuse a version that is retired, or not there yet."""
    whole, _, part = version.partition(".")
    if part != "0" or int(whole) > NEWEST or int(whole) < RETIRED.start:
        raise not_found()
    if int(whole) in RETIRED:
        raise RequestFailure(410, "UNSUPPORTED_API_VERSION", "This version of the API is retired.")


def unsupported_type(name: str) -> str:
    """What Salesforce says of an sObject it has not."""
    return (
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append the"
        " '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names."
    )


def no_such_column(name: str, sobject: str) -> str:
    """What Salesforce says of a field that a query asks for in vain."""
    return (
        f"No such column '{name}' on entity '{sobject}'. If you are attempting to use a custom field, be sure to append"
        " the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate"
        " names."
    )
