"""The destination file, read from where the destinations layer puts it."""

from __future__ import annotations

from pathlib import Path

from .domain.destination import Destination, read_destination
from .domain.errors import DestinationFileError, Mistake


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
    return read_destination(text)
