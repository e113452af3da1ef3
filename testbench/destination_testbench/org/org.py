"""A simulated Salesforce org: requests in, answers out, without a transport."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from destination_testbench.org.api.call import all_versions
from destination_testbench.org.api.catalogue import Usage
from destination_testbench.org.api.components import Components
from destination_testbench.org.api.gate import Gate, Seen
from destination_testbench.org.api.metadata import metadata_of
from destination_testbench.org.api.resources import Resources
from destination_testbench.org.api.setup_objects import CustomPermissions, SetupObjects
from destination_testbench.org.api.soap_metadata import PATH as METADATA_PATH
from destination_testbench.org.api.soap_metadata import SoapMetadata
from destination_testbench.org.api.tooling import ToolingStore
from destination_testbench.org.control.control import Control, RequestLog, is_own
from destination_testbench.org.exchange import JsonAnswer, OrgReply, OrgRequest, decoded, encoded
from destination_testbench.org.facts import OrgConfig
from destination_testbench.org.faults.failure import RequestFailure, not_simulated
from destination_testbench.org.faults.faults import Fault, FaultKind, Faults
from destination_testbench.org.formulas.rules import Rules
from destination_testbench.org.languages import spoken
from destination_testbench.org.login.oauth import OAuth
from destination_testbench.org.login.people import ConnectedApp, User, default_users
from destination_testbench.org.login.sessions import LOCAL_REFRESH_TOKEN, Sessions
from destination_testbench.org.login.soap_login import SoapLogin
from destination_testbench.org.records.access import Access
from destination_testbench.org.records.addresses import address_errors, switch_on
from destination_testbench.org.records.administration import Administration
from destination_testbench.org.records.campaigns import Campaigns
from destination_testbench.org.records.duplicates import DuplicateRules
from destination_testbench.org.records.lifecycle import inserted
from destination_testbench.org.records.record_id import normalised, to_long
from destination_testbench.org.records.save import Saving
from destination_testbench.org.records.store import RecordStore, RecordTable, StoredRecord
from destination_testbench.org.schema.schema import standard_schema

DATA_PATH = re.compile(r"/services/data/v(\d{1,3}\.\d)(?:/(.*))?\Z")
IDENTITY_PATH = re.compile(r"/id/\w+/\w+/?\Z")
RECORD_ID = re.compile(rb"\b[A-Za-z0-9]{15}(?:[A-Z0-5]{3})?\b")
EXEMPT = "CDP_Guard_Exempt"


class SimulatedOrg:
    """One org with its data, users, limits and faults.

    `now` and `sleep` are the clock that everything in it goes by; with a simulated clock no time passes outside.
    `handle` may be called from many threads: calls to the data run one at a time, waiting holds nobody else up.
    """

    def __init__(
        self,
        config: OrgConfig | None = None,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.config = config or OrgConfig()
        self.now, self.sleep = now, sleep
        self.data_lock = threading.RLock()
        self._waiting: list[tuple[float, OrgRequest]] = []
        self.schema = standard_schema()
        self.store, self.tooling = RecordStore(self.schema), ToolingStore()
        self.access = Access(self.store, self.config.facts)
        self.faults, self.usage, self.log = Faults(), Usage(self.config), RequestLog()
        self.users: list[User] = default_users()
        self.sessions = Sessions(self.config)
        self.oauth = OAuth(self.config, self.users, self.sessions)
        self._soap = SoapLogin(self.config, self.oauth.grants, self.sessions, lambda *merged: self.admin.merge(*merged))
        self.permissions = CustomPermissions(self.store)
        self.rules = Rules(self.schema, self.permissions.names, self.permissions.held_by, self.config.facts)
        self.campaigns = Campaigns(self.store, self.access)
        self.duplicate_rules = DuplicateRules(self.store)
        self.saving = self._saving()
        resources = Resources(self.saving, self.faults, self.usage, self.tooling, self.rules)
        self.metadata = resources.tooling
        components = Components(self.saving, self.permissions, resources.tooling)
        self._soap_metadata = SoapMetadata(self.sessions, components, self.store)
        self._gate = Gate(self.config, self.sessions, self.usage, resources)
        self.admin = Administration(self)
        self._control = Control(self)
        if self.config.state_and_country_picklists:
            switch_on(self.schema)
        self._fill()
        if self.config.person_accounts:
            self.admin.enable_person_accounts()

    def handle(self, request: OrgRequest) -> OrgReply:
        """Answer one request, after the time it takes and with the faults that are on."""
        if is_own(request):
            return self._control.answer(request)
        started = self.now()
        request, problem = decoded(request)
        fault, delay = self.faults.of_request(request), self.faults.delay(request)
        seen = self._snapshot(request)
        if request.patience is not None and delay > request.patience:
            reply = self._given_up(request, fault, delay)
        else:
            if delay:
                self.sleep(delay)
            reply = problem or self._answer(request, fault, seen)
        if reply.cut is None and not (fault and fault.body):
            reply = spoken(reply, self._language(request))
        self.log.add(request, reply, started, delay, fault)
        return replace(encoded(request, reply), seconds=delay)

    def settle(self) -> None:
        """Carry out the requests that nobody waited for and whose time has come."""
        with self.data_lock:
            due = [request for when, request in self._waiting if when <= self.now()]
            self._waiting = [(when, request) for when, request in self._waiting if when > self.now()]
            for request in due:
                self._execute(request)

    def records(self, sobject: str) -> RecordTable:
        """The records of an sObject, once everything due by now has been carried out."""
        self.settle()
        return self.store.table(self.schema.sobjects[sobject])

    def insert(self, sobject: str, record_id: str, values: dict[str, object]) -> StoredRecord:
        """Put a record into the org as it is, past every check, as if it had been there for long."""
        with self.data_lock:
            return inserted(self.store, self.schema.sobjects[sobject], record_id, values, self.now())

    def _given_up(self, request: OrgRequest, fault: Fault | None, delay: float) -> OrgReply:
        if fault is None or fault.executes or fault.kind is FaultKind.DROP_AFTER:
            with self.data_lock:
                self._waiting.append((self.now() + delay, request))
        self.sleep(request.patience or 0.0)
        return OrgReply(0, timed_out=True)

    def _answer(self, request: OrgRequest, fault: Fault | None, seen: Seen) -> OrgReply:
        self.settle()
        if fault is None:
            return self._execute(request, seen)
        if fault.kind is FaultKind.DROP_BEFORE:
            return OrgReply(0, dropped=True)
        if fault.kind is FaultKind.LATE:
            with self.data_lock:
                self._waiting.append((self.now() + fault.seconds, request))
            return OrgReply(0, dropped=True)
        given = fault.reply()
        if given and not fault.executes:
            return given
        reply = self._execute(request, seen)
        if fault.kind is FaultKind.DROP_AFTER:
            return OrgReply(0, dropped=True)
        return given or replace(reply, cut=len(reply.body) // 2)

    def _execute(self, request: OrgRequest, seen: Seen | None = None) -> OrgReply:
        with self.data_lock:
            now, path = self.now(), request.path
            try:
                return self._answered(request, path, now, seen)
            except RequestFailure as failure:
                return JsonAnswer(failure.status, failure.errors).reply()

    def _answered(self, request: OrgRequest, path: str, now: float, seen: Seen | None) -> OrgReply:
        if path.startswith("/services/oauth2/"):
            return self.oauth.answer(request, now).reply()
        if IDENTITY_PATH.match(path):
            return self.oauth.userinfo(request, now).reply()
        if match := METADATA_PATH.match(path):
            return self._soap_metadata.answer(request, match[1], now)
        if path.startswith("/services/Soap/"):
            return self._soap.answer(request, now)
        if path.rstrip("/") == "/services/data":
            return JsonAnswer(200, all_versions()).reply()
        if match := DATA_PATH.match(path):
            return self._gate.answer(request, match[1], match[2] or "", now, seen or {})
        raise not_simulated(f"{request.method} {path}")

    def _language(self, request: OrgRequest) -> str:
        """The language of the user who asks, or of the org where nobody is known."""
        session = self.sessions.find(request.header("authorization").partition(" ")[2], self.now())
        users = self.store.table(self.schema.sobjects["User"]).records
        record = users.get(session.user.id) if session else None
        language = record and record.get("LanguageLocaleKey")
        return str(language or self.config.language)

    def _snapshot(self, request: OrgRequest) -> Seen:
        """Records as they are before the request has to wait, where the org does not compare under the row's lock."""
        if self.config.facts.rules_compare_under_lock:
            return {}
        with self.data_lock:
            ids = {normalised(found.decode()) or "" for found in RECORD_ID.findall(request.body)}
            found = (self.store.find(record_id) for record_id in ids)
            return {record.id: dict(record.values) for _, record in filter(None, found)}

    def _saving(self) -> Saving:
        saving = Saving(self.store, self.access, self.config)
        saving.row_guards.append(self.faults.row_errors)
        saving.guards += [address_errors] if self.config.state_and_country_picklists else []
        saving.guards += [
            self.campaigns.errors,
            SetupObjects(self.store).errors,
            self.rules.errors,
            self.duplicate_rules.errors,
        ]
        return saving

    def _fill(self) -> None:
        app = ConnectedApp()
        self.oauth.apps[app.client_id] = app
        self.oauth.refresh_tokens.approve(self.users[0].id, app.client_id, LOCAL_REFRESH_TOKEN)
        self.permissions.add(EXEMPT, "CDP Guard Exempt")
        organization: dict[str, object] = {
            "Name": self.config.organization_name,
            "OrganizationType": "Enterprise Edition",
            "IsSandbox": self.config.sandbox,
            "InstanceName": "SIM1",
            "LanguageLocaleKey": self.config.language,
            "DefaultLocaleSidKey": self.config.language,
            "TimeZoneSidKey": "GMT",
        }
        self.insert("Organization", to_long(self.config.organization_id[:15]), organization)
        for user in self.users:
            email: dict[str, object] = {"Username": user.username, "Email": user.username, "LastName": user.name}
            self.insert("User", user.id, email | {"LanguageLocaleKey": self.config.language})
        for sobject in self.schema.sobjects.values():
            for field in sobject.fields.values():
                if field.custom:
                    self.tooling.add("CustomField", f"{sobject.name}.{field.name}", metadata_of(field))
