from __future__ import annotations

from typing import Any

import pytest
from destination_testbench.template.parameters import ParameterError, parameter_values, variable_name

DECLARED: dict[str, dict[str, Any]] = {
    "BatchWindowSeconds": {
        "Type": "Number",
        "Default": 60,
        "MinValue": 1,
        "MaxValue": 300,
        "ConstraintDescription": "a whole number from 1 to 300",
    },
    "LogFormat": {
        "Type": "String",
        "Default": "INFO",
        "AllowedValues": ["INFO", "DEBUG"],
        "ConstraintDescription": "INFO or DEBUG",
    },
    "DestinationFile": {"Type": "String", "Default": "contacts.toml", "ConstraintDescription": "a file"},
}


def test_a_parameter_has_its_default() -> None:
    values = parameter_values(DECLARED, {}, {})

    assert values == {"BatchWindowSeconds": "60", "LogFormat": "INFO", "DestinationFile": "contacts.toml"}


def test_a_variable_of_the_environment_sets_the_parameter_of_its_name() -> None:
    values = parameter_values(DECLARED, {"BATCH_WINDOW_SECONDS": "1", "LOG_FORMAT": ""}, {})

    assert values["BatchWindowSeconds"] == "1"
    assert values["LogFormat"] == "INFO"


@pytest.mark.parametrize("text", ["0", "301", "1.5", "soon", "-1", "²"])
def test_what_the_template_does_not_allow_is_refused_by_name(text: str) -> None:
    with pytest.raises(ParameterError, match=r"BATCH_WINDOW_SECONDS is .* a whole number from 1 to 300"):
        parameter_values(DECLARED, {"BATCH_WINDOW_SECONDS": text}, {})


def test_a_value_that_is_not_among_the_allowed_ones_is_refused() -> None:
    with pytest.raises(ParameterError, match="INFO or DEBUG"):
        parameter_values(DECLARED, {"LOG_FORMAT": "LOUD"}, {})


def test_code_may_give_what_the_template_would_refuse() -> None:
    assert (
        parameter_values(DECLARED, {"BATCH_WINDOW_SECONDS": "5"}, {"BatchWindowSeconds": 0})["BatchWindowSeconds"]
        == "0"
    )


def test_the_destination_file_is_chosen_by_destination_alone() -> None:
    assert parameter_values(DECLARED, {"DESTINATION_FILE": "x.toml"}, {})["DestinationFile"] == "contacts.toml"


def test_words_of_a_parameter_are_parted_by_underscores() -> None:
    assert variable_name("ApiUsageCeilingPercent") == "API_USAGE_CEILING_PERCENT"
