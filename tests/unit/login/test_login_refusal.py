from __future__ import annotations

import re

import pytest
from salesforce_destination.errors import CredentialsError
from salesforce_destination.login.refusals import REFUSALS, TABLE, LoginRefusal, LoginUnavailableError, login_error

PERMANENT, TRANSIENT = CredentialsError, LoginUnavailableError

# (error, error_description, class, code, field of the credentials). [F] seen literally in public issues, fixtures and
# help articles; [D] in Salesforce's documentation; [M] remembered wording that was not found.
ANSWERS = [
    ("invalid_grant", "authentication failure", PERMANENT, "LOGIN_REFUSED", "password"),  # [F]
    ("invalid_grant", "authentication failure - Invalid Password", PERMANENT, "LOGIN_REFUSED", "password"),  # [F]
    ("invalid_grant", "expired access/refresh token", PERMANENT, "REFRESH_TOKEN_EXPIRED", "refresh_token"),  # [D] [F]
    ("invalid_grant", "inactive user", PERMANENT, "USER_INACTIVE", ""),  # [F]
    ("inactive_user", "user is inactive", PERMANENT, "USER_INACTIVE", ""),  # [D]
    ("invalid_grant", "inactive organization", PERMANENT, "ORG_INACTIVE", "domain"),  # [M]
    ("inactive_org", None, PERMANENT, "ORG_INACTIVE", "domain"),  # [D]
    ("invalid_grant", "user hasn't approved this consumer", PERMANENT, "APP_NOT_APPROVED", ""),  # [F]
    ("invalid_grant", "user hasn\u2019t approved  this consumer", PERMANENT, "APP_NOT_APPROVED", ""),
    ("invalid_app_access", "user is not admin approved to access this app", PERMANENT, "APP_NOT_APPROVED", ""),  # [F]
    (
        "app_not_found",
        "External client app is not installed in this org",
        PERMANENT,
        "APP_NOT_INSTALLED",
        "client_id",
    ),  # [F]
    (
        "OAUTH_EC_APP_NOT_FOUND",
        "External client app is not installed",
        PERMANENT,
        "APP_NOT_INSTALLED",
        "client_id",
    ),  # [F]
    ("invalid_grant", "Audience validation failed", PERMANENT, "AUDIENCE_INVALID", "domain"),  # [D]
    ("invalid_grant", "audience is invalid", PERMANENT, "AUDIENCE_INVALID", "domain"),  # [M]
    ("invalid_grant", "invalid audience", PERMANENT, "AUDIENCE_INVALID", "domain"),  # [M]
    ("invalid_grant", "invalid assertion", PERMANENT, "ASSERTION_INVALID", "private_key"),  # [F]
    (
        "invalid_grant",
        "token request is already being processed",
        TRANSIENT,
        "LOGIN_IN_PROGRESS",
        "refresh_token",
    ),  # [F]
    ("invalid_grant", "expired authorization code", TRANSIENT, "LOGIN_EXPIRED", ""),  # [F]
    ("invalid_grant", "request not supported on this domain", PERMANENT, "DOMAIN_NOT_MY_DOMAIN", "domain"),  # [F]
    ("invalid_grant", "no client credentials user enabled", PERMANENT, "RUN_AS_USER_MISSING", ""),  # [F]
    ("invalid_grant", "ip restricted", PERMANENT, "IP_RESTRICTED", ""),  # [F]
    ("invalid_grant", "IP restricted or invalid login hours", PERMANENT, "IP_RESTRICTED", ""),  # [F]
    ("invalid_grant", "invalid login hours", TRANSIENT, "OUTSIDE_LOGIN_HOURS", ""),  # [M]
    ("invalid_grant", "login rate exceeded", TRANSIENT, "LOGIN_RATE_EXCEEDED", ""),  # [M]
    ("rate_limit_exceeded", None, TRANSIENT, "LOGIN_RATE_EXCEEDED", ""),  # [D]
    ("OAUTH_APP_BLOCKED", "this app is blocked by admin", PERMANENT, "APP_BLOCKED", ""),  # n8n #21589
    ("OAUTH_APP_ACCESS_DENIED", None, PERMANENT, "APP_NOT_APPROVED", ""),  # salesforce-elf-browser #9
    ("invalid_grant", "activation secret invalid", PERMANENT, "IP_RESTRICTED", ""),  # restforce #826
    ("invalid_client_id", "client identifier invalid", PERMANENT, "CLIENT_ID_UNKNOWN", "client_id"),  # [F]
    ("invalid_client", "invalid client credentials", PERMANENT, "CLIENT_SECRET_WRONG", "client_secret"),  # [F]
    ("unsupported_grant_type", "grant type not supported", PERMANENT, "GRANT_NOT_SUPPORTED", "grant_type"),  # [F]
    ("unauthorized_client", None, PERMANENT, "SCOPE_INVALID", ""),  # [M]
    ("invalid_scope", "the requested scope is not allowed", PERMANENT, "SCOPE_INVALID", ""),  # [D]
    ("invalid_request", "missing required parameter: grant_type", PERMANENT, "LOGIN_REQUEST_INVALID", ""),  # [F]
    ("invalid_request", "must use HTTP POST", PERMANENT, "LOGIN_REQUEST_INVALID", ""),  # [M]
    ("unknown_error", "retry your request", TRANSIENT, "RETRY_REQUESTED", ""),  # [F]
    ("server_error", None, TRANSIENT, "RETRY_REQUESTED", ""),  # RFC 6749
    ("temporarily_unavailable", None, TRANSIENT, "RETRY_REQUESTED", ""),  # RFC 6749
]
KEYS = {"", "grant_type", "domain", "client_id", "client_secret", "password", "private_key", "refresh_token"}


