"""
Runs every example of docs/destination-file.md, and those of destination_file_examples.md that the page has no room for.

An example begins with a block `toml part`: what it leaves out of a whole file is as in the block `toml base`. The block
that follows says what comes of it. `text mistakes` lists what is wrong with the file. `text example` has one case or
several, with an empty line between them: the body of a message, `→` for each record or request that is sent and for the
outcome of a message that is not delivered, `←` for each answer of Salesforce's to a record, and for each record that it
has. A record is shown with the name of its sObject where that is not the first of the file. An org has whom members and
rows are about, and the campaigns of the file with every status that it names.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from builders import a_message, an_id
from pydantic import BaseModel
from salesforce_destination.destination.checks import field_of
from salesforce_destination.destination.destination import Destination, read_destination
from salesforce_destination.errors import DestinationFileError
from salesforce_destination.mapping.mapper import KEY_PREFIXES
from salesforce_destination.outcome import Delivery, OutcomeKind
from salesforce_destination.profile.source import _FUNCTIONS, compile_source
from salesforce_destination.record.classification import RecordError
from salesforce_destination.record.description import ObjectDescription, read_description
from salesforce_destination.record.successor import Successor, quoted
from scripted_org import ScriptedOrg, deliver

PAGE = Path(__file__).parents[3] / "docs" / "destination-file.md"
MORE = Path(__file__).with_name("destination_file_examples.md")
SUCCESSORS = {"ConvertedContactId": "Contact", "MasterRecordId": None}
WRITABLE_CONTACT = frozenset({"LastName", "FirstName", "Email", "CDP_Loyal__c"})
PIECE = re.compile(
    r"^(?P<level>#+) (?P<heading>[^\n]+)$|^```(?P<kind>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
LINE = re.compile(r"^line \d+: |, line \d+", re.MULTILINE)
"""Where a mistake stands in the whole file, of which the page shows a part."""
STEP = re.compile(r"^([→←]) ", re.MULTILINE)
AT_LEAST_SHOWN = 28
AT_LEAST = 60
TOP = "The top of the file"

Json = Any
Block = tuple[str, str]


@dataclass(slots=True)
class Example:
    heading: str
    toml: str
    blocks: list[Block] = field(default_factory=list)


@dataclass(slots=True)
class Case:
    """One message and what comes of it."""

    body: str
    rows: list[Json] = field(default_factory=list)
    answers: list[RecordError] = field(default_factory=list)
    successor: Successor | None = None
    held: list[Json] = field(default_factory=list)
    request: str = ""
    outcome: str = ""


class DocumentedOrg(ScriptedOrg):
    """A scripted org that has some records, and every field that the file names."""

    def __init__(self, destination: Destination, case: Case) -> None:
        super().__init__(destination, case.answers, case.successor)
        self._destination, self._held = destination, [*case.held, *campaigns_of(destination)]
        self._has_everybody = destination.has_parts

    def query(self, queries: Sequence[str]) -> list[Json]:
        asked = [
            (sobject[1], name, values.lower())
            for query in queries
            if (sobject := re.search(r" FROM (\w+) WHERE ", query))
            for name, values in re.findall(r"(\w+) IN \((.*?)\)", query)
        ]
        return [
            row
            for sobject, name, values in asked
            for row in self._held
            if row["attributes"]["type"] == sobject and quoted(str(row.get(name))).lower() in values
        ]

    def seconds_left(self) -> float:
        return inf

    def retrieve(self, sobject: str, ids: Sequence[str], fields: Sequence[str]) -> list[Json]:
        there = [{"attributes": {"type": sobject}, "Id": each} for each in ids if self._has_everybody]
        return there or [row for row in self._held if row["attributes"]["type"] == sobject and row["Id"] in ids]

    def describe(self, sobject: str = "", *, anew: bool = False) -> ObjectDescription:
        file = self._destination.of(sobject or self._destination.salesforce_object)
        keys = {rule.target for rule in file.rules}
        fields = [
            {"name": field_of(name), "relationshipName": re.split("[:.]", name)[0], "unique": name in keys - {"Email"}}
            for name in {*file.written_fields, *keys}
        ]
        described = [{"updateable": True, "nillable": True, **each} for each in fields]
        name = file.salesforce_object
        found = read_description({"name": name, "keyPrefix": KEY_PREFIXES.get(name), "fields": described})
        self._writer.use_description(found)
        return found


def campaigns_of(destination: Destination) -> Iterator[Json]:
    for place, audience in enumerate(destination.audiences, 1):
        if campaign := audience.campaign:
            name, found = ("", campaign) if isinstance(campaign, str) else (campaign.name, an_id(place, "701"))
            yield {"attributes": {"type": "Campaign"}, "Id": found, "Name": name}
            for label in (audience.member_status or {}).values():
                yield {"attributes": {"type": "CampaignMemberStatus"}, "CampaignId": found, "Label": label}


def pieces(page: Path = PAGE) -> Iterator[tuple[str, str, str]]:
    heading = ""
    for found in PIECE.finditer(page.read_text(encoding="utf-8")):
        if found["heading"]:
            heading = found["heading"]
        else:
            yield heading, found["kind"], found["text"]


def examples(page: Path) -> list[Example]:
    listed: list[Example] = []
    for heading, kind, text in pieces(page):
        if kind == "toml part":
            listed.append(Example(heading, text))
        elif listed and heading == listed[-1].heading and kind.split()[-1:] != ["console"]:
            listed[-1].blocks.append((kind, text))
    return listed


def whole(part: str) -> str:
    """The part with what it leaves out."""
    (base,) = (text for _, kind, text in pieces() if kind == "toml base")
    given = keys_in(part)
    top, *tables = re.split(r"^(?=\[)", base, flags=re.MULTILINE)
    lines = [line for line in top.split("\n") if line and line.partition(" =")[0] not in given]
    missing = [table for table in tables if re.findall(r"\w+", table)[0] not in given]
    return "\n".join([*lines, part, *missing])


def keys_in(part: str) -> set[str]:
    """The keys at the top of a part; one that is no TOML has only a key."""
    try:
        return set(tomllib.loads(part))
    except tomllib.TOMLDecodeError:
        return {part.partition(" =")[0]}


def cases(example: Example, destination: Destination) -> Iterator[Case]:
    ((kind, text),) = example.blocks
    assert kind == "text example"
    yield from (_case(part, destination) for part in text.split("\n\n"))


def _case(text: str, destination: Destination) -> Case:
    body, *steps = STEP.split(text)
    case = Case(body)
    for arrow, step in zip(steps[::2], steps[1::2], strict=True):
        words = "".join(f"{line.removeprefix('  ')}\n" for line in step.splitlines())
        if arrow == "←" and (held := re.match(r"(\w+) (\{.*)", words, re.DOTALL)):
            case.held.append({"attributes": {"type": held[1]}} | json.loads(held[2]))
        elif arrow == "←":
            _read_answer(case, words, destination)
        elif row := re.fullmatch(r"(\w*) ?(\{.*\}\n)", words, re.DOTALL):
            case.rows.append({"attributes": {"type": row[1] or destination.salesforce_object}} | json.loads(row[2]))
        elif words.startswith(("PATCH ", "POST ")):
            case.request = words
        else:
            case.outcome = words
    return case


def _read_answer(case: Case, text: str, destination: Destination) -> None:
    first, *more = text.splitlines()
    code, *fields = first.split()
    case.answers.append(RecordError(code, "", tuple(fields)))
    for line in more:
        pointer, _, record_id = line.partition(": ")
        sobject = SUCCESSORS[pointer] or destination.salesforce_object
        case.successor = Successor(sobject, record_id, WRITABLE_CONTACT if SUCCESSORS[pointer] else None)


def outcome_of(delivery: Delivery) -> str:
    reason = delivery.outcome.reason
    words = f"{reason.code}: {reason.text}".removesuffix(": ") if reason else ""
    return "" if delivery.outcome.kind is OutcomeKind.DELIVERED else f"{delivery.outcome.kind} {words}".strip()


def request_of(org: ScriptedOrg) -> str:
    part = org.requests[-1]["compositeRequest"][0]
    headers = "".join(f"{name}: {value}\n" for name, value in part["httpHeaders"].items())
    return f"{part['method']} {part['url']}\n{headers}"


def keys_of(model: type[BaseModel], before: str = "") -> Iterator[str]:
    for attribute, field_info in model.model_fields.items():
        name = field_info.alias or attribute
        inner = next(_models_in(field_info.annotation), None)
        if inner and not before:
            yield from keys_of(inner, f"{name}.")
        else:
            yield before + name


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and get_origin(annotation) is None and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def holds(part: str, key: str) -> bool:
    table, _, name = key.rpartition(".")
    found = tomllib.loads(part).get(table) if table else tomllib.loads(part)
    return any(name in entry for entry in (found if isinstance(found, list) else [found or {}]))


def keys_of_tables() -> dict[str, str]:
    """The keys that have no heading of their own, and stand in a table under that of theirs: each with that heading."""
    found: dict[str, str] = {}
    for section in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        heading = section.partition("\n")[0]
        table = "" if heading == TOP else f"{heading.strip('`[]')}."
        for row in re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", section, re.MULTILINE):
            found |= {f"{table}{name}": heading for name in re.findall(r"\w+", row)}
    return found


SHOWN = examples(PAGE)
EXAMPLES = [*SHOWN, *examples(MORE)]
IN_TABLES = keys_of_tables()


def test_it_found_the_examples() -> None:
    assert len(SHOWN) >= AT_LEAST_SHOWN
    assert len(EXAMPLES) >= AT_LEAST
    assert [example.heading for example in EXAMPLES if not example.blocks] == []


@pytest.mark.parametrize("key", list(keys_of(Destination)))
def test_every_key_has_its_heading_and_an_example(key: str) -> None:
    heading, shown = (IN_TABLES[key], EXAMPLES) if key in IN_TABLES else (f"`{key}`", SHOWN)

    assert any(example.heading == heading and holds(example.toml, key) for example in shown)


def test_every_key_is_looked_for() -> None:
    assert len(list(keys_of(Destination))) >= 30


def test_no_heading_names_a_key_that_is_not_there() -> None:
    headings = {heading.strip("`") for heading, _, _ in pieces() if heading.startswith("`") and "[" not in heading}
    in_tables = {key for key in IN_TABLES if key.startswith("memberships.")}

    assert len(in_tables) >= 10
    assert (headings | in_tables) - set(keys_of(Destination)) == set()


def test_every_function_gives_what_its_example_says() -> None:
    rows = [row.split(" → ") for _, kind, text in pieces() if kind == "text functions" for row in text.splitlines()]

    assert {source.partition("(")[0] for source, _ in rows} == set(_FUNCTIONS)
    assert [[source, str(compile_source(source)({}))] for source, _ in rows] == rows


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.heading.strip("`"))
def test_an_example_is_what_happens(example: Example) -> None:
    kinds = [kind for kind, _ in example.blocks]
    if kinds == ["text mistakes"]:
        with pytest.raises(DestinationFileError) as error:
            read_destination(whole(example.toml))
        told = "".join(f"{mistake}\n" for mistake in error.value.mistakes)
        assert LINE.sub("", told) == example.blocks[0][1]
        return
    destination = read_destination(whole(example.toml))
    found = list(cases(example, destination))

    assert found
    for case in found:
        org = DocumentedOrg(destination, case)
        (delivery,) = deliver(destination, org, [a_message(case.body)])

        assert case.rows or case.request or case.outcome
        assert outcome_of(delivery) == case.outcome.strip()
        if case.request:
            assert request_of(org) == case.request
        if case.rows or not case.request:
            assert org.rows == case.rows
