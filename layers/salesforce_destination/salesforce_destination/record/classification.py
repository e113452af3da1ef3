"""
What an error of Salesforce's means for what was sent: one table for records, one for whole requests.

Rows are tried from the top; the first whose code and text fit decides. Texts are looked at only where the code alone
does not tell, as with a trigger's error that wraps a row lock.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from salesforce_destination.errors import (
    ORG_MOVED,
    BadRequestError,
    ConcurrentLimitError,
    DailyLimitError,
    OutcomeUnknownError,
    RequestRefusedError,
    SalesforceError,
    SalesforceUnavailableError,
    SessionExpiredError,
)

Json = Any


@dataclass(frozen=True, slots=True)
class RecordError:
    """One of the errors of a refused record. The text echoes field values: it never goes into a log."""

    code: str
    text: str = field(default="", repr=False)
    fields: tuple[str, ...] = ()


class Meaning(StrEnum):
    """What an error means for the record that was refused."""

    REJECT = "reject"
    """It will be refused again as it is: a person has to look at it."""

    RETRY = "retry"
    """It may pass later."""

    MISMATCH = "mismatch"
    """The destination file and the org do not fit: it waits for a person, and no record is to blame."""

    CONVERTED = "converted"
    """It is a lead that was converted: rejected, or written to the contact it became."""

    GONE = "gone"
    """It is not there any more: rejected, or written to the record it was merged into."""

    STALE = "stale"
    """A guard in the org holds a newer time: what it guards is left out, and nothing is wrong."""

    SPLIT = "split"
    """A limit of the org's own code, which counts by request: it may pass among fewer records."""

    UNKNOWN = "unknown"
    """A code nobody has described: tried a few times, then rejected."""


UNKNOWN_CODE_TRIES = 3
"""How often a record with an unknown code is deferred before it is rejected."""

RecordRow = tuple[str, str, Meaning]

LOCK_TEXTS = ("UNABLE_TO_LOCK_ROW", "timeout occurred while waiting to lock", "unable to obtain exclusive access")
"""How a row lock shows in the text of a trigger or a flow that met it."""

LIMIT_TEXTS = (
    "CPU time limit",
    "Too many SOQL queries",
    "Too many DML",
    "Too many query rows",
    "heap size",
    "Too many batch retries",
    "LimitException",
)
"""How a governor limit shows ("Execution Governors and Limits"): it counts for all records of a transaction."""

STALE_MARKER = "[CDP-STALE:"
"""Begins the marker in the error text of our own validation rules; the guard field's name and `]` follow."""

NOT_OF_THIS_KIND = ("Account: bad field names on insert/update call",)
"""A business that is given a person's fields, or a person a business's name: other accounts take them."""

WRAPPERS = ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CANNOT_EXECUTE_FLOW_TRIGGER", "UNKNOWN_EXCEPTION")
"""Codes of triggers, flows and accidents, whose text alone says what happened inside."""

RECORD_TABLE: Sequence[RecordRow] = (
    ("UNABLE_TO_LOCK_ROW", "", Meaning.RETRY),
    *((code, text, Meaning.RETRY) for code in WRAPPERS for text in LOCK_TEXTS),
    *((code, text, Meaning.SPLIT) for code in (*WRAPPERS, "LIMIT_EXCEEDED") for text in LIMIT_TEXTS),
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "", Meaning.REJECT),
    ("CANNOT_EXECUTE_FLOW_TRIGGER", "", Meaning.REJECT),
    ("FIELD_CUSTOM_VALIDATION_EXCEPTION", STALE_MARKER, Meaning.STALE),
    ("SERVER_UNAVAILABLE", "", Meaning.RETRY),
    ("UNKNOWN_EXCEPTION", "", Meaning.RETRY),
    ("TOO_MANY_APEX_REQUESTS", "", Meaning.RETRY),
    ("QUERY_TIMEOUT", "", Meaning.RETRY),
    ("REQUEST_RUNNING_TOO_LONG", "", Meaning.RETRY),
    ("INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", "", Meaning.RETRY),
    ("ALL_OR_NONE_OPERATION_ROLLED_BACK", "", Meaning.RETRY),
    ("PROCESSING_HALTED", "", Meaning.RETRY),
    ("INVALID_FIELD", "No such column", Meaning.MISMATCH),
    ("INVALID_FIELD", "", Meaning.REJECT),
    *(("INVALID_FIELD_FOR_INSERT_UPDATE", text, Meaning.REJECT) for text in NOT_OF_THIS_KIND),
    ("INVALID_FIELD_FOR_INSERT_UPDATE", "", Meaning.MISMATCH),
    ("INVALID_TYPE", "", Meaning.MISMATCH),
    ("CANNOT_UPDATE_CONVERTED_LEAD", "", Meaning.CONVERTED),
    ("ENTITY_IS_DELETED", "", Meaning.GONE),
    ("NOT_FOUND", "", Meaning.GONE),
    *(
        (code, "", Meaning.REJECT)
        for code in (
            "DUPLICATES_DETECTED",
            "DUPLICATE_EXTERNAL_ID",
            "DUPLICATE_VALUE",
            "ENTITY_IS_LOCKED",
            "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "FIELD_INTEGRITY_EXCEPTION",
            "INACTIVE_OWNER_OR_USER",
            "INSUFFICIENT_ACCESS",
            "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
            "INSUFFICIENT_ACCESS_OR_READONLY",
            "INVALID_CROSS_REFERENCE_KEY",
            "INVALID_EMAIL_ADDRESS",
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "INVALID_TYPE_ON_FIELD_IN_RECORD",
            "JSON_PARSER_ERROR",
            "LIMIT_EXCEEDED",
            "MALFORMED_ID",
            "MISSING_ARGUMENT",
            "NUMBER_OUTSIDE_VALID_RANGE",
            "REQUIRED_FIELD_MISSING",
            "STORAGE_LIMIT_EXCEEDED",
            "STRING_TOO_LONG",
            "TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET",
            "TOO_MANY_ENUM_VALUE",
        )
    ),
)


