from __future__ import annotations

import re
import sys
from types import FrameType
from typing import Any

import jmespath
import pytest
from salesforce_destination.outcome import ProfileRefusedError
from salesforce_destination.profile.source import (
    _FUNCTIONS,
    ABSENT,
    SourceError,
    compile_source,
    path_read,
    plain_steps,
)

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


@pytest.mark.parametrize(
    ("expression", "path"),
    [
        ("lower(a.b[0])", ("a", "b", 0)),
        ("""substring(trim(a."b c"), `0`, `-1`)""", ("a", "b c")),
        ("replace(a.value, '), (', '')", ("a", "value")),
        ("a.b", ("a", "b")),
        ("to_string(a)", None),
        ("lower(a) || b", None),
        ("split(a, ',')[0]", None),
        ("split(a, b)", None),
        ("replace(a, 'x', lower(b))", None),
        ("lower(a[-1])", None),
        ("lower(@)", None),
        ("lower('a')", None),
    ],
)
def test_through_our_functions_no_more_than_one_path_is_read(expression: str, path: object) -> None:
    assert path_read(expression) == path


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
        ("lower(a) || lower(a, b)", 12),
        ("'lower(' && lower (a, b)", 12),
        ("list[?lower(@)].lower(a, b)", 16),
        ("a || lower(`5`)", 5),
        ("upper(lower(split(a, ',')))", 6),
        ("substring(a, '0', `2`)", 0),
        ("substring(a, `0.5`, `2`)", 0),
        ("split(a, '')", 0),
        ("a || replace(a, '', 'b')", 5),
        ("date('1.5.1990')", 0),
        ("text([a])", 0),
        ("digits(a > b)", 0),
        ("map(a, list)", 0),
        ("not_null(&a)", 0),
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


@pytest.mark.parametrize(
    "expression",
    [
        "contains(tags, 'a')",
        "contains(list, tags)",
        "join(' ', tags)",
        "join(tags, ['a'])",
        "join(' ', [tags, tags])",
        "powertools_json(tags).a",
        "to_string(tags)",
        "to_array(tags)",
        "to_number(tags)",
        "type(tags)",
        "not_null(tags, tags)",
        "merge(tags, `{}`)",
        "sum([`1`, tags])",
        "max([tags])",
        "sort(['b', tags])",
        "sort_by([{a: tags}], &a)",
        "map(&a, tags)",
        "tags > `1`",
        "date(tags)",
        "datetime(tags)",
        "text(tags)",
        "number(tags)",
        "lower(tags)",
        "upper(tags)",
        "trim(tags)",
        "substring(tags, `0`, `1`)",
        "substring('a', `0`, tags)",
        "split(tags, ',')",
        "split('a', tags)",
        "replace(tags, 'a', 'b')",
        "replace('a', 'a', tags)",
        "digits(tags)",
        "lower(upper(trim(tags)))",
    ],
)
@pytest.mark.parametrize("document", [{"list": ["a"]}, {"tags": None}])
def test_a_function_that_is_given_nothing_gives_nothing(expression: str, document: dict[str, Any]) -> None:
    assert compile_source(expression)(document) is ABSENT


@pytest.mark.parametrize(
    ("expression", "given"),
    [
        ("length(a)", 5),
        ("powertools_json(a)", "{"),
        ("powertools_base64(a)", "x"),
        ("a > `1`", "2"),
        ("a <= 'b'", "a"),
        ("a < `1`", []),
        ("a >= `1`", True),
        ("[a][?@ > `1`]", {"b": 1}),
        ("contains(a, `1`)", "b"),
        ("join(', ', a)", ["x", 1]),
        ("max_by(a, &b)", [{"b": 1}, {"b": "x"}]),
        ("ceil(a)", float("inf")),
        ("date(a)", "01.05.1990"),
        ("date(a)", "05/01/1990"),
        ("date(a)", "19900501"),
        ("date(a)", "1990-05"),
        ("date(a)", "1990-02-30"),
        ("date(a)", "2020-W05-1"),
        ("date(a)", "2020-01-01T24:00:00Z"),
        ("date(a)", "0001-01-01T00:00:00+05:00"),
        ("date(a)", 641520000),
        ("date(a)", 10**400),
        ("datetime(a)", "19900501"),
        ("datetime(a)", "641520000"),
        ("datetime(a)", True),
        ("datetime(a)", ["1990-05-01"]),
        ("text(a)", [1]),
        ("text(a)", {"b": 1}),
        ("text(a)", 1.2345678901234567e19),
        ("number(a)", "1,234.5"),
        ("number(a)", "1 234"),
        ("number(a)", "0x1F"),
        ("number(a)", "nan"),
        ("number(a)", "0.12345678901234567890"),
        ("number(a)", True),
        ("lower(a)", 5),
        ("upper(a)", True),
        ("trim(a)", ["b"]),
        ("substring('secret', a, `2`)", 0.5),
        ("substring('secret', a, `2`)", "0"),
        ("split('secret', a)", ""),
        ("replace('secret', a, 'b')", ""),
        ("digits(a)", 12.5),
        ("digits(a)", -5),
        ("digits(a)", False),
        ("powertools_json(a).b", "[" * 100_000),
    ],
)
def test_an_expression_that_does_not_fit_the_profile_refuses_it_and_is_named(expression: str, given: object) -> None:
    with pytest.raises(ProfileRefusedError) as error:
        compile_source(expression)({"a": given})

    text = error.value.reason.text
    assert error.value.reason.code == "EXPRESSION_FAILED"
    assert text.startswith(f"{expression} failed: ")
    assert re.search(r"failed: ([a-z_0-9]+\(\) takes .+, not |[<>]=? compares numbers, not )[a-z ]+\.$", text)


