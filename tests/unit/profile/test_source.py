from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import jmespath
import pytest
from salesforce_destination.outcome import ProfileRefusedError
from salesforce_destination.profile.source import ABSENT, SourceError, compile_source, plain_steps

PROFILE: dict[str, Any] = {
    "person": {"name": {"lastName": "Doe", "nickname": None}},
    "identityMap": {"crmID": [{"id": "1"}, {"id": "2"}], "https://ns/4": [{"id": "uri"}]},
    "attributes": {"wrapped": {"value": "Hermione"}, "bare": "Ron", "empty": {}},
    "list": ["a", "b"],
    "text": "abc",
}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("person.name.lastName", "Doe"),
        ("identityMap.crmID[1].id", "2"),
        ('identityMap."https://ns/4"[0].id', "uri"),
        ("list[0]", "a"),
        ("person.name.middleName", ABSENT),
        ("person.nothing.here", ABSENT),
        ("identityMap.crmID[2].id", ABSENT),
        ("list.a", ABSENT),
        ("text[0]", ABSENT),
        ("text[0].name", ABSENT),
        ("text[0][0].name", ABSENT),
        ("person[0]", ABSENT),
        ("person.name.nickname", None),
        ("attributes.wrapped", "Hermione"),
        ("attributes.wrapped.value", "Hermione"),
        ("attributes.bare", "Ron"),
        ("attributes.bare.value", "Ron"),
        ("attributes.empty", ABSENT),
        ("attributes.empty.value", ABSENT),
        ("attributes.absent.value", ABSENT),
        ("join(' ', list)", "a b"),
        ("attributes.empty || attributes.wrapped", "Hermione"),
        ("nothing || nowhere", ABSENT),
        ("text == 'abc'", True),
        ("list[-1]", "b"),
    ],
)
def test_a_source_finds_its_value(expression: str, value: object) -> None:
    assert compile_source(expression)(PROFILE) == value


@pytest.mark.parametrize(
    "path", ["person.name.lastName", "identityMap.crmID[1].id", "list[0]", 'identityMap."https://ns/4"']
)
def test_a_plain_path_finds_what_jmespath_finds(path: str) -> None:
    assert plain_steps(path) is not None
    assert compile_source(path)(PROFILE) == jmespath.search(path, PROFILE)


@pytest.mark.parametrize("expression", ["list[-1]", "a || b", "a.*", "people[].name", "@", "length(a)", "a-b", "`1`"])
def test_what_is_more_than_a_path_is_left_to_jmespath(expression: str) -> None:
    assert plain_steps(expression) is None


def test_powertools_functions_are_there() -> None:
    document = {"Message": '{"person": {"id": 7}}'}

    assert compile_source("powertools_json(Message).person.id")(document) == 7


@pytest.mark.parametrize(
    ("expression", "position"),
    [
        ("a..b", 2),
        ("a.b[", 4),
        ("a.b['x", 4),
        ("$x", 0),
        ("a && lenght(b)", 5),
        ("a || join(b)", 5),
        ("length(a, b)", 0),
        ("a[::0] | [0]", None),
        ("", None),
    ],
)
def test_bad_jmespath_is_told_with_its_position(expression: str, position: int | None) -> None:
    with pytest.raises(SourceError) as error:
        compile_source(expression)

    assert error.value.position == position


def test_a_function_may_take_any_number_of_values_where_it_says_so() -> None:
    assert compile_source("merge(a, b, c)")({"a": {"x": 1}, "b": {"y": 2}, "c": {"z": 3}}) == {"x": 1, "y": 2, "z": 3}


@pytest.mark.parametrize("expression", ["contains(tags, 'a')", "join(' ', tags)", "powertools_json(tags).a"])
@pytest.mark.parametrize("document", [{}, {"tags": None}])
def test_a_function_that_is_given_nothing_gives_nothing(expression: str, document: dict[str, Any]) -> None:
    assert compile_source(expression)(document) is ABSENT


@pytest.mark.parametrize(
    ("expression", "given"),
    [
        ("length(a)", 5),
        ("powertools_json(a)", "{"),
        ("powertools_base64(a)", "x"),
        ("a > `1`", "2"),
        ("ceil(a)", float("inf")),
        ("powertools_json(a).b", "[" * 100_000),
    ],
)
def test_an_expression_that_does_not_fit_the_profile_refuses_it_and_is_named(expression: str, given: object) -> None:
    with pytest.raises(ProfileRefusedError) as error:
        compile_source(expression)({"a": given})

    assert error.value.reason.code == "EXPRESSION_FAILED"
    assert expression in error.value.reason.text


@pytest.mark.parametrize("expression", ["detail", "details[0]", "details[-1]"])
def test_a_profile_may_have_a_key_named_value(expression: str) -> None:
    profile = {"value": 19.9, "person": {}}
    document = {"detail": profile, "details": [profile]}

    assert compile_source(expression, unwraps=False)(document) == profile
    assert compile_source(expression)(document) == 19.9


def test_a_plain_path_costs_no_more_than_following_keys() -> None:
    """Counted in calls, not in time: one for the source, and none into jmespath or any other code."""
    source = compile_source("person.name.lastName")
    calls: list[str] = []

    def count(frame: FrameType, event: str, _: object) -> None:
        if event in ("call", "c_call"):
            calls.append(frame.f_code.co_name if event == "call" else "key")

    sys.setprofile(count)
    value = source(PROFILE)
    sys.setprofile(None)

    assert value == "Doe"
    assert calls.count("read") == 1
    assert calls.count("key") <= 3 + 1  # and the call that ends the counting
    assert set(calls) <= {"read", "key"}
