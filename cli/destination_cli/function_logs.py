"""What the functions of a stack say: their log, why they cannot log in, and by which file they deliver."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from salesforce_destination.connection.finding import Finding, error
from salesforce_destination.login.token import parse_object
from salesforce_destination.settings import file_hash

from destination_cli.target import Target, TargetError

LogLine = Mapping[str, Any]

NO_LOG_IN, LOGGED_IN, PAUSED, EMPTIED = "no log-in", "access token refreshed", "log-ins pause", "not connected yet"
"""The messages of the refresh-token function's log."""

LAST_PROFILES = 1_000  # fewer profiles do not tell what the platform never sends
LATELY_SECONDS = 2 * 3600  # the schedule tries every hour


def local_lines(target: Target, function: str) -> Iterator[LogLine]:
    """What a function of the local stack has logged as JSON, oldest first; `function` is the name of its folder."""
    log = target.log_folder / f"{function}.log" if target.log_folder else None
    if log and log.is_file():
        yield from _parsed(log.read_text(encoding="utf-8", errors="replace").splitlines())


def lines_of(target: Target, function: str, pattern: str, seconds: int) -> Iterator[LogLine]:
    """What a function has logged: on this machine all, else of the last seconds what a pattern of CloudWatch fits."""
    if target.is_local:
        yield from local_lines(target, function)
        return
    log_group = target.output(f"{function.title().replace('_', '')}LogGroupName")
    start = int((time.time() - seconds) * 1000)
    pages = target.client("logs").get_paginator("filter_log_events")
    for page in pages.paginate(logGroupName=log_group, filterPattern=pattern, startTime=start):
        yield from _parsed(event["message"] for event in page["events"])


def _parsed(texts: Iterable[str]) -> Iterator[LogLine]:
    return filter(None, map(parse_object, texts))


def never_found(target: Target, seconds: int) -> tuple[int, list[str]]:
    """How many of the last profiles were looked through, and what none of them had; nothing where they are too few."""
    lines = lines_of(target, "deliver", '"looked_through"', seconds)
    looked_through, missed = 0, list[str]()
    for line in reversed([line for line in lines if line.get("looked_through")]):
        lacks = line.get("not_found", ())
        missed = [each for each in (missed if looked_through else lacks) if each in lacks]
        looked_through += int(line["looked_through"])
        if looked_through >= LAST_PROFILES:
            return looked_through, missed
    return looked_through, []


def login_cause(target: Target, *, pause: bool = False) -> Finding | None:
    """The last failed log-in as a finding, or with `pause` why none is made now; None where that is over."""
    told = (NO_LOG_IN, LOGGED_IN, EMPTIED, *([PAUSED] if pause else ()))
    pattern = f'?"{NO_LOG_IN}" ?"{LOGGED_IN}" ?"{PAUSED}" ?"{EMPTIED}"'
    lines = lines_of(target, "refresh_token", pattern, LATELY_SECONDS)
    last = ([line for line in lines if line.get("message") in told] or [{"message": LOGGED_IN}])[-1]
    if last["message"] in (LOGGED_IN, EMPTIED):
        return None
    field, said = str(last.get("field") or ""), str(last.get("problem") or last.get("code") or "")
    key = f"credentials.{field}" if field else "credentials"
    return error(key, "", f"{field} {said}".strip(), str(last.get("cure") or ""))


@dataclass(frozen=True, slots=True)
class Published:
    """The name and the version of the file that a stack has, and whether it is the one at hand."""

    file: str
    hash: str
    is_same: bool


def published(target: Target, file: Path) -> Published | None:
    """Ask the stack's check-connection function for its file (on this machine its log); None where it does not say."""
    if target.is_local:
        report = ([line for line in local_lines(target, "check_connection") if "file_hash" in line] or [{}])[-1]
    else:
        report = _invoked(target)
    found = str(report.get("file_hash") or "")
    return Published(str(report.get("destination_file", "")), found, found == file_hash(file)) if found else None


def _invoked(target: Target) -> LogLine:
    try:
        answer = target.client("lambda").invoke(FunctionName=target.output("CheckConnectionFunctionName"))
        return parse_object(answer["Payload"].read()) or {}
    except (BotoCoreError, ClientError, TargetError):
        return {}
