"""Values between JSON and the org's fields: lengths, numbers, what is never empty, and whose record it is."""

from __future__ import annotations

from typing import Any

import pytest
from builders import CONTACTS, SENT_AT, a_destination, a_message, a_profile
from salesforce_destination.errors import SalesforceUnavailableError
from salesforce_destination.mapping.mapper import Mapper
from salesforce_destination.outcome import OutcomeKind, ProfileRefusedError, Reason
from salesforce_destination.record.description import ObjectDescription, read_description
from salesforce_destination.record.record import Update
from scripted_org import ScriptedOrg, a_deliverer

FAMILY = "\U0001f469\u200d\U0001f467"
OSLO = "\U0001f1f3\U0001f1f4"
TITLE = """
[[mappings]]
source = "title"
target = "Title__c"
"""
CUT = f'{TITLE}max_length = 9\nwhen_too_long = "truncate"\n'
FIELDS = (
    {"name": "Title__c", "type": "string", "length": 5, "nillable": True},
    {"name": "Member__c", "type": "boolean"},
    {"name": "LastName", "type": "string", "length": 80},
    {"name": "Points__c", "type": "double", "nillable": True},
    {"name": "Key__c", "type": "double", "nillable": True, "unique": True},
)
KEYED = CONTACTS.replace('"SalesforceId"', '"Key__c"')


def described(text: str = CONTACTS, more: str = "") -> Mapper:
    mapper = Mapper(a_destination(text, more))
    mapper.use_description(read_description({"fields": FIELDS}))
    return mapper


def written(mapper: Mapper, **attributes: Any) -> Update:
    update = mapper.map(a_profile(**attributes), None, SENT_AT)
    assert update
    return update


def refused(mapper: Mapper, **attributes: Any) -> Reason:
    with pytest.raises(ProfileRefusedError) as error:
        mapper.map(a_profile(**attributes), None, SENT_AT)
    return error.value.reason


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ("\U0001f600" * 3, "\U0001f600" * 2),
        ("a" + FAMILY, "a"),
        (FAMILY + "a", FAMILY),
        ("abc" + OSLO, "abc"),
        ("abcde\u0301", "abcd"),
        ("\u2764\ufe0f" * 3, "\u2764\ufe0f" * 2),
        ("ab \U0001f44d\U0001f3fd", "ab"),
        (FAMILY + "\u200d\U0001f467", "\U0001f469\u200d\U0001f467"),
        ("abcd\u0939\u093f", "abcd"),
        ("ab\u05e9\u05c1\u05b8\u05dc", "ab\u05e9\u05c1\u05b8"),
        ("\u0939" + "\u093f" * 5, "\u0939" + "\u093f" * 4),
    ],
)
def test_a_text_is_cut_between_characters_where_the_org_counts_it_as_too_long(value: str, fits: str) -> None:
    cut = written(described(more=CUT), title=value).fields["Title__c"]

    assert cut == fits
    assert len(cut.encode("utf-16-le")) <= 10


def test_two_units_of_an_emoji_count_where_nothing_may_be_cut() -> None:
    assert refused(described(more=TITLE), title="\U0001f600" * 3).text == (
        "Title__c holds 5 characters, and the value has 6."
    )


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (4790123456.0, "4790123456"),
        (4.790123456e22, "47901234560000000000000"),
        (-0.0, "0"),
        (-0.5, "-0.5"),
        (1e-7, "0.0000001"),
        (12345678901234567890123, "12345678901234567890123"),
    ],
)
def test_a_number_is_written_as_a_person_writes_it_where_the_file_says_text(number: float, text: str) -> None:
    mapper = Mapper(a_destination(more=f"{TITLE}max_length = 40\n"))

    assert written(mapper, title=number).fields["Title__c"] == text


def test_digits_that_json_may_have_lost_are_no_value_of_a_text() -> None:
    reason = refused(described(more=TITLE), title=4790123456789012345678.0)

    assert reason.code == "VALUE_NOT_PLAIN"
    assert "send it as text" in reason.text


def test_the_org_says_whether_a_number_is_text() -> None:
    points = TITLE.replace("Title__c", "Points__c")

    assert written(Mapper(a_destination(more=TITLE)), title=47.0).fields["Title__c"] == 47
    assert written(described(more=TITLE), title=47.0).fields["Title__c"] == "47"
    assert repr(written(described(more=points), title=47.0).fields["Points__c"]) == "47"
    assert written(described(more=points), title=0.25).fields["Points__c"] == 0.25


MEMBER = """
[[mappings]]
source = "member"
target = "Member__c"
"""


