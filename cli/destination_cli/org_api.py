"""An org's REST API for a person's commands: any method, the whole answer, and a sentence where there is none.

A command shows what Salesforce said, which is allowed where no profile is involved: set-up texts speak of fields and
rights. An administrator's own access token is read once, kept in memory alone, and never shown.
"""

import csv
import getpass
import io
import json
import sys
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, islice, repeat
from typing import Any, Self

import requests
from pydantic_core import to_json
from salesforce_destination.errors import CredentialsError, TokenUnavailableError
from salesforce_destination.login.salesforce_host import check_instance_url
from salesforce_destination.login.token import AccessToken, is_sendable, parse_object
from salesforce_destination.record.successor import quoted
from salesforce_destination.salesforce.client import CONNECT_SECONDS, new_session, packed, parsed, proxies_for, usage_of

from destination_cli.target import Target, TargetError

Json = Any
Row = dict[str, Any]
SoqlValue = str | Collection[str] | None
Texts = Mapping[str, str] | None
READ_SECONDS = 120.0
ROWS_IN_A_PART = 200_000
HOW = "Pipe it in: sf org auth show-access-token --target-org admin --json | destination ... --access-token-stdin"


class OrgError(TargetError):
    """Salesforce cannot be asked, or refused. The text is for the person who asked."""


@dataclass(frozen=True, slots=True)
class OrgAnswer:
    """One answer: JSON, text of XML, bytes of CSV, None for pages; `calls_used` counts the org's calls of 24 hours."""

    status: int
    body: Json = field(repr=False)
    calls_used: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def good(self) -> bool:
        """Whether the request as a whole was carried out."""
        return 200 <= self.status < 300

    @property
    def code(self) -> str:
        """Salesforce's word for what is wrong."""
        return str(self._error.get("errorCode") or self._error.get("statusCode") or f"HTTP_{self.status}")

    @property
    def text(self) -> str:
        """Salesforce's own sentence about it."""
        return str(self._error.get("message") or "")

    @property
    def _error(self) -> Mapping[str, Any]:
        found = self.body[0] if isinstance(self.body, list) and self.body else self.body
        return found if isinstance(found, Mapping) else {}


@dataclass(slots=True)
class OrgApi:
    """Asks one org with one access token; `whose` names it where it is refused. Each thread takes one `for_thread`."""

    token: AccessToken
    version: str
    whose: str = "the access token"
    _session: requests.Session = field(default_factory=new_session, init=False, repr=False)  # keeps its connection

    @classmethod
    def of(cls, target: Target, version: str) -> Self:
        """The org of a stack, with the token that is stored."""
        return cls(stack_token(target), version, "the stack's access token")

    def for_thread(self) -> Self:
        """The same org and token, with a connection of its own."""
        return replace(self)

    def send(
        self, method: str, resource: str, body: Json = None, parameters: Texts = None, headers: Texts = None
    ) -> OrgAnswer:
        """Send a request to a resource below /services/data/vXX.X, or to a path that starts with a slash."""
        path = resource if resource.startswith("/") else f"/services/data/v{self.version}/{resource}"
        given = {"Authorization": f"Bearer {self.token.value}", **(headers or {})}
        payload = None
        if body is not None:
            payload, encoding = packed(body if isinstance(body, bytes) else to_json(body))
            given = {"Content-Type": "application/json", **given, **encoding}
        url, limits = self.token.instance_url + path, (CONNECT_SECONDS, READ_SECONDS)
        how: Json = {"timeout": limits, "allow_redirects": False, "proxies": proxies_for(url)}
        try:
            response = self._session.request(method, url, params=parameters, data=payload, headers=given, **how)
        except requests.RequestException as error:
            kind = type(error).__name__
            raise OrgError(f"{self.token.instance_url} does not answer ({kind}). Try again later.") from None
        if response.status_code == 401:
            raise OrgError(f"Salesforce rejects {self.whose}: it has expired, or is for another org. Get a new one.")
        if 300 < response.status_code < 400:
            raise OrgError(f"{self.token.instance_url} redirects to another address. Use the org's current address.")
        kind, usage = response.headers.get("Content-Type", "").lower(), usage_of(response)
        is_xml = "xml" in kind and "html" not in kind
        answer = response.text if is_xml else response.content if "csv" in kind else parsed(response, response.content)
        return OrgAnswer(response.status_code, answer, usage.used if usage else None, response.headers)

    def ask(self, resource: str, parameters: Texts = None, body: Json = None) -> Json:
        """The body that answers a GET which has to succeed, or the POST of a body."""
        return self._good("GET" if body is None else "POST", resource, body, parameters).body

    def _good(self, method: str, resource: str, body: Json, parameters: Texts, headers: Texts = None) -> OrgAnswer:
        answer = self.send(method, resource, body, parameters, headers)
        if not answer.good:
            raise OrgError(f"Salesforce refused to show {resource.partition('?')[0]}: {answer.code}. {answer.text}")
        return answer

    def query(self, columns: str, sobject: str, where: Mapping[str, SoqlValue], resource: str = "query") -> list[Row]:
        """Every row in which each of these fields has its value, or one of its values."""
        conditions = " AND ".join(f"{name} {_condition(value)}" for name, value in where.items())
        soql = " ".join(["SELECT", columns, "FROM", sobject, *(["WHERE", conditions] if conditions else [])])
        page = self.ask(resource, {"q": soql})
        rows = list(page["records"])
        while not page.get("done", True):
            page = self.ask(page["nextRecordsUrl"])
            rows += page["records"]
        return rows

    def count(self, column: str, sobject: str, where: str = "") -> dict[str, int]:
        """How many records have each value of a column that can be grouped; of no value as an empty text."""
        soql = " ".join(["SELECT", column, ", COUNT(Id) FROM", sobject, where, "GROUP BY", column])
        found = self.ask("query", {"q": soql})["records"]
        return {"" if row[column] is None else str(row[column]): row["expr0"] for row in found}

    def rows(self, columns: Iterable[str], sobject: str, where: str = "") -> Iterator[list[str]]:
        """Every row as texts, by a query job of Bulk API 2.0: some ten calls for a million; one part is in memory."""
        soql = " ".join(["SELECT", ", ".join(columns), "FROM", sobject, where])
        job = self.ask("jobs/query", body={"operation": "query", "query": soql})
        path, pauses = f"jobs/query/{job['id']}", chain((0.05, 0.5, 2.0, 10.0), repeat(30.0))
        while job["state"] != "JobComplete":
            if job["state"] in ("Failed", "Aborted"):
                raise OrgError(f"Salesforce gave the query up. {job.get('errorMessage', '')}")
            time.sleep(next(pauses))
            job = self.ask(path)
        asked = {"maxRecords": str(ROWS_IN_A_PART)}
        while (locator := asked.get("locator")) != "null":
            part = self._good("GET", f"{path}/results", None, asked, {"Accept": "text/csv"})
            yield from islice(csv.reader(io.TextIOWrapper(io.BytesIO(part.body), "utf-8", newline="")), 1, None)
            asked["locator"] = part.headers.get("Sforce-Locator", "")
            if asked["locator"] in ("", locator):
                raise OrgError("The rows came without their end: the header Sforce-Locator is missing.")
        self.send("DELETE", path)


