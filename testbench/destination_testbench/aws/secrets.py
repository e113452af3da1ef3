# ruff: noqa: N803  # the parameters have the names of boto3's
"""Secrets Manager, as far as the two functions use it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from destination_testbench.aws.sqs_errors import refused


class SimulatedSecrets:
    """A client for secrets by their ids; `on_call` is told the operation and the secret, and raises where it fails."""

    def __init__(
        self, values: dict[str, str], on_call: Callable[[str, str], None] = lambda operation, secret: None
    ) -> None:
        self.values, self._on_call = values, on_call
        self.writes = 0

    def get_secret_value(self, *, SecretId: str) -> dict[str, Any]:
        """The current value."""
        self._on_call("GetSecretValue", SecretId)
        if SecretId not in self.values:
            raise refused("GetSecretValue", "ResourceNotFoundException", "Secrets Manager can't find the secret.")
        return {"SecretString": self.values[SecretId]}

    def put_secret_value(self, *, SecretId: str, SecretString: str) -> dict[str, Any]:
        """A new value."""
        self._on_call("PutSecretValue", SecretId)
        self.values[SecretId] = SecretString
        self.writes += 1
        return {}
