"""
AWS clients, by botocore alone.

boto3 makes the same clients, and loads its resources and the transfer manager of S3 on the way, which every cold start
would pay for.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore.config import Config
from botocore.session import Session, get_session


def make_aws_client(service: str, config: Config) -> Any:
    """Make a client for the account and region that the environment names."""
    return _session().create_client(service, config=config)


@cache
def _session() -> Session:
    return get_session()
