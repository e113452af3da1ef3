from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from builders import an_id
from salesforce_destination.errors import (
    BadRequestError,
    ConcurrentLimitError,
    DailyLimitError,
    OutcomeUnknownError,
    RequestRefusedError,
    SalesforceError,
    SalesforceUnavailableError,
    SessionExpiredError,
    UnknownCodeError,
)
from salesforce_destination.record.classification import (
    ENGLISH,
    OF_A_WHOLE,
    TABLE,
    UNKNOWN_CODE_TRIES,
    WRAPPERS,
    Meaning,
    RecordError,
    meaning_of,
    read_error,
    readable_code,
    request_error,
)

LANGUAGES = {
    "English": "The record could not be saved: {}. Please check.",
    "French": "Impossible d'enregistrer : {} n'est pas accepté.",
    "Japanese": "レコードを保存できません{}を確認してください。",
    "Spanish": "No podemos guardar este registro porque «{}» falló.",
}
"""Texts that hold API names alone, beside words that mean nothing to anybody here."""

TRIGGER, FLOW, RULE = "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER", WRAPPERS[2]

BY_CODE: dict[Meaning, str] = {
    Meaning.LOCKED: "UNABLE_TO_LOCK_ROW",
    Meaning.RETRY: """SERVER_UNAVAILABLE UNKNOWN_EXCEPTION TOO_MANY_APEX_REQUESTS QUERY_TIMEOUT REQUEST_RUNNING_TOO_LONG
        INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE ALL_OR_NONE_OPERATION_ROLLED_BACK PROCESSING_HALTED
        FUNCTIONALITY_TEMPORARILY_UNAVAILABLE INTERNAL_ERROR ORG_IN_MAINTENANCE ORG_LOCKED
        PLATFORM_EVENT_PUBLISHING_UNAVAILABLE REALTIME_PROCESSING_TIME_EXCEEDED SSO_SERVICE_DOWN
        TXN_SECURITY_METERING_ERROR TXN_SECURITY_RUNTIME_ERROR""",
    Meaning.NO_CALLS: "REQUEST_LIMIT_EXCEEDED",
    Meaning.SESSION: "INVALID_SESSION_ID URL_NOT_RESET ORG_NOT_OWNED_BY_INSTANCE",
    Meaning.FIELD: "INVALID_FIELD INVALID_FIELD_FOR_INSERT_UPDATE",
    Meaning.MISMATCH: """INVALID_TYPE API_CURRENTLY_DISABLED API_DISABLED_FOR_ORG
        CLIENT_NOT_ACCESSIBLE_FOR_USER CLIENT_REQUIRE_UPDATE_FOR_USER FUNCTIONALITY_NOT_ENABLED
        INVALID_OPERATION_WITH_EXPIRED_PASSWORD METHOD_NOT_ALLOWED PASSWORD_LOCKOUT TRIAL_EXPIRED
        UNSUPPORTED_API_VERSION UNSUPPORTED_CLIENT UNSUPPORTED_MEDIA_TYPE""",
    Meaning.SPLIT: "LIMIT_EXCEEDED",
    Meaning.CONVERTED: "CANNOT_UPDATE_CONVERTED_LEAD",
    Meaning.GONE: "ENTITY_IS_DELETED NOT_FOUND",
    Meaning.REJECT: """CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY CANNOT_EXECUTE_FLOW_TRIGGER
        DUPLICATES_DETECTED DUPLICATE_EXTERNAL_ID DUPLICATE_VALUE ENTITY_IS_LOCKED FIELD_CUSTOM_VALIDATION_EXCEPTION
        FIELD_INTEGRITY_EXCEPTION INACTIVE_OWNER_OR_USER INSUFFICIENT_ACCESS
        INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY INSUFFICIENT_ACCESS_OR_READONLY INVALID_CROSS_REFERENCE_KEY
        INVALID_EMAIL_ADDRESS INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST INVALID_TYPE_ON_FIELD_IN_RECORD JSON_PARSER_ERROR
        MALFORMED_ID MISSING_ARGUMENT NUMBER_OUTSIDE_VALID_RANGE REQUIRED_FIELD_MISSING STORAGE_LIMIT_EXCEEDED
        STRING_TOO_LONG TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET TOO_MANY_ENUM_VALUE""",
    Meaning.UNKNOWN: "A_CODE_OF_TOMORROW NO_REASON UNREADABLE_CODE",
}

