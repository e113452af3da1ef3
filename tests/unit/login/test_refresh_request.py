from __future__ import annotations

import json

import pytest
from salesforce_destination.login.token import AccessToken, RefreshReason, RefreshRequest

OLD = AccessToken("old", "https://acme.my.salesforce.com")
NEW = AccessToken("new", "https://acme.my.salesforce.com")


def test_a_refusal_is_sent_with_the_fingerprint_of_the_refused_token() -> None:
    request = RefreshRequest.after_refusal(OLD)

    assert json.loads(request.body) == {"reason": "refused", "refused": OLD.fingerprint}
    assert request.deduplication_id == OLD.fingerprint


def test_no_token_yet_is_sent_as_a_refusal_of_none() -> None:
    request = RefreshRequest.after_refusal(None)

    assert json.loads(request.body) == {"reason": "refused", "refused": None}
    assert request.deduplication_id == "none"


@pytest.mark.parametrize("request_", [RefreshRequest.after_refusal(OLD), RefreshRequest(RefreshReason.SCHEDULE)])
def test_a_message_is_read_as_it_was_sent(request_: RefreshRequest) -> None:
    assert RefreshRequest.from_body(request_.body) == request_


@pytest.mark.parametrize(
    "body",
    [
        "",
        "x",
        "[]",
        "{}",
        '{"reason": "other"}',
        '{"reason": ["refused"]}',
        '{"reason": "refused", "refused": "A token"}',
    ],
)
def test_what_is_not_ours_is_no_request(body: str) -> None:
    assert RefreshRequest.from_body(body) is None


@pytest.mark.parametrize(
    ("request_", "stored", "is_met"),
    [
        (RefreshRequest.after_refusal(OLD), OLD, False),
        (RefreshRequest.after_refusal(OLD), NEW, True),
        (RefreshRequest.after_refusal(OLD), None, False),
        (RefreshRequest.after_refusal(None), None, False),
        (RefreshRequest.after_refusal(None), NEW, True),
        (RefreshRequest(RefreshReason.SCHEDULE), NEW, False),
        (RefreshRequest(RefreshReason.SCHEDULE), None, False),
    ],
)
def test_a_refusal_is_met_by_any_other_token_and_the_schedule_by_none(
    request_: RefreshRequest, stored: AccessToken | None, is_met: bool
) -> None:
    assert request_.is_met_by(stored) is is_met
