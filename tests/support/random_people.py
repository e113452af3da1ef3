"""Small worlds at random, and a model of whose record a person's is, which knows the records as a batch finds them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from random import Random

from builders import LOYAL, a_membership
from destination_testbench.org import Fault, FaultKind
from people_table import KINDS, ident

KEYS = {"customer": "CDP_Customer_Id__c", "loyalty": "CDP_Loyalty__c", "email": "Email"}
NOBODY = {"NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY"}
UNIQUE = ("customer", "loyalty")
GUARD, SINCE = "CDP_Event_Time__c", "CDP_Loyal_Since__c"
WRONG_OWNER = Fault(FaultKind.RECORD_ERROR, times=1, code="INVALID_CROSS_REFERENCE_KEY", message="invalid reference")
FAULTS = (
    Fault(FaultKind.LOCK, times=1),
    Fault(FaultKind.DROP_AFTER, path="/composite", times=1),
    Fault(FaultKind.DROP_AFTER, path="/composite", times=1, skip=1),
    Fault(FaultKind.DROP_AFTER, path="/composite", times=1, skip=2),
    Fault(FaultKind.TRUNCATED, path="/composite", times=1, skip=1),
    Fault(FaultKind.DROP_BEFORE, times=1, skip=1),
    Fault(FaultKind.OUTAGE, times=1, skip=2),
    Fault(FaultKind.OUTAGE_HTML, times=1),
    Fault(FaultKind.COLLECTION_ERROR, times=1, above=1, code="LIMIT_EXCEEDED", message="too much"),
    Fault(FaultKind.RECORD_ERROR, times=1, code="INVALID_EMAIL_ADDRESS", message="bad", fields=("Phone",)),
    Fault(FaultKind.RECORD_ERROR, times=1, code="FIELD_CUSTOM_VALIDATION_EXCEPTION", message="not so"),
    WRONG_OWNER,
)


@dataclass(frozen=True)
class Said:
    """What one profile says; its number is in all of its values."""

    number: int
    at: int
    identities: Mapping[str, str]
    has: Collection[str] = ()
    loyal_at: int = -1
    consents: bool = True

    def profile(self) -> dict[str, object]:
        values = {name: f"{name}{self.number}" for name in ("name", *self.has)}
        since = f"2022-01-01T00:00:{self.loyal_at:02d}Z"
        loyal = {"segmentMembership": {"ups": {LOYAL: a_membership("realized", since)}}} if self.loyal_at >= 0 else {}
        return {**values, **self.identities, **loyal, "consents": "y" if self.consents else "n"}


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
    creates: str = ""
    creating: tuple[str, ...] = ()
    has_guard: bool = True
    skips: bool = False
    follows_merged: bool = False
    follows_leads: bool = True
    omits: bool = False
    minds_consents: bool = False
    is_whole: bool = False

    def text(self) -> str:
        leads = "contact" if self.follows_leads else "reject"
        both = len(self.objects) > 1
        lines = [
            'name = "World"',
            f"salesforce_object = {list(self.objects) if both else repr(self.objects[0])}",
            f'converted_leads = "{leads}"' if "Lead" in self.objects else "",
            'merged_records = "follow"' if self.follows_merged else "",
            'unchanged = "skip"' if self.skips else "",
            "most_created_percent = 100" if self.is_whole and self.creates else "",
            '[profiles]\nselect = "people"',
            "only_if = \"consents == 'y'\"" if self.minds_consents else "",
        ]
        for rule in self.rules:
            target = "SalesforceId" if rule == "id" else KEYS[rule]
            makes = f'"{self.creates}"' if both else "true"
            lines += ["[[identity]]", f'source = "{rule}"', f'target = "{target}"']
            lines += [f"create_missing = {makes}"] if rule in self.creating else []
        lines += ['[[mappings]]\nsource = "name"\ntarget = "LastName"\nrequired = true']
        lines += ['[[mappings]]\nsource = "phone"\ntarget = "Phone"', 'when_refused = "omit"' if self.omits else ""]
        lines += ['[[mappings]]\nsource = "title"\ntarget = "Title"\nwrite = "if_empty"']
        lines += ['[[mappings]]\nsource = "first"\ntarget = "FirstName"\nwrite = "create"'] if self.creates else []
        if "Lead" in self.objects:
            lines += ['[[mappings]]\nsource = "company"\ntarget = "Company"\ndefault = "none"']
            lines += ['objects = ["Lead"]'] if both else []
        lines += [f'[[audiences]]\nid = "{LOYAL}"\nmapping_id = "CDP_Loyal__c"']
        lines += [f'since_field = "{SINCE}"', f'[ordering]\nfield = "{GUARD}"'] if self.has_guard else []
        return "\n".join(lines)


@dataclass(frozen=True)
class World:
    file: File
    before: Mapping[str, Mapping[str, str]]
    messages: Mapping[int, tuple[Said, ...]]
    steps: tuple[Step, ...]
    all_errors_at_once: bool = True


def a_world(seed: int) -> World:
    draw = Random(seed)
    file = a_file(draw)
    before: dict[str, dict[str, str]] = {}
    taken: set[tuple[str, str]] = set()
    for number in range(1, draw.randint(0, 6) + 1):
        short = f"{draw.choice('CL')}{number}"
        fields: dict[str, str] = {}
        for key in KEYS:
            value = f"{key[0]}{draw.randint(1, 4 if key != 'email' else 3)}{'@example.com' * (key == 'email')}"
            if draw.random() < 0.5 and (key == "email" or (short[0], value) not in taken):
                fields[KEYS[key]] = value
                taken.add((short[0], value))
        if draw.random() < 0.3:
            fields["Title"] = "sales"
        before[short] = fields
    numbers = iter(range(1000))
    messages = {
        number: tuple(something_said(draw, file, next(numbers), before) for _ in range(draw.choice((1, 1, 1, 2, 4))))
        for number in range(draw.randint(1, 8))
    }
    return World(file, before, messages, tuple(some_steps(draw, before, [*messages])), draw.random() < 0.7)


def a_file(draw: Random) -> File:
    objects = draw.choice((("Contact",), ("Lead",), ("Contact", "Lead"), ("Contact", "Lead"), ("Lead", "Contact")))
    rules = draw.sample(("customer", "loyalty", "email"), draw.randint(0, 3))
    if draw.random() < 0.5 or not rules:
        rules = ["id", *rules[:2]]
    able = [rule for rule in rules if rule in UNIQUE]
    creating = tuple(rule for rule in able if draw.random() < 0.6)
    flags = [draw.random() < share for share in (0.8, 0.25, 0.5, 0.7, 0.5, 0.3, 0.8)]
    return File(objects, tuple(rules), draw.choice(objects) if creating else "", creating, *flags)


def something_said(draw: Random, file: File, number: int, before: Collection[str]) -> Said:
    who = draw.randint(1, 4)
    identities: dict[str, str] = {}
    for source in ("id", *KEYS):
        if draw.random() < 0.55:
            whose = who if draw.random() < 0.9 else draw.randint(1, 5)
            value = f"{source[0]}{whose}"
            if source == "email":
                value = f"e{(whose + 1) // 2}@example.com"
            if source == "id":
                known = [short for short in before if short.endswith(str(whose))]
                value = ident(known[0] if known else f"{draw.choice('CLCLA')}9")
                value = value if draw.random() < 0.9 else draw.choice((value[:15], "damaged", " "))
            identities[source] = value.upper() if source != "id" and draw.random() < 0.2 else value
    if not any(rule in identities for rule in file.rules) and draw.random() < 0.9:
        rule = file.rules[-1]
        identities[rule] = f"{rule[0]}{who}" if rule != "id" else ident(f"C{who}")
    has = [name for name in ("phone", "title", "first") if draw.random() < 0.5]
    loyal_at = draw.randint(0, 9) if draw.random() < 0.3 else -1
    return Said(number, draw.randint(0, 12), identities, has, loyal_at, draw.random() < 0.8)


def some_steps(draw: Random, before: Collection[str], messages: list[int]) -> Iterator[Step]:
    acts = [act for _ in range(draw.randint(0, 3)) if (act := an_act(draw, list(before)))]
    is_faulty = draw.random() < 0.5
    left = draw.sample(messages, len(messages)) + draw.sample(messages, draw.randint(0, len(messages)))
    while left or acts:
        if acts and draw.random() < 0.5:
            yield Step(act=acts.pop())
        size = draw.choice((1, 2, 4, len(left)))
        faults = draw.sample(FAULTS, draw.choice((0, 1, 1, 2))) if is_faulty else []
        yield Step(tuple(dict.fromkeys(left[:size])), tuple(faults))
        left = left[size:]
        if draw.random() < 0.1:
            yield Step(act="cold")


def an_act(draw: Random, shorts: list[str]) -> str:
    if not shorts:
        return ""
    one, other = draw.choice(shorts), draw.choice(shorts)
    verb = draw.choice(("delete", "delete", "purge", "undelete", "merge", "merge", "convert", "convert"))
    if verb == "merge":
        return f"merge {one} into {other}" if one != other and one[0] == other[0] else ""
    if verb == "convert":
        return f"convert {one} into {other}" if one[0] == "L" and other[0] == "C" else ""
    return f"{verb} {one}"


# The model.


@dataclass(frozen=True)
class There:
    """A record as it is before a batch."""

    sobject: str
    id: str
    keys: Mapping[str, str]
    time: float
    is_deleted: bool
    merged_into: str
    converted_to: str
    is_converted: bool

    @property
    def is_live(self) -> bool:
        return not (self.is_deleted or self.is_converted)


@dataclass
class Expected:
    """Whose record a profile is written to, that it is a new one, or the codes of which one refuses it."""

    place: str = ""
    codes: frozenset[str] = frozenset()
    is_new: bool = False
    may_be_at: frozenset[str] = frozenset()
    may_be_new: bool = False
    """Somebody of the batch gets a record that has an identity which comes before the one that was found."""


def refused(*codes: str) -> Expected:
    return Expected(codes=frozenset(codes))


@dataclass
class Model:
    file: File
    there: Mapping[str, There]

    def identities(self, said: Said) -> dict[str, str] | str:
        """The values that can be identities by rule, or the code of the profile's refusal."""
        found: dict[str, str] = {}
        is_malformed = False
        for rule in self.file.rules:
            value = said.identities.get(rule, "").strip()
            prefixes = {prefix for name, prefix in KINDS.values() if name in self.file.objects}
            if rule == "id" and value and (value[:3] not in prefixes or len(value) not in (15, 18)):
                is_malformed = True
            elif value:
                found[rule] = ident_18(value) if rule == "id" else value.lower()
        return found or ("IDENTITY_MALFORMED" if is_malformed else "NO_IDENTITY")

    def expected(self, batch: Sequence[Said]) -> dict[int, Expected]:
        """What becomes of each; those whom the first rule takes for one, and no other tells apart, are one person."""
        known = {said.number: self.identities(said) for said in batch}
        found = {number: refused(code) for number, code in known.items() if isinstance(code, str)}
        sought: dict[int, Mapping[str, str]] = {}
        together: dict[tuple[str, str], list[int]] = {}
        for said in batch:
            if isinstance(identities := known[said.number], dict):
                alone = self.file.minds_consents and not said.consents and said.loyal_at < 0
                first = ("", str(said.number)) if alone else next(iter(identities.items()))
                together.setdefault(first, []).append(said.number)
        for numbers in together.values():
            all_of_them = [ids for number in numbers if isinstance(ids := known[number], dict)]
            joined = {rule: {ids[rule] for ids in all_of_them if rule in ids} for rule in self.file.rules}
            for number, identities in zip(numbers, all_of_them, strict=True):
                if all(len(values) < 2 for values in joined.values()):
                    identities = {rule: value for rule, values in joined.items() for value in values}
                found[number] = self.expected_of(identities)
                sought[number] = identities
        made = {pair for number, here in found.items() if here.is_new for pair in sought[number].items()}
        for number, here in found.items():
            here.may_be_new = not (here.is_new or made.isdisjoint(self._before(sought.get(number, {}))))
        return found

    def _before(self, identities: Mapping[str, str]) -> list[tuple[str, str]]:
        """The identities that nobody has, up to the first that somebody has."""
        has = (any(self._has(each, *pair) for each in self.there.values()) for pair in identities.items())
        return [pair for pair, _ in takewhile(lambda both: not both[1], zip(identities.items(), has, strict=False))]

    def expected_of(self, identities: Mapping[str, str]) -> Expected:
        higher: dict[str, str] = {}
        for number, (rule, value) in enumerate(identities.items()):
            found = [each for each in self._in_order() if self._has(each, rule, value)]
            if number == 0 and rule != "email":
                first = [each for each in found if each.sobject == self.file.objects[0] and not each.is_deleted]
                live = frozenset(each.id for each in found if each.is_live)
                if first and not first[0].is_live:  # whether the org is asked before it is written decides
                    straight = self._one_of(first, higher)
                    return straight if straight.place else replace(straight, may_be_at=straight.may_be_at | live)
                found = first or found
            if found:
                return self._one_of(found, higher)
            higher[rule] = value
        creates = "id" not in identities and any(rule in identities for rule in self.file.creating)
        return Expected(is_new=True) if creates else refused("NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY")

    def _in_order(self) -> list[There]:
        return [each for name in self.file.objects for each in self.there.values() if each.sobject == name]

    def _has(self, record: There, rule: str, value: str) -> bool:
        return record.id == value if rule == "id" else record.keys.get(rule) == value

    def _one_of(self, found: list[There], higher: Mapping[str, str]) -> Expected:
        live = [each for each in found if each.is_live]
        if live:
            there = [each for each in live if each.sobject == live[0].sobject]
            if len(there) > 1:
                return refused("DUPLICATE_EXTERNAL_ID")
            if self._conflicts(there[0], higher):
                return refused("IDENTITY_CONFLICT")
            return Expected(there[0].id)
        if converted := {each.converted_to: each for each in found if each.is_converted and not each.is_deleted}:
            return self._moved(converted, higher, "CANNOT_UPDATE_CONVERTED_LEAD", follows=self.file.follows_leads)
        if survivors := {each.merged_into: each for each in found if each.merged_into}:
            return self._moved(survivors, higher, "RECORD_MERGED", follows=self.file.follows_merged)
        return refused("ENTITY_IS_DELETED", "NOT_FOUND", *(["IDENTITY_CONFLICT"] if higher else []))

    def _moved(self, moved: Mapping[str, There], higher: Mapping[str, str], code: str, *, follows: bool) -> Expected:
        if len(moved) > 1:
            return refused("DUPLICATE_EXTERNAL_ID", code)
        ((successor, record),) = moved.items()
        if self._conflicts(record, higher):
            return refused("IDENTITY_CONFLICT")
        return self._at(successor) if follows else refused(code)

    def _conflicts(self, record: There, higher: Mapping[str, str]) -> bool:
        return any(record.keys.get(rule, value) != value for rule, value in higher.items())

    def _at(self, record_id: str) -> Expected:
        """The record that took the place of another, or what becomes of it where that is gone too."""
        record = self.there.get(record_id)
        if record is not None and record.is_live:
            return Expected(record_id)
        codes = "ENTITY_IS_DELETED", "NOT_FOUND", "RECORD_MERGED", "CANNOT_UPDATE_CONVERTED_LEAD"
        may = set()
        while record is not None and not record.is_live:
            record = self.there.get(record.merged_into or record.converted_to)
            may |= {record.id} if record is not None else set()
        return Expected(codes=frozenset({*codes, "INVALID_CROSS_REFERENCE_KEY"}), may_be_at=frozenset(may))


def ident_18(value: str) -> str:
    return next((each for short in SHORTS if (each := ident(short)).startswith(value)), value)


SHORTS = [f"{kind}{number}" for kind in KINDS for number in range(10)]