@pytest.mark.parametrize("function", sorted(_FUNCTIONS))
@pytest.mark.parametrize("value", [["Secret"], {"Secret": 1}])
def test_a_failure_says_what_the_function_takes_and_no_value(function: str, value: object) -> None:
    _, kinds, takes = _FUNCTIONS[function]
    expression = f"{function}({', '.join('a' for _ in kinds)})"
    with pytest.raises(ProfileRefusedError) as error:
        compile_source(expression)({"a": value})

    given = "a list" if type(value) is list else "an object"
    assert error.value.reason.text == f"{expression} failed: {function}() takes {takes}, not {given}."


@pytest.mark.parametrize(
    ("expression", "given", "value"),
    [
        ("date(a)", "1990-05-01T23:30:00-05:00", "1990-05-01"),
        ("date(a)", " 1990-05-01 ", "1990-05-01"),
        ("date(a)", 641520000000, "1990-05-01"),
        ("date(a)", -641520000000.0, "1949-09-03"),
        ("date(a)", "641520000000", "1990-05-01"),
        ("date(a)", -86_400_000, "1969-12-31"),
        ("date(a)", "", ""),
        ("datetime(a)", "1990-05-01", "1990-05-01T00:00:00Z"),
        ("datetime(a)", "2023-11-01T08:00:00.123+0100", "2023-11-01T07:00:00Z"),
        ("datetime(a)", "2023-11-01 08:00", "2023-11-01T08:00:00Z"),
        ("datetime(a)", 1700000000999, "2023-11-14T22:13:20Z"),
        ("datetime(a)", " ", ""),
        ("text(a)", 4711, "4711"),
        ("text(a)", 4790123456.0, "4790123456"),
        ("text(a)", 4.79e22, "47900000000000000000000"),
        ("text(a)", 0.5, "0.5"),
        ("text(a)", False, "false"),
        ("text(a)", "null", "null"),
        ("number(a)", " 0120.50 ", 120.5),
        ("number(a)", "12345678901234567890", 12345678901234567890),
        ("number(a)", "-3.0", -3),
        ("number(a)", "1e3", 1000),
        ("number(a)", 0.25, 0.25),
        ("number(a)", "", ""),
        ("number(a) >= `18`", "42", True),
        ("lower(a)", "\u00c5SE", "\u00e5se"),
        ("upper(a)", "a-7", "A-7"),
        ("trim(a)", "\u00a0 a b\t", "a b"),
        ("substring(a, `2`, `4`)", "abcdef", "cd"),
        ("substring(a, `-2`, `99`)", "abcdef", "ef"),
        ("substring(a, `9`, `12`)", "abcdef", ""),
        ("split(a, '; ')", "a; b", ["a", "b"]),
        ("join(', ', split(a, ';'))", "a;b", "a, b"),
        ("replace(a, '.', '')", "1.2.3", "123"),
        ("digits(a)", "+47 90 12", "479012"),
        ("digits(a)", "\u0660\u0665", "05"),
        ("digits(a)", 4790123456.0, "4790123456"),
        ("digits(a)", "n/a", ""),
        ("lower(a)", {"value": "A", "since": 1}, "a"),
        ("lower(a)", {}, ABSENT),
        ("lower(a)", {"value": None}, ABSENT),
        ("upper(lower(b) || lower(a))", "x", "X"),
        ("join(' ', [b, a, b])", "x", "x"),
        ("join(' ', map(&upper(@), a))", ["x", None], "X"),
        ("!contains(b, 'x')", "x", True),
        ("to_string([a, b])", 9.0, "[9]"),
        ("to_string(a)", [], "[]"),
    ],
)
def test_a_function_gives_what_salesforce_takes(expression: str, given: object, value: object) -> None:
    found = compile_source(expression)({"a": given})

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("part", [None, "", "  "])
def test_an_identity_lacks_none_of_its_parts(part: str | None) -> None:
    source = compile_source("lower(join('-', [a, 'loyal']))", is_identity=True)

    assert source({"a": part}) is ABSENT
    assert source({"a": "A"}) == "a-loyal"


