"""The org's own paths below /_org/: what people, demos and tests ask and change, and the log of requests."""

from __future__ import annotations

import re
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from destination_testbench.org.api.call import ApiCall
from destination_testbench.org.api.resources import Router
from destination_testbench.org.exchange import JsonAnswer, OrgReply, OrgRequest
from destination_testbench.org.faults.failure import RequestFailure, not_found
from destination_testbench.org.faults.faults import Active, Fault, FaultKind
from destination_testbench.org.formulas.formula import FormulaError
from destination_testbench.org.page import Page, is_for_people
from destination_testbench.org.records.access import AccessLevel
from destination_testbench.org.records.duplicates import DuplicateRule
from destination_testbench.org.records.store import StoredRecord

INDEX = {
    "GET /_org/faults": "the faults that are on; PUT a list in their place, POST one more, DELETE all",
    "DELETE /_org/faults/{number}": "switch one off",
    "GET /_org/requests": "the last requests, requests by path, calls of the last 24 hours",
    "PUT /_org/usage": '{"used": calls of the last 24 hours, "limit": the daily limit, "storage": MB, "taken": MB}',
    "POST /_org/revoke": "end every session",
    "POST /_org/token": '{"username"}: an access token without a log-in',
    "GET /_org/records/{sObject}": "records; ?limit=, ?offset=, ?q= a part of any value",
    "GET /_org/records/{sObject}/{id}": "one record with its history; PATCH edits it by hand, DELETE (?purge=true) too",
    "POST /_org/campaigns": '{"name", "statuses": [["Sent", false], ["Responded", true]]}, the default first',
    "POST /_org/convert/{lead}": '{"contact_id": optional}: convert a lead',
    "POST /_org/merge/{sObject}/{master}": '{"losers": [ids]}: merge records',
    "DELETE /_org/fields/{sObject}/{field}": "delete a custom field; PUT restores it",
    "DELETE /_org/values/{sObject}/{field}/{value}": "deactivate a value of a picklist",
    "PUT /_org/access/{sObject}/{field}": '{"level": "none" | "read" | null}: restrict a field for everyone',
    "PUT /_org/access/{sObject}": "the same for an sObject",
    "PUT /_org/rules/{sObject}/{name}": '{"formula", "message", "field": optional}: a validation rule; or DELETE',
    "PUT /_org/duplicate-rules/{sObject}/{name}": '{"fields": [...], "blocks": false, ...}: or DELETE',
    "PUT /_org/sharing": '{"ids": [...], "shared": false}: hide records from who may not view all, or show them',
    "PUT /_org/users/{username}": '{"views_all_data": false, ...}: what a user may do',
    "POST /_org/record-types/{sObject}/{name}": '{"active": true, "available": true}: make a record type',
    "PUT /_org/person-accounts": "let accounts be persons, with the fields of contacts",
    "GET /_org/facts": "what is not known of Salesforce for sure; PUT {name: value} changes some",
}


def read_fault(data: Any) -> Fault:
    """A fault from JSON; TypeError or ValueError when it is none."""
    known = {field.name for field in fields(Fault)}
    if not isinstance(data, dict) or not data.keys() <= known:
        raise TypeError(f"a fault has these members: {', '.join(sorted(known))}")
    lists = {name: tuple(data[name]) for name in ("records", "fields") if name in data}
    return Fault(**{**data, **lists, "kind": FaultKind(str(data.get("kind")))})


def shown_fault(active: Active) -> dict[str, Any]:
    """A fault with its number, without what it leaves open."""
    blank = Fault(active.fault.kind)
    members = {k: v for k, v in asdict(active.fault).items() if v != getattr(blank, k) or k == "kind"}
    return {"number": active.number, **members, "matched": sum(active.matched.values())}


def shown_record(record: StoredRecord) -> dict[str, Any]:
    """A record with everything that ever happened to it."""
    history = [
        {"at": change.at, "by": change.by, "operation": change.operation, "fields": change.fields}
        for change in record.history
    ]
    return {"Id": record.id, "deleted": record.deleted, "values": record.values, "history": history}


if TYPE_CHECKING:
    from destination_testbench.org.org import SimulatedOrg

PREFIX = "/_org/"
USAGE = {"limit": "daily_limit", "storage": "data_storage_mb", "taken": "data_storage_taken_mb"}


def is_own(request: OrgRequest) -> bool:
    """Whether a request is about the org itself, and none that Salesforce would answer."""
    return request.path == "/" or request.path.startswith(PREFIX)


