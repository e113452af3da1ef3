from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from salesforce_destination.errors import (
    BadRequestError,
    ConcurrentLimitError,
    DailyLimitError,
    OutcomeUnknownError,
    RequestRefusedError,
    SalesforceError,
    SalesforceUnavailableError,
    SessionExpiredError,
)
from salesforce_destination.record.classification import (
    LIMIT_TEXTS,
    LOCK_TEXTS,
    RECORD_TABLE,
    REQUEST_TABLE,
    UNKNOWN_CODE_TRIES,
    WRAPPERS,
    Meaning,
    RecordError,
    RequestRow,
    meaning_of,
    readable_code,
    request_error,
)

RECORDS: list[tuple[str, str, Meaning]] = [
    ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record or 1 records: 003", Meaning.RETRY),
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "T: caused by: UNABLE_TO_LOCK_ROW, unable to obtain", Meaning.RETRY),
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "T: timeout occurred while waiting to lock", Meaning.RETRY),
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "T: System.NullPointerException", Meaning.REJECT),
    ("CANNOT_EXECUTE_FLOW_TRIGGER", "UNABLE_TO_LOCK_ROW in flow", Meaning.RETRY),
    ("CANNOT_EXECUTE_FLOW_TRIGGER", "We can't save this record", Meaning.REJECT),
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "T: System.LimitException: Too many SOQL queries: 101", Meaning.SPLIT),
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "T: System.LimitException: Apex CPU time limit exceeded", Meaning.SPLIT),
    ("UNKNOWN_EXCEPTION", "Too many batch retries in the presence of Apex triggers", Meaning.SPLIT),
    ("UNKNOWN_EXCEPTION", "An unexpected error occurred.", Meaning.RETRY),
    ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Older. [CDP-STALE:CDP_Event_Time__c]", Meaning.STALE),
    ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "No discounts on Sundays", Meaning.REJECT),
    ("INVALID_FIELD", "No such column 'X__c' on sobject of type Contact", Meaning.MISMATCH),
    ("INVALID_FIELD", "Foreign key external ID: 7 not found for field X in entity Account", Meaning.REJECT),
    ("INVALID_FIELD", "Json Deserialization failed on token 'X'", Meaning.REJECT),
    ("INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create/update fields: X", Meaning.MISMATCH),
    ("INVALID_FIELD_FOR_INSERT_UPDATE", "Account: bad field names on insert/update call: LastName", Meaning.REJECT),
    ("INVALID_EMAIL_ADDRESS", "Email: invalid email address: x", Meaning.REJECT),
    ("ENTITY_IS_DELETED", "entity is deleted", Meaning.GONE),
    ("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", Meaning.CONVERTED),
    ("A_CODE_OF_TOMORROW", "", Meaning.UNKNOWN),
]


@pytest.mark.parametrize(("code", "text", "meaning"), RECORDS)
def test_a_record_error_has_its_verdict(code: str, text: str, meaning: Meaning) -> None:
    assert meaning_of(RecordError(code, text)) is meaning


BY_CODE_ALONE: dict[Meaning, str] = {
    Meaning.RETRY: """UNABLE_TO_LOCK_ROW SERVER_UNAVAILABLE UNKNOWN_EXCEPTION TOO_MANY_APEX_REQUESTS QUERY_TIMEOUT
        REQUEST_RUNNING_TOO_LONG INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE ALL_OR_NONE_OPERATION_ROLLED_BACK
        PROCESSING_HALTED""",
    Meaning.MISMATCH: "INVALID_FIELD_FOR_INSERT_UPDATE INVALID_TYPE",
    Meaning.CONVERTED: "CANNOT_UPDATE_CONVERTED_LEAD",
    Meaning.GONE: "ENTITY_IS_DELETED NOT_FOUND",
    Meaning.REJECT: """CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY CANNOT_EXECUTE_FLOW_TRIGGER INVALID_FIELD
        DUPLICATES_DETECTED DUPLICATE_EXTERNAL_ID DUPLICATE_VALUE ENTITY_IS_LOCKED FIELD_CUSTOM_VALIDATION_EXCEPTION
        FIELD_INTEGRITY_EXCEPTION INACTIVE_OWNER_OR_USER INSUFFICIENT_ACCESS
        INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY INSUFFICIENT_ACCESS_OR_READONLY INVALID_CROSS_REFERENCE_KEY
        INVALID_EMAIL_ADDRESS INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST INVALID_TYPE_ON_FIELD_IN_RECORD JSON_PARSER_ERROR
        LIMIT_EXCEEDED MALFORMED_ID MISSING_ARGUMENT NUMBER_OUTSIDE_VALID_RANGE REQUIRED_FIELD_MISSING
        STORAGE_LIMIT_EXCEEDED STRING_TOO_LONG TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET TOO_MANY_ENUM_VALUE""",
    Meaning.UNKNOWN: "A_CODE_OF_TOMORROW NO_REASON UNREADABLE_CODE",
}


