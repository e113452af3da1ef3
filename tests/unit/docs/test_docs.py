"""What README.md and docs/ say is held to the repository: links, paths, commands, names and examples."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from destination_testbench.template.parameters import variable_name
from salesforce_destination.destination.destination import read_destination
from salesforce_destination.login.credentials import Credentials
from salesforce_destination.login.salesforce_host import is_local
from salesforce_destination.outcome import OutcomeKind
from salesforce_destination.settings import CHECK_NEEDS, DELIVER_NEEDS, REFRESH_TOKEN_NEEDS
from shell_commands import PAGES, ROOT

OPERATING = ROOT / "docs" / "operating.md"

MADE_HERE = (".aws-sam", ".local", ".venv")
"""What the documents may name and a fresh clone has not."""

FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*/?")
FILE_NAME = re.compile(r"(?<![\w/.-])(?:[\w.-]+/)*[\w-]+\.(?:py|toml|yaml|md|svg|json|in|lock)(?![\w/])")
LOUD_NAME = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
METRIC_LINE = re.compile(r"^`ProfilesReceived`.*$", re.MULTILINE)

DECISIONS = ROOT / "docs" / "decisions"
DECISION = re.compile(
    r"# (?P<number>\d{4})\. (?P<title>\S.*)\n\n"
    r"- Date: (?P<date>\d{4}-\d\d-\d\d)\n"
    r"- Status: (?P<status>accepted|(?:accepted, changed|superseded) by \[(?P<other>\d{4})\]\((?P<link>\S+)\))\n\n"
    r"(?P<text>.+)",
    re.DOTALL,
)

FILES_OF_A_READER = {"credentials.json", "profile.json", "body.json", "draft.json"}
"""Files that a reader makes."""


class Cloudformation(yaml.SafeLoader):
    """Reads a template's short forms as what they hold."""


