"""Sending requests to Salesforce's REST API, and naming what went wrong by what to do about it.

Nothing is retried here but once after a refused access token: SQS is the retry loop. TLS is always verified, redirects
are never followed, and no text of Salesforce's leaves this module except in the parsed answer.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Mapping
from functools import partial
from time import monotonic, time
from typing import Any, Protocol
from urllib.parse import urlencode
from urllib.request import getproxies_environment

import requests
from pydantic_core import from_json, to_json
from requests import Session
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import should_bypass_proxies
from urllib3.exceptions import NewConnectionError

from salesforce_destination import USER_AGENT
from salesforce_destination.errors import (
    ACCESS_REFUSALS,
    NO_ACCESS_TOKEN,
    NOT_CONNECTED,
    SESSION_IP_LOCKED,
    OutcomeUnknownError,
    SalesforceUnavailableError,
    SessionExpiredError,
    TokenUnavailableError,
)
from salesforce_destination.login.token import AccessToken
from salesforce_destination.record.classification import ApiCalls, request_error

Json = Any
Clock = Callable[[], float]

CONNECT_SECONDS = 5.0  # how long a connection may take to come up
GZIP_FROM_BYTES = 1_400  # a body that fits into one packet gains nothing from being smaller

_API_USAGE = re.compile(r"api-usage=(\d+)/(\d+)")


class Tokens(Protocol):
    """Where access tokens come from; the client only knows when one was refused."""

    def current(self) -> AccessToken:
        """The token to use now."""

    def replace(self, refused: AccessToken | None) -> AccessToken:
        """Another token than the one that Salesforce refused."""


class SalesforceClient:
    """Sends JSON to one org with one kept-alive connection; `read_seconds` says how long an answer may take now.

    `usage` is what the last answer told of the org's API calls; `slowest_seconds` is since it was set to None.
    """

    def __init__(
        self, session: Session, tokens: Tokens, read_seconds: Clock, now: Clock = time, clock: Clock = monotonic
    ) -> None:
        self._session, self._tokens, self._read_seconds, self._now = session, tokens, read_seconds, now
        self._clock, self.calls = clock, 0
        self.usage: ApiCalls | None = None
        self.slowest_seconds: float | None = None

    def post(self, path: str, body: Json, headers: Mapping[str, str] | None = None, *, is_list: bool = False) -> Json:
        """POST a body and give the parsed answer, an object or a list; raise a DestinationError that says why not."""
        payload, encoding = packed(to_json(body))
        all_headers = {"Content-Type": "application/json", **encoding, **(headers or {})}
        return self._call(partial(self._send, "POST", path, all_headers, payload, list if is_list else dict))

    def get(self, path: str, parameters: Mapping[str, str] | None = None) -> Json:
        """GET a resource, as `post` posts."""
        path += f"?{urlencode(parameters)}" if parameters else ""
        return self._call(partial(self._send, "GET", path, {}, b"", dict))

    def _call(self, send: Callable[[AccessToken], Json]) -> Json:
        try:
            token = self._tokens.current()
        except TokenUnavailableError as error:
            if error.code not in (NO_ACCESS_TOKEN, NOT_CONNECTED):
                raise
            token = self._tokens.replace(None)
        try:
            return send(token)
        except SessionExpiredError as error:
            refusal = error
        try:
            return send(token := self._tokens.replace(token))
        except SessionExpiredError as error:
            refusal = error
        except TokenUnavailableError as error:
            if error.code != NO_ACCESS_TOKEN:
                raise
        if refusal.code in ACCESS_REFUSALS:
            raise TokenUnavailableError(refusal.code)
        raise TokenUnavailableError(SESSION_IP_LOCKED if token.is_new(self._now()) else NO_ACCESS_TOKEN)

    def _send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, shape: type[Json], token: AccessToken
    ) -> Json:
        """Send by the session's adapter: what Session.request does besides is a third of a small batch's time."""
        session, request = self._session, requests.PreparedRequest()
        request.method, request.url, request.body = method, token.instance_url + path, body or None
        request.headers = CaseInsensitiveDict(headers)
        request.headers.update(session.headers)  # type: ignore[arg-type]  # none of ours is bytes
        request.headers["Authorization"] = f"Bearer {token.value}"
        if body:
            request.headers["Content-Length"] = str(len(body))
        timeout, verify = (CONNECT_SECONDS, max(self._read_seconds(), 1.0)), session.verify is None or session.verify
        started = self._clock()
        try:
            adapter = session.get_adapter(request.url)
            proxies = proxies_for(token.instance_url)
            response = adapter.send(request, timeout=timeout, verify=verify, proxies=proxies)
            content = response.content
        except requests.exceptions.RequestException as error:
            reason = getattr(error.args[0] if error.args else None, "reason", None)
            # A connection that never came up carried nothing; one that broke later may have.
            if isinstance(error, NEVER_UP) or isinstance(reason, NewConnectionError):
                raise SalesforceUnavailableError(None) from None
            self._note_call(started)
            raise OutcomeUnknownError(None) from None
        self._note_call(started)
        self.usage = usage_of(response) or self.usage
        answer = parsed(response, content)
        if response.status_code != 200 or type(answer) is not shape:
            raise request_error(response.status_code, answer)
        return answer

    def _note_call(self, started: float) -> None:
        self.calls += 1
        self.slowest_seconds = max(self.slowest_seconds or 0.0, self._clock() - started)


def usage_of(response: requests.Response) -> ApiCalls | None:
    """What an answer's header tells of the org's API calls; None where it tells nothing."""
    found = _API_USAGE.search(response.headers.get("Sforce-Limit-Info", ""))
    return ApiCalls(int(found[1]), int(found[2])) if found else None


class _KeptConnections(HTTPAdapter):
    """Finds the connections to a host once; requests looks for them at every request, for 50 microseconds."""

    def __init__(self) -> None:
        super().__init__()
        self._found: dict[tuple[object, ...], Any] = {}

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """The connections for a request's host, certificates and proxy."""
        key = *(request.url or "").split("/", 3)[:3], verify, cert, *(proxies or {}).items()
        if key not in self._found:
            self._found[key] = super().get_connection_with_tls_context(request, verify, proxies, cert)
        return self._found[key]

    def close(self) -> None:
        """Close the connections, and find new ones for the next request."""
        self._found.clear()
        super().close()


