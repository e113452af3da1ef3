"""What real orgs answered: the rows of tests/fixtures/real/answers.json, whose SOURCES.md says where they come from."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

HOME = Path(__file__).parents[1] / "fixtures" / "real"
ROWS: list[dict[str, Any]] = json.loads((HOME / "answers.json").read_text(encoding="utf-8"))
RECORD_ID = re.compile(r"\b[A-Za-z0-9]{15}(?:[A-Z0-5]{3})?\b")


def rows(kind: str) -> list[Any]:
    """The rows of a record, a whole request or a log-in, each as a parameter named by its id."""
    return [pytest.param(row, id=row["id"]) for row in ROWS if kind in row]


def judged(kind: str) -> list[Any]:
    """The same rows, those that are still read otherwise marked with the reason."""
    return [pytest.param(row, id=row["id"], marks=_marks(row)) for row in ROWS if kind in row]


def _marks(row: dict[str, Any]) -> list[pytest.MarkDecorator]:
    wrong = row.get("wrong_today")
    return [pytest.mark.xfail(reason=wrong, strict=True)] if wrong else []


def without_ids(value: Any) -> Any:
    """An answer in which every id of a record is the same, since ids differ from org to org."""
    return json.loads(RECORD_ID.sub("000", json.dumps(value)))


def described(name: str) -> dict[str, Any]:
    """A recorded describe."""
    found: dict[str, Any] = json.loads((HOME / f"describe_{name}.json").read_text(encoding="utf-8"))
    return found
