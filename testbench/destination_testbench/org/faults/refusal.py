"""The refusal of one record."""

from __future__ import annotations

from destination_testbench.org.faults.failure import RecordError


class Refused(Exception):
    """One record is not saved, for these reasons."""

    def __init__(self, *errors: RecordError) -> None:
        super().__init__(errors[0].code)
        self.errors = list(errors)
