"""A simulated Salesforce org: requests in, answers out, without a transport."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from destination_cli.local.org import versions
from destination_cli.local.org.access import Access
from destination_cli.local.org.call import Call
from destination_cli.local.org.coding import decoded, encoded
from destination_cli.local.org.exchange import Answer, OrgReply, OrgRequest, html
from destination_cli.local.org.facts import OrgConfig
from destination_cli.local.org.failure import RequestFailure
from destination_cli.local.org.fault import Fault, FaultKind
from destination_cli.local.org.faults import Faults
from destination_cli.local.org.limits import Usage
from destination_cli.local.org.oauth import OAuth
from destination_cli.local.org.people import ConnectedApp, User, default_users
from destination_cli.local.org.planting import planted
from destination_cli.local.org.refresh_tokens import LOCAL_REFRESH_TOKEN
from destination_cli.local.org.request_log import RequestLog
from destination_cli.local.org.resources import Resources
from destination_cli.local.org.saving import Saving
from destination_cli.local.org.schema import standard_schema
from destination_cli.local.org.sessions import Sessions
from destination_cli.local.org.store import Store
from destination_cli.local.org.table import Record, Table

DATA_PATH = re.compile(r"/services/data/v(\d{1,3}\.\d)(?:/(.*))?\Z")
BEARER = re.compile(r"(?:Bearer|OAuth) (\S+)\Z", re.IGNORECASE)
EXPIRED = "Session expired or invalid"


class SimulatedOrg:
    """
    One org with its data, users, limits and faults.

    `now` and `sleep` are the clock that everything in it goes by; with a simulated clock no time passes outside. `handle`
    may be called from many threads: calls to the data run one at a time, waiting does not hold the others up.
    """

    def __init__(
        self,
        config: OrgConfig | None = None,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.config = config or OrgConfig()
        self.now, self._sleep = now, sleep
        self.schema = standard_schema()
        self.store = Store(self.schema)
        self.access = Access(self.store)
        self.faults, self.usage, self.log = Faults(), Usage(self.config), RequestLog()
        self.users: list[User] = default_users()
        self.sessions = Sessions(self.config)
        self.oauth = OAuth(self.config, self.users, self.sessions)
        self.saving = Saving(self.store, self.access, self.config)
        self.saving.row_guards.append(self.faults.row_errors)
        self.resources = Resources(self.saving, self.faults, self.usage)
        self._data_lock = threading.RLock()
        self._waiting: list[tuple[float, OrgRequest]] = []
        self._settle_in()

    def records(self, sobject: str) -> Table:
        """The records of an sObject, once everything due by now has been carried out."""
        self.settle()
        return self.store.table(self.schema.sobjects[sobject])

    def plant(self, sobject: str, record_id: str, values: dict[str, object]) -> Record:
        """Put a record into the org as it is, past every check, as if it had been there for long."""
        with self._data_lock:
            return planted(self.store, self.schema.sobjects[sobject], record_id, values, self.now())

    def handle(self, request: OrgRequest) -> OrgReply:
        """Answer one request, after the time it takes and with the faults that are on."""
        started = self.now()
        request, problem = decoded(request)
        fault = self.faults.of_request(request)
        delay = self.faults.delay(request)
        if request.patience is not None and delay > request.patience:
            reply = self._given_up(request, fault, delay)
        else:
            if delay:
                self._sleep(delay)
            reply = problem or self._answer(request, fault)
        self.log.add(request, reply, started, delay, fault)
        return replace(encoded(request, reply), seconds=delay)

    def settle(self) -> None:
        """Carry out the requests that nobody waited for and whose time has come."""
        with self._data_lock:
            due = [request for when, request in self._waiting if when <= self.now()]
            self._waiting = [(when, request) for when, request in self._waiting if when > self.now()]
            for request in due:
                self._execute(request)

    def _given_up(self, request: OrgRequest, fault: Fault | None, delay: float) -> OrgReply:
        if fault is None or fault.kind is FaultKind.DROP_AFTER:
            with self._data_lock:
                self._waiting.append((self.now() + delay, request))
        self._sleep(request.patience or 0.0)
        return OrgReply(0, timed_out=True)

    def _answer(self, request: OrgRequest, fault: Fault | None) -> OrgReply:
        self.settle()
        if fault is None:
            return self._execute(request)
        if fault.kind is FaultKind.DROP_BEFORE:
            return OrgReply(0, dropped=True)
        if fault.kind is FaultKind.LATE:
            with self._data_lock:
                self._waiting.append((self.now() + fault.seconds, request))
            return OrgReply(0, dropped=True)
        if (given := fault.reply()) and not fault.executes:
            return given
        reply = self._execute(request)
        if fault.kind is FaultKind.DROP_AFTER:
            return OrgReply(0, dropped=True)
        return given or replace(reply, cut=len(reply.body) // 2)

    def _execute(self, request: OrgRequest) -> OrgReply:
        with self._data_lock:
            now = self.now()
            path = request.path
            if path.startswith("/services/oauth2/"):
                return self.oauth.answer(request, now).reply()
            if path.rstrip("/") == "/services/data":
                return Answer(200, versions.listed(self.config.newest_version)).reply()
            if not (match := DATA_PATH.match(path)):
                return html(404, "URL No Longer Exists")
            return self._data(request, match[1], match[2] or "", now)

    def _data(self, request: OrgRequest, version: str, resource: str, now: float) -> OrgReply:
        pretty = request.header("x-prettyprint") == "1"
        counted = False
        try:
            user = self._user(request, now)
            self.usage.check(now)
            self.usage.spend(now)
            counted = True
            answer = self.resources.dispatch(self._call(request, version, resource, user, now))
        except RequestFailure as failure:
            answer = Answer(failure.status, failure.errors)
        reply = answer.reply(pretty)
        informed = counted or (self.config.facts.limit_info_on_errors and answer.status != 401)
        return reply.with_headers(Sforce_Limit_Info=self.usage.header(now)) if informed else reply

    def _user(self, request: OrgRequest, now: float) -> User:
        match = BEARER.match(request.header("authorization"))
        if match is None and request.header("authorization"):
            raise RequestFailure(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE")
        session = self.sessions.use(match[1], now) if match else None
        if session is None or not session.user.active:
            raise RequestFailure(401, "INVALID_SESSION_ID", EXPIRED)
        if not session.user.api_enabled:
            raise RequestFailure(403, "API_CURRENTLY_DISABLED", "API is disabled for this User")
        return session.user

    def _call(self, request: OrgRequest, version: str, resource: str, user: User, now: float) -> Call:
        versions.check(version, self.config.newest_version)
        method = request.method
        if method == "POST" and (other := request.query.get("_HttpMethod")):
            method = other.upper()
        if method in ("POST", "PATCH", "PUT") and "json" not in request.header("content-type").lower():
            kind = request.header("content-type") or "none"
            raise RequestFailure(415, "UNSUPPORTED_MEDIA_TYPE", f"Content-type {kind} not supported")
        return Call(method, version, resource, user, now, request.query, request.headers, request.body)

    def _settle_in(self) -> None:
        app = ConnectedApp()
        self.oauth.apps[app.client_id] = app
        for user in self.users:
            known = {"Username": user.username, "LastName": user.name, "Email": user.username, "IsActive": user.active}
            self.plant("User", user.id, {**known})
        self.oauth.refresh_tokens.approve(self.users[0].id, app.client_id, LOCAL_REFRESH_TOKEN)
