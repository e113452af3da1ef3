"""simple-salesforce with sObject Collections by hand: it has no call for them, only the way to any address."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.contenders.rows import row_maker
from benchmarks.contenders.simple import salesforce
from benchmarks.events import Variant

RECORDS = 200


class Collections:
    """Calls the API once for 200 profiles."""

    def __init__(self, org_url: str, variant: Variant) -> None:
        self._salesforce = salesforce(org_url)
        self._row = row_maker(variant)

    def deliver(self, event: dict[str, Any]) -> int:
        """Send a batch in collections."""
        rows = [self._row(json.loads(message["body"])) for message in event["Records"]]
        return sum(map(self._send, (rows[first : first + RECORDS] for first in range(0, len(rows), RECORDS))))

    def _send(self, rows: list[dict[str, Any]]) -> int:
        records = [{"attributes": {"type": "Contact"}, **row} for row in rows]
        body = {"allOrNone": False, "records": records}
        results = self._salesforce.restful("composite/sobjects", method="PATCH", json=body)
        return sum(result["success"] for result in results)

    def finish(self) -> int:
        """Nothing was kept."""
        return 0


def make(org_url: str, variant: Variant) -> Collections:
    """Make the contender."""
    return Collections(org_url, variant)
