"""docs/settings.md says of each parameter what template.yaml says."""

from __future__ import annotations

import importlib.util
import re
from types import ModuleType

import pytest
import yaml
from shell_commands import ROOT

ROW = re.compile(r"^\| `(\w+)` \| (?:`(.*?)`)? \| (.*?) \| (.+?) \|$", re.MULTILINE)


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
    rows = ROW.findall(settings.page())

    assert len(rows) >= 20
    assert len(rows) == len(template["Parameters"])
    assert {name: default for name, default, *_ in rows} == {
        name: str(parameter["Default"]) for name, parameter in template["Parameters"].items()
    }
    assert all(does for *_, does in rows)
    bounded = {
        name for name, parameter in template["Parameters"].items() if {"MinValue", "AllowedValues"} & {*parameter}
    }
    assert {name for name, _, takes, _ in rows if takes} == bounded


def test_a_parameter_that_the_page_tells_more_of_is_one(settings: ModuleType) -> None:
    names = {name for name, *_ in ROW.findall(settings.page())}

    assert set(settings.MORE) <= names
