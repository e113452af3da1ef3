"""What Salesforce's answers mean, held to those of real orgs (tests/fixtures/real)."""

from __future__ import annotations

from typing import Any

import pytest
from real_answers import ROWS, judged
from salesforce_destination.errors import (
    BadRequestError,
    ConcurrentLimitError,
    DailyLimitError,
    RequestRefusedError,
    SalesforceError,
    SalesforceUnavailableError,
    SessionExpiredError,
)
from salesforce_destination.record.classification import Meaning, RecordError, meaning_of, request_error

OF_RECORDS: dict[Meaning, str] = {
    **dict.fromkeys((Meaning.RETRY, Meaning.LOCKED, Meaning.FULL, Meaning.BUSY, Meaning.NO_CALLS), "wait"),
    Meaning.FIELD: "setup refuse",
    Meaning.UNKNOWN: "refuse",
    Meaning.SPLIT: "wait",
    Meaning.MISMATCH: "setup",
    Meaning.REJECT: "refuse",
    Meaning.CONVERTED: "moved",
    Meaning.GONE: "moved",
}
OF_REQUESTS: dict[type[SalesforceError], str] = {
    ConcurrentLimitError: "wait",
    DailyLimitError: "wait",
    SalesforceUnavailableError: "wait",
    RequestRefusedError: "setup",
    SessionExpiredError: "sign in",
}


@pytest.mark.parametrize("row", judged("record"))
def test_a_records_error_means_what_it_meant_in_a_real_org(row: dict[str, Any]) -> None:
    given = row["record"]

    meaning = meaning_of(RecordError(given["statusCode"], given["message"], tuple(given["fields"])))

    assert {*OF_RECORDS[meaning].split()} & {*row["means"].split()}


@pytest.mark.parametrize("row", judged("request"))
def test_a_requests_error_means_what_it_meant_in_a_real_org(row: dict[str, Any]) -> None:
    error = request_error(row["request"]["status"], row["request"]["body"])

    meaning = meaning_of(RecordError(error.code, error.text))
    found = OF_RECORDS[meaning] if type(error) is BadRequestError else OF_REQUESTS[type(error)]
    assert {*found.split()} & {*row["means"].split()}


def test_every_row_has_its_source_and_its_judgement() -> None:
    assert len(ROWS) > 70
    for row in ROWS:
        assert row["source"]
        assert row["kind"] in ("real", "fixture", "documented", "code only")
        assert len(row.keys() & {"record", "request", "log_in"}) == 1
        assert ("log_in" in row) or row["means"]


def test_the_names_of_a_row_stand_in_its_text_or_its_fields() -> None:
    named = [row for row in ROWS if row.get("names")]

    assert len(named) > 10
    for row in named:
        error = row.get("record") or row["request"]["body"][0]
        assert all(name in error["message"] or name in error.get("fields", []) for name in row["names"])
