"""README.md can be read in a minute, and what it shows is what happens."""

from __future__ import annotations

import io
import json
import re
import tomllib
from collections import Counter

from destination_testbench.demo.command import NEXT_STEP
from destination_testbench.demo.delivery import Findings, Rejection
from destination_testbench.demo.scenario import scenario
from destination_testbench.demo.tables import WIDTH, outcome_table
from rich.console import Console
from salesforce_destination.destination.destination import read_destination
from salesforce_destination.mapping.mapper import Mapper
from salesforce_destination.profile.event_time import parse_time
from shell_commands import ROOT, commands

README = (ROOT / "README.md").read_text(encoding="utf-8")
MOST_LINES = 150
SKIPPED = "    ..."


def section(heading: str) -> str:
    return README.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_it_is_short() -> None:
    assert 60 < len(README.splitlines()) <= MOST_LINES


def test_the_first_sentence_says_what_it_is() -> None:
    first = README.split("\n\n")[1]

    assert first.count(". ") == 0
    assert all(word in first for word in ("profiles", "queue", "Salesforce", "Contacts", "Leads"))


def test_the_profile_becomes_the_contact_beside_it() -> None:
    text = section("Before and after")
    (profile,) = (json.loads(block) for block in blocks(text, "json"))
    shown = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|$", text, re.MULTILINE))
    file = ROOT / "layers" / "destinations" / "contacts.toml"

    mapped = Mapper(read_destination(file.read_text(encoding="utf-8"))).map(
        profile, None, parse_time("2026-11-30T00:00:00Z")
    )

    assert file.name in text
    assert mapped is not None
    assert {"Id": mapped.identity, **mapped.fields} == shown


def test_the_output_of_the_demo_is_what_the_demo_prints() -> None:
    (shown,) = blocks(section("Try it"), "text")
    lines = [line for line in shown.splitlines() if line != SKIPPED]
    planned = scenario()
    calls, log_ins = re.findall(r"^  Salesforce calls +(\d+)   and (\d+) log-in$", shown, re.MULTILINE)[0]
    findings = Findings(
        messages=len(planned.bodies),
        updated=len(planned.records),
        dead_letters=tuple(Rejection(code, "") for code in planned.dead_letters.elements()),
        redelivered=len(planned.locked),
        members=Counter(planned.members.values()),
        kept=1,
        calls=int(calls),
        campaign_calls=int(re.findall(r"^    for the campaign +(\d+)", shown, re.MULTILINE)[0]),
        log_ins=int(log_ins),
        seconds=float(re.findall(r"^  Seconds +([\d.]+)", shown, re.MULTILINE)[0]),
    )
    console = Console(file=io.StringIO(), width=WIDTH)
    console.print(outcome_table(findings))
    assert isinstance(console.file, io.StringIO)
    printed = [line.rstrip() for line in console.file.getvalue().splitlines()]

    assert len(lines) == 9
    assert lines[-1] == "Everything came out as expected."
    assert [line for line in lines[:-1] if line not in printed] == []


def test_what_the_demo_says_comes_next_is_in_the_readme() -> None:
    headings = re.findall(r"README\.md \(\"(.+?)\"\)", NEXT_STEP)
    (command,) = re.findall(r"Start (\S+ make \w+)", NEXT_STEP)

    assert len(headings) == 2
    assert all(f"\n## {heading}\n" in README for heading in headings)
    assert f"`{command}`" in section(headings[0])


def test_it_is_deployed_in_four_commands_to_the_stack_of_samconfig() -> None:
    (block,) = blocks(section("Deploy it"), "console")
    (stack,) = set(re.findall(r"--stack (\S+)", block))
    environments = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))

    assert [line.split()[:2] for line in block.splitlines()] == [
        ["sam", "build"],
        ["sam", "deploy"],
        [".venv/bin/destination", "connect"],
        [".venv/bin/destination", "check"],
    ]
    assert stack == environments["prod"]["global"]["parameters"]["stack_name"]


def test_every_page_is_reached_from_it() -> None:
    linked = {target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", README)}
    pages = {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")}

    assert len(pages) >= 10
    assert pages - linked == set()
    assert {"SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE"} <= linked


def test_a_message_of_ones_own_takes_three_lines() -> None:
    shown = [command.text for command in commands() if command.page == "README.md" and "make" not in command.text]
    (at,) = [number for number, text in enumerate(shown) if "send profiles.jsonl" in text]

    assert [json.loads(re.findall(r"'(.*)'", text)[0]) for text in shown[at - 1 : at]]
    assert "destination explain" in shown[at + 1]
