"""
What is read of a body is what the file names, and what comes of it is what comes of the whole body.

Bodies are drawn: the bodies of fixtures and documents, and one for each destination file with all that it names, with
up to three faults in each. `make equal` draws a million.
"""

from __future__ import annotations

import ast
import gc
import json
import os
import random
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from builders import CONTACTS, SENT_AT, an_id
from msgspec.json import Decoder
from pydantic import ValidationError
from salesforce_destination.destination.destination import Destination, read_destination
from salesforce_destination.errors import DestinationFileError
from salesforce_destination.mapping.mapper import Mapper
from salesforce_destination.outcome import ProfileRefusedError
from salesforce_destination.profile.profile import profiles_in, read_body, read_in_part
from salesforce_destination.profile.source import path_read

from benchmarks.events import NOW_MS, Variant, event

ROOT = Path(__file__).parents[3]
PAGES = (ROOT / "docs" / "destination-file.md", ROOT / "tests" / "unit" / "docs" / "destination_file_examples.md")
BLOCK = re.MULTILINE | re.DOTALL
BODIES, SEED = int(os.environ.get("BODIES", "100000")), int(os.environ.get("SEED", "13"))
AT = "2023-11-14T20:13:20Z"

AUDIENCES = """
[[audiences]]
id = "loyal"
namespace = "ups"
mapping_id = "Loyal__c"
since_field = "Loyal_Since__c"
values = { realized = "Member", exited = "Left" }

[[audiences]]
id = "young"
mapping_id = "Young__c"
existing_as = "realized"

[[audiences]]
id = "since"
namespace = "AAM"
mapping_id = "Since__c"
value = "timestamp"
"""

MORE = f"""
name = "Lists, several namespaces, quoted keys"
salesforce_object = "Person__c"

[identity]
source = "identityMap.crmID[0].id"
target = "CDP_Key__c"

[[mappings]]
source = "identityMap.Email[0].id"
target = "Email__c"

[[mappings]]
source = "emails[1].address"
target = "Second__c"

[[mappings]]
source = '"https://ids.example.com/tier".value'
target = "Tier__c"
default = "none"
values = {{ "Text 3" = "Gold", true = "Yes", 0 = "Nil", 1 = "" }}
other = "leave"

[[mappings]]
source = "loyalty.since.value"
target = "Member_Since__c"
when_absent = "clear"

[[mappings]]
source = "value"
target = "Value__c"

[[mappings]]
source = "lower(trim(contact.name))"
target = "Name__c"

[[mappings]]
source = "text(contact.shop.value)"
target = "Shop__c"

[[mappings]]
source = "number(visits[0].points)"
target = "Points__c"

[[mappings]]
source = "replace(substring(identityMap.Email[0].id, `0`, `4`), 'T', '')"
target = "Short__c"

[[mappings]]
source = "datetime(contact.seen)"
target = "Seen__c"
when_refused = "omit"

[ordering]
field = "Event_Time__c"
source = "timestamp"
{AUDIENCES}
"""

ODD = f"""
{MORE}
[[mappings]]
source = "loyalty.value"
target = "Points__c"

[[mappings]]
source = '"xdm:prefixed".key'
target = "Prefixed__c"
"""
"""Also an object that is read in two ways, and a prefix, which no body has once it is read."""

NAMES = """
[profiles]
memberships = "all"

[[audiences]]
id = "loyal"
name = "Loyal"
mapping_id = "Names__c"
value = "names"

[[audiences]]
id = "young"
name = "Young"
namespace = "ups"
mapping_id = "Names__c"
value = "names"
"""

