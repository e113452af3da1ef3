"""What a person can say about the local stack by environment variables, and code by arguments."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from destination_testbench.local.places import ROOT, STATE

DESTINATIONS = ROOT / "layers" / "destinations"


class OptionError(Exception):
    """The environment asks for something that is not there."""


@dataclass(frozen=True, slots=True)
class StackOptions:
    """How a local stack differs from the template's defaults.

    `parameters` are values of the template's parameters, `functions` other folders in place of a function's own, by its
    logical id.
    """

    salesforce_url: str | None = None
    destination: Path | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    functions: Mapping[str, Path] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    template: Path = ROOT / "template.yaml"
    state: Path = STATE

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> StackOptions:
        """`SALESFORCE_URL`, `DESTINATION`, and a variable for each parameter of the template."""
        name = environ.get("DESTINATION", "").strip()
        return cls(
            salesforce_url=environ.get("SALESFORCE_URL", "").strip().rstrip("/") or None,
            destination=find_destination(name) if name else None,
            environ=environ,
        )


def find_destination(name: str, folder: Path = DESTINATIONS) -> Path:
    """A destination file by its name in `folder`, with or without .toml, or by its path."""
    for candidate in (folder / name, folder / f"{name}.toml", Path(name)):
        if candidate.is_file():
            return candidate.resolve()
    known = ", ".join(sorted(file.stem for file in folder.glob("*.toml")))
    raise OptionError(f"DESTINATION is {name!r}: there is no such file, nor a destination of that name ({known}).")
