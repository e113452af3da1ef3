from __future__ import annotations

import json

import pytest
from salesforce_destination.login.token import AccessToken, is_sendable, parse_object

TOKEN = AccessToken("00D!secret.part", "https://acme.my.salesforce.com", "1736530186928")


def test_a_token_survives_the_way_through_the_secret() -> None:
    assert AccessToken.from_secret(TOKEN.to_secret()) == TOKEN


def test_the_secret_has_the_three_promised_keys() -> None:
    assert json.loads(TOKEN.to_secret()) == {
        "access_token": "00D!secret.part",
        "instance_url": "https://acme.my.salesforce.com",
        "issued_at": "1736530186928",
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "null",
        "[]",
        "not json",
        "[" * 100_000,
        '{"access_token": "a"}',
        '{"access_token": "", "instance_url": "https://acme.my.salesforce.com"}',
        '{"access_token": 7, "instance_url": "https://acme.my.salesforce.com"}',
        '{"access_token": "a\\r\\nX-Evil: 1", "instance_url": "https://acme.my.salesforce.com"}',
    ],
)
def test_a_secret_without_a_usable_token_is_no_token_yet(text: str) -> None:
    assert AccessToken.from_secret(text) is None


def test_a_fingerprint_names_a_token_without_giving_it_away() -> None:
    assert len(TOKEN.fingerprint) == 16
    assert TOKEN.fingerprint == AccessToken("00D!secret.part", "https://other.my.salesforce.com").fingerprint
    assert TOKEN.fingerprint != AccessToken("00D!secret.parT", TOKEN.instance_url).fingerprint


def test_a_repr_does_not_show_the_token() -> None:
    assert "secret.part" not in repr(TOKEN)


def test_a_text_that_is_no_json_object_leaves_no_exception_with_it() -> None:
    assert parse_object('{"password": "x"') is None
    assert parse_object(b"\xff\xfe") is None


@pytest.mark.parametrize("text", ["", "two words", "line\nbreak", "café", None, 7])
def test_what_a_header_cannot_hold_is_not_sendable(text: object) -> None:
    assert not is_sendable(text)
