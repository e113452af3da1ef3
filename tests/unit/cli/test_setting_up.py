from __future__ import annotations

from pathlib import Path

import pytest
from destination_cli.app import app
from guarded_org import a_guarded_file
from typer.testing import CliRunner


def run(*arguments: str, text: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments), input=text)
    return result.exit_code, result.output


@pytest.mark.parametrize("command", ["create-fields", "prove"])
def test_a_file_that_is_not_there_cannot_be_used(command: str) -> None:
    assert run(command, "nowhere.toml") == (2, "nowhere.toml is not there. Name a file.\n")


def test_a_type_that_is_none_is_told_with_those_that_are(tmp_path: Path) -> None:
    status, text = run("create-fields", str(a_guarded_file(tmp_path)), "--type", "number")

    assert status == 2
    assert "text, checkbox, date-time, multi-select, long-text" in text.replace("\n", " ")


def test_without_an_org_both_commands_say_how_to_name_one(tmp_path: Path) -> None:
    file = str(a_guarded_file(tmp_path))

    answers = [run("prove", file), run("create-fields", file, "--access-token-stdin", text="00D!token")]

    assert [status for status, _ in answers] == [2, 2]
    assert all("--stack NAME" in text for _, text in answers)
    assert all("00D!token" not in text for _, text in answers)


def test_an_export_needs_neither_org_nor_token(tmp_path: Path) -> None:
    status, text = run("create-fields", str(a_guarded_file(tmp_path)), "--export", str(tmp_path / "sfdx"))

    assert status == 0
    assert "sf project deploy start" in text
    assert (tmp_path / "sfdx" / "sfdx-project.json").is_file()


def test_a_file_with_mistakes_is_told_by_its_first(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text("name = 1")

    status, text = run("create-fields", str(file), "--export", str(tmp_path / "sfdx"))

    assert (status, "has mistakes" in text) == (2, True)
