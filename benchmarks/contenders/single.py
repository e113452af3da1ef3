"""simple-salesforce, one update for each record."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.contenders.rows import row_maker
from benchmarks.contenders.simple import salesforce
from benchmarks.events import Variant


class Single:
    """Calls the API once for each profile."""

    def __init__(self, org_url: str, variant: Variant) -> None:
        self._contacts = salesforce(org_url).Contact
        self._contacts.base_url = self._contacts.base_url.replace("https:", "http:")
        self._row = row_maker(variant)

    def deliver(self, event: dict[str, Any]) -> int:
        """Update record by record."""
        written = 0
        for message in event["Records"]:
            row = self._row(json.loads(message["body"]))
            written += self._contacts.update(row.pop("Id"), row) == 204
        return written

    def finish(self) -> int:
        """Nothing was kept."""
        return 0


def make(org_url: str, variant: Variant) -> Single:
    """Make the contender."""
    return Single(org_url, variant)