BY_NAME: list[tuple[str, str, Meaning]] = [
    *((code, "UNABLE_TO_LOCK_ROW", Meaning.LOCKED) for code in WRAPPERS),
    *((code, "System.LimitException: 101", Meaning.SPLIT) for code in WRAPPERS),
    *((code, "System.AsyncException", Meaning.FULL) for code in WRAPPERS),
    *((code, "AsyncApexExecutions", Meaning.FULL) for code in WRAPPERS),
    *((code, "SINGLE_EMAIL_LIMIT_EXCEEDED", Meaning.FULL) for code in WRAPPERS),
    *((code, passing, Meaning.RETRY) for code in WRAPPERS for passing in BY_CODE[Meaning.RETRY].split()[-8:-2]),
    *((code, "System.QueryException", Meaning.UNKNOWN) for code in WRAPPERS),
    (TRIGGER, "System.NullPointerException", Meaning.REJECT),
    (RULE, "[CDP-STALE:CDP_Event_Time__c]", Meaning.STALE),
    (RULE, "[CDP-STALE:UNABLE_TO_LOCK_ROW]", Meaning.STALE),
    ("STRING_TOO_LONG", "UNABLE_TO_LOCK_ROW", Meaning.REJECT),
    ("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn", Meaning.BUSY),
    ("REQUEST_LIMIT_EXCEEDED", "TotalRequests", Meaning.NO_CALLS),
]


@pytest.mark.parametrize("language", LANGUAGES)
def test_codes_and_api_names_mean_the_same_in_every_language(language: str) -> None:
    alone = [(code, "", meaning) for meaning, codes in BY_CODE.items() for code in codes.split()]

    for code, name, meaning in [*alone, *BY_NAME]:
        error = RecordError(code, LANGUAGES[language].format(name or "CDP_Loyal__c"))
        assert meaning_of(error) is meaning, error.text
    assert all(meaning_of(RecordError(code)) is meaning for code, _, meaning in alone)


ENGLISH_TEXTS: list[tuple[str, str, Meaning]] = [
    ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record or 1 records: 003", Meaning.LOCKED),
    (TRIGGER, "T: caused by: unable to obtain exclusive access to this record", Meaning.LOCKED),
    (FLOW, "T: timeout occurred while waiting to lock", Meaning.LOCKED),
    (TRIGGER, "caused by: System.QueryException: Record Currently Unavailable: The record you are", Meaning.LOCKED),
    (RULE, "Record Currently Unavailable: The record you are attempting to edit", Meaning.LOCKED),
    (TRIGGER, "Database.executeBatch: batch apex job enqueue failed", Meaning.FULL),
    (TRIGGER, "Rate Limiting Exception : AsyncApexExecutions Limit exceeded.", Meaning.FULL),
    *(("UNKNOWN_EXCEPTION", f"T: {text} in row 1", Meaning.SPLIT) for text in list(ENGLISH)[4:10]),
    ("INVALID_FIELD", "Foreign key external ID: 7 not found for field X in entity Account", Meaning.REJECT),
    ("INVALID_FIELD", "Json Deserialization failed on token 'X'", Meaning.REJECT),
]


@pytest.mark.parametrize(("code", "text", "meaning"), ENGLISH_TEXTS)
def test_a_fragment_of_english_tells_where_no_name_does(code: str, text: str, meaning: Meaning) -> None:
    assert meaning_of(RecordError(code, text)) is meaning


def test_every_fragment_of_english_has_its_reason_and_is_tried_here() -> None:
    assert all(ENGLISH.values())
    assert all(any(fragment in text for _, text, _ in ENGLISH_TEXTS) for fragment in ENGLISH)
    fragments = {text for _, text, _ in TABLE if " " in text}
    assert fragments == ENGLISH.keys()


def test_every_row_of_the_table_can_be_reached_and_is_tried_here() -> None:
    assert len(TABLE) > 100
    for code, text, meaning in TABLE:
        assert meaning_of(RecordError(code, text)) is meaning
    assert {code for code, *_ in TABLE} <= {code for codes in BY_CODE.values() for code in codes.split()}


def errors(code: str, message: str = "") -> list[dict[str, Any]]:
    return [{"message": message, "errorCode": code}]


