from __future__ import annotations

import pytest
from logins import ORG_ID, TOKEN, a_secret, an_answer
from salesforce_destination.errors import CredentialsError
from salesforce_destination.login.credentials import Credentials
from salesforce_destination.login.refresh import Login
from salesforce_destination.login.refusals import LoginUnavailableError
from salesforce_destination.login.token import AccessToken


def credentials(grant_type: str = "client_credentials", **changes: str) -> Credentials:
    return Credentials.from_secret(a_secret(grant_type, **changes), allow_local=True)


def test_an_answer_becomes_a_token_for_the_orgs_server() -> None:
    token = Login(an_answer()).access_token(credentials())

    assert token == AccessToken(TOKEN, "https://acme.my.salesforce.com", "1736530186928")


def test_the_oldest_known_answer_becomes_a_token_too() -> None:
    # A reply of an org without My Domain, as long-lived clients keep it: no scope, no token type, the instance's host.
    old = {
        "id": "https://login.salesforce.com/id/00Dx0000000BV7z/005x00000012Q9P",
        "issued_at": "1278448832702",
        "instance_url": "https://na1.salesforce.com",
        "access_token": TOKEN,
    }

    assert Login(old).access_token(credentials(org_id=ORG_ID)).instance_url == "https://na1.salesforce.com"


@pytest.mark.parametrize("org_id", [ORG_ID, ORG_ID + "EAC"])
@pytest.mark.parametrize("answered", [ORG_ID, ORG_ID + "EAC"])
def test_an_org_id_is_the_same_with_15_and_with_18_characters(org_id: str, answered: str) -> None:
    login = Login(an_answer(id=f"https://login.salesforce.com/id/{answered}/005x00000012Q9PAAU"))

    assert login.access_token(credentials(org_id=org_id)).value == TOKEN


@pytest.mark.parametrize(
    "identity",
    [
        "https://login.salesforce.com/id/00Dx0000000BV7Z/005x00000012Q9P",
        "https://login.salesforce.com/id/00D000000000001EAA/005x00000012Q9PAAU",
        "https://[",
        "",
        None,
        7,
    ],
)
def test_a_token_of_another_org_is_not_used(identity: object) -> None:
    with pytest.raises(CredentialsError) as caught:
        Login(an_answer(id=identity)).access_token(credentials(org_id=ORG_ID))

    assert (caught.value.field, caught.value.code) == ("org_id", "ORG_ID_DIFFERS")


def test_a_token_for_a_server_of_somebody_else_is_not_used() -> None:
    with pytest.raises(CredentialsError) as caught:
        Login(an_answer(instance_url="https://acme.my.salesforce.com.evil.example")).access_token(credentials())

    assert caught.value.code == "INSTANCE_URL_FOREIGN"


def test_an_org_on_the_internet_cannot_send_its_token_to_this_machine() -> None:
    with pytest.raises(CredentialsError):
        Login(an_answer(instance_url="http://127.0.0.1:9000")).access_token(credentials())


def test_an_org_on_this_machine_can() -> None:
    local = credentials(domain="http://127.0.0.1:9000")

    assert Login(an_answer(instance_url="http://127.0.0.1:9000")).access_token(local).value == TOKEN


@pytest.mark.parametrize(
    "changes",
    [
        {"access_token": None},
        {"access_token": ""},
        {"access_token": 7},
        {"access_token": "a\r\nX-Evil: 1"},
        {"instance_url": None},
        {"instance_url": ["https://acme.my.salesforce.com"]},
    ],
)
def test_an_answer_without_a_usable_token_may_be_right_later(changes: dict[str, object]) -> None:
    with pytest.raises(LoginUnavailableError) as caught:
        Login(an_answer(**changes)).access_token(credentials())

    assert caught.value.code == "LOGIN_ANSWER_UNREADABLE"


@pytest.mark.parametrize(("issued_at", "kept"), [("1", "1"), (1, "1"), (None, ""), ({}, "")])
def test_the_time_of_issue_is_kept_as_text(issued_at: object, kept: str) -> None:
    assert Login(an_answer(issued_at=issued_at)).access_token(credentials()).issued_at == kept


def test_a_rotated_refresh_token_is_found_whatever_else_is_wrong() -> None:
    login = Login({"refresh_token": "5Aep861-second"})

    assert login.rotated_refresh_token(credentials("refresh_token")) == "5Aep861-second"


@pytest.mark.parametrize("refresh_token", [None, "", "5Aep861-first", 7, "two words"])
def test_without_rotation_there_is_no_new_refresh_token(refresh_token: object) -> None:
    login = Login(an_answer(refresh_token=refresh_token))

    assert login.rotated_refresh_token(credentials("refresh_token")) is None


def test_the_other_grants_have_no_refresh_token_to_replace() -> None:
    assert Login(an_answer(refresh_token="x")).rotated_refresh_token(credentials()) is None


def test_a_repr_does_not_show_the_answer() -> None:
    assert TOKEN not in repr(Login(an_answer()))