# Part of a body, of the kinds that a producer or a damaged message may put in the place of another.
PARTS = [
    *("null", "true", "0", "-0.0", "1.50", "1e999", "NaN", "Infinity", "1" * 30, "1" * 5000, str(SENT_AT), "[]", "{}"),
    *('""', '" x "', '"é€"', '"\\ud83d\\ude00"', '"\\ud800"', '"\ud800"', '"\\q"', '"a\tb"', '"' + "long" * 70 + '"'),
    *(f'"{AT}"', '"2023-11-14 20:13:20.5+0100"', '"1700000000000"', '"2100-01-01T00:00:00Z"', '"20231114"', '"soon"'),
    *(
        '"realized"',
        '"EXITED "',
        '"existing"',
        '"gone"',
        f'"{an_id(7)}"',
        f'"{an_id(8)[:15]}"',
        f'"{an_id(9).lower()}"',
    ),
    *('{"value": 1}', '{"value": {"value": 1}}', '{"xdm:value": "x"}', '{"val": "y"}', '{"value": []}'),
    *("[" * 150 + "]" * 150, "[" * 300 + "]" * 300, "{", "]", ",", "01", "+1", "tru", "'x'", "[1]", '[{"id": "x"}]'),
    '[{"id": "a"}, {"id": "b", "primary": true}]',
    '{"CRMID": [{"id": "c"}], "Email": [{"id": "d"}, 5], "crmid": null, "xdm:crmID": [{"id": "e"}]}',
    '{"UPS": {"loyal": {"status": "exited"}}, "ups": {"young": {"status": "realized", "timestamp": 1650000000000}}}',
    '{"xdm:ups": {"loyal": {"status": "exited"}}, "aam": {"since": {"xdm:status": "realized"}}, "x": 1}',
]
TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|[\[{]|[\]}]|[^\s,:"\[\]{}]+')
LIMITS = "recursion limit exceeded|number out of range"
Json = Any
Span = tuple[int, int, bool]


def destinations() -> Iterator[Destination]:
    """Every destination file of the repository, and those that the examples of the documents are parts of."""
    for text in (*[CONTACTS + AUDIENCES, CONTACTS + NAMES, MORE, ODD] * 5, *_whole_files()):
        with suppress(DestinationFileError):
            yield read_destination(text)
    blocks = [block for page in PAGES for block in re.findall(r"^```toml (\w+)\n(.*?)^```$", page.read_text(), BLOCK)]
    (base,) = (tomllib.loads(text) for kind, text in blocks if kind == "base")
    for kind, text in blocks:
        with suppress(ValidationError, tomllib.TOMLDecodeError):
            if kind == "part":
                yield Destination.model_validate(base | tomllib.loads(text))


def _whole_files() -> Iterator[str]:
    for folder in ("layers", "benchmarks", "testbench"):
        yield from (path.read_text() for path in (ROOT / folder).rglob("*.toml"))
    for path in (ROOT / "tests").rglob("*.py"):
        text = path.read_text()
        if "salesforce_object = " in text:
            constants = (node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant))
            yield from (value for value in constants if isinstance(value, str) and "salesforce_object = " in value)


def bodies_for(destination: Destination) -> list[str]:
    """Bodies with something at each source of a file, beside things that it does not name."""
    profile: Json = {"unnamed": {"value": [1, {"status": "x"}]}, "segmentMembership": {"ups": {}, "AAM": {}}}
    sources = [destination.identity.source, *(mapping.source for mapping in destination.mappings)]
    for number, source in enumerate([*sources, destination.ordering and destination.ordering.source]):
        _put(profile, path_read(source or "") or (), an_id(number) if number == 0 else f"Text {number}")
    for number, audience in enumerate(destination.audiences):
        inner = profile["segmentMembership"].setdefault(audience.namespace or "ups", {})
        time = {("timestamp", "lastQualificationTime")[number % 2]: AT}
        inner[audience.id] = {"status": ("realized", "exited")[number % 2], **time, "createdAt": number}
    profile["segmentMembership"]["AAM"]["unmapped"] = {"status": "exited"}
    for identities in (profile.get("identityMap") or {}).values():
        identities.append({"id": "second", "primary": False})
    return [json.dumps(profile), json.dumps(profile | {"timestamp": SENT_AT - 1000}, separators=(",", ":"))]


def _put(holder: Json, steps: tuple[str | int, ...], value: Json) -> None:
    for step, following in pairwise(steps):
        empty: Json = [] if isinstance(following, int) else {}
        if isinstance(step, int):
            holder.extend({} for _ in range(step + 1 - len(holder)))
            holder = holder[step]
        else:
            holder = holder.setdefault(step, empty)
        if not isinstance(holder, type(empty)):
            return
    if steps and isinstance(steps[-1], str):
        holder.setdefault(steps[-1], value)


def spans_of(body: str) -> list[Span]:
    """Where a body's keys are, and its values, be they of one word or of many."""
    spans, opened = [], []
    for token in TOKEN.finditer(body):
        if token[0] in ("{", "["):
            opened.append(token.start())
        elif token[0] in ("}", "]"):
            spans.append((opened.pop() if opened else 0, token.end(), False))
        else:
            spans.append((token.start(), token.end(1) if token[1] else token.end(), bool(token[2])))
    return spans or [(0, len(body), False)]