DOCUMENT: dict[str, Any] = {
    "foo": {"bar": {"baz": "correct", "qux": [1, 2]}, "a-b": "dash", "\u2713": "check"},
    "list": [{"a": 1, "b": {"c": "x"}}, {"a": 2, "b": {"c": "y"}, "d": [3, 4]}, {"a": 3}, "text", None],
    "nested": [[0, 1], [2, [3]], 4],
    "reservations": [{"instances": [{"id": 1, "on": True}, {"id": 2}]}, {"instances": [{"id": 3, "on": False}]}, {}],
    "map": {"one": {"v": 1}, "two": {"v": 2}, "three": "text"},
    "people": [{"name": "Bo", "age": 30, "tags": ["x"]}, {"name": "Al", "age": 20, "tags": []}],
    "numbers": [3, -1.5, 0, 2],
    "words": ["b", "a", "c"],
    "t": True,
    "f": False,
    "zero": 0,
    "empty": [],
    "no": {},
    "blank": "",
    "nothing": None,
}
FORMS = r"""
foo.bar.baz ;; foo.bar.none.x ;; foo."a-b" ;; "foo".bar ;; foo."\u2713" ;; foo.bar ;; @ ;; @.foo.bar ;; list[0]
list[-2] ;; list[9].a ;; foo[0] ;; foo.bar.baz.x ;; list[1].d[1] ;; list[0:2] ;; list[:-3] ;; list[-2:]
list[::2] ;; list[::-1] ;; list[3:0:-2] ;; foo[0:1] ;; list[0:2].a ;; words[5:] ;; words[-9:9] ;; nested[:2][]
list[*].a ;; list[*].b.c ;; list[*].d[0] ;; list[*].none ;; foo[*] ;; *.bar ;; map.*.v ;; map.* ;; list.*
foo.*.* ;; nested[] ;; nested[][] ;; reservations[].instances[].id ;; reservations[*].instances[*].id
reservations[*].instances[].id ;; foo[] ;; [foo.bar.baz, t] ;; {a: foo.bar.baz, "b c": zero}
list[].{x: a, y: b.c} ;; list[].[a, b.c] ;; nothing.[a, b] ;; nothing.{a: b} ;; no.[a] ;; people[?age > `20`].name
people[?age >= `20` && name == 'Al'] ;; people[?name != 'Al'] ;; people[?tags].name ;; people[?!tags].name
people[?contains(tags, 'x')] ;; people[?age < `20` || name == 'Bo'].age ;; list[?a == `1`] ;; list[?b.c == 'x'].b
list[?a] ;; foo[?a] ;; empty[?a] ;; people[?age == `30`] | [0] ;; people ;; people[?length(name) == `2`]
people[*].name | [0] ;; people[].name | length(@) | list | [0].b ;; t || f ;; f || t
blank || empty || no || nothing || zero ;; f || nothing ;; t && zero ;; f && t ;; empty && t ;; !t ;; !f ;; !empty
!zero ;; !nothing ;; !!blank ;; (t || f) && f ;; t || f && f ;; zero == f ;; `1` == t ;; zero == `0`
`[1]` == `[1]` ;; blank == '' ;; nothing == nope ;; nothing != t ;; t != f ;; zero < `1` ;; zero <= `0`
`2.5` > `2` ;; `2` >= `3` ;; 'raw' ;; 'it\'s' ;; '\n' ;; `"json"` ;; `{"a": [1, null]}` ;; `null` ;; `true`
`-1.5e2` ;; `"\u00e9"` ;; `[1, 2]`[1] ;; `{"a": 1}`.a ;; abs(numbers[1]) ;; avg(numbers) ;; avg(empty)
ceil(`1.2`) ;; contains('abc', 'b') ;; contains(numbers, `3`) ;; contains(words, 'z') ;; ends_with('abc', 'bc')
floor(`1.8`) ;; join('-', words) ;; join('', empty) ;; keys(no) ;; sort(keys(map)) ;; length('abc')
length(empty) ;; length(map) ;; map(&name, people) ;; map(&v, values(map)) ;; max(numbers) ;; max(words)
max(empty) ;; max_by(people, &age).name ;; merge(no, map.one, {v: t}) ;; min(numbers) ;; min(empty)
min_by(people, &name) ;; not_null(nope, f, t) ;; not_null(nothing) ;; reverse(words) ;; reverse('abc')
sort(numbers) ;; sort(words) ;; sort_by(people, &age)[*].name ;; sort_by(empty, &a) ;; starts_with('abc', 'ab')
sum(numbers) ;; sum(empty) ;; to_array('x') ;; to_array(words) ;; to_array(no) ;; to_number('1.5')
to_number('x') ;; to_number(t) ;; to_number(zero) ;; to_string(t) ;; to_string(words) ;; to_string(no)
to_string('x') ;; to_string(people[0]) ;; type(t) ;; type('') ;; type(zero) ;; type(empty) ;; type(no)
values(map.one) ;; people[?sort(tags) == `["x"]`].name ;; foo.bar.{n: length(qux), s: sum(qux)}
people[*].join('/', [name, to_string(age)])
"""


@pytest.mark.parametrize("expression", re.split(" ;; |\n", FORMS.strip()))
def test_every_other_form_gives_what_jmespath_gives(expression: str) -> None:
    found = compile_source(expression, unwraps=False)(DOCUMENT)
    meant = jmespath.search(expression, DOCUMENT)

    assert found is ABSENT if meant is None else (found, type(found)) == (meant, type(meant))


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