def _held(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    return loader.construct_sequence(node) if isinstance(node, yaml.SequenceNode) else None


Cloudformation.add_multi_constructor("!", _held)


@cache
def template() -> dict[str, Any]:
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    return dict(yaml.load(text, Cloudformation))


@cache
def sources() -> str:
    """Everything in the repository that a document may speak of."""
    folders = ("layers", "functions", "cli", "testbench")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*") if file.suffix in (".py", ".toml")]
    others = [ROOT / "template.yaml", *(ROOT / "stacks").iterdir(), ROOT / "Makefile", ROOT / "docs" / "sam_local.py"]
    return "\n".join(file.read_text(encoding="utf-8") for file in [*files, *others])


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def decisions() -> list[Path]:
    return sorted(DECISIONS.glob("[0-9]*.md"))


def blocks(page: Path, language: str) -> list[str]:
    return [text for found, text in FENCE.findall(read(page)) if found == language]


def prose(page: Path) -> str:
    return FENCE.sub("", read(page))


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links() -> Iterator[tuple[Path, str]]:
    for page in (*PAGES, ROOT / "CHANGELOG.md"):
        yield from ((page, target) for target in LINK.findall(prose(page)) if "://" not in target)


def named_paths() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        words = {word for code in CODE.findall(prose(page)) for word in code.split()}
        commands = "\n".join(blocks(page, "console"))
        words |= set(FILE_NAME.findall(LINK.sub("", prose(page)))) | set(FILE_NAME.findall(commands))
        yield from ((page.name, word) for word in words if looks_like_a_path(word))


def looks_like_a_path(word: str) -> bool:
    if word.startswith(("/", *MADE_HERE)) or word in FILES_OF_A_READER or not PATH.fullmatch(word):
        return False
    return word.startswith(
        ("layers/", "cli/", "testbench/", "examples/", "functions/", "events/", "tests/", "docs/", ".ci/")
    ) or bool(FILE_NAME.fullmatch(word))


def is_there(path: str) -> bool:
    folders = (
        ROOT,
        ROOT / "layers" / "salesforce_destination" / "salesforce_destination",
        ROOT / "layers/destinations",
        ROOT / "cli" / "destination_cli",
        ROOT / "testbench" / "destination_testbench",
    )
    return any((folder / path).exists() for folder in folders)


def test_every_link_leads_somewhere() -> None:
    found = list(links())

    broken = []
    for page, target in found:
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(f"{page.name}: {target}")
    assert len(found) >= 20
    assert broken == []


def test_every_file_that_is_named_is_there() -> None:
    found = list(named_paths())

    assert len(found) >= 10
    assert [f"{page}: {path}" for page, path in found if not is_there(path)] == []


def test_every_make_target_that_is_named_is_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", read(ROOT / "Makefile"), re.MULTILINE))
    texts = [code for page in PAGES for code in CODE.findall(prose(page))]
    commands = [line for page in PAGES for text in blocks(page, "console") for line in text.splitlines()]

    named = {name for text in [*texts, *commands] for name in re.findall(r"^make ([a-z-]+)", text)}

    assert {"demo", "test", "local", "setup"} <= named
    assert named <= targets


def test_the_page_of_testing_says_what_every_target_is_for() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", read(ROOT / "Makefile"), re.MULTILINE))
    page = read(ROOT / "docs" / "testing.md")

    assert len(targets) >= 12
    assert {target for target in targets if not re.search(rf"`make {target}\b", page)} - {"clean", "help"} == set()


def test_every_variable_and_code_that_is_named_is_in_the_sources() -> None:
    loud = {word for page in PAGES for code in CODE.findall(prose(page)) for word in LOUD_NAME.findall(code)}
    parameters = {variable_name(name) for name in template()["Parameters"]}
    # Of AWS: what a stack with roles asks for, and its state. Of HTTP: the code of a status is made from its number.
    elsewhere = {"CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND", "ROLLBACK_COMPLETE", "HTTP_503"}

    assert len(loud) >= 20
    assert {word for word in loud - parameters - elsewhere if word not in sources()} == set()


def test_every_json_block_is_json() -> None:
    texts = [text for page in PAGES for text in blocks(page, "json")]

    assert len(texts) >= 6
    assert all(isinstance(json.loads(text), dict) for text in texts)


def test_every_toml_block_is_a_destination_file() -> None:
    texts = [text for page in PAGES for text in blocks(page, "toml")]

    assert texts
    assert all(read_destination(text).name for text in texts)


def test_every_python_block_compiles() -> None:
    texts = [text for page in PAGES for text in blocks(page, "python")]

    assert texts
    assert all(compile(text, "README.md", "exec") for text in texts)


def test_the_credentials_of_each_grant_can_be_read_but_for_the_keys_that_are_left_out() -> None:
    texts = [text for page in PAGES for text in blocks(page, "json") if "grant_type" in text]
    with_whole_values = [text for text in texts if "PRIVATE KEY" not in text]

    grants = {Credentials.from_secret(text, allow_local=False).grant_type for text in with_whole_values}

    assert {json.loads(text)["grant_type"] for text in texts} == {*grants, "jwt_bearer"}
    assert len(grants) == 3


def test_every_output_that_a_command_asks_for_is_in_the_template() -> None:
    commands = "\n".join(text for page in PAGES for text in blocks(page, "console"))
    asked = set(re.findall(r"destination output (\w+) --stack \"\$STACK\"", commands))

    assert len(asked) >= 4
    assert asked <= set(template()["Outputs"])


def test_every_metric_that_is_named_is_emitted() -> None:
    (line,) = METRIC_LINE.findall(prose(OPERATING))
    named = set(re.findall(r"`([A-Z]\w+)`", line))

    assert len(named) >= 10
    assert {name for name in named if f'"{name}"' not in sources()} == set()


def test_every_outcome_has_its_metric_and_what_sqs_does() -> None:
    rows = re.findall(r"^\| \*\*(\w+)\*\* \| (.+) \| `(\w+)` \|$", read(ROOT / "docs" / "outcomes.md"), re.MULTILINE)

    assert {outcome for outcome, *_ in rows} == set(OutcomeKind)
    assert [metric for *_, metric in rows if f'"{metric}"' not in sources()] == []


def test_the_picture_is_a_picture() -> None:
    picture = ElementTree.fromstring((ROOT / "docs" / "architecture.svg").read_text(encoding="utf-8"))

    assert picture.tag.endswith("svg")
    assert any(element.tag.endswith("title") for element in picture.iter())


def test_every_decision_has_a_number_a_date_a_status_and_what_was_rejected() -> None:
    files = decisions()
    numbers = [file.name[:4] for file in files]

    assert len(files) >= 30
    assert numbers == [f"{number:04}" for number in range(1, len(files) + 1)]
    for file in files:
        found = DECISION.match(read(file))
        assert found, f"{file.name} does not begin with its number and title, date and status"
        assert found["number"] == file.name[:4]
        assert (found["link"] or "").startswith(found["other"] or ""), f"{file.name} names one and links another"
        assert "\nRejected" in found["text"], f"{file.name} does not say what was rejected"


def test_the_index_lists_every_decision_as_it_is() -> None:
    rows = re.findall(r"^- \[(\d{4})\. (.+?)\]\((\S+)\)(?:, (.+))?$", read(DECISIONS / "README.md"), re.M)
    there = [DECISION.match(read(file)) for file in decisions()]

    listed = sorted((file, number, title, status) for number, title, file, status in rows)
    assert listed == [
        (file.name, found["number"], found["title"], found["status"].removeprefix("accepted").removeprefix(", "))
        for file, found in zip(decisions(), there, strict=True)
        if found
    ]


def test_every_dependency_has_its_reason() -> None:
    lines = [line for file in (".ci/sam.in", ".ci/checkov.in") for line in read(ROOT / file).splitlines()]
    project = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]
    own = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    names = {re.split("[<>=]", line)[0] for line in (*lines, *own) if line and not line.startswith("#")}
    section = read(DECISIONS / "0001-dependencies.md")

    assert len(names) >= 15
    assert {name for name in names if name.partition("[")[0] not in section} == set()


