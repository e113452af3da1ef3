"""Writing dead letters into a file, for whoever mends them."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from destination_cli.dead_letters.letter import DeadLetter

ONLY_THE_OWNER = 0o600
"""The file holds profiles."""


def export(letters: Iterable[DeadLetter], file: Path) -> Iterator[DeadLetter]:
    """One JSON object a line; the letters are passed on. The file appears whole, or not at all; without letters not."""
    letters = iter(letters)
    first = next(letters, None)
    if first is None:
        return
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        with os.fdopen(
            os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, ONLY_THE_OWNER), "w", encoding="utf-8"
        ) as out:
            for letter in chain((first,), letters):
                out.write(json.dumps(as_json(letter), ensure_ascii=False) + "\n")
                yield letter
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def as_json(letter: DeadLetter) -> dict[str, Any]:
    """All that is known of a letter; the body as text, byte for byte."""
    return {
        "message_id": letter.id,
        "error_code": letter.code,
        "error_message": letter.message,
        "error_fields": letter.fields,
        "error_indexes": letter.text_of("ErrorIndexes"),
        "attempts": letter.text_of("Attempts"),
        "event_time": letter.event_time,
        "sent_at": letter.sent_at,
        "attributes": {name: _value(attribute) for name, attribute in letter.sender_attributes().items()},
        "body": letter.body,
    }


def _value(attribute: dict[str, Any]) -> str:
    if "BinaryValue" in attribute:
        return b64encode(attribute["BinaryValue"]).decode()
    return str(attribute.get("StringValue", ""))
