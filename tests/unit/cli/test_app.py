from __future__ import annotations

import json
from pathlib import Path

import pytest
from destination_cli.app import app
from destination_cli.connect import ConnectResult, show
from destination_cli.terminal import Chosen
from guarded_org import a_guarded_file
from moto import mock_aws
from typer.testing import CliRunner


def run(*arguments: str, text: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments), input=text)
    return result.exit_code, result.output


@pytest.mark.parametrize("command", ["create-fields", "prove"])
def test_a_file_that_is_not_there_cannot_be_used(command: str) -> None:
    assert run(command, "nowhere.toml") == (2, "nowhere.toml does not exist. Name a file.\n")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    status, text = run("prove", str(tmp_path))

    assert (status, "is a folder. Name a file." in " ".join(text.split())) == (2, True)


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


def test_the_command_to_copy_is_one_line_however_long_the_folder_is(tmp_path: Path) -> None:
    folder = tmp_path / ("a folder " + "x" * 60)

    _, text = run("create-fields", str(a_guarded_file(tmp_path)), "--export", str(folder))

    assert text.splitlines()[-1] == f"  cd '{folder}' && sf project deploy start --source-dir force-app"


def test_an_error_is_one_line_however_long_the_path_is(tmp_path: Path) -> None:
    nowhere = str(tmp_path / ("x" * 70))

    answers = [run("create-fields", nowhere), run("check", str(tmp_path), "--local", "--state", nowhere)]

    assert [(status, text.count("\n")) for status, text in answers] == [(2, 1), (2, 1)]


def test_a_warning_goes_to_standard_error_for_a_person_and_for_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    result = ConnectResult(0, stored=True, token=True)
    for as_json in (False, True):
        assert Chosen(as_json=as_json).tell(result, show, 0, "No alarm reaches anybody.") == 0

        out, err = capsys.readouterr()
        assert err == "! No alarm reaches anybody.\n"
        assert out.startswith("{") == as_json


def test_a_program_reads_an_error_too_with_the_region_and_account_that_were_asked() -> None:
    with mock_aws():
        result = CliRunner().invoke(app, ["status", "--stack", "prod", "--region", "eu-west-3", "--json"])

    told = "There is no stack prod in account 123456789012, region eu-west-3."
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"].startswith(told)
    assert result.stderr.startswith(told)


def test_a_file_with_mistakes_is_told_by_its_first(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text("name = 1")

    status, text = run("create-fields", str(file), "--export", str(tmp_path / "sfdx"))

    assert (status, "has mistakes" in text) == (2, True)
