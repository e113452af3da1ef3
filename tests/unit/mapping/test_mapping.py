from __future__ import annotations

from typing import Any

import pytest
from builders import CONTACTS, LOYAL, SENT_AT, a_destination, a_membership, a_profile, an_id
from salesforce_destination.mapping.mapper import Mapper
from salesforce_destination.outcome import ProfileRefusedError, Reason
from salesforce_destination.record.record import Update

VIP = """
[[audiences]]
id = "vip"
mapping_id = "CDP_Vip__c"
"""


def mapped(profile: dict[str, Any], more: str = "", text: str = CONTACTS) -> Update:
    result = Mapper(a_destination(text, more)).map(profile, None, SENT_AT)
    assert result is not None
    return result


def refused(profile: dict[str, Any], more: str = "", text: str = CONTACTS) -> Reason:
    with pytest.raises(ProfileRefusedError) as error:
        Mapper(a_destination(text, more)).map(profile, None, SENT_AT)
    return error.value.reason


def test_a_profile_becomes_the_fields_that_the_file_names() -> None:
    profile = a_profile(3, last_name="Doe", first_name="John", email="john@acme.com", statuses={LOYAL: "realized"})

    result = mapped(profile)

    assert result.identity == result.key == an_id(3)
    assert result.fields == {
        "LastName": "Doe",
        "FirstName": "John",
        "Email": "john@acme.com",
        "CDP_Loyal__c": "realized",
    }


def test_what_is_absent_leaves_its_field_alone() -> None:
    assert set(mapped(a_profile()).fields) == {"LastName"}


def test_a_profile_that_leaves_every_field_alone_is_not_written() -> None:
    nothing_required = CONTACTS.replace("required = true", "required = false")

    assert Mapper(a_destination(nothing_required)).map(a_profile(last_name=None), None, SENT_AT) is None
    assert refused(a_profile(last_name=None, crm_id="nonsense"), text=nothing_required).code == "IDENTITY_MALFORMED"


def test_an_explicit_null_and_an_empty_text_clear_their_field() -> None:
    assert mapped(a_profile(personalEmail={"address": None})).fields["Email"] is None
    assert mapped(a_profile(email="  ")).fields["Email"] is None


def test_an_attribute_without_a_value_is_absent() -> None:
    assert "Email" not in mapped(a_profile(personalEmail={"address": {}})).fields


def test_text_loses_the_blanks_that_salesforce_would_trim() -> None:
    assert mapped(a_profile(last_name="  Doe ")).fields["LastName"] == "Doe"


@pytest.mark.parametrize("last_name", [None, "", "   "])
def test_a_required_value_that_is_missing_is_named(last_name: str | None) -> None:
    reason = refused(a_profile(last_name=last_name))

    assert (reason.code, reason.fields) == ("REQUIRED_VALUE_MISSING", ("LastName",))
    assert "person.name.lastName" in reason.text


def test_a_value_may_be_as_long_as_its_field_and_no_longer() -> None:
    assert mapped(a_profile(last_name="x" * 80)).fields["LastName"] == "x" * 80

    reason = refused(a_profile(last_name="x" * 81))

    assert (reason.code, reason.fields) == ("VALUE_TOO_LONG", ("LastName",))


def test_the_length_of_a_standard_field_is_known_without_being_written() -> None:
    assert refused(a_profile(email="x" * 81)).fields == ("Email",)


def test_a_long_text_is_cut_where_the_file_says_so() -> None:
    more = """
[[mappings]]
source = "jobTitle"
target = "Title"
max_length = 5
when_too_long = "truncate"
"""

    assert mapped(a_profile(jobTitle="Head of sales"), more).fields["Title"] == "Head"


def test_constants_defaults_and_clearing() -> None:
    more = """
[[mappings]]
constant = "Web"
target = "LeadSource"

[[mappings]]
source = "city"
target = "MailingCity"
default = "Unknown"

[[mappings]]
source = "phone"
target = "Phone"
when_absent = "clear"
"""

    fields = mapped(a_profile(), more).fields

    assert (fields["LeadSource"], fields["MailingCity"], fields["Phone"]) == ("Web", "Unknown", None)


