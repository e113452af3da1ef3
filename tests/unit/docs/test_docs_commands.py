"""Every command that the documents show or name could be typed: programs, options, parameters and names exist."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cfnlint.api
import pytest
import typer.main
import yaml
from aws_command import CommandError, read_command
from destination_cli.app import app
from salesforce_destination.destination.destination import read_destination
from salesforce_destination.mapping.mapper import Mapper
from salesforce_destination.outcome import ProfileRefusedError
from salesforce_destination.profile.profile import profiles_in, read_body
from shell_commands import PAGES, ROOT, Command, commands, mentioned

OURS = ".venv/bin/destination"
PROGRAMS = {OURS, ".venv/bin/python", "aws", "sam", "make", "git", "curl", "jq", "openssl", "sf", "op", ".ci/run"}
SHELL = {"cd", "echo", "export", "printf", "rm", "sleep", "umask"}

SAM_FILE_OPTIONS = ("-e", "--event", "--template", "--template-file")
TEMPLATES = (ROOT / "template.yaml", *sorted((ROOT / "examples").glob("*.yaml")))
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

SHOWN = commands()
ALL = [*SHOWN, *mentioned()]


class Cloudformation(yaml.SafeLoader):
    """Reads a template's short forms as nothing."""


Cloudformation.add_multi_constructor("!", lambda loader, suffix, node: None)


def template(file: Path) -> dict[str, Any]:
    return dict(yaml.load(file.read_text(encoding="utf-8"), Cloudformation))


def calls_of(program: str, found: list[Command] = ALL) -> Iterator[tuple[Command, list[str]]]:
    for command in found:
        yield from ((command, words) for words in command.runs(program))


def values_of(words: list[str], option: str) -> list[str]:
    """What stands behind an option, up to the next one."""
    if option not in words:
        return []
    rest = words[words.index(option) + 1 :]
    return rest[: next((at for at, word in enumerate(rest) if word.startswith("-")), len(rest))]


def brief(value: Command | list[str]) -> str:
    return value.page if isinstance(value, Command) else " ".join(value[:2])


def blocks(language: str) -> list[tuple[str, str]]:
    return [
        (page.name, text)
        for page in PAGES
        for found, text in FENCE.findall(page.read_text(encoding="utf-8"))
        if found == language
    ]


def test_the_commands_are_found() -> None:
    assert len(SHOWN) >= 100
    assert {command.page for command in SHOWN} >= {"README.md", "adobe-setup.md", "aws-setup.md", "salesforce-setup.md"}
    assert len(list(calls_of(OURS))) >= 30
    assert len(list(calls_of("aws"))) >= 15
    assert len(list(calls_of("sam"))) >= 15


def test_a_block_can_be_copied_as_it_stands() -> None:
    """A prompt before a command would be pasted with it."""
    found = [(page, line) for page, text in blocks("console") for line in text.splitlines()]

    assert len(found) >= 100
    assert [(page, line) for page, line in found if line.startswith(("$ ", "> ", "# "))] == []


def test_every_program_is_one_that_the_reader_was_told_of() -> None:
    run = {words[0] for command in SHOWN for words in command.calls}

    assert run - SHELL <= PROGRAMS


@pytest.mark.parametrize("words", [words for _, words in calls_of(OURS, SHOWN)], ids=" ".join)
def test_a_command_of_ours_is_taken_as_it_stands(words: list[str]) -> None:
    there: dict[str, Any] = getattr(typer.main.get_command(app), "commands", {})
    name, *rest = words

    context = there[name].make_context(name, rest)

    assert context.info_name == name


@pytest.mark.parametrize(("command", "words"), list(calls_of("aws")), ids=brief)
def test_a_command_of_aws_has_its_service_operation_and_options(command: Command, words: list[str]) -> None:
    read = read_command(words)

    assert command not in SHOWN or read.missing() == set()


@pytest.mark.parametrize(
    "words",
    [
        ["sqz", "send-message"],
        ["sqs", "send-a-message"],
        ["sqs", "send-message", "--queue", "x"],
        ["sqs", "send-message", "--queue-url"],
        ["sqs", "send-message", "x"],
        ["logs"],
    ],
)
def test_a_wrong_command_of_aws_would_be_found(words: list[str]) -> None:
    with pytest.raises(CommandError):
        read_command(words)


def test_an_option_that_is_left_out_would_be_found() -> None:
    assert read_command(["sqs", "send-message", "--queue-url", "x"]).missing() == {"--message-body"}


def test_every_output_that_is_asked_for_is_one_of_a_template() -> None:
    asked = {words[1] for _, words in calls_of(OURS, SHOWN) if words[0] == "output"}
    there = {name for file in TEMPLATES for name in template(file).get("Outputs", {})}

    assert len(asked) >= 12
    assert asked <= there


