"""One call to a resource of the org's data API: a request of its own, or a subrequest of a composite."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from destination_testbench.org.faults.failure import RequestFailure
from destination_testbench.org.login.people import User
from destination_testbench.org.records.transaction import Transaction
from destination_testbench.org.values.json_text import read_json, token


@dataclass(slots=True)
class Call:
    """
    What a resource is given. `resource` is the path below /services/data/vXX.X, `body` bytes or, in a composite, JSON.

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
