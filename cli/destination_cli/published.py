"""By which version of its destination file a stack delivers: what was deployed, beside what lies here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from salesforce_destination.settings import file_hash

from destination_cli.log_lines import local_lines
from destination_cli.target import Target, TargetError


@dataclass(frozen=True, slots=True)
class Published:
    """The name and the version of the file that a stack has, and whether it is the one at hand."""

    file: str
    hash: str
    is_same: bool


def published(target: Target, file: Path) -> Published | None:
    """
    Ask the stack for its file; None where it does not say.

    A deployed stack's check-connection function is invoked: it lies in the same deployment as the deliver function. On
    this machine what that function said last is read.
    """
    report = _said(target) if target.is_local else _invoked(target)
    found = str(report.get("file_hash") or "")
    if not found:
        return None
    return Published(str(report.get("destination_file", "")), found, found == file_hash(file))


def _said(target: Target) -> Mapping[str, Any]:
    reports = [line for line in local_lines(target, "check_connection") if "file_hash" in line]
    return reports[-1] if reports else {}


def _invoked(target: Target) -> Mapping[str, Any]:
    try:
        answer = target.client("lambda").invoke(FunctionName=target.output("CheckConnectionFunctionName"))
        report = json.loads(answer["Payload"].read())
    except (BotoCoreError, ClientError, TargetError, ValueError):
        return {}
    return report if isinstance(report, dict) else {}