def test_what_is_given_to_a_template_is_a_parameter_of_it() -> None:
    given: list[tuple[Path, str]] = []
    for _, words in [*calls_of("sam"), *calls_of("aws")]:
        (file,) = values_of(words, "--template-file") or ["template.yaml"]
        given += [(ROOT / file, word.partition("=")[0]) for word in values_of(words, "--parameter-overrides")]

    assert len(given) >= 3
    assert [(file.name, name) for file, name in given if name not in template(file).get("Parameters", {})] == []


def repeated(words: list[str]) -> bool:
    """SAM takes the last `--parameter-overrides` alone, and it takes the place of samconfig.toml's."""
    return words.count("--parameter-overrides") > 1


def test_no_command_gives_parameters_twice_of_which_the_last_would_win() -> None:
    calls = [words for _, words in calls_of("sam")]

    assert len(calls) >= 10
    assert [words for words in calls if repeated(words)] == []
    assert repeated(["deploy", "--parameter-overrides", "A=1", "--parameter-overrides", "B=2"])


def test_no_command_gives_some_parameters_in_place_of_all_that_samconfig_has() -> None:
    given = [words for _, words in calls_of("sam") if "deploy" in words]

    assert given
    assert not any("--parameter-overrides" in words for words in given)


def test_no_page_shows_some_parameters_for_all_that_samconfig_names() -> None:
    """Pasted, they would take the place of the others."""
    pages = {page.name: page.read_text(encoding="utf-8") for page in PAGES}

    assert any("`parameter_overrides`" in text for text in pages.values())
    assert [name for name, text in pages.items() if re.search(r"parameter_overrides *=", text)] == []


def test_every_parameter_with_a_value_that_the_prose_names_is_one() -> None:
    prose = "\n".join(FENCE.sub("", page.read_text(encoding="utf-8")) for page in PAGES)
    named = set(re.findall(r"`([A-Z][a-z][A-Za-z]+)=\S*?`", prose))
    there = {name for file in TEMPLATES for name in template(file).get("Parameters", {})}

    assert {"HttpEndpoint", "CustomerManagedKey", "CredentialsRotate"} <= named
    assert named <= there


def test_every_environment_and_function_that_sam_is_told_is_there() -> None:
    environments = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
    resources = template(ROOT / "template.yaml")["Resources"]
    calls = [words for _, words in calls_of("sam")]

    told = {name for words in calls for name in values_of(words, "--config-env")}
    invoked = {name for words in calls if words[1:2] == ["invoke"] for name in words[2:3]}
    files = [file for words in calls for option in SAM_FILE_OPTIONS for file in values_of(words, option)]

    # leads-prod is one that the page has the reader write.
    assert told - {"leads-prod"} == {"dev", "prod", "local"} <= set(environments)
    assert len(invoked) >= 3
    assert all(resources[name]["Type"] == "AWS::Serverless::Function" for name in invoked)
    assert files
    assert all((ROOT / file).is_file() for file in files)


def test_every_template_of_the_guides_is_without_findings() -> None:
    files = [(file.name, file.read_text(encoding="utf-8")) for file in TEMPLATES[1:]]
    snippets = [(page, text) for page, text in blocks("yaml") if "Resources:" in text]

    assert len(files) >= 3
    found = [
        (name, match) for name, text in [*files, *snippets] for match in cfnlint.api.lint(text, regions=["eu-west-1"])
    ]
    assert [(name, str(match)) for name, match in found if not match.rule.id.startswith("I")] == []


def selecting(part: str) -> Any:
    """What a destination file with this part selects of a body."""
    before, after = (ROOT / "layers/destinations/contacts.toml").read_text(encoding="utf-8").split("[identity]\n", 1)
    return Mapper(read_destination(f"{before}{part}\n[identity]\n{after}")).select


PROFILE = {"identityMap": {"crmID": [{"id": "003Ab0000000001IAA"}]}}


def test_what_a_pipe_makes_of_a_kinesis_record_is_found_by_what_the_guide_selects() -> None:
    (decoded,) = [selecting(text) for _, text in blocks("toml select")]
    pipe = (ROOT / "examples" / "kinesis-pipe.yaml").read_text(encoding="utf-8")

    assert """'{"data": <$.data>}'""" in pipe
    assert profiles_in(read_body(json.dumps({"data": PROFILE})), decoded) == [PROFILE]
    assert profiles_in(read_body(json.dumps({"data": {"profiles": [PROFILE]}})), decoded) == [PROFILE]


def test_what_is_no_json_in_a_kinesis_record_is_rejected() -> None:
    with pytest.raises(ProfileRefusedError) as refused:
        profiles_in(read_body('{"data": "bm8ganNvbg=="}'), selecting('[profiles]\nselect = "data"'))

    assert refused.value.reason.code == "NO_PROFILE"
