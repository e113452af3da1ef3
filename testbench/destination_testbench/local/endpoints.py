"""`.local/endpoints.json`: where a running local stack is, for everyone who is not in its process."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

FILE_NAME = "endpoints.json"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The addresses of a running stack, by the names that the file has."""

    aws_endpoint_url: str
    region: str
    queue_url: str
    dead_letter_queue_url: str
    salesforce_url: str
    pid: int


def write_endpoints(endpoints: Endpoints, folder: Path) -> Path:
    """Write the file in one step, so that nobody reads half of it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE_NAME
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(asdict(endpoints), indent=2) + "\n", encoding="utf-8")
    draft.replace(path)
    return path


def forget_endpoints(folder: Path) -> None:
    """Remove the file of a stack that was killed, so that whoever waits for this one does not read that one's."""
    (folder / FILE_NAME).unlink(missing_ok=True)


def remove_endpoints(folder: Path) -> None:
    """Remove the file, if this process wrote it: another stack may have taken its place."""
    path = folder / FILE_NAME
    try:
        if json.loads(path.read_text(encoding="utf-8")).get("pid") == os.getpid():
            path.unlink()
    except (FileNotFoundError, ValueError):
        return
