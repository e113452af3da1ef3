"""`.local/endpoints.json`: where a running local stack is, for everyone who is not in its process."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from destination_cli.checkout import FILE_NAME as STACK_FILE_NAME
from destination_cli.checkout import StackFile

FILE_NAME = "endpoints.json"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The addresses of a running stack, by the names that the file has; the HTTP endpoint's only where it is on."""

    aws_endpoint_url: str
    region: str
    queue_url: str
    dead_letter_queue_url: str
    salesforce_url: str
    pid: int
    http_endpoint_url: str | None = None
    http_api_key: str | None = None


def write_endpoints(endpoints: Endpoints, folder: Path) -> Path:
    """Write the file in one step, so that nobody reads half of it."""
    return _write(endpoints, folder / FILE_NAME)


def write_stack_file(stack: StackFile, folder: Path) -> None:
    """Write the file by which the `destination` command finds this stack."""
    _write(stack, folder / STACK_FILE_NAME)


def forget_endpoints(folder: Path) -> None:
    """Remove the file of a stack that was killed, so that whoever waits for this one does not read that one's."""
    (folder / FILE_NAME).unlink(missing_ok=True)


def remove_own_files(folder: Path) -> None:
    """Remove both files, if this process wrote them: another stack may have taken its place."""
    for path in (folder / FILE_NAME, folder / STACK_FILE_NAME):
        with suppress(FileNotFoundError, ValueError):
            if json.loads(path.read_text(encoding="utf-8")).get("pid") == os.getpid():
                path.unlink()


def _write(content: Endpoints | StackFile, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    known = {name: value for name, value in asdict(content).items() if value is not None}
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
    return draft.replace(path)
