"""A mapper that some messages kill, as one that is too large for the function's memory would."""

from __future__ import annotations

from typing import Any

from salesforce_destination.mapping.mapper import Mapped, Mapper
from salesforce_destination.profile.profile import Profile

from destination_testbench.chaos.clock import Killed
from destination_testbench.chaos.spoiled import KILLS


class DeadlyMapper(Mapper):
    """Maps as the real one does, and dies where a profile says so."""

    def map(self, profile: Profile, *times: Any) -> Mapped | None:
        """Map a profile, or die."""
        if KILLS in profile:
            raise Killed
        return super().map(profile, *times)


class NoMarker:
    """Remembers nothing of the message that a process died over."""

    def is_suspect(self, message_id: str) -> bool:
        """Never."""
        return False

    def mark(self, message_id: str) -> None:
        """Mark nothing."""

    def clear(self) -> None:
        """There is nothing."""
