"""
From an answer of the token endpoint to an error in our words.

Salesforce's own text never leaves this module: it may echo what was sent. What it says is known by the table or it is
unknown. Either way the refresh queue tries again about once a minute; the kind of error says if a person has to act.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from salesforce_destination.errors import CredentialsError
from salesforce_destination.login.refusal import LoginRefusal, LoginUnavailableError
from salesforce_destination.login.refusal_table import REDIRECTED, TABLE, UNREADABLE

_WORD = re.compile(r"[a-z][a-z_]{2,39}")


def login_error(status: int, answer: Mapping[str, Any] | None) -> CredentialsError | LoginUnavailableError:
    """Name what an answer other than a token means; `answer` is None where it was no JSON object."""
    if 300 <= status < 400:
        return LoginUnavailableError(status, REDIRECTED)
    if answer is None or status >= 500 or not isinstance(answer.get("error"), str):
        return LoginUnavailableError(status, UNREADABLE)
    refusal = _look_up(answer["error"].lower(), str(answer.get("error_description") or "").lower())
    if refusal.permanent:
        return CredentialsError(refusal.field, refusal.problem, refusal.cure, refusal.code)
    return LoginUnavailableError(status, refusal)


def _look_up(error: str, description: str) -> LoginRefusal:
    description = " ".join(description.split()).replace("\u2019", "'")
    for known_error, beginning, refusal in TABLE:
        if error == known_error and description.startswith(beginning):
            return refusal
    named = f" ({error})" if _WORD.fullmatch(error) else ""
    problem = f"Salesforce refused the log-in for an unknown reason{named}."
    cure = "Setup > Login History shows the cause. Check each value of the credentials."
    return LoginRefusal("LOGIN_REFUSED_UNKNOWN", "", problem, cure, permanent=True)
