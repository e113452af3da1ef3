from __future__ import annotations

from pathlib import Path

import pytest
from destination_testbench.local.options import DESTINATIONS, OptionError, StackOptions


def test_nothing_in_the_environment_changes_nothing() -> None:
    options = StackOptions.from_environ({})

    assert options.salesforce_url is None
    assert options.destination is None


def test_salesforce_url_names_another_org() -> None:
    assert (
        StackOptions.from_environ({"SALESFORCE_URL": "http://127.0.0.1:9000/"}).salesforce_url
        == "http://127.0.0.1:9000"
    )


@pytest.mark.parametrize("name", ["leads", "leads.toml", str(DESTINATIONS / "leads.toml")])
def test_destination_is_a_name_or_a_path(name: str) -> None:
    assert StackOptions.from_environ({"DESTINATION": name}).destination == (DESTINATIONS / "leads.toml").resolve()


def test_a_destination_of_ones_own_is_found_by_its_path(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("", encoding="utf-8")

    assert StackOptions.from_environ({"DESTINATION": str(file)}).destination == file.resolve()


def test_a_destination_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(OptionError, match=r"'nobody'.*contacts, leads"):
        StackOptions.from_environ({"DESTINATION": "nobody"})
