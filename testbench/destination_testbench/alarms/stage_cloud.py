"""What the template's references are on the stage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from destination_testbench.alarms.stack_alarms import resolver
from destination_testbench.local.places import ACCOUNT_ID
from destination_testbench.template.template import Template

QUEUE, DEAD_LETTERS, REFRESH = "Queue", "DeadLetterQueue", "RefreshQueue"
CREDENTIALS_SECRET = "CredentialsSecret"
SECRETS: Mapping[str, str] = {"AccessTokenSecret": "{}", CREDENTIALS_SECRET: "{}", "OutcomeKeySecret": "k" * 43}
"""The secrets by their logical ids, which are their ids here."""


class StageCloud:
    """A template whose queues have URLs at the stage's AWS; everything else is known by its logical id."""

    def __init__(self, template: Template, parameters: Mapping[str, Any], aws_url: str) -> None:
        self._template, self._aws_url = template, aws_url
        self._resolver = resolver(template, parameters, self._reference)

    def resolve(self, value: Any) -> Any:
        """A value of the template with every reference in it worked out."""
        return self._resolver.resolve(value)

    def properties(self, resource_type: str) -> dict[str, Any]:
        """The properties of the resources of a type, by logical id."""
        return dict(self._template.of_type(resource_type))

    def queue_url(self, logical_id: str) -> str:
        """Where a queue is."""
        return f"{self._aws_url}/{ACCOUNT_ID}/{logical_id}"

    def _reference(self, logical_id: str) -> str:
        return self.queue_url(logical_id) if logical_id in (QUEUE, DEAD_LETTERS, REFRESH) else logical_id