REQUESTS: list[tuple[int, Any, type[SalesforceError]]] = [
    (401, errors("INVALID_SESSION_ID", "Session expired or invalid"), SessionExpiredError),
    (401, errors("INVALID_SESSION_ID", "This session is not valid for use with the REST API"), SessionExpiredError),
    (401, errors("ANY", "Connected app is not attached to Agent"), SessionExpiredError),
    (401, errors("INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE"), SessionExpiredError),
    (401, None, SessionExpiredError),
    (403, errors("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), DailyLimitError),
    (403, errors("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent …) Limit exceeded."), ConcurrentLimitError),
    (403, errors("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."), ConcurrentLimitError),
    (403, errors("API_DISABLED_FOR_ORG"), RequestRefusedError),
    (403, errors("API_CURRENTLY_DISABLED"), RequestRefusedError),
    (400, errors("REQUEST_LIMIT_EXCEEDED"), DailyLimitError),
    (400, errors("URL_NOT_RESET", "Destination URL not reset."), SessionExpiredError),
    *(
        (status, errors(code), SalesforceUnavailableError)
        for code in BY_CODE[Meaning.RETRY].split()
        for status in (400, 403, 500)
    ),
    *((400, errors(code), RequestRefusedError) for code in BY_CODE[Meaning.MISMATCH].split()),
    *((400, errors(code), BadRequestError) for code in BY_CODE[Meaning.REJECT].split() if code not in OF_A_WHOLE),
    *((400, errors(code), BadRequestError) for code in ("LIMIT_EXCEEDED", "EXCEEDED_ID_LIMIT", "OPERATION_TOO_LARGE")),
    *((400, errors(TRIGGER, f"caused by: {name}"), RequestRefusedError) for name in ("AsyncApexExecutions",)),
    *((400, errors(TRIGGER, f"caused by: {name}"), SalesforceUnavailableError) for name in ("UNABLE_TO_LOCK_ROW",)),
    *((400, errors(code), RequestRefusedError) for code, meaning in OF_A_WHOLE.items() if meaning is Meaning.MISMATCH),
    (400, errors("A_CODE_OF_TOMORROW"), UnknownCodeError),
    (409, errors("A_CODE_OF_TOMORROW"), UnknownCodeError),
    (413, errors("A_CODE_OF_TOMORROW"), BadRequestError),
    (500, errors("JSON_PARSER_ERROR"), SalesforceUnavailableError),
    (400, [*errors("STRING_TOO_LONG"), *errors("SERVER_UNAVAILABLE")], SalesforceUnavailableError),
    (400, [*errors("STRING_TOO_LONG"), *errors("A_CODE_OF_TOMORROW")], BadRequestError),
    (403, errors("TXN_SECURITY_METERING_ERROR"), SalesforceUnavailableError),
    (403, errors("TXN_SECURITY_RUNTIME_ERROR"), SalesforceUnavailableError),
    (404, errors("NOT_FOUND"), RequestRefusedError),
    (404, None, SalesforceUnavailableError),
    (400, errors("JSON_PARSER_ERROR"), BadRequestError),
    (400, errors("INVALID_TYPE"), RequestRefusedError),
    (400, errors("NOT_FOUND"), RequestRefusedError),
    (400, errors("INVALID_FIELD", "No such column 'X__c' on sobject of type Contact"), BadRequestError),
    (400, errors("INSUFFICIENT_ACCESS"), RequestRefusedError),
    (400, errors("INSUFFICIENT_ACCESS_OR_READONLY"), RequestRefusedError),
    (400, errors("API_DISABLED_FOR_ORG"), RequestRefusedError),
    (400, errors("UNSUPPORTED_API_VERSION"), RequestRefusedError),
    *((400, errors("UNKNOWN_EXCEPTION", f"System.X: {text}"), BadRequestError) for text in list(ENGLISH)[4:10]),
    (400, errors("UNKNOWN_EXCEPTION", "An unexpected error occurred."), SalesforceUnavailableError),
    (400, None, SalesforceUnavailableError),
    (413, None, BadRequestError),
    *((500, errors("UNKNOWN_EXCEPTION", f"System.X: {text}"), BadRequestError) for text in list(ENGLISH)[4:10]),
    (400, errors("UNABLE_TO_LOCK_ROW"), SalesforceUnavailableError),
    (400, errors("QUERY_TIMEOUT"), SalesforceUnavailableError),
    (400, errors("PROCESSING_HALTED"), SalesforceUnavailableError),
    (415, errors("UNSUPPORTED_MEDIA_TYPE"), RequestRefusedError),
    (301, None, SessionExpiredError),
    (302, None, SessionExpiredError),
    (304, None, SalesforceUnavailableError),
    (420, None, SalesforceUnavailableError),
    (420, errors("ANY"), SalesforceUnavailableError),
    (429, errors("ANY"), SalesforceUnavailableError),
    (500, errors("UNKNOWN_EXCEPTION"), SalesforceUnavailableError),
    (503, errors("SERVER_UNAVAILABLE"), SalesforceUnavailableError),
    (503, None, SalesforceUnavailableError),
    (200, None, OutcomeUnknownError),
    (200, errors("ANY"), OutcomeUnknownError),
    (299, errors("ANY"), OutcomeUnknownError),
    (300, errors("ANY"), SalesforceUnavailableError),
    (399, errors("ANY"), SalesforceUnavailableError),
    (199, errors("ANY"), UnknownCodeError),
    (402, errors("ANY"), UnknownCodeError),
    (499, errors("ANY"), UnknownCodeError),
    (500, errors("ANY"), SalesforceUnavailableError),
    (599, errors("ANY"), SalesforceUnavailableError),
    (401, [], SessionExpiredError),
    (420, [], SalesforceUnavailableError),
    (429, None, SalesforceUnavailableError),
    (400, [*errors("ANY"), *errors("QUERY_TIMEOUT")], SalesforceUnavailableError),
]


@pytest.mark.parametrize(("status", "body", "kind"), REQUESTS)
def test_a_failed_request_is_named_by_what_to_do(status: int, body: Any, kind: type[SalesforceError]) -> None:
    assert type(request_error(status, body)) is kind


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ([{"message": "without a code"}], SalesforceUnavailableError),
        (["no object", *errors("JSON_PARSER_ERROR")], BadRequestError),
        ({"errorCode": "JSON_PARSER_ERROR"}, SalesforceUnavailableError),
    ],
)
def test_an_answer_of_another_shape_is_read_as_far_as_it_goes(body: Any, kind: type[SalesforceError]) -> None:
    assert type(request_error(400, body)) is kind


