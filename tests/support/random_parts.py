"""Small worlds at random about what follows a person: members of campaigns and rows, and what people do meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from builders import LOYAL, SENT_AT, a_message
from destination_testbench.org import Fault, FaultKind
from members_and_rows import CAMPAIGN, OTHER
from people_table import ident
from salesforce_destination.outcome import Message, WaitingParts

NEWS = "newsletter"
CAMPAIGNS = {LOYAL: CAMPAIGN, NEWS: OTHER}
FIRST = SENT_AT - 1_000_000
KEYS = {"customer": "CDP_Customer_Id__c", "email": "Email"}
PEOPLE = (1, 2, 3)
BAD = {"long": "x" * 81, "ruled": "Ruled out"}
FAULTS = (
    Fault(FaultKind.DROP_AFTER, path="/composite", times=1),
    Fault(FaultKind.DROP_AFTER, path="/composite", times=1, skip=1),
    Fault(FaultKind.DROP_AFTER, path="/composite", times=1, skip=2),
    Fault(FaultKind.TRUNCATED, path="/composite", times=1, skip=2),
    Fault(FaultKind.OUTAGE, times=1, skip=1),
    Fault(FaultKind.OUTAGE, times=1, skip=2),
    Fault(FaultKind.OUTAGE, times=1, skip=3),
    Fault(FaultKind.DAILY_LIMIT, times=1, skip=2),
    Fault(FaultKind.COLLECTION_ERROR, times=1, above=1, code="LIMIT_EXCEEDED", message="too much"),
    Fault(FaultKind.RECORD_ERROR, times=1, records=(CAMPAIGN,), code="DUPLICATE_VALUE", message="a member"),
    Fault(FaultKind.RECORD_ERROR, times=1, records=(OTHER,), code="MALFORMED_ID", message="not so"),
    Fault(FaultKind.RECORD_ERROR, times=1, records=(NEWS,), code="MALFORMED_ID", message="not so"),
    Fault(FaultKind.RECORD_ERROR, times=1, records=(LOYAL,), code="FIELD_CUSTOM_VALIDATION_EXCEPTION", message="no"),
)


@dataclass(frozen=True)
class Membership:
    """A status, and the second at which it began."""

    status: str
    since: int


@dataclass(frozen=True)
class Said:
    """What one profile says at a time."""

    who: int
    at: int
    identities: Mapping[str, str]
    memberships: Mapping[str, Membership]
    consents: bool = True
    bad: str = ""

    def profile(self) -> dict[str, object]:
        name = BAD.get(self.bad, f"name{self.who}at{self.at}")
        memberships = {audience: self._membership(audience) for audience in self.memberships}
        found = {"name": name, **self.identities, "consents": "y" if self.consents else "n"}
        return {**found, "segmentMembership": {"ups": memberships}}

    def _membership(self, audience: str) -> dict[str, object]:
        given = self.memberships[audience]
        return {"status": given.status, "lastQualificationTime": FIRST + 1000 * given.since}

    def form(self) -> dict[str, object]:
        """The same in the second form of a message."""
        names = {"id": "SalesforceId", **KEYS}
        identity = {names[name]: value for name, value in self.identities.items()}
        return {"identity": identity, "memberships": {each: self._membership(each) for each in self.memberships}}


@dataclass(frozen=True)
class Event:
    """What one message says, and its time."""

    said: tuple[Said, ...]
    is_form: bool = False

    @property
    def time(self) -> int:
        return FIRST + 1000 * self.said[0].at

    def message(self, number: int, parts: WaitingParts | None = None, tries: int = 1) -> Message:
        body = self.said[0].form() if self.is_form else {"people": [said.profile() for said in self.said]}
        made = a_message(json.dumps(body), event_time=str(self.time), receive_count=tries)
        name = f"message-{number}-{parts.attempts if parts else 0}"
        return replace(made, id=name, parts=parts, is_memberships=self.is_form)


@dataclass(frozen=True)
class Step:
    """A batch of messages, by their numbers, with what goes wrong; or else what people do."""

    messages: tuple[int, ...] = ()
    faults: tuple[Fault, ...] = ()
    act: str = ""


@dataclass(frozen=True)
class File:
    objects: tuple[str, ...]
    rules: tuple[str, ...]
    creates: bool
    campaigns: Mapping[str, str]
    """By audience, what an exit becomes."""
    by_name: bool
    has_fields: Mapping[str, bool]
    has_since: bool
    rows: str
    ordered: bool
    minds_consents: bool
    skips: bool

    def text(self) -> str:
        both = len(self.objects) > 1
        lines = ['name = "World"', f"salesforce_object = {list(self.objects) if both else repr(self.objects[0])}"]
        lines += ['merged_records = "follow"', 'unchanged = "skip"' if self.skips else ""]
        lines += ['converted_leads = "contact"'] if "Lead" in self.objects else []
        lines += ["most_created_percent = 100"] if self.creates else []
        lines += ['[profiles]\nselect = "people"', "only_if = \"consents == 'y'\"" if self.minds_consents else ""]
        for rule in self.rules:
            lines += ["[[identity]]", f'source = "{rule}"', f'target = "{KEYS.get(rule, "SalesforceId")}"']
            lines += [f"create_missing = {repr(self.objects[-1]) if both else 'true'}"] * (
                self.creates and rule == "customer"
            )
        lines += ['[[mappings]]\nsource = "name"\ntarget = "LastName"\nrequired = true']
        if "Lead" in self.objects:
            lines += ['[[mappings]]\nsource = "company"\ntarget = "Company"\ndefault = "none"']
            lines += ['objects = ["Lead"]'] * both
        for audience in CAMPAIGNS:
            lines += self._audience(audience)
        if self.rows:
            lines += ['[memberships]\nobject = "CDP_Membership__c"\nkey = "CDP_Key__c"']
            lines += ['person = { Contact = "Contact__c", Lead = "Lead__c" }' if both else self._lookup()]
            lines += ['audience = "Audience__c"\nstatus = "Status__c"\nsince = "Since_Ms__c"']
            lines += ['audiences = "all"\nat_most = 5'] if self.rows == "all" else []
        lines += ['[ordering]\nfield = "CDP_Event_Time__c"'] if self.ordered else []
        return "\n".join(lines)

    def _lookup(self) -> str:
        return f'person = "{self.objects[0]}__c"'

    def _audience(self, audience: str) -> list[str]:
        lines = ["[[audiences]]", f'id = "{audience}"']
        name = "Loyal" if audience == LOYAL else "Newsletter"
        has_field, campaign = self.has_fields[audience], self.campaigns.get(audience)
        if not has_field and campaign is None and not self.rows:
            return []
        if has_field:
            lines += [f'mapping_id = "CDP_{name}__c"']
            lines += [f'since_field = "CDP_{name}_Since__c"'] if self.is_guarded(audience) else []
        if campaign is not None:
            title = "Loyal" if audience == LOYAL else "Other"
            lines += [f'campaign = {{ name = "{title}" }}' if self.by_name else f'campaign = "{CAMPAIGNS[audience]}"']
            lines += [f'member_status = {{ realized = "Sent", exited = "{campaign}" }}']
        return lines

    def is_guarded(self, audience: str) -> bool:
        return self.has_since and self.has_fields[audience]

    def parts(self, said: Said, event_time: int, *, is_form: bool) -> dict[str, tuple[str, int]]:
        """What follows a person, by its name: its status and since when."""
        found = {}
        for audience, given in said.memberships.items():
            is_out = self.minds_consents and not said.consents and not is_form
            since = event_time if self.minds_consents else FIRST + 1000 * given.since
            status = "exited" if is_out else given.status
            if audience in self.campaigns:
                found[f"campaign {audience}"] = status, since
            if self.rows:
                found[f"row {audience}"] = status, since
        return found


@dataclass(frozen=True)
class World:
    file: File
    before: Mapping[str, Mapping[str, str]]
    events: Mapping[int, Event]
    steps: tuple[Step, ...]
    members: tuple[str, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)


def a_world(seed: int) -> World:
    draw = Random(seed)
    file = a_file(draw)
    before = {}
    for number in PEOPLE:
        kind = draw.choice(file.objects)[0]
        if draw.random() < (0.8 if file.creates else 0.95):
            before[f"{kind}{number}"] = {KEYS["customer"]: f"c{number}", KEYS["email"]: f"e{number}@example.com"}
    ways = {number: _ways(draw) for number in PEOPLE}
    events = {number: an_event(draw, file, ways, before, at) for number, at in enumerate(_times(draw))}
    members = tuple(short for short in before if draw.random() < 0.2)
    facts = {"all_errors_at_once": draw.random() < 0.7}
    return World(file, before, events, tuple(some_steps(draw, file, before, [*events])), members, facts)


def _times(draw: Random) -> list[int]:
    times = draw.sample(range(12), draw.randint(1, 8))
    return [10 * time + 9 for time in times]


def _ways(draw: Random) -> dict[str, list[tuple[int, str]]]:
    """Of each audience, when a person's status became what."""
    found = {}
    for audience in CAMPAIGNS:
        ats = sorted(draw.sample(range(12), draw.randint(1, 5)))
        found[audience] = [(at, draw.choice(("realized", "existing", "exited", "exited"))) for at in ats]
    return found


