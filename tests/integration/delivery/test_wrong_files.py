"""A wrong destination file is told in a sentence wherever it is read: by the functions and by every command."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import CONTACTS, a_message
from deliver_function import ROOT, Context, DeliverStack
from destination_cli.app import app
from destination_cli.explain import explain
from destination_cli.target import Target, TargetError
from destination_testbench.local.command import is_usable
from destination_testbench.local.options import StackOptions
from moto import mock_aws
from rich.console import Console
from typer.testing import CliRunner

CHECK_CONNECTION = ROOT / "functions" / "check_connection" / "app.py"

LOYAL_FIELD = "CDP_Loyal__c"
WRONG: list[tuple[str, str, str]] = [
    ('"LastName"', "“LastName”", "line 11 contains “ U+201C"),
    ("required = true", "required = True", "line 12 has True"),
    ('"person.name.lastName"', "'tags[0:3]'", "mapping 1, 'LastName', line 9: source gives a list"),
    ('"person.name.lastName"', '"' + "(" * 3000 + '"', "mapping 1, 'LastName', line 9: source cannot be read"),
    ('"person.name.lastName"', '"' + "[" * 3000 + '"', "mapping 1, 'LastName', line 9: source"),
    (LOYAL_FIELD, "CDP_Loyal_c", "audience 1, '7841ba61-23c1-4bb3-a495-00d3g5fe1e93', line 24: mapping_id is"),
    (LOYAL_FIELD, "CDP_Loyal__c\u2066", "U+2066 (left-to-right isolate)"),
    ('"Contact"', '"contacts"', 'line 3: salesforce_object is "contacts". Write "Contact".'),
    ('"Contact"', '"Contact"\napi_version = "29.0"', 'line 4: api_version is "29.0", which Salesforce has retired.'),
    ('"Contact"', "[" * 9000, "line 3 has too many brackets within brackets"),
    ('"Contact"', "[[1], {}]", "line 3: salesforce_object[0] must be text."),
]


def deliver(file: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    stack = DeliverStack(monkeypatch, file, contacts=0)
    assert stack.invoke([a_message()]) == ["message-1"]
    assert stack.dead_letters() == []
    return ""


def check_connection(file: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    stack = DeliverStack(monkeypatch, file, contacts=0, function=CHECK_CONNECTION)
    (finding, *_) = stack.app.lambda_handler({}, Context())["findings"]
    return f"{finding['problem']} {finding['cure']}"


def check(file: Path, _: object) -> str:
    result = CliRunner().invoke(app, ["check", str(file), "--offline"], env={"COLUMNS": "80"})
    assert result.exit_code == 1
    return result.output


def check_for_programs(file: Path, _: object) -> str:
    result = CliRunner().invoke(app, ["check", str(file), "--offline", "--json"])
    assert result.exit_code == 1
    mistake = json.loads(result.output)["mistakes"][0]
    return f"{mistake['place']} {mistake['problem']} {mistake['cure']}"


def create_fields(file: Path, _: object) -> str:
    result = CliRunner().invoke(app, ["create-fields", str(file), "--export", str(file.parent / "export")])
    assert result.exit_code == 2
    return result.output


def prove(file: Path, _: object) -> str:
    result = CliRunner().invoke(app, ["prove", str(file)])
    assert result.exit_code == 2
    return result.output


def explain_record(file: Path, _: object) -> str:
    with pytest.raises(TargetError) as error:
        explain(Target("stack", {}, {}, lambda service: None), "003Ab0000000001IAA", file, "14d")
    return str(error.value)


def start_local(file: Path, _: object) -> str:
    console = Console(file=io.StringIO(), width=80)
    assert not is_usable(StackOptions(destination=file), console)
    output = console.file
    assert isinstance(output, io.StringIO)
    return output.getvalue()


FUNCTIONS = (deliver, check_connection)  # which take a while to start
READERS = [*FUNCTIONS, check, check_for_programs, create_fields, prove, explain_record, start_local]


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_a_wrong_file_is_told_in_a_sentence(
    reader: Callable[[Path, pytest.MonkeyPatch], str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for number, (right, wrong, words) in enumerate(WRONG[:: 3 if reader in FUNCTIONS else 1]):
        assert right in CONTACTS
        file = tmp_path / f"wrong{number}.toml"
        file.write_text(CONTACTS.replace(right, wrong, 1), encoding="utf-8")
        with mock_aws():
            told = reader(file, monkeypatch) or capsys.readouterr().out

        told = " ".join(told.replace('\\"', '"').split())
        assert words in told, reader.__name__
        assert "Traceback" not in told