class Control:
    """Answers requests below /_org/, and those for the page."""

    def __init__(self, org: SimulatedOrg) -> None:
        self._org, self._router, self._page = org, Router(lambda call: not_found()), Page(org)
        self._wire_faults()
        self._wire_records()
        self._wire_settings()

    def answer(self, request: OrgRequest) -> OrgReply:
        """The answer to one request: 404 for what is not there, 400 for what cannot be read."""
        if is_for_people(request):
            return self._page.answer(request)
        path = request.path.removeprefix(PREFIX)
        user, now = self._org.users[-1], self._org.now()
        call = ApiCall(request.method, "", path, user, now, request.query, request.headers, request.body)
        try:
            return self._router.dispatch(call).reply(pretty=True)
        except RequestFailure as failure:
            return JsonAnswer(failure.status, failure.errors).reply()
        except (KeyError, TypeError, ValueError, FormulaError) as error:
            status = 404 if isinstance(error, KeyError) else 400
            return JsonAnswer(status, [{"message": f"{type(error).__name__}: {error}", "errorCode": "CONTROL"}]).reply()

    def _wire_faults(self) -> None:
        add = self._router.add
        add("", GET=lambda call: JsonAnswer(200, INDEX))
        add("faults", GET=self._faults, PUT=self._replace, POST=self._add, DELETE=self._clear)
        add("faults/{number}", DELETE=self._remove)
        add("requests", GET=self._requests)

    def _wire_records(self) -> None:
        add, admin = self._router.add, self._org.admin
        add("records/{sobject}", GET=self._records)
        add("records/{sobject}/{id}", GET=self._record, PATCH=self._edit, DELETE=self._delete)
        add("convert/{lead}", POST=lambda call, lead: done(admin.convert_lead(lead, body(call).get("contact_id"))))
        add("merge/{sobject}/{id}", POST=self._merge)
        add("campaigns", POST=lambda call: done(admin.add_campaign(**body(call))))

    def _wire_settings(self) -> None:
        add, admin = self._router.add, self._org.admin
        add("usage", PUT=self._usage)
        add("revoke", POST=lambda call: done(admin.revoke_tokens()))
        add("token", POST=lambda call: JsonAnswer(200, {"access_token": admin.log_in(body(call)["username"])}))
        delete, put = admin.remove_field, admin.restore_field
        add("fields/{sobject}/{field}", DELETE=after(delete), PUT=after(put))
        add("values/{sobject}/{field}/{value}", DELETE=after(admin.deactivate_value))
        add("access/{sobject}/{field}", PUT=self._restrict)
        add("access/{sobject}", PUT=self._restrict_object)
        add("rules", GET=lambda call: JsonAnswer(200, [asdict(rule) for rule in self._org.rules.all()]))
        add("rules/{sobject}/{name}", PUT=self._rule, DELETE=after(admin.remove_rule))
        remove = after(self._org.duplicate_rules.remove)
        add("duplicate-rules/{sobject}/{name}", PUT=self._duplicate_rule, DELETE=remove)
        add("sharing", PUT=self._share)
        add("users/{username}", PUT=self._change_user)
        add("record-types/{sobject}/{name}", POST=self._add_record_type)
        add("person-accounts", PUT=after(admin.enable_person_accounts))
        add("facts", GET=lambda call: JsonAnswer(200, asdict(self._org.config.facts)), PUT=self._facts)

    def _faults(self, call: ApiCall) -> JsonAnswer:
        return JsonAnswer(200, [shown_fault(active) for active in self._org.faults.active()])

    def _replace(self, call: ApiCall) -> JsonAnswer:
        faults = [read_fault(item) for item in call.json()]
        self._org.faults.clear()
        return JsonAnswer(200, [self._org.faults.add(fault) for fault in faults])

    def _add(self, call: ApiCall) -> JsonAnswer:
        return JsonAnswer(201, {"number": self._org.faults.add(read_fault(call.json()))})

    def _clear(self, call: ApiCall) -> JsonAnswer:
        self._org.faults.clear()
        return JsonAnswer(204)

    def _remove(self, call: ApiCall, number: str) -> JsonAnswer:
        self._org.faults.remove(int(number))
        return JsonAnswer(204)

    def _requests(self, call: ApiCall) -> JsonAnswer:
        log, usage = self._org.log, self._org.usage
        report = {
            "calls_of_24_hours": usage.used(call.now),
            "limit": self._org.config.daily_limit,
            "log_ins": self._org.sessions.issued,
            "by_path": dict(log.counts),
            "last": [asdict(entry) for entry in reversed(log.last)][:100],
        }
        return JsonAnswer(200, report)

    def _records(self, call: ApiCall, sobject: str) -> JsonAnswer:
        start, most = int(call.query.get("offset", 0)), int(call.query.get("limit", 100))
        wanted = call.query.get("q", "").casefold()
        found = [r for r in self._org.records(sobject) if wanted in "\n".join(map(str, r.values.values())).casefold()]
        rows = [{"Id": record.id, **record.values} for record in found[start : start + most]]
        return JsonAnswer(200, {"total": len(found), "records": rows})

    def _record(self, call: ApiCall, sobject: str, record_id: str) -> JsonAnswer:
        return JsonAnswer(200, shown_record(self._org.records(sobject).records[record_id]))

    def _edit(self, call: ApiCall, sobject: str, record_id: str) -> JsonAnswer:
        self._org.admin.edit(sobject, record_id, body(call))
        return JsonAnswer(204)

    def _delete(self, call: ApiCall, sobject: str, record_id: str) -> JsonAnswer:
        self._org.admin.delete(sobject, record_id, purge=call.query.get("purge") == "true")
        return JsonAnswer(204)

    def _merge(self, call: ApiCall, sobject: str, master: str) -> JsonAnswer:
        self._org.admin.merge(sobject, master, body(call)["losers"])
        return JsonAnswer(204)

    def _usage(self, call: ApiCall) -> JsonAnswer:
        wanted = body(call)
        for name in USAGE.keys() & wanted.keys():
            setattr(self._org.config, USAGE[name], int(wanted[name]))
        if "used" in wanted:
            self._org.usage.spend(call.now, int(wanted["used"]) - self._org.usage.used(call.now))
        return JsonAnswer(204)

    def _restrict(self, call: ApiCall, sobject: str, field: str) -> JsonAnswer:
        level = body(call).get("level")
        self._org.admin.restrict_field(sobject, field, AccessLevel[level.upper()] if level else None)
        return JsonAnswer(204)

    def _restrict_object(self, call: ApiCall, sobject: str) -> JsonAnswer:
        level = body(call).get("level")
        self._org.admin.restrict_object(sobject, AccessLevel[level.upper()] if level else None)
        return JsonAnswer(204)

    def _rule(self, call: ApiCall, sobject: str, name: str) -> JsonAnswer:
        given = body(call)
        self._org.admin.remove_rule(sobject, name)
        self._org.admin.add_rule(sobject, name, given["formula"], given["message"], given.get("field"))
        return JsonAnswer(204)

    def _duplicate_rule(self, call: ApiCall, sobject: str, name: str) -> JsonAnswer:
        given = body(call)
        rule = DuplicateRule(sobject, name, **{**given, "fields": tuple(given["fields"])})
        self._org.admin.add_duplicate_rule(rule)
        return JsonAnswer(204)

    def _share(self, call: ApiCall) -> JsonAnswer:
        self._org.admin.share(body(call)["ids"], body(call).get("shared") is True)
        return JsonAnswer(204)

    def _change_user(self, call: ApiCall, username: str) -> JsonAnswer:
        self._org.admin.change_user(username, body(call))
        return JsonAnswer(204)

    def _add_record_type(self, call: ApiCall, sobject: str, name: str) -> JsonAnswer:
        return done(self._org.admin.add_record_type(sobject, name, **body(call)))

    def _facts(self, call: ApiCall) -> JsonAnswer:
        for name, value in body(call).items():
            self._org.admin.set_fact(name, value)
        return JsonAnswer(204)