def a_file(draw: Random) -> File:
    objects = draw.choice((("Contact",), ("Lead",), ("Contact", "Lead"), ("Contact", "Lead"), ("Lead", "Contact")))
    rules = draw.choice((("id",), ("id",), ("id", "customer"), ("customer",), ("email",), ("id", "customer", "email")))
    creates = "customer" in rules and draw.random() < 0.6
    has_since = draw.random() < 0.75
    has_fields = {LOYAL: draw.random() < 0.8, NEWS: draw.random() < 0.4}
    rows = draw.choice(("", "mapped", "mapped", "all"))
    campaigns = {}
    for audience in CAMPAIGNS:
        if draw.random() < 0.6:
            deletes = has_since and has_fields[audience] and draw.random() < 0.5
            campaigns[audience] = "delete" if deletes else "Left"
    if not campaigns and not rows:
        campaigns = {LOYAL: "Left"}
    flags = [draw.random() < share for share in (0.5, 0.3, 0.2)]
    return File(objects, rules, creates, campaigns, draw.random() < 0.2, has_fields, has_since, rows, *flags)


def an_event(
    draw: Random,
    file: File,
    ways: Mapping[int, Mapping[str, list[tuple[int, str]]]],
    before: Mapping[str, object],
    at: int,
) -> Event:
    is_form = draw.random() < 0.15
    people = [draw.choice(PEOPLE)] if is_form else draw.sample(PEOPLE, draw.choice((1, 1, 1, 2)))
    said = []
    for who in people:
        homes = [short for short in before if short[1:] == str(who)]
        given = {"id": ident(homes[0]) if homes else "", "customer": f"c{who}", "email": f"e{who}@example.com"}
        known = {name: given[name] for name in file.rules if given[name] and draw.random() < 0.6}
        last = next(name for name in reversed(file.rules) if given[name] or name == "id")
        known = known or {last: given[last] or ident(f"{file.objects[0][0]}{who}")}
        memberships = {}
        for audience, statuses in ways[who].items():
            past = [(time, status) for time, status in statuses if 10 * time <= at]
            if past and draw.random() < 0.75:
                time, status = past[-1]
                memberships[audience] = Membership(status, 10 * time + who)
        bad = draw.choice(("long", "ruled")) if draw.random() < 0.15 and not is_form else ""
        said.append(Said(who, at, known, memberships, draw.random() < 0.7, bad))
    return Event(tuple(said), is_form)


