"""AWS clients, by botocore alone: boto3 loads more at each cold start. Every failure of AWS is one kind of error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session

from salesforce_destination.errors import TokenUnavailableError

_session = cache(get_session)


@cache
def make_aws_client(service: str, config: Config) -> Any:
    """Give the client for the account and region that the environment names, made on first use."""
    return _session().create_client(service, config=config)


ClientFactory = Callable[[], Any]  # gives a client, made before or on first use


class AwsUnavailableError(TokenUnavailableError):
    """Secrets Manager, KMS or SQS refused or failed; `reason` is their own code, such as AccessDeniedException."""

    def __init__(self, code: str, error: BotoCoreError | ClientError) -> None:
        super().__init__(code)
        is_answer = isinstance(error, ClientError)
        self.reason = error.response.get("Error", {}).get("Code", "Unknown") if is_answer else type(error).__name__


@contextmanager
def failing_as(code: str) -> Iterator[None]:
    """Make an AwsUnavailableError of every failure; also of a client that lacks something (a region, credentials)."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise AwsUnavailableError(code, error) from None


def read_secret(secrets: ClientFactory, secret_id: str) -> str:
    """The text of a secret; empty where it was never given a value."""
    try:
        with failing_as("SECRETS_UNAVAILABLE"):
            return str(secrets().get_secret_value(SecretId=secret_id).get("SecretString", ""))
    except AwsUnavailableError as failure:
        if failure.reason == "ResourceNotFoundException":
            return ""
        raise


@failing_as("SECRETS_UNAVAILABLE")
def write_secret(secrets: ClientFactory, secret_id: str, text: str) -> None:
    """Give a secret another text."""
    secrets().put_secret_value(SecretId=secret_id, SecretString=text)