def body(call: ApiCall) -> dict[str, Any]:
    """The body as an object; an absent one is empty."""
    return call.json_object() if call.body.strip() else {}


def done(result: object) -> JsonAnswer:
    """What an action gave back."""
    return JsonAnswer(200, {"result": result})


def after(action: Callable[..., object]) -> Callable[..., JsonAnswer]:
    """An action on parts of the path, as a handler."""

    def handle(call: ApiCall, *parts: str) -> JsonAnswer:
        action(*parts)
        return JsonAnswer(204)

    return handle


KEPT = 1000
OBJECTS = re.compile(rb'"attributes": ?{"type": ?"(\w+)"|"url": ?"[^"]*?[+]FROM[+](\w+)')
RECORD_IN_PATH = re.compile(r"/[A-Za-z0-9]{15}(?:[A-Z0-5]{3})?(?=/|\Z)")


@dataclass(frozen=True, slots=True)
class Logged:
    """One request, without what holds tokens and people's data: status 0 is no answer, `objects` what it is about."""

    at: float
    method: str
    path: str
    status: int
    records: int
    objects: str
    seconds: float
    fault: str


class RequestLog:
    """The last requests, and a count of all of them by method and path."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.last: deque[Logged] = deque(maxlen=KEPT)
        self.counts: Counter[str] = Counter()

    def add(self, request: OrgRequest, reply: OrgReply, at: float, seconds: float, fault: Fault | None) -> None:
        """Remember one request."""
        path = RECORD_IN_PATH.sub("/{id}", request.path)
        records = request.body.count(b'"attributes"')
        objects = " ".join(sorted({(a or b).decode() for a, b in OBJECTS.findall(request.body)}))
        kind = fault.kind.value if fault else ""
        entry = Logged(at, request.method, path, reply.status, records, objects, seconds, kind)
        with self._lock:
            self.last.append(entry)
            self.counts[f"{request.method} {path}"] += 1
