"""What a function is told from outside, its environment and its destination file; all mistakes are named at once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from math import ceil, prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from salesforce_destination.errors import DestinationFileError, Mistake, SettingsError

if TYPE_CHECKING:
    from salesforce_destination.destination.destination import Destination


SQS_LONGEST_VISIBILITY_SECONDS = 43_200  # 12 hours (ChangeMessageVisibility in the SQS API reference)
MOST_COLLECTIONS_PER_REQUEST = 5  # of its 25 subrequests ("Send Multiple Requests Using Composite")
MOST_RECORDS_PER_COLLECTION = 200  # "Update Multiple Records with Fewer Round-Trips"

_RANGES: Mapping[str, tuple[int, int]] = {
    "REDELIVERY_BASE_SECONDS": (1, SQS_LONGEST_VISIBILITY_SECONDS),
    "REDELIVERY_MAX_SECONDS": (1, SQS_LONGEST_VISIBILITY_SECONDS),
    "GIVE_UP_AFTER_SECONDS": (3_600, 432_000),
    "VISIBILITY_TIMEOUT_SECONDS": (0, SQS_LONGEST_VISIBILITY_SECONDS),
    "COLLECTIONS_PER_REQUEST": (1, MOST_COLLECTIONS_PER_REQUEST),
    "RECORDS_PER_COLLECTION": (1, MOST_RECORDS_PER_COLLECTION),
    "API_USAGE_CEILING_PERCENT": (1, 100),
}

_AT_LEAST: Sequence[tuple[str, float, Sequence[str], int, str]] = (
    ("REDELIVERY_MAX_SECONDS", 1, ["REDELIVERY_BASE_SECONDS"], 0, "no delay is as long as the shortest"),
    ("VISIBILITY_TIMEOUT_SECONDS", 6, ["FUNCTION_TIMEOUT_SECONDS"], 0, "messages come again too early"),
    ("MAX_RECEIVE_COUNT", 1 / 720, ["GIVE_UP_AFTER_SECONDS"], 0, "SQS rejects messages before they are given up"),
    ("RETENTION_SECONDS", 1, ["GIVE_UP_AFTER_SECONDS"], 172_800, "messages expire without a dead letter"),
    ("RETENTION_SECONDS", 1, ["MAX_RECEIVE_COUNT", "VISIBILITY_TIMEOUT_SECONDS"], 0, "messages expire before that"),
)
"""A number, at least so many times others and so much more; what happens below it."""

_SWITCHES: Mapping[str, str] = {"AWS_SAM_LOCAL": "false", "CREDENTIALS_ROTATE": "true"}
"""Variables that are true or false, and what they are where nobody set them."""

CHECK_NEEDS = ("DESTINATION_FILE", "ACCESS_TOKEN_SECRET_ID", "REFRESH_QUEUE_URL")
DELIVER_NEEDS = (*CHECK_NEEDS, "QUEUE_URL", "DEAD_LETTER_QUEUE_URL")
REFRESH_TOKEN_NEEDS = ("CREDENTIALS_SECRET_ID", "ACCESS_TOKEN_SECRET_ID")
"""What each function cannot do without."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The variables of the environment, by their names in lower case; numbers default as in template.yaml."""

    destination_file: str = ""
    credentials_secret_id: str = ""
    access_token_secret_id: str = ""
    outcome_key_secret_id: str = ""
    refusal_secret_id: str = ""
    suppression_bucket: str = ""
    refresh_queue_url: str = ""
    queue_url: str = ""
    dead_letter_queue_url: str = ""
    redelivery_base_seconds: int = 30
    redelivery_max_seconds: int = 1800
    give_up_after_seconds: int = 432_000
    visibility_timeout_seconds: int = 1800
    collections_per_request: int = MOST_COLLECTIONS_PER_REQUEST
    records_per_collection: int = MOST_RECORDS_PER_COLLECTION
    api_usage_ceiling_percent: int = 90
    credentials_rotate: bool = True  # whether the function may write the credentials secret
    aws_sam_local: bool = False  # set by `sam local` and by the local stack; allows plain http to loopback hosts

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], needs: Sequence[str] = ()) -> Settings:
        """Read what this function needs; raise SettingsError with every mistake."""
        mistakes = [
            Mistake(name, "is not set.", "Set it as template.yaml does.") for name in needs if not environ.get(name)
        ]
        values: dict[str, str | int | bool] = {}
        for name in (field.name.upper() for field in fields(cls)):
            if name in _SWITCHES:
                values[name.lower()] = environ.get(name, _SWITCHES[name]).lower() == "true"
            elif name in _RANGES:
                mistakes += _read_number(name, environ, values)
            else:
                values[name.lower()] = environ.get(name, "")
        mistakes += conflicts({field.name.upper(): values.get(field.name, field.default) for field in fields(cls)})
        if mistakes:
            raise SettingsError(mistakes)
        return cls(**values)  # type: ignore[arg-type]  # the names are the fields', the types those of the branches above


def _read_number(name: str, environ: Mapping[str, str], values: dict[str, str | int | bool]) -> list[Mistake]:
    text, (lowest, highest) = environ.get(name, "").strip(), _RANGES[name]
    if text.isascii() and text.isdigit() and lowest <= int(text) <= highest:
        values[name.lower()] = int(text)
    elif text:
        return [Mistake(name, f"is {text[:20]!r}.", f"Set a whole number from {lowest} to {highest}.")]
    return []


def conflicts(numbers: Mapping[str, Any]) -> list[Mistake]:
    """What in these numbers, as far as they are known, could lose a message: one rule for all, docs/decisions/0033."""
    return [
        Mistake(name, f"is {numbers[name]}: {loss}.", f"Set at least {least}.")
        for name, times, others, more, loss in _AT_LEAST
        if numbers.keys() >= {name, *others}
        if int(numbers[name]) < (least := ceil(times * prod(int(numbers[other]) for other in others)) + more)
    ]


HASH_LENGTH = 12


def load_destination(path: str | Path) -> Destination:
    """Read a destination file; raise DestinationFileError that names every mistake, a missing file among them."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        missing = Mistake(str(path), "does not exist.", "Name a file in layers/destinations.")
        raise DestinationFileError([missing]) from None
    except (OSError, UnicodeDecodeError):
        raise DestinationFileError([Mistake(str(path), "cannot be read.", "Save it as UTF-8 text.")]) from None
    # With it comes pydantic, which nothing else needs.
    from salesforce_destination.destination.destination import read_destination

    return read_destination(text)


def destination_name(environ: Mapping[str, str]) -> str:
    """The destination's name in metrics and dead letters: that of its file."""
    return Path(environ.get("DESTINATION_FILE", "")).stem or "none"


def file_hash(path: str | Path) -> str:
    """Name this version of a file in short, whatever its line endings; empty where it cannot be read."""
    try:
        content = Path(path).read_bytes()
    except OSError:
        return ""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()[:HASH_LENGTH]