def new_session() -> Session:
    """Make a session that keeps its connection, and takes nothing from the environment by itself (see proxies_for)."""
    session = Session()
    session.mount("https://", _KeptConnections())
    session.mount("http://", _KeptConnections())
    session.trust_env = False
    session.headers.update({"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": USER_AGENT})
    # An integration user does not need every record it writes in its list of recently used ones ("MRU Header").
    session.headers["Sforce-Mru"] = "updateMru=false"
    return session


def proxies_for(url: str) -> dict[str, str]:
    """The proxy of HTTPS_PROXY, unless NO_PROXY excepts the address. A session that looks for it reads .netrc, too."""
    proxy = getproxies_environment().get("https") if url.startswith("https:") else None
    return {"https": proxy} if proxy and not should_bypass_proxies(url, no_proxy=None) else {}


def packed(payload: bytes) -> tuple[bytes, dict[str, str]]:
    """A body as it is sent, and the header that says how: squeezed where that saves a packet."""
    if len(payload) < GZIP_FROM_BYTES:
        return payload, {}
    return gzip.compress(payload, compresslevel=1, mtime=0), {"Content-Encoding": "gzip"}


def parsed(response: requests.Response, content: bytes) -> Json:
    """The JSON of an answer; None where it is none, as in an outage."""
    if "json" not in response.headers.get("Content-Type", "").lower():
        return None
    try:
        return from_json(content)
    except ValueError:
        return None


NEVER_UP = requests.exceptions.ConnectTimeout, requests.exceptions.SSLError, requests.exceptions.ProxyError
