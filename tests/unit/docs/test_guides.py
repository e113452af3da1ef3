"""What the guides in docs/ and SECURITY.md say of the code, the template and the tests is so."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from salesforce_destination.delivery.refused import NOT_THERE
from salesforce_destination.destination.destination import read_destination
from salesforce_destination.mapping.mapper import Mapper
from salesforce_destination.profile.event_time import parse_time
from salesforce_destination.record.classification import OF_A_WHOLE, SET_UP_CODES, TABLE, Meaning

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "layers" / "salesforce_destination" / "salesforce_destination"
DOCS = ROOT / "docs"
MODULE = re.compile(r"\b[a-z_]+\.py\b")
TEST = re.compile(r"`(test_\w+)`")
FIRST_SCREEN = 26

LANES = {
    "aws/": ("aws",),
    "delivery/": ("delivery",),
    "profile/ mapping/ record/": ("profile", "mapping", "record"),
    "salesforce/": ("salesforce",),
}
"""The lanes of the picture of a batch, and the folders that they show."""


class Cloudformation(yaml.SafeLoader):
    """Reads a template's short forms as nothing."""


Cloudformation.add_multi_constructor("!", lambda loader, suffix, node: None)


TEMPLATES = (ROOT / "template.yaml", *sorted((ROOT / "stacks").glob("*.yaml")))


@cache
def resources() -> dict[str, Any]:
    """The resources of the template and of its nested stacks."""
    parts = [yaml.load(read(file), Cloudformation)["Resources"] for file in TEMPLATES]
    return {name: made for part in parts for name, made in part.items()}


def read(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def section(file: Path, heading: str) -> str:
    return read(file).split(f"\n## {heading}\n")[1].split("\n## ")[0]


def first_column(text: str) -> list[str]:
    """The first cell of each row of the tables in a text, without their heads."""
    rows = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("|")]
    return [row for row, after in zip(rows, [*rows[1:], ""], strict=True) if not set(f"{row}{after}") <= set("-")]


def test_every_module_that_the_way_of_a_batch_names_is_where_it_says() -> None:
    named = set(re.findall(r"`((?:\w+/)?\w+\.py)`", section(DOCS / "architecture.md", "How a batch travels")))

    assert len(named) >= 12
    assert {name for name in named if not (PACKAGE / name).is_file()} == set()


def test_every_module_in_the_picture_of_a_batch_is_in_its_lane() -> None:
    picture = ElementTree.fromstring(read(DOCS / "batch.svg"))
    lanes: list[tuple[float, str]] = []
    modules: list[tuple[float, str]] = []
    for element in picture.iter("{http://www.w3.org/2000/svg}text"):
        across, text = float(element.attrib["x"]), element.text or ""
        lanes += [(across, text)] if text in LANES else []
        modules += [(across, name) for name in MODULE.findall(text)]

    assert len(lanes) == 4
    assert len(modules) >= 20
    for across, name in modules:
        lane = min(lanes, key=lambda found: abs(found[0] - across))[1]
        assert any((PACKAGE / folder / name).is_file() for folder in LANES[lane]), f"{name} is not in {lane}"


@pytest.mark.parametrize("name", ["architecture.svg", "batch.svg"])
def test_a_picture_says_in_words_what_it_shows(name: str) -> None:
    picture = ElementTree.fromstring(read(DOCS / name))
    texts = {element.tag.rpartition("}")[2]: element.text for element in picture if element.text}

    assert texts["title"]
    assert len(str(texts["desc"]).split()) >= 30


def test_every_test_that_is_said_to_hold_something_is_there() -> None:
    named = set(TEST.findall(read(ROOT / "SECURITY.md")))
    there = {
        name for file in (ROOT / "tests").rglob("*.py") for name in re.findall(r"^def (test_\w+)", read(file), re.M)
    }

    assert len(named) >= 20
    assert named - there == set()


def test_every_threat_has_a_test_that_holds_its_line() -> None:
    rows = [line for line in section(ROOT / "SECURITY.md", "What holds it").splitlines() if line.startswith("|")][2:]

    assert len(rows) >= 15
    assert [row for row in rows if not TEST.search(row)] == []


def test_what_stays_when_a_stack_is_removed_is_what_the_template_retains() -> None:
    retained = {name for name, made in resources().items() if str(made.get("DeletionPolicy")).startswith("Retain")}
    rows = first_column(section(DOCS / "aws-setup.md", "Remove"))
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)} & set(resources())

    assert len(retained) >= 5
    assert named == retained


