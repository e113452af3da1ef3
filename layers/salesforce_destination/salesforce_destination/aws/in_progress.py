"""A trace of the message that a process died over, in the /tmp of its Lambda environment, which outlives the process.

SQS then delivers the whole batch again, and only the marker tells which one it was ("Lambda execution environment").
"""

import os
from mmap import mmap
from pathlib import Path

LONGEST_ID = 128  # SQS's message ids have 36 characters; room for those of others

MOST_SUSPECTS = 1_000


class InProgressFile:
    """The message in progress, and the suspects of earlier processes; neither, where nothing can be written."""

    def __init__(self, folder: Path) -> None:
        self._suspects_file = folder / "suspects"
        self._suspects: set[str] = set()
        self._marker: mmap | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._marker = _mapped(folder / "in-progress")
            self._suspects = self._taken_up(self._marker)
        except OSError:
            return

    def is_suspect(self, message_id: str) -> bool:
        """Whether an earlier process died over this message."""
        return message_id in self._suspects

    def mark(self, message_id: str) -> None:
        """Say which message is worked on now: a few bytes into the page cache, which outlives the process."""
        if self._marker is not None:
            self._marker[:] = message_id.encode()[:LONGEST_ID].ljust(LONGEST_ID)

    def clear(self) -> None:
        """Say that the work on messages is done."""
        self.mark("")

    def _taken_up(self, marker: mmap) -> set[str]:
        known = self._suspects_file.read_text().split() if self._suspects_file.exists() else []
        if last := marker[:].decode(errors="replace").strip("\0 "):
            known = [*known, last][-MOST_SUSPECTS:]
            self._suspects_file.write_text("\n".join(known))
            self.clear()
        return set(known)


def _mapped(path: Path) -> mmap:
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.ftruncate(file, LONGEST_ID)
        return mmap(file, LONGEST_ID)
    finally:
        os.close(file)