def test_numbers_go_as_text_to_text_fields_and_as_they_are_to_others() -> None:
    more = """
[[mappings]]
source = "code"
target = "MailingPostalCode"

[[mappings]]
source = "points"
target = "Points__c"
"""

    fields = mapped(a_profile(code=4711, points=4711), more).fields

    assert (fields["MailingPostalCode"], fields["Points__c"]) == ("4711", 4711)


@pytest.mark.parametrize("value", [["a"], {"a": 1}])
def test_a_list_or_an_object_is_no_value_for_a_field(value: object) -> None:
    assert refused(a_profile(personalEmail={"address": value})).code == "VALUE_NOT_PLAIN"


OMIT = CONTACTS.replace('target = "Email"', 'target = "email"\nwhen_refused = "omit"')


@pytest.mark.parametrize("value", [["a"], {"a": 1}, [], "x" * 81, "\ud800", float("inf"), ["a", {"b": None}]])
def test_a_value_that_is_refused_here_is_left_out_where_the_file_says_so(value: object) -> None:
    found = mapped(a_profile(personalEmail={"address": value}, statuses={LOYAL: "realized"}), text=OMIT)

    assert found.fields == {"LastName": "Okafor", "CDP_Loyal__c": "realized"}
    assert found.omitted == ("Email",)


def test_where_nothing_else_is_left_to_write_the_refusal_stands() -> None:
    text = OMIT.replace("required = true", "required = false")

    assert refused(a_profile(last_name=None, email="x" * 81), text=text).code == "VALUE_TOO_LONG"


def test_a_required_value_that_is_not_there_is_no_refused_one() -> None:
    text = CONTACTS.replace("required = true", 'required = true\nwhen_refused = "omit"')

    assert refused(a_profile(last_name=None), text=text).code == "REQUIRED_VALUE_MISSING"


@pytest.mark.parametrize("points", ["1e999", "-1e999"])
def test_a_number_that_json_cannot_hold_is_kept_from_the_request(points: str) -> None:
    more = """
[[mappings]]
source = "points"
target = "Points__c"
"""

    reason = refused(a_profile(points=float(points)), more)

    assert (reason.code, reason.fields) == ("VALUE_NOT_PLAIN", ("Points__c",))


@pytest.mark.parametrize("status", ["realized", "existing", "exited", "Realized"])
def test_each_status_is_written_to_the_field_of_its_mapping_id(status: str) -> None:
    assert mapped(a_profile(statuses={LOYAL: status})).fields["CDP_Loyal__c"] == status.lower()


def test_an_audience_that_nobody_mapped_is_ignored() -> None:
    profile = a_profile(statuses={"somebody-elses": "unheard-of", LOYAL: "exited"})

    assert mapped(profile).fields["CDP_Loyal__c"] == "exited"


def test_an_absent_audience_is_not_an_exit() -> None:
    assert "CDP_Loyal__c" not in mapped(a_profile(statuses={"vip": "realized"}), VIP).fields


def test_an_unknown_status_is_refused_by_its_name() -> None:
    reason = refused(a_profile(statuses={LOYAL: "paused"}))

    assert reason.code == "STATUS_UNKNOWN"
    assert "'paused'" in reason.text


def test_a_profile_without_its_identity_is_refused() -> None:
    profile = a_profile()
    del profile["identityMap"]

    reason = refused(profile)

    assert reason.code == "NO_IDENTITY"
    assert "identityMap.crmID[0].id" in reason.text


@pytest.mark.parametrize("crm_id", ["003", "0037e00001wz310AAD", "00QAb0000000001", "a b c"])
def test_an_id_that_salesforce_would_not_take_is_never_sent(crm_id: str) -> None:
    assert refused(a_profile(crm_id=crm_id)).code == "IDENTITY_MALFORMED"


