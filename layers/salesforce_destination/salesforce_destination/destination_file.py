"""The destination file, read from where the destinations layer puts it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from .domain.errors import DestinationFileError, Mistake

if TYPE_CHECKING:
    from .domain.destination import Destination

HASH_LENGTH = 12


def load_destination(path: str | Path) -> Destination:
    """Read a destination file; raise DestinationFileError that names every mistake, a missing file among them."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DestinationFileError(
            [Mistake(str(path), "is not there.", "Name a file of layers/destinations.")]
        ) from None
    except (OSError, UnicodeDecodeError):
        raise DestinationFileError([Mistake(str(path), "cannot be read.", "Save it as UTF-8 text.")]) from None
    from .domain.destination import read_destination  # with it comes pydantic, which nothing else needs

    return read_destination(text)


def file_hash(path: str | Path) -> str:
    """
    Name this version of a destination file in short, so that a log tells which one is in use.

    Line endings do not count: the same file from another system is the same. Empty where it cannot be read.
    """
    try:
        content = Path(path).read_bytes()
    except OSError:
        return ""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()[:HASH_LENGTH]