TIER = """
[[mappings]]
source = "tier"
target = "Title__c"
"""
VALUES = 'male = "Mr.", "New customer" = "New", 1 = "Gold", "0.5" = "Half", true = "Yes", none = ""'
LISTED = f"{TIER}values = {{ {VALUES} }}\n"


@pytest.mark.parametrize(
    ("value", "becomes"),
    [
        ("male", "Mr."),
        (" Male ", "Mr."),
        ("NEW CUSTOMER", "New"),
        (1, "Gold"),
        (1.0, "Gold"),
        ("1", "Gold"),
        (0.5, "Half"),
        (True, "Yes"),
        ("TRUE", "Yes"),
        ("none", None),
        (None, None),
        ("", None),
        ({"value": "male"}, "Mr."),
    ],
)
def test_a_value_becomes_what_the_file_lists_for_it(value: object, becomes: str | None) -> None:
    assert written(described(more=LISTED), tier=value).fields["Title__c"] == becomes
    assert written(Mapper(a_destination(more=LISTED)), tier=value).fields["Title__c"] == becomes


@pytest.mark.parametrize("value", ["Secret", 2, 1.5, False, "1.0", "ma le", 4790123456789012345678.0, "\ud800"])
def test_what_the_file_does_not_list_is_rejected_left_or_cleared(value: object) -> None:
    reason = refused(described(more=LISTED), tier=value)

    text = "The value for Title__c, at tier, is not listed in values."
    assert reason == Reason("VALUE_NOT_LISTED", text, ("Title__c",))
    left = written(described(more=f'{LISTED}other = "leave"\n'), tier=value)
    assert ("Title__c" in left.fields, left.omitted) == (False, ())
    assert written(described(more=f'{LISTED}other = "clear"\n'), tier=value).fields["Title__c"] is None


def test_what_is_not_listed_is_left_out_where_refused_values_are() -> None:
    update = written(described(more=f'{LISTED}when_refused = "omit"\n'), tier="Secret")

    assert ("Title__c" in update.fields, update.omitted) == (False, ("Title__c",))
    assert update.fields["LastName"]


def test_a_profile_without_a_value_is_none_of_the_others() -> None:
    required, default = f"{LISTED}required = true\n", f'{LISTED}default = "male"\n'

    assert "Title__c" not in written(described(more=LISTED)).fields
    assert refused(described(more=required), tier=None).code == "REQUIRED_VALUE_MISSING"
    assert written(described(more=default), tier=None).fields["Title__c"] == "male"


def test_a_listed_value_keeps_the_rules_of_its_field() -> None:
    member = f"{MEMBER}values = {{ y = true, n = false, u = '' }}\n"
    points = TIER.replace("Title__c", "Points__c") + "values = { gold = 1000, silver = 2.5 }\n"

    assert written(described(more=member), member="Y").fields["Member__c"] is True
    assert written(described(more=member), member="u").omitted == ("Member__c",)
    assert written(described(more=points), tier="silver").fields["Points__c"] == 2.5
    assert refused(described(more=f"{TIER}values = {{ a = 'longer' }}\n"), tier="a").code == "VALUE_TOO_LONG"
    assert written(described(more=f"{TIER}values = {{ a = 47 }}\n"), tier="a").fields["Title__c"] == "47"
    assert refused(described(more=f'{LISTED}other = "leave"\n'), tier=["male"]).code == "VALUE_NOT_PLAIN"


@pytest.mark.parametrize("nothing", [None, "", " "])
def test_what_is_never_empty_is_left_alone_and_counted(nothing: object) -> None:
    mapper = described(more=MEMBER)

    update = written(mapper, member=nothing)

    assert "Member__c" not in update.fields
    assert update.omitted == ("Member__c",)
    assert written(Mapper(a_destination(more=MEMBER)), member=nothing).fields["Member__c"] is None


def test_a_last_name_is_never_empty_in_any_org() -> None:
    text = CONTACTS.replace("required = true", "")

    assert written(Mapper(a_destination(text)), last_name="", email="a@example.com").omitted == ("LastName",)
    assert refused(described(more=f"{MEMBER}required = true\n"), member=None).code == "REQUIRED_VALUE_MISSING"


@pytest.mark.parametrize("number", [7, "7", "007", "7.0", 7.0, " +7 ", "70e-1", "7."], ids=lambda number: repr(number))
def test_the_spellings_of_one_number_are_one_key_where_the_org_says_number(number: object) -> None:
    update = written(described(KEYED), crm_id=number)

    assert (update.key, update.identity) == ("7", "7")


def test_without_the_orgs_word_keys_are_texts() -> None:
    assert written(Mapper(a_destination(KEYED)), crm_id="007").key == "007"


