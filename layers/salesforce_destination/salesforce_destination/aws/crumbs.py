"""
A trace of the message that a process died over, in the /tmp of its Lambda environment.

/tmp survives when a function runs out of memory or of time and its process is started anew ("Lambda execution
environment"). SQS then delivers the whole batch again, a thousand innocents with it, and only the crumb knows which of
them it was.
"""

from __future__ import annotations

import os
from pathlib import Path

LONGEST_ID = 128
"""SQS's message ids have 36 characters; room for those of others."""

MOST_SUSPECTS = 1_000


class CrumbFile:
    """
    One crumb, and the suspects of earlier ones.

    Without a place to write (a read-only disk) there are no crumbs, and everything else works.
    """

    def __init__(self, folder: Path) -> None:
        self._suspects_file = folder / "suspects"
        self._suspects: set[str] = set()
        self._file = -1
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(folder / "crumb", os.O_RDWR | os.O_CREAT, 0o600)
            self._suspects = self._taken_up()
        except OSError:
            return

    def is_suspect(self, message_id: str) -> bool:
        """Whether an earlier process died over this message."""
        return message_id in self._suspects

    def leave(self, message_id: str) -> None:
        """Say which message is worked on now: one write of a few bytes into the page cache."""
        if self._file >= 0:
            os.pwrite(self._file, message_id.encode()[:LONGEST_ID].ljust(LONGEST_ID), 0)

    def sweep(self) -> None:
        """Say that the work on messages is done."""
        self.leave("")

    def _taken_up(self) -> set[str]:
        known = self._suspects_file.read_text().split() if self._suspects_file.exists() else []
        crumb = os.pread(self._file, LONGEST_ID, 0).decode(errors="replace").strip()
        if crumb:
            known = [*known, crumb][-MOST_SUSPECTS:]
            self._suspects_file.write_text("\n".join(known))
            self.sweep()
        return set(known)
