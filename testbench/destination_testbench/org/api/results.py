"""The results of a collection's records."""

from __future__ import annotations

from typing import Any

from destination_testbench.org.faults.failure import RecordError
from destination_testbench.org.faults.refusal import Refused

Result = dict[str, Any]


def succeeded(record_id: str) -> Result:
    """The result of a record that was written."""
    return {"id": record_id, "success": True, "errors": []}


def failed(*errors: RecordError) -> Result:
    """The result of a record that was refused: no id, for nobody may rely on one."""
    return {"success": False, "errors": [error.in_collection() for error in errors]}


class Repeats:
    """
    Counts the repeats of ids in one update request.

    Salesforce takes twelve repeats in all, the last value winning, and refuses each one after them.
    """

    def __init__(self, allowed: int) -> None:
        self._allowed, self._seen = allowed, set[str]()

    def check(self, record_id: str) -> None:
        """Refuse one repeat too many."""
        if record_id not in self._seen:
            self._seen.add(record_id)
            return
        self._allowed -= 1
        if self._allowed < 0:
            text = (
                "Maximum number of duplicate updates in one batch (12 allowed)."
                f" Attempt to update Id more than once in this Api call: {record_id[:15]}"
            )
            raise Refused(RecordError("DUPLICATE_VALUE", text))
