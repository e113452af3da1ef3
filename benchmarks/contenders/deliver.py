"""This project's deliver function, by its handler, with the environment that the template gives it."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.contenders import certificate
from benchmarks.events import Variant

APP = Path(__file__).parents[2] / "functions" / "deliver" / "app.py"


@dataclass(frozen=True, slots=True)
class Context:
    """What Lambda tells a function about its invocation."""

    aws_request_id: str = "1b8d3a3e-5d8e-4d5f-9d41-0d6f9d7c9a11"
    function_name: str = "deliver"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:deliver"

    def get_remaining_time_in_millis(self) -> int:
        """As at the start of an invocation."""
        return 300_000


class Deliver:
    """The handler and nothing else."""

    def __init__(self, app: ModuleType) -> None:
        self.app = app

    def deliver(self, event: dict[str, Any]) -> int:
        """Hand over a batch; what is not named as failed was delivered."""
        answer = self.app.lambda_handler(event, Context())
        return len(event["Records"]) - len(answer["batchItemFailures"])

    def finish(self) -> int:
        """Nothing was kept."""
        return 0


def environment(org_url: str, variant: Variant) -> dict[str, str]:
    """The variables of the deliver function; Secrets Manager is the answering org, which knows the token."""
    return {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": org_url,
        "AWS_SAM_LOCAL": "true",
        "AWS_LAMBDA_FUNCTION_NAME": "deliver",
        "DESTINATION_FILE": str(variant.destination_file),
        "ACCESS_TOKEN_SECRET_ID": "access-token",
        "OUTCOME_KEY_SECRET_ID": "outcome-key",
        "QUEUE_URL": f"{org_url}/queue",
        "DEAD_LETTER_QUEUE_URL": f"{org_url}/dead-letters",
        "REFRESH_QUEUE_URL": f"{org_url}/refresh.fifo",
        "AWS_LAMBDA_LOG_LEVEL": "INFO",
        "POWERTOOLS_METRICS_NAMESPACE": "SalesforceDestination",
        "POWERTOOLS_SERVICE_NAME": "salesforce-destination",
        "TMPDIR": tempfile.mkdtemp(),
    }


def make(org_url: str, variant: Variant) -> Deliver:
    """Start the function cold, as Lambda would."""
    os.environ.update(environment(org_url, variant))
    specification = importlib.util.spec_from_file_location("deliver_app", APP)
    if specification is None or specification.loader is None:
        raise ImportError(str(APP))
    app = importlib.util.module_from_spec(specification)
    sys.modules["deliver_app"] = app
    specification.loader.exec_module(app)
    app.session.verify = certificate(variant) or True
    return Deliver(app)
