"""simple-salesforce with Bulk 2.0: all profiles in one job, which is the most that this API can be given."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.contenders.rows import row_maker
from benchmarks.contenders.simple import salesforce
from benchmarks.events import Variant

ASK_AFTER_SECONDS = 1
"""Its own pause is 5 seconds; a job of a real org takes longer."""


class Bulk:
    """Keeps all rows until the end, then makes one job of them and asks what became of the records."""

    def __init__(self, org_url: str, variant: Variant) -> None:
        self._contacts = salesforce(org_url).bulk2.Contact
        self._row = row_maker(variant)
        self._rows: list[dict[str, Any]] = []

    def deliver(self, event: dict[str, Any]) -> int:
        """Keep a batch."""
        self._rows += [self._row(json.loads(message["body"])) for message in event["Records"]]
        return 0

    def finish(self) -> int:
        """Run the job."""
        if not self._rows:
            return 0
        rows, self._rows = self._rows, []
        written = 0
        for job in self._contacts.update(records=rows, wait=ASK_AFTER_SECONDS):
            self._contacts.get_failed_records(job["job_id"])
            self._contacts.get_unprocessed_records(job["job_id"])
            written += job["numberRecordsProcessed"] - job["numberRecordsFailed"]
        return written


def make(org_url: str, variant: Variant) -> Bulk:
    """Make the contender."""
    return Bulk(org_url, variant)
