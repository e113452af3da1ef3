"""What a repository has beside its code is held to the rest: workflows, hooks, forms, versions and the licence."""

from __future__ import annotations

import re
import tomllib
from configparser import ConfigParser
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import salesforce_destination
import yaml
from salesforce_destination.salesforce.client import new_session
from salesforce_destination.salesforce.oauth import login_session
from shell_commands import ROOT

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml"))
FUNCTIONS = sorted((ROOT / "functions").glob("*/app.py"))
LOCKED = re.compile(r"^([\w.-]+)(?:\[[^\]]*\])?==", re.MULTILINE)


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def steps(workflow: Path) -> list[dict[str, Any]]:
    return [step for job in yaml.safe_load(read(workflow))["jobs"].values() for step in job["steps"]]


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", read(ROOT / "Makefile"), re.MULTILINE))


def project() -> dict[str, Any]:
    return dict(tomllib.loads(read(ROOT / "pyproject.toml"))["project"])


def hooks() -> list[dict[str, Any]]:
    return [hook for repo in yaml.safe_load(read(ROOT / ".pre-commit-config.yaml"))["repos"] for hook in repo["hooks"]]


def test_the_workflows_call_targets_of_the_makefile() -> None:
    scripts = [step["run"] for file in WORKFLOWS for step in steps(file) if "run" in step]
    called = {name for script in scripts for name in re.findall(r"^make ([a-z-]+)", script, re.MULTILINE)}

    assert {"lint", "size", "test", "test-all"} <= called <= targets()


def test_the_gate_runs_on_the_oldest_python_and_on_lambdas() -> None:
    (test,) = [
        job for name, job in yaml.safe_load(read(GITHUB / "workflows" / "gate.yml"))["jobs"].items() if name == "test"
    ]
    oldest = project()["requires-python"].removeprefix(">=")
    (runtime,) = set(re.findall(r"^ +Runtime: python(\S+)$", read(ROOT / "template.yaml"), re.MULTILINE))

    assert test["strategy"]["matrix"]["python"] == [oldest, runtime]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_has_its_version_and_every_job_its_end(workflow: Path) -> None:
    text = yaml.safe_load(read(workflow))
    used = [step["uses"] for step in steps(workflow) if "uses" in step]

    assert used
    assert [
        action for action in used if not re.fullmatch(r"[\w-]+/[\w-]+@v\d+(\.\d+)*|[\w-]+/[\w-]+@[0-9a-f]{40}", action)
    ] == []
    assert all(job["timeout-minutes"] <= 60 for job in text["jobs"].values())
    assert "permissions" in text


def test_the_hooks_run_tools_that_are_pinned_or_targets_of_the_makefile() -> None:
    pinned = set(LOCKED.findall(read(ROOT / ".ci" / "requirements.lock")))
    words = [hook["entry"].split() for hook in hooks()]
    tools = {first.removeprefix(".venv/bin/") for first, *_ in words if first.startswith(".venv/bin/")}
    made = {rest[0] for first, *rest in words if first == "make"}

    assert len(tools) + len(made) >= 3
    assert len(words) == sum(word[0].startswith(".venv/bin/") or word[0] == "make" for word in words)
    assert tools <= pinned
    assert made <= targets()


def test_dependabot_looks_where_requirements_are() -> None:
    updates = {
        update["package-ecosystem"]: update for update in yaml.safe_load(read(GITHUB / "dependabot.yml"))["updates"]
    }
    folders = [ROOT / folder.lstrip("/") for folder in updates["pip"]["directories"]]

    assert set(updates) == {"pip", "github-actions"}
    assert sorted(folders) == sorted([ROOT, *(path.parent for path in ROOT.glob("*/*/requirements.txt"))])
    assert all((folder / "requirements.in").is_file() or (folder / "pyproject.toml").is_file() for folder in folders)


@pytest.mark.parametrize("form", [form for form in FORMS if form.name != "config.yml"], ids=lambda path: path.name)
def test_a_form_says_what_it_is_for_and_asks_something_that_has_to_be_answered(form: Path) -> None:
    text = yaml.safe_load(read(form))
    asked = [part for part in text["body"] if part["type"] != "markdown"]

    assert text["name"]
    assert text["description"]
    assert any(part.get("validations", {}).get("required") for part in asked)
    assert len({part["id"] for part in asked}) == len(asked)


def test_the_changelog_begins_with_the_version_of_the_project() -> None:
    newest = re.findall(r"^## (\S+) - \d{4}-\d\d-\d\d$", read(ROOT / "CHANGELOG.md"), re.MULTILINE)[0]

    assert newest == project()["version"]


def test_the_package_knows_its_version() -> None:
    assert salesforce_destination.__version__ == project()["version"]


def test_the_stack_tells_the_version_of_the_project() -> None:
    output = re.search(r"^  Version:\n.*\n    Value: (\S+)$", read(ROOT / "template.yaml"), re.MULTILINE)

    assert output
    assert output[1] == project()["version"]


def test_salesforce_is_told_the_version() -> None:
    said = {session.headers["User-Agent"] for session in (new_session(), login_session())}

    assert said == {f"salesforce-destination/{project()['version']}"}


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda path: path.parent.name)
def test_each_line_of_a_functions_log_says_the_version(function: Path) -> None:
    assert re.search(r"^logger = Logger\(version=__version__[,)]", read(function), re.MULTILINE)


def test_the_functions_need_nothing_that_the_project_does_not_name() -> None:
    files = (*ROOT.glob("layers/*/requirements.in"), *ROOT.glob("functions/*/requirements.in"))
    deployed = {line for file in files for line in read(file).splitlines() if line and not line.startswith("#")}
    named = {re.split("[<>=]", dependency)[0] for dependency in project()["dependencies"]}

    assert len(deployed) >= 4
    assert deployed <= named


def test_the_lock_pins_what_the_project_names() -> None:
    pinned = {name.lower() for name in LOCKED.findall(read(ROOT / ".ci" / "requirements.lock"))}
    declared = [*project()["dependencies"], *chain.from_iterable(project()["optional-dependencies"].values())]

    assert len(declared) >= 20
    assert {re.split(r"[\[<>=]", dependency)[0].lower() for dependency in declared} <= pinned


def test_the_licence_is_the_one_that_the_project_names() -> None:
    text = read(ROOT / "LICENSE")

    assert project()["license"] == "Apache-2.0"
    assert text.split()[:6] == ["Apache", "License", "Version", "2.0,", "January", "2004"]
    assert "END OF TERMS AND CONDITIONS" in text


def test_editors_break_lines_where_ruff_does() -> None:
    settings = ConfigParser()
    settings.read_string(f"[top]\n{read(ROOT / '.editorconfig')}")
    ruff = tomllib.loads(read(ROOT / "pyproject.toml"))["tool"]["ruff"]

    assert settings["*"]["max_line_length"] == str(ruff["line-length"])
