from __future__ import annotations

import pytest
from builders import CONTACTS, a_destination
from salesforce_destination.errors import DestinationFileError, Mistake
from salesforce_destination.settings import load_destination


def mistakes(text: str) -> dict[str, Mistake]:
    with pytest.raises(DestinationFileError) as error:
        a_destination(text)
    return {mistake.key: mistake for mistake in error.value.mistakes}


def test_a_short_file_gets_the_defaults_of_the_design() -> None:
    destination = a_destination()

    assert destination.api_version == "66.0"
    assert destination.max_audience_fields == 25
    assert (destination.profiles.select, destination.profiles.memberships) == ("@", "changed")
    assert destination.audiences[0].value == "status"
    assert destination.updates_by_id


def test_all_mistakes_are_told_at_once_each_by_its_key() -> None:
    found = mistakes("""
name = 5
salesforce_object = "Contact"
conveted_leads = "reject"

[identity]
source = "a..b"
target = "Ext Id"

[[mappings]]
source = "name"
target = "LastName"
requird = true

[[mappings]]
target = "lastname"
when_too_long = "cut"

[[audiences]]
id = "x"
mapping_id = "CDP X__c"
""")

    assert set(found) == {
        "name",
        "conveted_leads",
        "identity.source",
        "identity.target",
        "mappings[0].requird",
        "mappings[1].source",
        "mappings[1].target",
        "mappings[1].when_too_long",
        "audiences[0].mapping_id",
    }
    assert found["conveted_leads"].cure == "Did you mean converted_leads?"
    assert found["audiences[0].mapping_id"].cure == 'Write "CDP_X__c".'
    assert "character 3" in found["identity.source"].problem


def test_a_file_that_is_no_toml_is_told_with_the_place() -> None:
    (mistake,) = mistakes("name = Contacts").values()

    assert mistake.place == "line 1"


def test_no_mistake_speaks_pydantic(recwarn: pytest.WarningsRecorder) -> None:
    found = mistakes(CONTACTS.replace('"Contacts"', "[1]").replace("required = true", 'required = "yes"'))

    assert found
    for mistake in found.values():
        assert "pydantic" not in str(mistake)
        assert "input" not in str(mistake).lower()


def test_a_file_that_is_not_there_is_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(DestinationFileError, match=r"nowhere\.toml: does not exist"):
        load_destination(tmp_path_factory.mktemp("empty") / "nowhere.toml")
