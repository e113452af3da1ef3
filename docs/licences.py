# ruff: noqa: T201 -- it speaks to the person who runs it
"""Writes docs/licences.md: the licence of every deployed third-party package, from the package's own metadata.

The lock files of layers and functions name the packages. .venv holds the same versions, so their metadata is read
there.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageMetadata, metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "licences.md"
LOCKS = {
    "All functions: the dependencies layer": ROOT / "layers" / "dependencies" / "requirements.txt",
    "The refresh-token function": ROOT / "functions" / "refresh_token" / "requirements.txt",
}
LOCKED = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)

HEAD = """\
# Licences of deployed packages

`make licences` writes this page. Each package is deployed with its licence text, in its `.dist-info` folder. boto3 and
its dependencies come with Lambda's runtime.
"""


def page() -> str:
    """The whole page."""
    found = list(rows())
    lists = (
        f"\n## {place}\n\n"
        + "".join(f"- {name} {version}: {licence}\n" for name, version, licence, at in found if at == place)
        for place in LOCKS
    )
    return HEAD + "".join(lists)


def rows() -> Iterator[tuple[str, str, str, str]]:
    """A row for each package of each lock file; raise LookupError where .venv has another version."""
    for place, lock in LOCKS.items():
        for name, version in LOCKED.findall(lock.read_text(encoding="utf-8")):
            said = metadata(name)
            if said["Version"] != version:
                raise LookupError(f"{lock} has {name} {version}, .venv has {said['Version']}. Run `make setup`.")
            yield name, version, licence_in(said), place


def licence_in(said: PackageMetadata) -> str:
    """A package's licence, as an SPDX expression where it gives one."""
    given = (said[key] for key in ("License-Expression", "License") if key in said)
    licence = next(given, None)
    if not licence:
        raise LookupError(f"{said['Name']} names no licence in its metadata.")
    return str(licence)


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {sum(1 for _ in rows())} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
