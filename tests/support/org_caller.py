"""A caller of a simulated org, and the clock it goes by, for the tests of the org."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from destination_testbench.org import OrgConfig, OrgReply, OrgRequest, SimulatedOrg, record_id, seed
from pydantic_core import from_json, to_json

CONTACT = record_id("003", 1)
OTHER_CONTACT = record_id("003", 2)
LEAD = record_id("00Q", 1)
INTEGRATION = "integration@example.com"
ADMIN = "admin@example.com"


@dataclass
class Clock:
    """A clock that only moves when someone sleeps or pushes it."""

    time: float = 1_800_000_000.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


class Caller:
    """Someone with an access token."""

    def __init__(self, org: SimulatedOrg, username: str = INTEGRATION, version: str = "66.0") -> None:
        self.org, self.version = org, version
        self.token = org.admin.log_in(username)

    def request(self, method: str, resource: str, body: Any = None, **headers: str) -> OrgReply:
        path, _, query = resource.partition("?")
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"authorization": f"Bearer {self.token}", "content-type": "application/json", **given}
        pairs = dict(pair.partition("=")[::2] for pair in query.split("&") if pair)
        content = body if isinstance(body, bytes) else b"" if body is None else to_json(body)
        path = path if path.startswith("/") else f"/services/data/v{self.version}/{path}"
        return self.org.handle(OrgRequest(method, path, pairs, sent, content))

    def send(self, method: str, resource: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        reply = self.request(method, resource, body, **headers)
        return reply.status, from_json(reply.body) if reply.body else None

    def update(self, *records: dict[str, Any], all_or_none: bool = False) -> list[dict[str, Any]]:
        status, results = self.send("PATCH", "composite/sobjects", {"allOrNone": all_or_none, "records": [*records]})
        assert status == 200, results
        return list(results)

    def upsert(self, target: str, *records: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
        status, results = self.send("PATCH", f"composite/sobjects/{target}{query}", {"records": [*records]})
        assert status == 200, results
        return list(results)

    def query(self, soql: str, resource: str = "query") -> list[dict[str, Any]]:
        status, body = self.send("GET", f"{resource}?q={soql}")
        assert status == 200, body
        return [{k: v for k, v in row.items() if k != "attributes"} for row in body["records"]]


def an_org(contacts: int = 3, leads: int = 2, clock: Clock | None = None, **settings: Any) -> SimulatedOrg:
    """An org with some records, on a clock of its own."""
    clock = clock or Clock()
    org = SimulatedOrg(OrgConfig(**settings), now=clock.now, sleep=clock.sleep)
    seed(org, contacts=contacts, leads=leads)
    return org


def a_contact(id_: str | None = CONTACT, **values: Any) -> dict[str, Any]:
    """A contact as a request holds it."""
    return {"attributes": {"type": "Contact"}, **({"id": id_} if id_ else {}), **values}


def a_lead(id_: str | None = LEAD, **values: Any) -> dict[str, Any]:
    """A lead as a request holds it."""
    return {"attributes": {"type": "Lead"}, **({"id": id_} if id_ else {}), **values}


def first_error(result: dict[str, Any]) -> tuple[str, str, list[str]]:
    """Code, message and fields of a result's first error."""
    assert result["success"] is False
    error = result["errors"][0]
    return error["statusCode"], error["message"], error["fields"]