@pytest.mark.parametrize(("error", "description", "kind", "code", "field"), ANSWERS)
def test_an_answer_names_the_field_or_the_setting_at_fault(
    error: str, description: str | None, kind: type[CredentialsError | LoginUnavailableError], code: str, field: str
) -> None:
    answer = {"error": error} | ({} if description is None else {"error_description": description})

    refusal = login_error(400, answer)

    assert type(refusal) is kind
    assert (refusal.code, refusal.field) == (code, field)
    assert refusal.problem
    assert refusal.cure


def test_every_row_of_the_table_is_walked() -> None:
    def first_fit(error: str, description: str | None) -> int:
        text = " ".join((description or "").lower().replace("\u2019", "'").split())
        return next(i for i, row in enumerate(TABLE) if row[0] == error.lower() and text.startswith(row[1]))

    walked = {first_fit(error, description) for error, description, *_ in ANSWERS}

    assert len(TABLE) > 25
    assert walked == set(range(len(TABLE)))


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=lambda refusal: refusal.code)
def test_the_words_for_a_refusal_are_whole_and_fit_the_field(refusal: LoginRefusal) -> None:
    assert re.fullmatch(r"[A-Z]+(_[A-Z]+)*", refusal.code)
    assert refusal.field in KEYS
    assert refusal.problem.endswith(".")
    assert refusal.cure.endswith(".")
    # "client_id: is not known" reads on from its field; without a field it is a sentence of its own.
    assert refusal.problem[0].isupper() is (refusal.field == "")


@pytest.mark.parametrize("description", ["the password of a@example.com", None, ["x"], {"x": "y"}, 7])
def test_an_unknown_refusal_is_named_by_its_error_word_alone(description: object) -> None:
    refusal = login_error(400, {"error": "brand_new_error", "error_description": description})

    assert isinstance(refusal, CredentialsError)
    assert refusal.code == "LOGIN_REFUSED_UNKNOWN"
    assert "(brand_new_error)" in refusal.problem
    assert "a@example.com" not in str(refusal)


def test_a_new_wording_of_a_known_error_is_unknown_too() -> None:
    refusal = login_error(400, {"error": "invalid_grant", "error_description": "something new"})

    assert refusal.code == "LOGIN_REFUSED_UNKNOWN"


@pytest.mark.parametrize("error", ["the client secret s3cr3t is wrong", "s3cr3t", "a" * 41, "", "with-hyphen", "_x_y"])
def test_an_error_that_is_no_plain_word_is_not_repeated(error: str) -> None:
    refusal = login_error(400, {"error": error})

    assert isinstance(refusal, CredentialsError)
    assert refusal.problem == "Salesforce refused the log-in for an unknown reason."


@pytest.mark.parametrize(
    ("status", "answer", "code"),
    [
        (302, None, "LOGIN_REDIRECTED"),
        (301, {"error": "invalid_grant"}, "LOGIN_REDIRECTED"),
        (200, None, "LOGIN_ANSWER_UNREADABLE"),
        (404, None, "LOGIN_ANSWER_UNREADABLE"),
        (400, {}, "LOGIN_ANSWER_UNREADABLE"),
        (400, {"error": 7}, "LOGIN_ANSWER_UNREADABLE"),
        (429, {}, "LOGIN_ANSWER_UNREADABLE"),
        (500, {"error": "invalid_client"}, "LOGIN_ANSWER_UNREADABLE"),
        (503, None, "LOGIN_ANSWER_UNREADABLE"),
    ],
)
def test_what_is_no_answer_of_the_token_endpoint_may_pass(
    status: int, answer: dict[str, object] | None, code: str
) -> None:
    refusal = login_error(status, answer)

    assert isinstance(refusal, LoginUnavailableError)
    assert (refusal.status, refusal.code) == (status, code)
