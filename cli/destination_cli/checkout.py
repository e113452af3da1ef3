"""Where the checkout is that a command is called in: its destination files, and the stack that runs from it."""

from __future__ import annotations

from pathlib import Path


def checkout(start: Path) -> Path:
    """The nearest folder upwards that holds template.yaml; the start itself where the command runs outside of one."""
    return next((folder for folder in (start, *start.parents) if (folder / "template.yaml").is_file()), start)


ROOT = checkout(Path.cwd())

STATE = ROOT / ".local"
"""What a running local stack writes: its endpoints and its logs."""

DESTINATIONS = ROOT / "layers" / "destinations"
