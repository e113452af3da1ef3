"""A Lambda function on this machine."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Function:
    """A function as the template describes it, in the folders of this checkout."""

    name: str
    arn: str
    handler: str
    folder: Path
    layers: tuple[Path, ...]
    timeout_seconds: float
    memory_megabytes: int
    environment: Mapping[str, str]
    log: Path

    def with_variables(self, variables: Mapping[str, str]) -> Function:
        """The same with more in its environment."""
        return replace(self, environment={**self.environment, **variables})

    def process_environment(self, number: int) -> dict[str, str]:
        """All that its process sees: nothing of the person's own environment but where programs are."""
        tmp = self.log.parents[1] / "tmp" / f"{self.log.stem}-{number}"
        tmp.mkdir(parents=True, exist_ok=True)
        return {
            "TMPDIR": str(tmp),
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PYTHONUTF8": "1",
            "PYTHONPATH": os.pathsep.join([*map(str, self.layers), str(Path(__file__).parents[2])]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LAMBDA_TASK_ROOT": str(self.folder),
            "_HANDLER": self.handler,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory_megabytes),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{self.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": uuid.uuid4().hex,
            **self.environment,
        }
