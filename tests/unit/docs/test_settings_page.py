"""docs/settings.md says of each parameter what template.yaml says."""

from __future__ import annotations

import importlib.util
import re
from types import ModuleType

import pytest
import yaml
from shell_commands import ROOT

ENTRY = re.compile(r"^- `(\w+)`(?: = `(.*?)`)?(?: \((.*?)\))?: (.+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def settings() -> ModuleType:
    found = importlib.util.spec_from_file_location("settings_page", ROOT / "docs" / "settings.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_the_page_is_what_the_script_writes(settings: ModuleType) -> None:
    assert settings.PAGE.read_text(encoding="utf-8") == settings.page(), "make settings"


def test_the_page_has_each_parameter_once_with_its_default_and_what_it_takes(settings: ModuleType) -> None:
    template = yaml.load(settings.TEMPLATE.read_text(encoding="utf-8"), settings.Cloudformation)
    entries = ENTRY.findall(settings.page())

    assert len(entries) >= 20
    assert len(entries) == len(template["Parameters"])
    assert {name: default for name, default, *_ in entries} == {
        name: str(parameter["Default"]) for name, parameter in template["Parameters"].items()
    }
    assert all(does for *_, does in entries)
    bounded = {
        name for name, parameter in template["Parameters"].items() if {"MinValue", "AllowedValues"} & {*parameter}
    }
    assert {name for name, _, takes, _ in entries if takes} == bounded


def test_a_parameter_that_the_page_tells_more_of_is_one(settings: ModuleType) -> None:
    names = {name for name, *_ in ENTRY.findall(settings.page())}

    assert set(settings.MORE) <= names