def test_ids_of_fifteen_and_eighteen_characters_name_one_record() -> None:
    assert mapped(a_profile(crm_id=an_id(1)[:15])).key == mapped(a_profile(crm_id=an_id(1))).key


def test_the_primary_identity_comes_before_the_first() -> None:
    identities = [{"id": an_id(1)}, {"id": an_id(2), "primary": True}]

    assert mapped(a_profile(identityMap={"crmID": identities})).identity == an_id(2)
    assert mapped(a_profile(identityMap={"crmID": identities[:1]})).identity == an_id(1)


@pytest.mark.parametrize(
    "source", ["values(identityMap)[0][0].id", "@.identityMap.crmID[0].id", "not_null(identityMap.crmID, `[]`)[0].id"]
)
def test_the_primary_identity_comes_first_however_a_source_reaches_it(source: str) -> None:
    text = CONTACTS.replace('"identityMap.crmID[0].id"', f"'{source}'")
    profile = a_profile(identityMap={"crmID": [{"id": an_id(1)}, {"id": an_id(2), "primary": True}]})

    assert source in text
    assert mapped(profile, text=text).identity == an_id(2)


@pytest.mark.parametrize("namespace", ["crmID", "crmid", "CRMID"])
def test_a_namespace_may_be_spelled_in_either_case(namespace: str) -> None:
    assert mapped(a_profile(identityMap={namespace: [{"id": an_id(5)}]})).identity == an_id(5)


@pytest.mark.parametrize("written_as", ['since_field = "CDP_Loyal_Since__c"', 'value = "timestamp"'])
def test_a_membership_time_that_cannot_be_read_is_refused_where_it_would_be_written(written_as: str) -> None:
    profile = a_profile(segmentMembership={"ups": {LOYAL: a_membership(since="yesterday")}})

    assert refused(profile, more=written_as).code == "QUALIFICATION_TIME_INVALID"


def test_a_membership_time_that_nothing_is_made_of_keeps_no_status_from_its_field() -> None:
    profile = a_profile(segmentMembership={"ups": {LOYAL: a_membership(since="yesterday")}})

    assert mapped(profile).fields["CDP_Loyal__c"] == "realized"


ORDERED = """
[ordering]
field = "CDP_Event_Time__c"
source = "timestamp"
"""


def test_the_event_time_is_written_to_the_ordering_field() -> None:
    assert mapped(a_profile(), ORDERED).fields["CDP_Event_Time__c"] == SENT_AT


def test_the_profiles_own_time_comes_before_the_time_of_sending() -> None:
    assert mapped(a_profile(timestamp="2022-01-11T21:24:39Z"), ORDERED).event_time == 1_641_936_279_000


def test_the_time_that_the_message_is_given_comes_before_the_profiles_own() -> None:
    mapper = Mapper(a_destination(more=ORDERED))

    result = mapper.map(a_profile(timestamp="2022-01-11T21:24:39Z"), SENT_AT - 5, SENT_AT)

    assert result is not None
    assert result.event_time == result.fields["CDP_Event_Time__c"] == SENT_AT - 5


@pytest.mark.parametrize("timestamp", ["soon", 1, SENT_AT + 300_001])
def test_an_event_time_that_would_freeze_the_record_is_refused(timestamp: object) -> None:
    assert refused(a_profile(timestamp=timestamp), ORDERED).code == "EVENT_TIME_INVALID"


def test_no_value_of_a_profile_shows_in_a_repr() -> None:
    result = mapped(a_profile(last_name="MARKED", email="marked@example.com"))

    assert "MARKED" not in repr(result)
    assert "MARKED" not in repr(refused(a_profile(last_name="MARKED" * 20)))


def title(keys: str) -> str:
    return f'\n[[mappings]]\nsource = "title"\ntarget = "Title__c"\n{keys}\n'