def test_sam_local_gives_each_function_what_it_needs() -> None:
    script = sam_local()
    endpoints = {
        "aws_endpoint_url": "http://127.0.0.1:1",
        "queue_url": "http://127.0.0.1:1/q",
        "dead_letter_queue_url": "http://127.0.0.1:1/d",
        "salesforce_url": "http://127.0.0.1:2",
    }

    given = script.variables(endpoints, "http://127.0.0.1:1/r")["Parameters"]
    built = yaml.load(script.local_template(read(ROOT / "template.yaml")), Cloudformation)

    known = set(built["Globals"]["Function"]["Environment"]["Variables"])
    for function in ("DeliverFunction", "RefreshTokenFunction", "CheckConnectionFunction"):
        known |= set(built["Resources"][function]["Properties"]["Environment"]["Variables"])
    assert {*DELIVER_NEEDS, *REFRESH_TOKEN_NEEDS, *CHECK_NEEDS} - {"DESTINATION_FILE"} <= set(given) <= known
    assert not any("127.0.0.1" in value for value in given.values())
    assert is_local(
        Credentials.from_secret(script.secrets(endpoints)[given["CREDENTIALS_SECRET_ID"]], allow_local=True).url
    )


@pytest.mark.parametrize(
    ("processor", "architecture"), [("x86_64", "x86_64"), ("AMD64", "x86_64"), ("arm64", "arm64"), ("aarch64", "arm64")]
)
def test_sam_local_builds_for_this_machine_and_a_deployment_never_does(processor: str, architecture: str) -> None:
    deployed = read(ROOT / "template.yaml")
    local = yaml.load(sam_local().local_template(deployed, processor), Cloudformation)

    assert "x86_64" not in deployed
    assert local["Globals"]["Function"]["Architectures"] == [architecture]
    assert local["Resources"]["DependenciesLayer"]["Metadata"]["WorkingDirectory"].endswith(architecture)
    environments = tomllib.loads(read(ROOT / "samconfig.toml"))
    files = {
        name: it.get("build", {}).get("parameters", {}).get("template_file")
        for name, it in environments.items()
        if name != "version"
    }
    assert files == {"dev": None, "prod": None, "local": "template.local.yaml"}
    assert "deploy" not in environments["local"]


def sam_local() -> ModuleType:
    specification = importlib.util.spec_from_file_location("sam_local", ROOT / "docs" / "sam_local.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
