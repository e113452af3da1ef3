"""What a comparison of the destination file with the org finds: what does not fit, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum
from functools import partial


class Level(StrEnum):
    """How much a finding matters."""

    ERROR = "error"  # messages will be rejected or wait until it is mended
    WARNING = "warning"  # it works, and somebody will miss something
    NOTE = "note"  # good to know


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: the key of the file, the Salesforce field, what is so, and what to do about it."""

    level: Level
    key: str
    field: str
    problem: str
    cure: str = ""

    def __str__(self) -> str:
        return f"{self.key}: {self.problem}" + (f" {self.cure}" if self.cure else "")


error, warning, note = (partial(Finding, level) for level in Level)  # make a finding of a level from the rest of it
