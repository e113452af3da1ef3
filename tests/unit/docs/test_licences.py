"""docs/licences.md says what is deployed, and nothing is deployed whose licence is not known to allow it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[3] / "docs" / "licences.py"

ALLOWED = {
    "Apache-2.0",
    "Apache-2.0 OR BSD-3-Clause",
    "BSD-3-Clause",
    "MIT",
    "MIT-0",
    "MPL-2.0",  # certifi: its files are passed on unchanged
    "PSF-2.0",
}


@pytest.fixture(scope="module")
def licences() -> ModuleType:
    specification = importlib.util.spec_from_file_location("licences", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_page_agrees_with_the_lock_files(licences: ModuleType) -> None:
    assert licences.PAGE.read_text(encoding="utf-8") == licences.page(), "make licences"


def test_every_licence_is_one_that_was_looked_at(licences: ModuleType) -> None:
    rows = list(licences.rows())

    assert {"requests", "pydantic", "pyjwt", "cryptography"} <= {name for name, *_ in rows}
    assert {licence for _, _, licence, _ in rows} <= ALLOWED