CUT = title('max_length = 5\nwhen_too_long = "truncate"')


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("x" * 4, "x" * 4),
        ("x" * 5, "x" * 5),
        ("x" * 6, "x" * 5),
        ("ü" * 6, "ü" * 5),
        ("1234 6", "1234"),
        (123456, "12345"),
    ],
)
def test_a_text_is_cut_at_its_longest_and_loses_the_blank_that_it_would_end_in(value: object, written: object) -> None:
    assert mapped(a_profile(title=value), CUT).fields["Title__c"] == written


@pytest.mark.parametrize(("value", "is_kept"), [("ü" * 5, True), ("ü" * 6, False), ("x" * 6, False)])
def test_a_text_that_is_too_long_says_how_long_it_may_be(value: str, is_kept: bool) -> None:
    more = title("max_length = 5")

    if is_kept:
        assert mapped(a_profile(title=value), more).fields["Title__c"] == value
    else:
        assert refused(a_profile(title=value), more).text == "Title__c holds 5 characters, and the value has 6."


def test_without_a_length_a_text_may_be_as_long_as_it_is() -> None:
    assert mapped(a_profile(title="ü" * 100_000), title("")).fields["Title__c"] == "ü" * 100_000


def test_the_length_in_the_file_comes_before_the_one_that_is_known() -> None:
    shorter = CONTACTS.replace("max_length = 40", "max_length = 3")

    assert refused(a_profile(first_name="Anna"), text=shorter).fields == ("FirstName",)


@pytest.mark.parametrize(
    ("keys", "profile", "expected"),
    [
        ("", {}, None),
        ("", {"title": None}, {"Title__c": None}),
        ('when_absent = "clear"', {}, {"Title__c": None}),
        ('default = "none"', {}, {"Title__c": "none"}),
        ('default = "none"', {"title": None}, {"Title__c": "none"}),
        ('default = "none"', {"title": " "}, {"Title__c": "none"}),
        ("", {"title": False}, {"Title__c": False}),
        ("", {"title": 0}, {"Title__c": 0}),
        ("", {"title": 1.5}, {"Title__c": 1.5}),
    ],
)
def test_an_absent_value_is_no_null_and_a_default_stands_for_both(
    keys: str, profile: dict[str, Any], expected: dict[str, Any] | None
) -> None:
    fields = mapped(a_profile(**profile), title(keys)).fields

    assert {name: value for name, value in fields.items() if name == "Title__c"} == (expected or {})


@pytest.mark.parametrize(("value", "written"), [(7, "7"), (1.5, "1.5"), (True, True)])
def test_numbers_alone_become_texts(value: object, written: object) -> None:
    more = '\n[[mappings]]\nsource = "code"\ntarget = "MailingPostalCode"\n'

    assert mapped(a_profile(code=value), more).fields["MailingPostalCode"] == written


def test_half_a_character_is_refused_in_a_value_and_in_an_identity() -> None:
    by_key = CONTACTS.replace('"SalesforceId"', '"Key__c"')

    assert refused(a_profile(last_name="\ud800")).code == "VALUE_NOT_PLAIN"
    assert refused(a_profile(crm_id="\ud800"), text=by_key).code == "IDENTITY_MALFORMED"


KEYED = CONTACTS.replace('target = "SalesforceId"', 'target = "{target}"\n{more}')


@pytest.mark.parametrize(
    ("target", "more", "key"),
    [
        ("Key__c", "", "kunde-7"),
        ("Key__c", "case_sensitive = true", "Kunde-7"),
        ("Email", "", "kunde-7"),
    ],
)
def test_texts_that_the_org_holds_for_one_have_one_key_and_are_sent_as_they_came(
    target: str, more: str, key: str
) -> None:
    text = KEYED.format(target=target, more=more).replace('target = "Email"\n\n[[aud', 'target = "Other__c"\n\n[[aud')

    result = mapped(a_profile(crm_id=" Kunde-7 "), text=text)

    assert (result.key, result.identity) == (key, "Kunde-7")


