from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from destination_testbench.local.places import ROOT
from the_template import template

READ = [str(file.relative_to(ROOT)) for file in (ROOT / "functions").rglob("*.py")]
CLEAN_CODE = {"results": [], "errors": [], "metrics": {name: {} for name in READ}}
JUDGED = {"resource": "AWS::SQS::Queue.Queue", "check_id": "CKV_AWS_27", "check_name": "encrypted"}
CLEAN_TEMPLATE = {
    "results": {"passed_checks": [JUDGED], "skipped_checks": [], "failed_checks": []},
    "summary": {"parsing_errors": 0},
}


def scanned(report: Any, *words: str) -> tuple[int, str]:
    ran = subprocess.run(
        [sys.executable, ROOT / ".ci" / "scanned.py", *words],
        input=json.dumps(report),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    return ran.returncode, ran.stdout


@pytest.mark.parametrize(
    ("report", "words"),
    [(CLEAN_CODE, ("bandit", "functions")), (CLEAN_TEMPLATE, ("checkov", "Queue"))],
)
def test_a_report_without_findings_passes(report: Any, words: tuple[str, ...]) -> None:
    status, told = scanned(report, *words)

    assert READ
    assert (status, told) == (0, f"{words[0]}: 0 findings\n")


@pytest.mark.parametrize(
    ("report", "words", "finding"),
    [
        ({**CLEAN_CODE, "metrics": {}}, ("bandit", "functions"), "functions: bandit read 0 files"),
        (CLEAN_TEMPLATE, ("checkov", "Queue", "Key"), "Key: checkov did not judge it"),
        ({**CLEAN_TEMPLATE, "summary": {"parsing_errors": 1}}, ("checkov",), "checkov could not read the template"),
        (
            {**CLEAN_CODE, "errors": [{"filename": "functions/a.py", "reason": "syntax error"}]},
            ("bandit",),
            "functions/a.py: syntax error",
        ),
    ],
)
def test_a_scanner_that_did_not_look_fails(report: Any, words: tuple[str, ...], finding: str) -> None:
    status, told = scanned(report, *words)

    assert status == 1
    assert finding in told


def test_a_finding_is_told_with_its_place() -> None:
    failed = {**CLEAN_TEMPLATE, "results": {"passed_checks": [], "skipped_checks": [], "failed_checks": [JUDGED]}}

    status, told = scanned(failed, "checkov")

    assert status == 1
    assert "AWS::SQS::Queue.Queue CKV_AWS_27 encrypted" in told


def test_what_lands_was_scanned() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = makefile.split("\nlint:")[1].split("\n\n")[0]

    assert "make lint\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert all(f"scanned.py {scanner}" in recipe for scanner in ("bandit", "checkov"))
    assert recipe.count("$(TEMPLATES)") == 2
    assert "TEMPLATES := template.yaml $(wildcard stacks/*.yaml)\n" in makefile


def test_make_asks_for_resources_that_the_template_has() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (listed,) = re.findall(r"^JUDGED := ((?:.*\\\n)*.*)$", makefile, re.MULTILINE)
    names = listed.replace("\\\n", " ").split()

    assert len(names) >= 8
    assert set(names) <= set(template().resources)