@pytest.mark.parametrize(
    ("code", "readable"),
    [
        ("A" * 80, "A" * 80),
        ("A" * 81, "UNREADABLE_CODE"),
        ("A", "A"),
        ("", "UNREADABLE_CODE"),
        ("9LIVES", "UNREADABLE_CODE"),
        ("lower", "UNREADABLE_CODE"),
        (7, "UNREADABLE_CODE"),
        (None, "UNREADABLE_CODE"),
    ],
)
def test_a_code_is_shown_where_it_looks_like_one(code: object, readable: str) -> None:
    assert readable_code(code) == readable


def test_an_unknown_code_is_tried_three_times() -> None:
    assert UNKNOWN_CODE_TRIES == 3


def test_what_salesforce_said_is_in_no_error() -> None:
    error = request_error(400, errors("STRING_TOO_LONG", "Last Name: data value too large: MARKED"))

    assert "MARKED" not in str(error) + repr(error)
    assert (error.code, error.text) == ("STRING_TOO_LONG", "Last Name: data value too large: MARKED")


def test_the_code_that_decided_is_the_one_of_a_whole_request() -> None:
    body = [{"errorCode": "STRING_TOO_LONG", "message": "one", "fields": ["Email"]}, *errors("ORG_LOCKED", "two")]

    error = request_error(400, body)

    assert (error.code, error.text, error.fields) == ("ORG_LOCKED", "two one", ("Email",))


def test_the_documents_table_of_codes_is_the_one_that_judges() -> None:
    page = (Path(__file__).parents[3] / "docs" / "outcomes.md").read_text(encoding="utf-8")
    lines = page.partition("## Salesforce's codes")[2].partition("\n## ")[0].splitlines()
    documented = [{*re.findall(r"`([A-Z_]+)`", line.split("|")[1])} for line in lines if line.startswith("| `")]
    ruled: dict[Meaning, set[str]] = {}
    for code, text, meaning in TABLE:
        if not text:
            ruled.setdefault(meaning, set()).add(code)
    ruled[Meaning.GONE] |= ruled.pop(Meaning.CONVERTED)

    assert sorted(documented, key=sorted) == sorted(ruled.values(), key=sorted)


@pytest.mark.parametrize("name", ["duplicateResult", "duplicateResut"])
def test_a_duplicate_names_the_records_that_look_like_it_where_the_answer_does(name: str) -> None:
    matches = [{"record": {"attributes": {"type": "Contact"}, "Id": an_id(number)}} for number in (1, 2)]
    found = {"allowSave": True, "matchResults": [{"errors": [], "matchRecords": matches, "size": 2}]}
    error = {"statusCode": "DUPLICATES_DETECTED", "message": "Use one of these?", "fields": []}

    assert read_error(error | {name: found}).text == (
        f"Use one of these? Records that look like it: {an_id(1)}, {an_id(2)}."
    )
    assert read_error(error).text == "Use one of these?"
