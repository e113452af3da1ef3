"""The tables of a destination file as TOML gives them, whatever mistakes are in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Table = Mapping[str, Any]


def tables(table: Table, key: str) -> list[tuple[str, Table]]:
    """The entries of a list of tables, each with its key in the file; what is no table is left to others to find."""
    entries = table.get(key)
    listed = entries if isinstance(entries, list) else []
    return [(f"{key}[{index}]", entry) for index, entry in enumerate(listed) if isinstance(entry, dict)]


def part(table: Table, key: str) -> Table:
    """The table under a key, empty where there is none."""
    found = table.get(key)
    return found if isinstance(found, dict) else {}
