from __future__ import annotations

import json

import pytest
from salesforce_destination.outcome import ProfileRefusedError, Reason
from salesforce_destination.profile.profile import profiles_in, read_body
from salesforce_destination.profile.source import compile_source


def refused(body: str) -> Reason:
    with pytest.raises(ProfileRefusedError) as error:
        profiles_in(read_body(body), None)
    return error.value.reason


@pytest.mark.parametrize("body", ['{"a": 1,}', "", "{", "nonsense", '{"a": NaN}', "[" * 10_000, '{"a":' * 10_000])
def test_a_body_that_is_not_json_is_refused_with_the_place(body: str) -> None:
    reason = refused(body)

    assert reason.code == "NOT_JSON"
    assert "line 1" in reason.text or "recursion" in reason.text


@pytest.mark.parametrize("body", ["1", '"text"', "null", "[]", "[1]", '{"profiles": []}', '{"profiles": [{}, 1]}'])
def test_a_body_without_a_profile_is_refused(body: str) -> None:
    assert refused(body).code == "NO_PROFILE"


@pytest.mark.parametrize("body", ['{"id": 1}', '[{"id": 1}]', '{"profiles": [{"id": 1}]}'])
def test_one_profile_comes_alone_or_in_a_list(body: str) -> None:
    assert profiles_in(read_body(body), None) == [{"id": 1}]


def test_select_looks_into_envelopes() -> None:
    sns = json.dumps({"Type": "Notification", "Message": json.dumps({"id": 1})})
    event_bridge = json.dumps({"detail-type": "Profile", "detail": {"id": 2}})

    assert profiles_in(read_body(sns), compile_source("powertools_json(Message)")) == [{"id": 1}]
    assert profiles_in(read_body(event_bridge), compile_source("detail")) == [{"id": 2}]


def test_the_prefix_of_xdm_is_taken_off_every_key() -> None:
    body = '{"xdm:segmentMembership": {"AAM": {"x": {"xdm:status": "realized"}}}, "list": [{"xdm:id": "xdm:kept"}]}'

    document = read_body(body)

    assert document == {"segmentMembership": {"AAM": {"x": {"status": "realized"}}}, "list": [{"id": "xdm:kept"}]}
