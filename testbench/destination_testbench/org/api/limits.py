"""The org's API calls of the last 24 hours, and what is left of them."""

from __future__ import annotations

from collections import deque

from destination_testbench.org.facts import OrgConfig
from destination_testbench.org.faults.failure import RequestFailure

DAY = 86_400.0
# Calls are counted by the minute: the window is a day give or take one.
GRAIN = 60.0


class Usage:
    """A rolling count of calls. A composite request is one call, whatever it holds."""

    def __init__(self, config: OrgConfig) -> None:
        self._config = config
        self._minutes: deque[list[float]] = deque()
        self._used = 0

    def used(self, now: float) -> int:
        """Calls of the last 24 hours."""
        while self._minutes and self._minutes[0][0] <= now - DAY:
            self._used -= int(self._minutes.popleft()[1])
        return self._used

    def spend(self, now: float, calls: int = 1) -> None:
        """Count calls."""
        minute = now - now % GRAIN
        if self._minutes and self._minutes[-1][0] == minute:
            self._minutes[-1][1] += calls
        else:
            self._minutes.append([minute, calls])
        self._used += calls

    def check(self, now: float) -> None:
        """Refuse a call when the day's are spent; a paying org may overrun them by a certain share first."""
        if self.used(now) >= self._config.daily_limit * (1 + self._config.daily_overrun):
            raise RequestFailure(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")

    def header(self, now: float) -> str:
        """The value of Sforce-Limit-Info."""
        return f"api-usage={self.used(now)}/{self._config.daily_limit}"

    def report(self, now: float) -> dict[str, dict[str, int]]:
        """What /limits answers; the other limits stand still."""
        left = max(0, self._config.daily_limit - self.used(now))
        return {
            "DailyApiRequests": {"Max": self._config.daily_limit, "Remaining": left},
            "DailyAsyncApexExecutions": {"Max": 250_000, "Remaining": 250_000},
            "DailyBulkApiBatches": {"Max": 15_000, "Remaining": 15_000},
            "DataStorageMB": {"Max": 1024, "Remaining": 1024},
            "FileStorageMB": {"Max": 1024, "Remaining": 1024},
            "PermissionSets": {"Max": 1500, "Remaining": 1498},
        }
