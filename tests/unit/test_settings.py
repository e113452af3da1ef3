from __future__ import annotations

import pytest
from salesforce_destination.errors import SettingsError
from salesforce_destination.settings import DELIVER_NEEDS, REFRESH_TOKEN_NEEDS, Settings

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
        "QUEUE_URL": "QUEUE_URL: is not set. Deploy template.yaml again.",
        "RECORDS_PER_COLLECTION": "RECORDS_PER_COLLECTION: is '201'. Set a whole number from 1 to 200.",
        "GIVE_UP_AFTER_SECONDS": "GIVE_UP_AFTER_SECONDS: is 'soon'. Set a whole number from 1 to 1209600.",
    }


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "٣", "6"])
def test_a_number_out_of_its_range_is_a_mistake(number: str) -> None:
    assert set(mistakes(COLLECTIONS_PER_REQUEST=number)) == {"COLLECTIONS_PER_REQUEST"}


@pytest.mark.parametrize("environ", [{"REDELIVERY_BASE_SECONDS": "1801"}, {"REDELIVERY_MAX_SECONDS": "29"}])
def test_the_first_delay_is_not_longer_than_the_longest(environ: dict[str, str]) -> None:
    assert set(mistakes(**environ)) == {"REDELIVERY_BASE_SECONDS"}
