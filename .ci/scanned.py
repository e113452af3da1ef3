"""Says what a scanner found, from its JSON report on standard input, and ends with 1 if that is anything.

A scanner that reads nothing finds nothing: it is a finding, too, if what the command line names was not looked at. For
bandit that is folders of Python code, for checkov resources of the template.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

Report = Any


def bandit(report: Report, folders: Sequence[str]) -> Iterator[str]:
    """What bandit found in the folders."""
    for found in (*report["results"], *report["errors"]):
        what = f"{found['test_id']} {found['issue_text']}" if "test_id" in found else found["reason"]
        yield f"{found['filename']}:{found.get('line_number', '')} {what}"
    for folder in folders:
        read = [name for name in report["metrics"] if name.startswith(f"{folder}/")]
        if not read or len(read) < len(list(Path(folder).rglob("*.py"))):
            yield f"{folder}: bandit read {len(read)} files"


def checkov(report: Report, resources: Sequence[str]) -> Iterator[str]:
    """What checkov found in the template."""
    results = report["results"]
    for found in results["failed_checks"]:
        yield f"{found['resource']} {found['check_id']} {found['check_name']}"
    judged = {found["resource"].rpartition(".")[2] for found in (*results["passed_checks"], *results["skipped_checks"])}
    yield from (f"{name}: checkov did not judge it" for name in resources if name not in judged)
    if report["summary"]["parsing_errors"]:
        yield "checkov could not read the template"


if __name__ == "__main__":
    scanner, *expected = sys.argv[1:]
    findings = list({"bandit": bandit, "checkov": checkov}[scanner](json.load(sys.stdin), expected))
    print("\n".join([*findings, f"{scanner}: {len(findings)} findings"]))
    sys.exit(bool(findings))
