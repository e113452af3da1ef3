"""
AWS clients, by botocore alone, and secrets read with them; every failure of AWS is one kind of error.

boto3 makes the same clients, and loads its resources and the transfer manager of S3 on the way, which every cold start
would pay for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session, get_session

from salesforce_destination.errors import TokenUnavailableError


def make_aws_client(service: str, config: Config) -> Any:
    """Make a client for the account and region that the environment names."""
    return _session().create_client(service, config=config)


@cache
def _session() -> Session:
    return get_session()


ClientFactory = Callable[[], Any]
"""Gives a client, made before or on first use."""


class AwsUnavailableError(TokenUnavailableError):
    """Secrets Manager, KMS or SQS refused or failed; `reason` is their own code, such as AccessDeniedException."""

    def __init__(self, code: str, error: BotoCoreError | ClientError) -> None:
        super().__init__(code)
        is_answer = isinstance(error, ClientError)
        self.reason = error.response.get("Error", {}).get("Code", "Unknown") if is_answer else type(error).__name__


def make_client(factory: ClientFactory, code: str) -> Any:
    """Make a client; what boto3 lacks for it (a region, credentials) is a failure like any other."""
    try:
        return factory()
    except (BotoCoreError, ClientError) as error:
        raise AwsUnavailableError(code, error) from None


def read_secret(secrets_client: Any, secret_id: str) -> str:
    """The text of a secret; empty where it was never given a value."""
    try:
        return str(secrets_client.get_secret_value(SecretId=secret_id).get("SecretString", ""))
    except (BotoCoreError, ClientError) as error:
        failure = AwsUnavailableError("SECRETS_UNAVAILABLE", error)
        if failure.reason == "ResourceNotFoundException":
            return ""
        raise failure from None