def some_steps(draw: Random, file: File, before: Mapping[str, object], events: list[int]) -> Iterator[Step]:
    acts = [an_act(draw, file, list(before)) for _ in range(draw.choice((0, 1, 2, 4)))]
    is_faulty = draw.random() < 0.4
    left = draw.sample(events, len(events)) + draw.sample(events, draw.randint(0, len(events)))
    while left:
        while acts and draw.random() < 0.5:
            yield Step(act=acts.pop())
        size = draw.choice((1, 2, 4, len(left)))
        faults: Sequence[Fault] = draw.sample(FAULTS, draw.choice((0, 1, 1, 2))) if is_faulty else []
        yield Step(tuple(dict.fromkeys(left[:size])), tuple(faults))
        left = left[size:]
        if draw.random() < 0.3:
            yield Step(act="cold")


def an_act(draw: Random, file: File, shorts: list[str]) -> str:
    verbs = ["lock", "lock", "wait", "rename", "drop", "moved", "taken"]
    verb = draw.choice((*verbs, *["delete", "convert", "convert", "merge"]) if shorts else verbs)
    if verb == "lock":
        return f"lock {draw.choice([CAMPAIGN, *map(ident, shorts)])} {draw.choice((1, 2, 3, 4, 8))}"
    if verb in ("rename", "drop"):
        return f"{verb} {draw.choice((CAMPAIGN, OTHER))}"
    if verb in ("moved", "taken", "wait"):
        return verb if verb == "wait" else f"{verb} {draw.randint(0, 9)}"
    one, other = draw.choice(shorts), draw.choice(shorts)
    if verb == "merge":
        return f"merge {one} into {other}" if one != other and one[0] == other[0] else "wait"
    if verb == "convert":
        return f"convert {one} into {other}" if one[0] == "L" and other[0] == "C" else "wait"
    return f"delete {one}"
