"""The checkout that a command is called in, and the file by which it finds the stack that runs from it."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

FILE_NAME = "stack.json"


def checkout(start: Path) -> Path:
    """The nearest folder upwards that holds template.yaml; the start itself where the command runs outside of one."""
    return next((folder for folder in (start, *start.parents) if (folder / "template.yaml").is_file()), start)


ROOT = checkout(Path.cwd())

STATE = ROOT / ".local"  # what a running local stack writes: its endpoints and its logs
DESTINATIONS = ROOT / "layers" / "destinations"


@dataclass(frozen=True, slots=True)
class StackFile:
    """A running stack: its name, its address, its outputs and parameters, and where its destination file lies."""

    name: str
    aws_endpoint_url: str
    region: str
    outputs: Mapping[str, str]
    parameters: Mapping[str, str]
    destination_path: str
    pid: int


def read_stack_file(folder: Path) -> StackFile | None:
    """The stack that runs with this folder; None where none does."""
    try:
        stack = StackFile(**json.loads((folder / FILE_NAME).read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
        return None
    return stack if _runs(stack.pid) else None


def _runs(pid: int) -> bool:
    try:
        with suppress(PermissionError):
            os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
