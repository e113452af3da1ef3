"""Trying credentials as the refresh-token function does, and storing them once they are known to work."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass

import requests
from salesforce_destination.errors import CredentialsError
from salesforce_destination.login.credentials import Credentials, GrantType, with_refresh_token
from salesforce_destination.login.refresh_request import MESSAGE_GROUP, RefreshReason, RefreshRequest
from salesforce_destination.login.refusals import LoginUnavailableError
from salesforce_destination.login.token import AccessToken
from salesforce_destination.salesforce.oauth import log_in, login_session

from destination_cli.target import Target

WAIT_SECONDS = 75.0
"""A log-in that failed just before holds the refresh queue for a minute."""

POLL_SECONDS = 0.5


class RefreshTokenSpentError(Exception):
    """
    Salesforce has replaced the refresh token by this try, and the new one is not stored; the old one is dead.

    `reason` says why it is not stored.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Tried:
    """Credentials that work: the secret to store, and the token and the org that they led to."""

    secret: str
    token: AccessToken
    org_id: str


def attempt(secret: str, target: Target) -> Tried:
    """Log in once; raise CredentialsError or LoginUnavailableError where that does not work, with what to do."""
    credentials = Credentials.from_secret(secret, allow_local=target.is_local)
    if credentials.grant_type is GrantType.REFRESH_TOKEN and target.parameters.get("CredentialsRotate") != "true":
        raise _rotation_forbidden(target)
    with login_session() as session:
        return _tried(session, secret, credentials)


def store(tried: Tried, target: Target) -> None:
    """Put the credentials into their secret."""
    # Not through TokenStore: that one keeps what it could not write for later, and here a person is told at once.
    target.client("secretsmanager").put_secret_value(SecretId=target.credentials_secret_id, SecretString=tried.secret)


def ask_for_token(target: Target) -> None:
    """Have the refresh-token function log in now, with the credentials that are stored."""
    target.client("sqs").send_message(
        QueueUrl=target.refresh_queue_url,
        MessageBody=RefreshRequest(RefreshReason.SCHEDULE).body,
        MessageGroupId=MESSAGE_GROUP,
        # The schedule's own message may have come within five minutes; this one is not to be taken for it.
        MessageDeduplicationId=f"connect-{uuid.uuid4()}",
    )


def stored_token(target: Target) -> AccessToken | None:
    """The token that the stack has now."""
    secret = target.client("secretsmanager").get_secret_value(SecretId=target.access_token_secret_id)
    return AccessToken.from_secret(secret.get("SecretString", ""))


def wait_for_token(target: Target, before: AccessToken | None, tried: Tried, seconds: float = WAIT_SECONDS) -> bool:
    """Whether the stack has a token by the new credentials: another one than before, or the one of our own try."""
    give_up_at = time.monotonic() + seconds
    while time.monotonic() < give_up_at:
        token = stored_token(target)
        if token and (token != before or token.value == tried.token.value):
            return True
        time.sleep(POLL_SECONDS)
    return False


def _tried(session: requests.Session, secret: str, credentials: Credentials) -> Tried:
    login = log_in(session, credentials, time.time())
    rotated = login.rotated_refresh_token(credentials)
    try:
        token = login.access_token(credentials)
    except (CredentialsError, LoginUnavailableError) as error:
        if rotated is None:
            raise
        raise RefreshTokenSpentError(error.problem) from None
    return Tried(with_refresh_token(secret, rotated) if rotated else secret, token, login.org_id or "")


def _rotation_forbidden(target: Target) -> CredentialsError:
    local, deployed = "Start `make local` with CREDENTIALS_ROTATE=true", "Deploy with CredentialsRotate=true"
    deploy = local if target.is_local else deployed
    return CredentialsError(
        "grant_type",
        "is refresh_token, but this stack may not store the next refresh token if the app rotates them.",
        f"{deploy} first, then connect.",
        "ROTATION_FORBIDDEN",
    )