def faulty(body: str, spans: list[Span], drawn: random.Random) -> str:
    """The body with up to three faults."""
    before = len(body)
    for start, end, is_key in sorted((drawn.choice(spans) for _ in range(drawn.randrange(4))), reverse=True):
        if end <= before:
            found, part, before = body[start:end], drawn.choice(PARTS), start
            fault = drawn.choice(KEY_FAULTS if is_key else VALUE_FAULTS)
            body = f"{body[:start]}{fault(found, part)}{body[end:]}"
    if drawn.random() < 0.1:
        place = drawn.randrange(len(body) + 1)
        body = drawn.choice(BODY_FAULTS)(body, place, drawn.choice(PARTS))
    return body


KEY_FAULTS: list[Callable[[str, str], str]] = [
    lambda key, part: f'"xdm:{key[1:]}',
    lambda key, part: f'"xdm:{key[1:]}:{part},{key}',
    lambda key, part: f'{key}:{part},"xdm:{key[1:]}',
    lambda key, part: f"{key}:{part},{key}",
    lambda key, part: f"{key.swapcase()}:{part},{key}",
    lambda key, part: key.swapcase(),
    lambda key, part: f'"\\u{ord(key[1]):04x}{key[2:]}',
    lambda key, part: f'"profiles":{part},{key}',
    lambda key, part: f'"primary":true,{key}',
    lambda key, part: f'"value":{part},{key}',
    lambda key, part: f"\n {key} ",
    lambda key, part: f'"other{key[1:]}',
    lambda key, part: part,
]
VALUE_FAULTS: list[Callable[[str, str], str]] = [
    *[lambda value, part: part] * 6,
    lambda value, part: f'{{"value":{value}}}',
    lambda value, part: f'{{"value":{value},"other":{part}}}',
    lambda value, part: f'{{"xdm:value":{value}}}',
    lambda value, part: f"[{value}]",
    lambda value, part: f"[{part},{value}]",
    lambda value, part: f"{value},{part}",
    lambda value, part: "",
]
BODY_FAULTS: list[Callable[[str, int, str], str]] = [
    lambda body, place, part: body[:place],
    lambda body, place, part: body[:place] + part + body[place:],
    lambda body, place, part: body[:place] + body[place + 1 :],
    lambda body, place, part: f"[{body}]",
    lambda body, place, part: f'{{"profiles":[{body},{part}]}}',
    lambda body, place, part: f'{{"detail":{body}}}',
    lambda body, place, part: f"\ufeff{body}",
    lambda body, place, part: f"{body} {part}",
]


def what_comes_of(mapper: Mapper, profiles: list[Json]) -> Json:
    """Outcome, reason, time, fields: all that a delivery takes from the mapper."""
    return [_what_comes_of(mapper, profile) for profile in profiles]


def _what_comes_of(mapper: Mapper, profile: Json) -> Json:
    try:
        found = mapper.map(profile, None, SENT_AT)
    except ProfileRefusedError as error:
        return error.reason, _tried(mapper.key, profile), _tried(mapper.event_time, profile, None, SENT_AT)
    if found is None:
        return None
    return found.key, found.identity, repr(found.fields), found.event_time, found.times, found.updates_only


def _tried(function: Callable[..., Json], *given: Json) -> Json:
    try:
        return function(*given)
    except ProfileRefusedError as error:
        return error.reason


def differs(mapper: Mapper, decoder: Any, body: str) -> bool | None:
    """Whether what is read in part gives something else than the whole body; None where it is not read in part."""
    part = read_in_part(body, decoder)
    if part is None:
        return None
    in_part = what_comes_of(mapper, [part])
    try:
        whole = what_comes_of(mapper, profiles_in(read_body(body), mapper.select))
    except ProfileRefusedError as error:
        return not re.search(LIMITS, error.reason.text)
    return bool(in_part != whole)


class Corpus:
    """Mappers whose files need not read bodies whole, and for each of them bodies that say something to it."""

    def __init__(self) -> None:
        fixtures = [path.read_text() for path in (ROOT / "tests" / "fixtures" / "profiles").glob("*.json")]
        shown = [line for page in PAGES for line in re.findall(r"^\{.*\}$", page.read_text(), re.MULTILINE)]
        self.files = 0
        self.kept: list[tuple[Mapper, Decoder[Json], list[tuple[str, list[Span]]]]] = []
        for destination in destinations():
            self.files += 1
            mapper = Mapper(destination)
            if mapper.decoder is not None:
                own = bodies_for(destination)
                bodies = [(body, spans_of(body)) for body in [*own * 20, *fixtures, *shown]]
                self.kept.append((mapper, mapper.decoder, bodies))

    def drawn(self, seed: int) -> Iterator[tuple[Mapper, Decoder[Json], str]]:
        drawn = random.Random(seed)
        while True:
            mapper, decoder, bodies = drawn.choice(self.kept)
            body, spans = drawn.choice(bodies)
            yield mapper, decoder, faulty(body, spans, drawn)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Corpus()


