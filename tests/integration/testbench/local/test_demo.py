from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

from destination_testbench.demo.command import CONTACTS, NEXT_STEP, run_demo
from destination_testbench.demo.scenario import MISTAKES, Scenario, scenario
from rich.console import Console


def the_demo(tmp_path: Path, planned: Scenario) -> tuple[int, str]:
    output = io.StringIO()
    status = run_demo(Console(file=output, width=200), tmp_path / "state", planned)
    return status, output.getvalue()


def test_the_demo_ends_with_what_it_expected(tmp_path: Path) -> None:
    status, output = the_demo(tmp_path, scenario(messages=60, of_each_mistake=1, locked=3))

    assert status == 0, output
    assert "Everything came out as expected." in output
    assert all(mistake.code in output for mistake in MISTAKES)
    assert output.rstrip().endswith(NEXT_STEP)
    assert max(map(len, output.splitlines())) <= 80
    assert re.search(r"^  Responded +1 +\w+ \w+, moved by a person in sales: kept", output, re.MULTILINE)


def test_the_demo_fails_and_says_so_if_something_else_came_out(tmp_path: Path) -> None:
    planned = scenario(messages=30, of_each_mistake=1, locked=0)
    identity = next(iter(planned.records))
    wrong = replace(planned, records={**planned.records, identity: {"LastName": "Nobody"}})

    status, output = the_demo(tmp_path, wrong)

    assert status == 1
    assert NEXT_STEP not in output
    assert "records updated: 22, expected 23" in output


def test_a_member_who_was_to_be_another_is_told(tmp_path: Path) -> None:
    planned = scenario(messages=30, of_each_mistake=1, locked=0)
    identity = next(identity for identity, status in planned.members.items() if status == "Sent")

    status, output = the_demo(tmp_path, replace(planned, members={**planned.members, identity: "Left"}))

    assert status == 1
    assert re.search(r"members Left: \d+, expected \d+", output)


def test_mistakes_in_the_destination_file_are_told_before_anything_is_started(tmp_path: Path) -> None:
    file, output = tmp_path / "broken.toml", io.StringIO()
    file.write_text(CONTACTS.read_text().replace("salesforce_object", "salesforce_objet"))

    status = run_demo(Console(file=output, width=200), tmp_path / "state", destination=file)

    assert status == 2
    assert "salesforce_objet is not a known key. Did you mean salesforce_object?" in output.getvalue()
    assert "salesforce_object is missing. Add it to the top" in output.getvalue()
    assert not (tmp_path / "state").exists()