@pytest.mark.parametrize("identity", ["A-7", "1_000", "\u0667", "0x7", "Infinity", 1.2345678901234567e22])
def test_what_is_no_number_cannot_be_found_by_one(identity: object) -> None:
    assert refused(described(KEYED), crm_id=identity).code == "IDENTITY_MALFORMED"


@pytest.mark.parametrize(
    "nobody",
    [
        "null",
        "NULL",
        "undefined",
        " None ",
        "NaN",
        "\u200b",
        "\ufeff",
        "\u00a0",
        "",
        None,
        "\0",
        "null\u200b",
        "\u00adNone",
    ],
)
@pytest.mark.parametrize("text", [CONTACTS, KEYED])
def test_a_word_for_nothing_is_nobodys_identity(nobody: object, text: str) -> None:
    profile = {"identityMap": {"crmID": [{"id": nobody}]}}

    assert refused(Mapper(a_destination(text)), **profile).code == "NO_IDENTITY"


def test_sharp_s_is_not_two_letters() -> None:
    mapper = Mapper(a_destination(KEYED))

    keys = {written(mapper, crm_id=street).key for street in ("STRASSE-1", "stra\u00dfe-1", "Stra\u00dfe-1")}

    assert keys == {"strasse-1", "stra\u00dfe-1"}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("to_string(gone)", None),
        ("to_string([gone, gone])", None),
        ("to_string({a: gone, b: title})", '{"b":"x"}'),
        ("to_string(to_array(gone))", None),
        ("type(gone)", None),
        ("type(title)", "string"),
        ("join('-', [gone, title])", "x"),
        ("join('-', [to_string(gone), title])", "x"),
        ("join('-', [gone, gone])", None),
        ("lower(gone) || upper(title)", "X"),
        ("to_string(gone) || title", "x"),
        ("to_string(`0`)", "0"),
        ("to_string(`9.0`)", "9"),
        ("join('-', [to_string(`4790123456.0`), title])", "4790123456-x"),
    ],
)
def test_of_nothing_a_function_makes_nothing(source: str, value: str | None) -> None:
    mapper = Mapper(a_destination(more=TITLE.replace('"title"', f'"{source}"' if '"' not in source else f"'{source}'")))

    assert written(mapper, title="x").fields.get("Title__c") == value


BIRTHDATE = TITLE.replace('"title"', '"date(born)"').replace("Title__c", "Birthdate")


def test_a_failed_function_names_its_field_and_the_field_may_be_left_out() -> None:
    mapper = Mapper(a_destination(more=BIRTHDATE))
    reason = refused(mapper, born="01.05.1990")
    assert (reason.code, reason.fields) == ("EXPRESSION_FAILED", ("Birthdate",))
    assert reason.text.startswith("Birthdate: date(born) failed: date() takes ISO 8601 ")

    omits = Mapper(a_destination(more=f'{BIRTHDATE}when_refused = "omit"\n'))
    update = written(omits, born="01.05.1990")
    assert (update.fields, update.omitted) == ({"LastName": "Okafor"}, ("Birthdate",))

    lists = Mapper(a_destination(more=f'{BIRTHDATE}values = {{ "1990-05-01" = "x" }}\nother = "leave"\n'))
    assert written(lists, born="1990-05-01T08:00:00Z").fields["Birthdate"] == "x"
    assert refused(lists, born=[]).code == "EXPRESSION_FAILED"


def test_the_org_is_asked_five_minutes_after_no_answer_and_an_hour_after_one() -> None:
    destination, now = a_destination(KEYED), [0.0]
    org = DescribedOrg(destination)
    org.is_silent = True
    deliverer = a_deliverer(destination, org)
    deliverer.memory.clock = lambda: now[0]
    deliverer.ask_at = 0.0

    messages = [a_message(a_profile(crm_id=key)) for key in ("7", "007", "7.0")]
    calls = [deliverer.deliver(messages, SENT_AT).requests, deliverer.deliver(messages, SENT_AT).requests]
    assert [row["Key__c"] for row in org.rows] == ["7", "007", "7.0"] * 2
    org.requests, org.is_silent = [], False
    for seconds in (299.0, 300.0, 3899.0, 3900.0, 7500.0):
        now[0] = seconds
        batch = deliverer.deliver(messages, SENT_AT)
        assert batch.kinds() == {OutcomeKind.DELIVERED: 3}
        calls.append(batch.requests)
    assert [row["Key__c"] for row in org.rows[3:]] == ["7"] * 4
    assert calls == [2, 1, 1, 2, 1, 2, 2]


class DescribedOrg(ScriptedOrg):
    is_silent = False

    def describe(self, sobject: str = "", *, anew: bool = False) -> ObjectDescription:
        super().describe()
        if self.is_silent:
            raise SalesforceUnavailableError(503)
        return read_description({"fields": FIELDS})
