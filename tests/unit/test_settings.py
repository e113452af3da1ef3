from __future__ import annotations

from dataclasses import asdict

import pytest
from destination_testbench.template.parameters import ParameterError, parameter_values, template_numbers, variable_name
from salesforce_destination.errors import SettingsError
from salesforce_destination.settings import DELIVER_NEEDS, REFRESH_TOKEN_NEEDS, Settings, conflicts
from the_template import source, template

ENOUGH = {name: f"value of {name}" for name in (*DELIVER_NEEDS, *REFRESH_TOKEN_NEEDS)}


def mistakes(**environ: str) -> dict[str, str]:
    with pytest.raises(SettingsError) as error:
        Settings.from_environ({**ENOUGH, **environ}, DELIVER_NEEDS)
    return {mistake.key: str(mistake) for mistake in error.value.mistakes}


def test_numbers_that_are_not_set_have_the_defaults_of_the_design() -> None:
    settings = Settings.from_environ(ENOUGH, DELIVER_NEEDS)

    assert settings.redelivery_base_seconds == 30
    assert settings.redelivery_max_seconds == 1800
    assert settings.give_up_after_seconds == 432_000
    assert settings.collections_per_request == 5
    assert settings.records_per_collection == 200
    assert settings.api_usage_ceiling_percent == 90
    assert not settings.aws_sam_local


def test_what_is_set_is_read() -> None:
    settings = Settings.from_environ({**ENOUGH, "REDELIVERY_BASE_SECONDS": "5", "AWS_SAM_LOCAL": "true"})

    assert settings.redelivery_base_seconds == 5
    assert settings.queue_url == "value of QUEUE_URL"
    assert settings.aws_sam_local


def test_all_mistakes_are_told_at_once_each_by_its_variable() -> None:
    found = mistakes(QUEUE_URL="", RECORDS_PER_COLLECTION="201", GIVE_UP_AFTER_SECONDS="soon")

    assert found == {
        "QUEUE_URL": "QUEUE_URL: is not set. Set it as template.yaml does.",
        "RECORDS_PER_COLLECTION": "RECORDS_PER_COLLECTION: is '201'. Set a whole number from 1 to 200.",
        "GIVE_UP_AFTER_SECONDS": "GIVE_UP_AFTER_SECONDS: is 'soon'. Set a whole number from 3600 to 432000.",
    }


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "٣", "6"])
def test_a_number_out_of_its_range_is_a_mistake(number: str) -> None:
    assert set(mistakes(COLLECTIONS_PER_REQUEST=number)) == {"COLLECTIONS_PER_REQUEST"}


@pytest.mark.parametrize("environ", [{"REDELIVERY_BASE_SECONDS": "1801"}, {"REDELIVERY_MAX_SECONDS": "29"}])
def test_the_first_delay_is_not_longer_than_the_longest(environ: dict[str, str]) -> None:
    assert set(mistakes(**environ)) == {"REDELIVERY_MAX_SECONDS"}


DEPLOYED = {
    "FUNCTION_TIMEOUT_SECONDS": 300,
    "VISIBILITY_TIMEOUT_SECONDS": 1_800,
    "MAX_RECEIVE_COUNT": 600,
    "RETENTION_SECONDS": 1_209_600,
    "GIVE_UP_AFTER_SECONDS": 432_000,
    "REDELIVERY_BASE_SECONDS": 30,
    "REDELIVERY_MAX_SECONDS": 1_800,
}
DANGEROUS = [
    ({"RETENTION_SECONDS": 60}, {"RETENTION_SECONDS"}),
    ({"MAX_RECEIVE_COUNT": 1}, {"MAX_RECEIVE_COUNT"}),
    ({"GIVE_UP_AFTER_SECONDS": 1_209_601}, {"RETENTION_SECONDS", "MAX_RECEIVE_COUNT"}),
    ({"VISIBILITY_TIMEOUT_SECONDS": 249}, {"VISIBILITY_TIMEOUT_SECONDS"}),
    ({"FUNCTION_TIMEOUT_SECONDS": 301}, {"VISIBILITY_TIMEOUT_SECONDS"}),
    ({"MAX_RECEIVE_COUNT": 1_000}, {"RETENTION_SECONDS"}),
    ({"REDELIVERY_BASE_SECONDS": 1_801}, {"REDELIVERY_MAX_SECONDS"}),
]


def test_the_numbers_of_the_template_contradict_each_other_nowhere_in_its_bounds() -> None:
    numbers = {name.upper(): value for name, value in asdict(template_numbers()).items()}
    longest = source()["Parameters"]["GiveUpAfterSeconds"]["MaxValue"]

    assert DEPLOYED.items() <= numbers.items()
    assert conflicts(numbers) == conflicts({**numbers, "GIVE_UP_AFTER_SECONDS": longest}) == []
    assert source()["Parameters"]["BatchWindowSeconds"]["MaxValue"] <= 300


@pytest.mark.parametrize(("changed", "named"), DANGEROUS)
def test_what_loses_a_message_is_named(changed: dict[str, int], named: set[str]) -> None:
    assert {mistake.key for mistake in conflicts({**DEPLOYED, **changed})} == named


@pytest.mark.parametrize(("changed", "named"), DANGEROUS)
def test_the_local_stack_does_not_start_with_it(changed: dict[str, int], named: set[str]) -> None:
    environ = {name: str(value) for name, value in changed.items()}

    with pytest.raises(ParameterError, match="|".join({*named, *changed})):
        parameter_values(template().parameters, environ, {})


@pytest.mark.parametrize(
    "parameter", ["BatchWindowSeconds", "GiveUpAfterSeconds", "RecordsPerCollection", "ApiUsageCeilingPercent"]
)
def test_a_deployment_refuses_what_the_function_would(parameter: str) -> None:
    declared, variable = source()["Parameters"][parameter], variable_name(parameter)

    for number in (declared["MinValue"] - 1, declared["MaxValue"] + 1):
        with pytest.raises(ParameterError, match=variable):
            parameter_values(template().parameters, {variable: str(number)}, {})
        if variable.lower() in Settings.__dataclass_fields__:
            assert set(mistakes(**{variable: str(number)})) == {variable}
    for number in (declared["MinValue"], declared["MaxValue"]):
        Settings.from_environ({**ENOUGH, variable: str(number)}, DELIVER_NEEDS)