@pytest.mark.timeout(1800)
def test_what_is_read_in_part_gives_what_the_whole_body_gives(corpus: Corpus) -> None:
    read = 0
    for mapper, decoder, body in islice(corpus.drawn(SEED), BODIES):
        found = differs(mapper, decoder, body)
        assert not found, (mapper.destination, body)
        read += found is False

    assert corpus.files >= 80
    assert read >= 0.3 * BODIES


@dataclass
class Planted:
    """A decoder that forgets a key, wherever it stands."""

    true: Decoder[Json]
    forgets: str = ""

    def decode(self, body: str) -> Json:
        return self._without(self.true.decode(body))

    def _without(self, value: Json) -> Json:
        if isinstance(value, dict):
            return {key: self._without(inner) for key, inner in value.items() if key != self.forgets}
        return [self._without(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("forgets", ["timestamp", "lastQualificationTime", "status", "primary", "value", "lastName"])
def test_a_decoder_that_forgets_a_key_is_found(corpus: Corpus, forgets: str) -> None:
    drawn = islice(corpus.drawn(1), 20_000)

    assert any(differs(mapper, Planted(decoder, forgets), body) for mapper, decoder, body in drawn)


def test_a_decoder_that_takes_every_key_as_it_stands_is_found(corpus: Corpus) -> None:
    drawn = islice(corpus.drawn(2), 20_000)

    assert any(differs(mapper, Planted(Decoder(dict)), body) for mapper, _, body in drawn)


@pytest.mark.parametrize(("audiences", "is_read_in_part"), [(50, True), (51, False)])
def test_a_body_is_read_whole_where_a_file_names_very_many_keys(audiences: int, is_read_in_part: bool) -> None:
    """msgspec would compare each key of a body with all of them."""
    listed = "".join(f'[[audiences]]\nid = "id {n}"\nmapping_id = "A{n}__c"\n' for n in range(1, audiences))
    mapper = Mapper(read_destination(f"max_audience_fields = 800\n{CONTACTS}{listed}"))
    assert mapper.decoder

    part = read_in_part('{"segmentMembership": {"ups": {"id 1": {"status": "realized"}}}}', mapper.decoder)

    assert (part is not None) is is_read_in_part


USUAL = (Variant.PLAIN, Variant.WIDE)


def good_mapper_and_bodies(variant: Variant) -> tuple[Mapper, list[str]]:
    mapper = Mapper(read_destination(variant.destination_file.read_text()))
    return mapper, [record["body"] for record in event(10, 1_000, variant)["Records"]]


def whole_readings(mapper: Mapper, bodies: list[str]) -> int:
    found = 0

    def count(frame: FrameType, kind: str, _: object) -> None:
        nonlocal found
        found += kind == "call" and frame.f_code is read_body.__code__

    sys.setprofile(count)
    for body in bodies:
        mapper.profiles(body)
    sys.setprofile(None)
    return found


@pytest.mark.parametrize("variant", [*USUAL, Variant.ABSENT, Variant.WRAPPED, Variant.NO_NAMESPACE, Variant.ORDERING])
def test_a_good_body_is_never_read_whole(variant: Variant) -> None:
    mapper, bodies = good_mapper_and_bodies(variant)

    assert whole_readings(mapper, bodies) == 0
    assert whole_readings(mapper, [bodies[0].replace('"person"', '"xdm:person"')]) == 1


@pytest.mark.parametrize("variant", USUAL)
def test_of_a_mapped_profile_few_objects_are_left(variant: Variant) -> None:
    """Counted in blocks of memory, 8 when this was written: what was read is gone, but for the values."""
    mapper, bodies = good_mapper_and_bodies(variant)
    mapper.map(mapper.profiles(bodies[0])[0], None, NOW_MS)
    gc.collect()

    before = sys.getallocatedblocks()
    kept = [mapper.map(mapper.profiles(body)[0], None, NOW_MS) for body in bodies]
    blocks = sys.getallocatedblocks() - before

    assert None not in kept
    assert blocks <= 10 * len(kept)
