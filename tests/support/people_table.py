"""A row of a table about people: the file, what the org holds before, the messages, and what has come of them."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import requests
from builders import LOYAL, SENT_AT, a_message, a_profile, an_id
from destination_testbench.org import OrgAdapter, SimulatedOrg
from destination_testbench.org.records.store import StoredRecord
from pydantic_core import from_json
from salesforce_destination.delivery.backoff import Backoff
from salesforce_destination.delivery.deliverer import Deliverer, Limits
from salesforce_destination.delivery.memory import Memory
from salesforce_destination.destination.destination import read_destination
from salesforce_destination.login.token import AccessToken
from salesforce_destination.mapping.mapper import Mapper
from salesforce_destination.outcome import Message, OutcomeKind
from salesforce_destination.salesforce.client import SalesforceClient
from salesforce_destination.salesforce.org import SalesforceOrg
from scripted_org import NoMarker, Queues

Json = Any
Fields = Mapping[str, object]

INSTANCE = "https://acme.my.salesforce.com"
USER = "integration@example.com"
KINDS = {"C": ("Contact", "003"), "L": ("Lead", "00Q"), "A": ("Account", "001")}
NEEDED: Mapping[str, Fields] = {"Contact": {"LastName": "Old"}, "Lead": {"LastName": "Old", "Company": "Old"}}

PEOPLE = """
name = "People"
salesforce_object = ["Contact", "Lead"]

[[identity]]
source = "id"
target = "SalesforceId"

[[identity]]
source = "customer"
target = "CDP_Customer_Id__c"
create_missing = "Lead"

[[identity]]
source = "email"
target = "Email"

[[mappings]]
source = "name"
target = "LastName"
required = true

{company}[[mappings]]
source = "phone"
target = "Phone"

