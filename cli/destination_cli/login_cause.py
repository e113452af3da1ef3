"""Why a stack gets no access token: what its refresh-token function said when it last tried."""

from __future__ import annotations

from salesforce_destination.connection.finding import Finding, error

from destination_cli.log_lines import Line, cloud_lines, local_lines
from destination_cli.target import Target

NO_LOG_IN, LOGGED_IN = "no log-in", "access token refreshed"
"""The messages of the refresh-token function's log."""

LATELY_SECONDS = 2 * 3600
"""The schedule tries every hour."""


def login_cause(target: Target) -> Finding | None:
    """The last failed log-in as a finding; None where the last one succeeded, or none is to be seen."""
    lines = [line for line in _lines(target) if line.get("message") in (NO_LOG_IN, LOGGED_IN)]
    if not lines or lines[-1].get("message") == LOGGED_IN:
        return None
    return _finding(lines[-1])


def _lines(target: Target) -> list[Line]:
    if target.is_local:
        return list(local_lines(target, "refresh_token"))
    pattern = f'?"{NO_LOG_IN}" ?"{LOGGED_IN}"'
    return list(cloud_lines(target, target.refresh_token_log_group, pattern, LATELY_SECONDS))


def _finding(line: Line) -> Finding:
    field, said = str(line.get("field") or ""), str(line.get("problem") or line.get("code") or "")
    key = f"credentials.{field}" if field else "credentials"
    return error(key, "", f"{field} {said}".strip(), str(line.get("cure") or ""))