SET_UP_CODES = frozenset(
    {
        "CANNOT_EXECUTE_FLOW_TRIGGER",
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "INSUFFICIENT_ACCESS",
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        "INSUFFICIENT_ACCESS_OR_READONLY",
        "LIMIT_EXCEEDED",
        "STORAGE_LIMIT_EXCEEDED",
    }
)
"""What the org's own set-up may refuse to all records alike: validation, triggers, flows, rights, sharing, limits."""


def may_be_common(code: str, text: str) -> bool:
    """Whether a record with this refusal may be one of many that the org's set-up refuses; unknown codes may be."""
    if code == "LIMIT_EXCEEDED" and meaning_of(RecordError(code, text)) is Meaning.SPLIT:
        return False  # it was refused alone, after the others had passed without it
    return code in SET_UP_CODES or not any(code == known for known, _, _ in RECORD_TABLE)


def meaning_of(error: RecordError) -> Meaning:
    """Look one record error up."""
    for code, text, meaning in RECORD_TABLE:
        if error.code == code and text in error.text:
            return meaning
    return Meaning.UNKNOWN


RequestRow = tuple[int | None, str, str, type[SalesforceError]]

REQUEST_TABLE: Sequence[RequestRow] = (
    (401, "", "", SessionExpiredError),
    (400, "URL_NOT_RESET", "", SessionExpiredError),
    (403, "REQUEST_LIMIT_EXCEEDED", "Concurrent", ConcurrentLimitError),
    (403, "REQUEST_LIMIT_EXCEEDED", "", DailyLimitError),
    (403, "TXN_SECURITY_METERING_ERROR", "", SalesforceUnavailableError),
    (403, "TXN_SECURITY_RUNTIME_ERROR", "", SalesforceUnavailableError),
    (400, "UNABLE_TO_LOCK_ROW", "", SalesforceUnavailableError),
    (400, "QUERY_TIMEOUT", "", SalesforceUnavailableError),
    (400, "PROCESSING_HALTED", "", SalesforceUnavailableError),
    (400, "INVALID_TYPE", "", RequestRefusedError),
    (400, "NOT_FOUND", "", RequestRefusedError),
    (400, "INVALID_FIELD", "No such column", RequestRefusedError),
    (400, "INVALID_FIELD", "external ID field", RequestRefusedError),
    (400, "INSUFFICIENT_ACCESS", "", RequestRefusedError),
    (400, "INSUFFICIENT_ACCESS_OR_READONLY", "", RequestRefusedError),
    (400, "API_DISABLED_FOR_ORG", "", RequestRefusedError),
    (400, "UNSUPPORTED_API_VERSION", "", RequestRefusedError),
    *((400, "UNKNOWN_EXCEPTION", text, BadRequestError) for text in LIMIT_TEXTS),
    (400, "UNKNOWN_EXCEPTION", "", SalesforceUnavailableError),
    (400, "", "", BadRequestError),
    (413, "", "", BadRequestError),
    *((500, "UNKNOWN_EXCEPTION", text, BadRequestError) for text in LIMIT_TEXTS),
    (420, "", "", SalesforceUnavailableError),
    (429, "", "", SalesforceUnavailableError),
)


_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,79}")


def readable_code(code: Json) -> str:
    """A code as it may stand in logs and metrics; what does not look like one could be anything, people's data too."""
    return code if isinstance(code, str) and _CODE.fullmatch(code) else "UNREADABLE_CODE"


NEEDS_NO_ANSWER = frozenset({401, 413, 420, 429})
"""What an edge server answers with a page of its own, and means by its status alone."""


def request_error(status: int, body: Json) -> SalesforceError:
    """
    Name the error of a whole request, or of a subrequest, by what to do about it.

    `body` is the parsed answer, or None where it was not JSON: a page instead of an answer. A page with a status of
    success says nothing about what was written.
    """
    errors = [error for error in body if isinstance(error, Mapping)] if isinstance(body, list) else []
    codes = [readable_code(error["errorCode"]) for error in errors if error.get("errorCode")]
    text = " ".join(str(error.get("message", "")) for error in errors)
    for known_status, code, fragment, error in REQUEST_TABLE:
        is_answer = bool(codes) or status in NEEDS_NO_ANSWER
        if is_answer and status == known_status and (not code or code in codes) and fragment in text:
            return error(status, codes, text)
    if 200 <= status < 300:
        return OutcomeUnknownError(status, codes)
    if status in (301, 302, 303, 307, 308) and not codes:
        return SessionExpiredError(status, [ORG_MOVED])
    if status >= 500 or 300 <= status < 400 or not codes:
        return SalesforceUnavailableError(status, codes, text)
    return RequestRefusedError(status, codes, text)