@pytest.mark.parametrize(("identity", "is_one"), [(7, True), ("7", True), (7.0, True), (True, False), ("  ", False)])
def test_a_text_or_a_whole_number_is_an_identity(identity: object, is_one: bool) -> None:
    text = KEYED.format(target="Key__c", more="")
    profile = a_profile(identityMap={"crmID": [{"id": identity}]})

    if is_one:
        assert mapped(profile, text=text).identity == "7"
    else:
        assert refused(profile, text=text).code == "NO_IDENTITY"


@pytest.mark.parametrize(
    ("sobject", "prefix", "is_taken"),
    [
        ("Contact", "003", True),
        ("Contact", "00Q", False),
        ("Lead", "00Q", True),
        ("Account", "001", True),
        ("Account", "003", False),
        ("Thing__c", "a01", True),
        ("Thing__c", "a02", True),
    ],
)
def test_an_id_begins_with_the_prefix_of_its_object_where_that_is_known(
    sobject: str, prefix: str, is_taken: bool
) -> None:
    text = CONTACTS.replace('"Contact"', f'"{sobject}"')
    profile = a_profile(crm_id=an_id(1, prefix))

    if is_taken:
        assert mapped(profile, text=text).identity == an_id(1, prefix)
    else:
        assert f"is not the Id of a {sobject}" in refused(profile, text=text).text


def test_a_dead_letter_shows_forty_characters_of_a_bad_id_or_time() -> None:
    assert f"{'x' * 40!r} is not" in refused(a_profile(crm_id="x" * 41)).text
    assert f"{'x' * 40!r}, is not" in refused(a_profile(timestamp="x" * 41), ORDERED).text


@pytest.mark.parametrize(
    ("message_time", "own", "several", "expected"),
    [
        (None, None, False, SENT_AT),
        (None, SENT_AT - 2, False, SENT_AT - 2),
        (SENT_AT - 1, None, False, SENT_AT - 1),
        (SENT_AT - 1, SENT_AT - 2, False, SENT_AT - 1),
        (None, None, True, SENT_AT),
        (None, SENT_AT - 2, True, SENT_AT - 2),
        (SENT_AT - 1, None, True, SENT_AT - 1),
        (SENT_AT - 1, SENT_AT - 2, True, SENT_AT - 2),
    ],
)
def test_the_messages_time_comes_first_but_among_several_profiles_their_own(
    message_time: int | None, own: int | None, several: bool, expected: int
) -> None:
    for profile in (a_profile(timestamp=own), a_profile()) if own is None else (a_profile(timestamp=own),):
        assert Mapper(a_destination(more=ORDERED)).event_time(profile, message_time, SENT_AT, several) == expected


def test_a_profile_is_the_only_one_of_its_message_unless_told_otherwise() -> None:
    mapper, profile = Mapper(a_destination(more=ORDERED)), a_profile(timestamp=SENT_AT - 2)

    assert mapper.event_time(profile, SENT_AT - 1, SENT_AT) == SENT_AT - 1
    result = mapper.map(profile, SENT_AT - 1, SENT_AT)
    assert result is not None
    assert result.event_time == SENT_AT - 1


def test_the_key_of_a_profile_is_the_same_be_it_mapped_or_not() -> None:
    text = KEYED.format(target="Key__c", more="")
    profile = a_profile(crm_id="Kunde-7")

    assert Mapper(a_destination(text)).key(profile) == mapped(profile, text=text).key == "kunde-7"


def test_a_profile_that_holds_one_attribute_named_value_is_found_whole() -> None:
    mapper = Mapper(a_destination(more='\n[profiles]\nselect = "detail"\n'))
    assert mapper.select is not None

    assert mapper.select({"detail": {"value": "x"}}) == {"value": "x"}


def test_without_a_source_of_its_own_a_profile_has_its_messages_time() -> None:
    ordered = '\n[ordering]\nfield = "Time__c"\n'

    for several in (False, True):
        mapper = Mapper(a_destination(more=ordered))
        assert mapper.event_time(a_profile(timestamp=SENT_AT - 2), SENT_AT - 1, SENT_AT, several) == SENT_AT - 1