def test_what_the_first_deployment_is_to_show_is_what_the_programs_print() -> None:
    shown = re.findall(r"`(?:✓ )?([A-Z][a-z]+ [^`]+)`", section(DOCS / "aws-setup.md", "The first deployment"))
    files = [file for folder in ("cli", "layers/salesforce_destination") for file in (ROOT / folder).rglob("*.py")]
    ours = "".join(read(file) for file in files)
    # Of SAM, read in its source: the suite has no account to see it with.
    of_sam = {"Build Succeeded", "Deploy this changeset? [y/N]"}

    assert of_sam <= set(shown)
    assert len(shown) >= 8
    assert [text for text in shown if text not in of_sam and "created/updated" not in text and text not in ours] == []


def test_whoever_deploys_is_told_of_every_service_that_the_template_uses() -> None:
    types = [made["Type"] for made in resources().values()]
    services = {{"Serverless": "Lambda"}.get(name, name) for name in (kind.split("::")[1] for kind in types)}
    told = set(first_column(section(DOCS / "aws-setup.md", "What the deploying person needs")))

    assert len(services) >= 8
    assert services - told == set()


def test_every_code_that_the_front_door_answers_with_is_in_the_guide_of_the_sender() -> None:
    definition = read(ROOT / "stacks" / "front-door.yaml")
    front_door = definition.split("\n  FrontDoor:\n")[1].split("\n  FrontDoorStage:\n")[0]
    answers = set(re.findall(r'^ {16}"(\d{3})":', front_door, re.MULTILINE))
    table = section(DOCS / "adobe-setup.md", "When the front door does not answer")

    assert {"200", "400", "503"} <= answers
    assert {code for code in answers if f"| {code} |" not in table} == set()


WAITS = {
    *(Meaning.UNKNOWN, Meaning.RETRY, Meaning.LOCKED, Meaning.SESSION, Meaning.BUSY, Meaning.NO_CALLS, Meaning.FULL),
    *(Meaning.MISMATCH, Meaning.FIELD),
}
OUR_OWN = re.compile(r"(?:deferred|TokenUnavailableError)\(\s*\"([A-Z_]+)\"|\bcode = \"([A-Z_]+)\"")


def test_the_runbook_has_a_row_for_every_code_that_can_be_deferred_and_one_for_any_other() -> None:
    rows = first_column(section(DOCS / "runbook.md", "How to look"))
    named = set(re.findall(r"`(\w+)`", " ".join(rows)))
    of_salesforce = {code for code, _, meaning in TABLE if meaning in WAITS}
    of_salesforce |= {code for code, meaning in OF_A_WHOLE.items() if meaning in WAITS} | SET_UP_CODES | NOT_THERE
    found = OUR_OWN.findall("".join(map(read, (PACKAGE / "delivery").glob("*.py"))))

    assert len(of_salesforce) > 40
    assert of_salesforce <= named
    assert {one or other for one, other in found} <= named
    assert rows[-1] == "anything else"


def test_the_file_of_the_guide_takes_what_adobes_platform_is_told_to_send() -> None:
    (file,) = re.findall(r"^```toml\n(.*?)^```$", read(DOCS / "adobe-setup.md"), re.MULTILINE | re.DOTALL)

    profile = json.loads(read(DOCS / "adobe-setup.md").split("In profile.json:\n\n```json\n")[1].split("```")[0])

    destination = read_destination(file)
    mapped = Mapper(destination).map(profile, None, parse_time("2026-11-24T00:00:00Z"))

    assert destination.identity.target == "SalesforceId"
    assert mapped is not None
    assert mapped.identity == profile["identityMap"]["crmID"][0]["id"]
    assert mapped.fields == {"LastName": "Okafor", "CDP_Loyal__c": "realized"}


def test_the_first_screen_of_the_readme_says_how_profiles_get_to_the_queue() -> None:
    lines = read(ROOT / "README.md").splitlines()
    at = next(number for number, line in enumerate(lines) if "How profiles get to the queue" in line)

    assert at <= FIRST_SCREEN
    assert "docs/adobe-setup.md" in "\n".join(lines[at : FIRST_SCREEN + 1])


def test_what_of_adobes_guide_is_declined_has_its_reason() -> None:
    declined = read(DOCS / "decisions" / "0021-declined-of-adobes-guide.md")

    assert all(word in declined for word in ("**Schedules**", "**Access control**", "**Sandboxes**"))


def test_what_the_guides_have_a_reader_make_is_never_committed() -> None:
    ignored = {line.strip("/*") for line in read(ROOT / ".gitignore").splitlines()}
    shown = "\n".join(read(page) for page in [ROOT / "README.md", *DOCS.rglob("*.md")])
    made = {"credentials.json", "key-header.txt", "key.pem", "letters.jsonl", "profile.json", "profiles.jsonl"}

    assert all(name in shown for name in made)
    assert made <= ignored