[[audiences]]
id = "{audience}"
mapping_id = "CDP_Loyal__c"
"""

COMPANY = """
[[mappings]]
source = "company"
target = "Company"
default = "Unknown"
objects = ["Lead"]
"""
CONTACTS = PEOPLE.replace('["Contact", "Lead"]', '"Contact"').replace('"Lead"', "true").replace("{company}", "")
PEOPLE = PEOPLE.replace("{company}", COMPANY)
LEADS = PEOPLE.replace('["Contact", "Lead"]', '"Lead"').replace('create_missing = "Lead"', "create_missing = true")
LEADS = LEADS.replace('objects = ["Lead"]', "")
"""People of two objects, and the same file for contacts or leads alone."""


def ident(short: str) -> str:
    """The Id behind a short name: C1 is the first contact, L1 the first lead, A1 the first account."""
    return an_id(int(short[1:]), KINDS[short[0]][1])


def person(name: str = "New", at: int = 0, *, loyal: str = "", news: str = "", tries: int = 1, **more: Any) -> Message:
    """A message about a person, so many seconds after the first; `id` is a short name, or an Id."""
    statuses = {audience: status for audience, status in ((LOYAL, loyal), ("newsletter", news)) if status}
    profile = a_profile(last_name=None, statuses=statuses)
    del profile["identityMap"], profile["person"]
    if (given := more.get("id")) and given[0] in KINDS and given[1:].isdigit():
        more["id"] = ident(given)
    return a_message(
        profile | {"name": name} | more, event_time=str(SENT_AT - 100_000 + 1000 * at), receive_count=tries
    )


a_destination = cache(read_destination)


class Tokens:
    """One token, which is never refused."""

    def __init__(self, org: SimulatedOrg) -> None:
        self._token = AccessToken(org.admin.log_in(USER), INSTANCE)

    def current(self) -> AccessToken:
        return self._token

    def replace(self, refused: AccessToken | None) -> AccessToken:
        return self._token


class Recorder(OrgAdapter):
    """Carries requests to the org, and keeps them; what is to happen `before` a kind of call happens once."""

    def __init__(self, org: SimulatedOrg) -> None:
        super().__init__(org)
        self.calls: list[str] = []
        self.before: dict[str, Callable[[], object]] = {}
        self.at_each: Callable[[], object] = int
        self.headers: list[Mapping[str, str]] = []
        self.bodies: list[Json] = []

    def send(self, request: requests.PreparedRequest, *given: Any, **options: Any) -> requests.Response:
        body: Any = request.body or b"null"
        packed = request.headers.get("Content-Encoding") == "gzip"
        self.bodies.append(from_json(gzip.decompress(body) if packed else body))
        self.headers.append(dict(request.headers))
        self.calls.append(kind_of_call(request.path_url, self.bodies[-1]))
        self.before.pop(self.calls[-1], int)()
        self.at_each()
        return super().send(request, *given, **options)


def kind_of_call(path: str, body: Json) -> str:
    """What a call does: `update`, `insert`, `query`, `read`, `describe`, or `ask` where a record went."""
    if not path.endswith("/composite"):
        return "describe" if path.endswith("/describe") else "read" if "/composite/" in path else "ask"
    methods = {part["method"] for part in body["compositeRequest"]}
    names = {"GET": "query", "POST": "insert", "PATCH": "update", "DELETE": "delete"}
    return "+".join(sorted(names[method] for method in methods))  # new persons never share a request with others


class Crm:
    """An org and the delivery to it, as one environment of the function has it."""

    def __init__(self, file: str = PEOPLE, facts: Mapping[str, object] | None = None) -> None:
        self.org = an_org()
        for name, value in (facts or {}).items():
            self.org.admin.set_fact(name, value)
        self.file = file
        self.start_cold()

    def start_cold(self) -> None:
        """Begin another environment, which has nothing in memory."""
        destination = a_destination(self.file.replace("{audience}", LOYAL))
        session, self.recorder = requests.Session(), Recorder(self.org)
        session.trust_env = False
        session.mount(INSTANCE, self.recorder)
        self.time = self.begun = 0.0
        client = SalesforceClient(session, Tokens(self.org), self._seconds_left)
        org = SalesforceOrg(client, destination, self._seconds_left, lambda: self.time)
        self.memory = Memory(lambda: self.time, 5, 5)
        queues, backoff = Queues(), Backoff(30, 1800, 1800, lambda: 0.5)
        self.deliverer = Deliverer(
            Mapper(destination),
            org,
            self.memory,
            NoMarker(),
            queues,
            queues,
            queues,
            backoff,
            Limits(200, 90.0, 432_000),
        )

    def _seconds_left(self) -> float:
        return 250.0 - (self.time - self.begun)

    def deliver(self, messages: Sequence[Message]) -> list[str]:
        """What became of each of these: its kind, with the code where there is one."""
        self.begun = self.time
        self.recorder.calls.clear()
        self.recorder.bodies.clear()
        self.recorder.headers.clear()
        numbered = [replace(message, id=f"m{number}") for number, message in enumerate(messages)]
        self.batch = self.deliverer.deliver(numbered, SENT_AT)
        return [outcome(delivery.outcome) for delivery in self.batch.deliveries]

    @property
    def calls(self) -> str:
        """The calls of the last batch, in their order, but for describes."""
        return " ".join(call for call in self.recorder.calls if call != "describe")

    def letter(self, number: int = 0) -> str:
        """The text that the dead letter of a message holds."""
        reason = self.batch.deliveries[number].outcome.reason
        assert reason is not None
        return reason.text

    def all(self, sobject: str) -> dict[str, StoredRecord]:
        return {key: each for key, each in self.org.records(sobject).records.items() if not each.deleted}

    def values(self, short: str) -> Fields:
        return self.org.records(KINDS[short[0]][0]).records[ident(short)].values

    def put(self, before: Mapping[str, Fields]) -> None:
        for short, fields in before.items():
            sobject = KINDS[short[0]][0]
            self.org.insert(sobject, ident(short), {**NEEDED.get(sobject, {}), **_in_full(fields)})

    def act(self, what: str) -> None:
        """Do what people do: `delete C1`, `purge C1`, `hide C1`, `merge C1 into C2`, `convert L1 into C1`."""
        verb, first, *rest = what.split()
        sobject, record_id = KINDS[first[0]][0], ident(first)
        if verb in ("delete", "purge"):
            self.org.admin.delete(sobject, record_id, purge=verb == "purge")
        elif verb == "hide":
            self.org.admin.change_user(USER, {"views_all_data": False})
            self.org.admin.share([record_id], False)
        elif verb == "merge":
            self.org.admin.merge(sobject, ident(rest[1]), [record_id])
        else:
            assert verb == "convert"
            self.org.admin.convert_lead(record_id, ident(rest[1]))


def an_org() -> SimulatedOrg:
    """An org whose contacts and leads have a second unique key."""
    org = SimulatedOrg()
    for sobject in ("Contact", "Lead"):
        key = org.schema.sobjects[sobject].fields["CDP_Customer_Id__c"]
        org.schema.put_field(sobject, replace(key, name="CDP_Loyalty__c", label="Loyalty number"))
        mapped = ("CDP_Customer_Id__c", "CDP_Loyalty__c", "CDP_Event_Time__c", "CDP_Loyal_Since__c")
        org.schema.conversion["Contact"] = {name: name for name in mapped}
    return org


def outcome(what: Any) -> str:
    return what.kind.value if what.reason is None else f"{what.kind.value} {what.reason.code}"


def _like(values: Fields, wanted: Fields) -> Fields:
    return {name: values.get(name) for name in wanted}


def _in_full(fields: Fields) -> dict[str, object]:
    return {name: ident(str(value)) if _is_short(value) else value for name, value in fields.items()}


def _is_short(value: object) -> bool:
    return isinstance(value, str) and value[:1] in KINDS and value[1:].isdigit() and len(value) < 4


@dataclass(frozen=True)
class Case:
    """
    One row. What is not named in `after` must not have been written, and beside `created` no record may be there.

    `outcomes` are those of the messages, all delivered where none is given; `calls` leaves describes out; `counts` are
    counts of the batch.
    """

    name: str
    messages: Sequence[Message]
    before: Mapping[str, Fields] = field(default_factory=dict)
    after: Mapping[str, Fields] = field(default_factory=dict)
    created: Sequence[tuple[str, Fields]] = ()
    outcomes: Sequence[str] = ()
    calls: str = "update"
    file: str = PEOPLE
    acts: Sequence[str] = ()
    facts: Mapping[str, object] = field(default_factory=dict)
    counts: Mapping[str, object] = field(default_factory=dict)
    text: str = ""
    prepare: Callable[[SimulatedOrg], object] = lambda org: None

    def run(self) -> Crm:
        crm = Crm(self.file, self.facts)
        crm.put(self.before)
        self.prepare(crm.org)
        for act in self.acts:
            crm.act(act)
        there = {name: set(crm.org.records(name).records) for name in ("Contact", "Lead")}
        histories = {
            short: len(self._record(crm, short).history) for short in self.before if self._is_there(crm, short)
        }

        outcomes = crm.deliver(self.messages)

        written = {short for short, length in histories.items() if len(self._record(crm, short).history) > length}
        new = [
            (name, row.values)
            for name, ids in there.items()
            for record_id, row in crm.org.records(name).records.items()
            if record_id not in ids
        ]
        found = {
            "outcomes": outcomes,
            "calls": crm.calls,
            "after": {short: _like(crm.values(short), self.after.get(short, {})) for short in written},
            "created": [
                (name, _like(row, wanted)) for (name, row), (_, wanted) in zip(new, self.created, strict=False)
            ],
            "new": len(new),
            "counts": {name: getattr(crm.batch, name) for name in self.counts},
        }
        assert found == {
            "outcomes": [*(self.outcomes or [OutcomeKind.DELIVERED.value] * len(self.messages))],
            "calls": self.calls,
            "after": {short: _in_full(fields) for short, fields in self.after.items()},
            "created": [(name, _in_full(fields)) for name, fields in self.created],
            "new": len(self.created),
            "counts": self.counts,
        }
        assert self.text in (crm.letter() if self.text else "")
        return crm

    def _record(self, crm: Crm, short: str) -> StoredRecord:
        return crm.org.records(KINDS[short[0]][0]).records[ident(short)]

    def _is_there(self, crm: Crm, short: str) -> bool:
        return ident(short) in crm.org.records(KINDS[short[0]][0]).records