def _condition(value: SoqlValue) -> str:
    if value is None:
        return "= null"
    return f"= {quoted(value)}" if isinstance(value, str) else f"IN ({', '.join(map(quoted, value))})"


def stack_token(target: Target, otherwise: str = "") -> AccessToken:
    """The token that is stored for a stack; OrgError where there is none, with what can be done otherwise."""
    try:
        return target.stored_token().current()
    except TokenUnavailableError:
        raise OrgError(f"The stack has no access token yet. Run `destination connect` first{otherwise}.") from None


def read_token() -> str:
    """Standard input, or what is typed unseen where that is a terminal."""
    return getpass.getpass("Access token of an administrator: ") if sys.stdin.isatty() else sys.stdin.read()


def admin_token(text: str, instance_url: str, allow_local: bool) -> AccessToken:
    """The token for an org's address; the text is the token alone, or the JSON of `sf` or of the simulated org."""
    if (value := _value_in(text.strip())) is None:
        raise OrgError(f"Standard input contains no access token. {HOW}")
    try:
        return AccessToken(value, check_instance_url(instance_url, allow_local=allow_local))
    except CredentialsError as error:
        raise OrgError(f"The org's address cannot be used: it {error.problem} {error.cure}") from None


def local_way(address: str) -> str:
    """What prints an administrator's access token of the simulated org at this address."""
    return f"""curl -s -X POST {address}/_org/token \\\n  -d '{{"username":"admin@example.com"}}'"""


def _value_in(text: str) -> str | None:
    if text.startswith("{"):
        answer = parse_object(text) or {}
        result = answer.get("result", answer)
        names = ("accessToken", "access_token")
        text = next((result[name] for name in names if name in result), "") if isinstance(result, dict) else ""
    elif text.startswith('"'):
        text = json.loads(text) if text.endswith('"') and len(text) > 1 else ""
    return text if is_sendable(text) and not text.startswith("[") else None


def agreed(question: str) -> bool:
    """Ask a person yes or no at the terminal, also where standard input brought the token."""
    try:
        with open("/dev/tty", "r+", encoding="utf-8") as terminal:
            terminal.write(f"{question} [y/N] ")
            terminal.flush()
            return terminal.readline().strip().lower() in ("y", "yes")
    except OSError:
        raise OrgError("There is no terminal for the question. Add --yes to continue without it.") from None