@pytest.mark.parametrize(
    ("code", "meaning"), [(code, meaning) for meaning, codes in BY_CODE_ALONE.items() for code in codes.split()]
)
def test_each_code_has_its_meaning_where_the_text_says_nothing_more(code: str, meaning: Meaning) -> None:
    assert meaning_of(RecordError(code)) is meaning
    assert meaning_of(RecordError(code, "Some words of the org's own.")) is meaning


@pytest.mark.parametrize("code", [*WRAPPERS, "LIMIT_EXCEEDED", "STRING_TOO_LONG"])
@pytest.mark.parametrize(("texts", "meaning"), [(LOCK_TEXTS, Meaning.RETRY), (LIMIT_TEXTS, Meaning.SPLIT)])
def test_a_lock_or_a_limit_shows_in_the_text_of_what_wraps_it(
    code: str, texts: Sequence[str], meaning: Meaning
) -> None:
    is_told = code in WRAPPERS or (code == "LIMIT_EXCEEDED" and meaning is Meaning.SPLIT)

    for text in texts:
        assert meaning_of(RecordError(code, f"T: {text} in row 1")) is (meaning if is_told else Meaning.REJECT)


def test_each_code_of_the_record_table_is_tried_here() -> None:
    tried = {code for codes in BY_CODE_ALONE.values() for code in codes.split()}

    assert {code for code, _, _ in RECORD_TABLE} <= tried


def test_every_row_of_the_record_table_can_be_reached() -> None:
    assert len(RECORD_TABLE) > 40
    for code, text, meaning in RECORD_TABLE:
        assert meaning_of(RecordError(code, text)) is meaning


def errors(code: str, message: str = "") -> list[dict[str, Any]]:
    return [{"message": message, "errorCode": code}]


REQUESTS: list[tuple[int, Any, type[SalesforceError]]] = [
    (401, errors("INVALID_SESSION_ID", "Session expired or invalid"), SessionExpiredError),
    (401, errors("INVALID_SESSION_ID", "This session is not valid for use with the REST API"), SessionExpiredError),
    (401, errors("ANY", "Connected app is not attached to Agent"), SessionExpiredError),
    (400, errors("URL_NOT_RESET", "Destination URL not reset."), SessionExpiredError),
    (401, errors("INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE"), SessionExpiredError),
    (401, None, SessionExpiredError),
    (403, errors("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), DailyLimitError),
    (403, errors("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent …) Limit exceeded."), ConcurrentLimitError),
    (403, errors("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."), ConcurrentLimitError),
    (403, errors("API_DISABLED_FOR_ORG"), RequestRefusedError),
    (403, errors("API_CURRENTLY_DISABLED"), RequestRefusedError),
    (403, errors("TXN_SECURITY_METERING_ERROR"), SalesforceUnavailableError),
    (403, errors("TXN_SECURITY_RUNTIME_ERROR"), SalesforceUnavailableError),
    (404, errors("NOT_FOUND"), RequestRefusedError),
    (404, None, SalesforceUnavailableError),
    (400, errors("JSON_PARSER_ERROR"), BadRequestError),
    (400, errors("INVALID_TYPE"), RequestRefusedError),
    (400, errors("NOT_FOUND"), RequestRefusedError),
    (400, errors("INVALID_FIELD", "No such column 'X__c' on sobject of type Contact"), RequestRefusedError),
    (400, errors("INVALID_FIELD", "Provided external ID field does not exist"), RequestRefusedError),
    (400, errors("INSUFFICIENT_ACCESS"), RequestRefusedError),
    (400, errors("INSUFFICIENT_ACCESS_OR_READONLY"), RequestRefusedError),
    (400, errors("API_DISABLED_FOR_ORG"), RequestRefusedError),
    (400, errors("UNSUPPORTED_API_VERSION"), RequestRefusedError),
    *((400, errors("UNKNOWN_EXCEPTION", f"System.X: {text}"), BadRequestError) for text in LIMIT_TEXTS),
    (400, errors("UNKNOWN_EXCEPTION", "An unexpected error occurred."), SalesforceUnavailableError),
    (400, None, SalesforceUnavailableError),
    (413, None, BadRequestError),
    *((500, errors("UNKNOWN_EXCEPTION", f"System.X: {text}"), BadRequestError) for text in LIMIT_TEXTS),
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
    (199, errors("ANY"), RequestRefusedError),
    (402, errors("ANY"), RequestRefusedError),
    (499, errors("ANY"), RequestRefusedError),
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


def test_every_row_of_the_request_table_is_tried_here() -> None:
    def fits(row: RequestRow, status: int, body: Any) -> bool:
        text = " ".join(error["message"] for error in body or [])
        return row[0] == status and row[1] in ("", *(e["errorCode"] for e in body or [])) and row[2] in text

    first = {next((r for r in REQUEST_TABLE if fits(r, status, body)), None) for status, body, _ in REQUESTS}

    assert first >= set(REQUEST_TABLE)


def test_what_salesforce_said_is_in_no_error() -> None:
    error = request_error(400, errors("STRING_TOO_LONG", "Last Name: data value too large: MARKED"))

    assert "MARKED" not in str(error) + repr(error)
    assert error.code == "STRING_TOO_LONG"
