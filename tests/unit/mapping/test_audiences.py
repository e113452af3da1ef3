from __future__ import annotations

from typing import Any

import pytest
from builders import SENT_AT, a_destination, a_membership, a_message, a_profile, an_id
from salesforce_destination.mapping.mapper import Mapper
from salesforce_destination.outcome import SKIPPED, ProfileRefusedError
from salesforce_destination.record.classification import RecordError
from salesforce_destination.record.record import Update
from scripted_org import ScriptedOrg, deliver

FILE = """
name = "Contacts"
salesforce_object = "Contact"

[profiles]
{profiles}

[identity]
source = "identityMap.crmID[0].id"
target = "SalesforceId"

[[mappings]]
source = "person.name.lastName"
target = "LastName"
required = true
"""
SINCE, SINCE_MS = "2022-01-11T21:24:39Z", 1_641_936_279_000
SENT = "2023-11-14T22:13:20Z"
CONSENT = "only_if = \"consents.marketing.email.val == 'y'\""
YES = {"marketing": {"email": {"val": "y"}}}
NO = {"marketing": {"email": {"val": "n"}}}


def audience(audience_id: str = "vip", **keys: str) -> str:
    lines = {"id": audience_id, "mapping_id": "Vip__c", **keys}
    return "\n[[audiences]]\n" + "\n".join(f'{key} = "{value}"' for key, value in lines.items()) + "\n"


def mapped(memberships: Any, *audiences: str, profiles: str = "", **more: Any) -> Update | None:
    destination = a_destination(FILE.format(profiles=profiles), "".join(audiences))
    given = {} if memberships is None else {"segmentMembership": memberships}
    return Mapper(destination).map(a_profile(**given, **more), SENT_AT, SENT_AT)


def is_skipped(memberships: Any, *audiences: str, profiles: str) -> bool:
    result = mapped(memberships, *audiences, profiles=profiles, consents=NO)
    return result is not None and (result.outcome, result.fields, result.is_permitted) == (SKIPPED, {}, False)


def fields(memberships: Any, *audiences: str, profiles: str = "", **more: Any) -> dict[str, Any]:
    result = mapped(memberships, *audiences, profiles=profiles, **more)
    assert result is not None
    return {name: value for name, value in result.fields.items() if name != "LastName"}


def ups(status: str | None = "realized", audience_id: str = "vip", since: str = SINCE) -> dict[str, Any]:
    return {"ups": {audience_id: a_membership(status, since)}} if status else {"ups": {}}


VALUES: list[tuple[dict[str, str], str | None, dict[str, Any]]] = [
    ({}, "realized", {"Vip__c": "realized"}),
    ({}, "existing", {"Vip__c": "existing"}),
    ({}, "exited", {"Vip__c": "exited"}),
    ({}, None, {}),
    ({"existing_as": "realized"}, "existing", {"Vip__c": "realized"}),
    ({"existing_as": "realized"}, "realized", {"Vip__c": "realized"}),
    ({"existing_as": "realized"}, "exited", {"Vip__c": "exited"}),
    ({"value": "boolean"}, "realized", {"Vip__c": True}),
    ({"value": "boolean"}, "existing", {"Vip__c": True}),
    ({"value": "boolean"}, "exited", {"Vip__c": False}),
    ({"value": "boolean"}, None, {}),
    ({"value": "timestamp"}, "realized", {"Vip__c": SINCE}),
    ({"value": "timestamp"}, "existing", {"Vip__c": SINCE}),
    ({"value": "timestamp"}, "exited", {"Vip__c": None}),
    ({"value": "timestamp"}, None, {}),
    ({"since_field": "Since__c"}, "realized", {"Vip__c": "realized", "Since__c": SINCE}),
    ({"since_field": "Since__c"}, "exited", {"Vip__c": "exited", "Since__c": SINCE}),
    ({"since_field": "Since__c"}, None, {}),
    ({"since_field": "Since__c", "value": "boolean"}, "exited", {"Vip__c": False, "Since__c": SINCE}),
    ({"since_field": "Since__c", "value": "timestamp"}, "exited", {"Vip__c": None, "Since__c": SINCE}),
]


@pytest.mark.parametrize(("keys", "status", "expected"), VALUES)
def test_a_status_becomes_the_value_that_the_file_asks_for(
    keys: dict[str, str], status: str | None, expected: dict[str, Any]
) -> None:
    assert fields(ups(status), audience(**keys)) == expected
    if status:
        exits = Mapper(a_destination(FILE.format(profiles=""), audience(**keys))).exits
        assert (exits == {"Vip__c": ("Vip__c", "Vip__c", expected["Vip__c"])}) is (status == "exited")


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ('realized = "Member", existing = "Old member", exited = "Left"', ("Member", "Old member", "Left")),
        ('realized = "Member", exited = "Left"', ("Member", "Member", "Left")),
        ('exited = "Left"', ("realized", "existing", "Left")),
        ('existing = "realized"', ("realized", "realized", "exited")),
    ],
)
def test_a_status_is_written_as_the_file_says(values: str, texts: tuple[str, str, str]) -> None:
    listed = f"{audience(since_field='Since__c')}values = {{ {values} }}\n"

    for status, text in zip(("realized", "existing", "exited"), texts, strict=True):
        assert fields(ups(status), listed) == {"Vip__c": text, "Since__c": SINCE}
        assert fields(ups(f" {status.upper()} "), listed)["Vip__c"] == text
    assert fields(ups("realized"), listed, profiles=CONSENT, consents=NO) == {"Vip__c": texts[2], "Since__c": SENT}


def test_each_value_and_each_status_is_tried_here() -> None:
    tried = {(keys.get("value", "status"), status) for keys, status, _ in VALUES}

    assert len(tried) == 3 * 4


def test_a_since_field_has_the_time_of_its_membership_and_so_has_the_status() -> None:
    result = mapped(ups(), audience(since_field="Since__c"))

    assert result is not None
    assert result.times == {"Vip__c": SINCE_MS, "Since__c": SINCE_MS}
    assert result.event_time == SENT_AT


def test_a_membership_without_a_time_has_the_time_of_its_event() -> None:
    memberships = {"ups": {"vip": {"status": "realized"}}}

    assert fields(memberships, audience(since_field="Since__c"))["Since__c"] == SENT
    assert fields(memberships, audience(value="timestamp"))["Vip__c"] == SENT


@pytest.mark.parametrize("memberships", [None, {}, {"ups": {}}, {"ups": None}, {"ups": {"vip": None}}, [], "text"])
def test_no_membership_of_a_mapped_audience_writes_nothing(memberships: Any) -> None:
    assert fields(memberships, audience()) == {}


@pytest.mark.parametrize("audience_id", ["59bd2fkd-3c48", "a.b@example.com", "26 to 35, Köln", "0"])
def test_an_id_may_be_any_text(audience_id: str) -> None:
    assert fields(ups("exited", audience_id), audience(audience_id)) == {"Vip__c": "exited"}


@pytest.mark.parametrize("written", ["ups", "UPS", "Ups"])
@pytest.mark.parametrize("arriving", ["ups", "UPS"])
def test_a_namespace_may_be_spelled_in_either_case(written: str, arriving: str) -> None:
    assert fields({arriving: {"vip": a_membership()}}, audience(namespace=written)) == {"Vip__c": "realized"}


def test_one_id_in_two_namespaces_is_two_audiences() -> None:
    memberships = {"ups": {"vip": a_membership("realized")}, "AAM": {"vip": a_membership("exited")}}
    both = (audience(namespace="ups"), audience(namespace="AAM", mapping_id="Other__c"))

    assert fields(memberships, *both) == {"Vip__c": "realized", "Other__c": "exited"}
    assert fields({"AAM": memberships["AAM"]}, *both) == {"Other__c": "exited"}


@pytest.mark.parametrize("newer", ["ups", "AAM"])
def test_without_a_namespace_the_latest_membership_counts(newer: str) -> None:
    memberships = {name: {"vip": a_membership("exited", "2021-01-01T00:00:00Z")} for name in ("ups", "AAM")}
    memberships[newer]["vip"] = a_membership("realized", "2022-01-01T00:00:00Z")

    assert fields(memberships, audience()) == {"Vip__c": "realized"}


def test_what_nobody_mapped_is_ignored_however_odd_it_is() -> None:
    memberships = {"ups": {"other": {"status": "unheard-of"}, "odd": 5, "vip": a_membership()}, "text": "text"}

    assert fields(memberships, audience()) == {"Vip__c": "realized"}


WHOLE = 'memberships = "all"'
NAMED = (
    audience("vip", mapping_id="Audiences__c", value="names", name="VIP"),
    audience("new", mapping_id="Audiences__c", value="names", name="New"),
)


@pytest.mark.parametrize(
    ("statuses", "written"),
    [
        ({"vip": "realized", "new": "existing"}, "VIP;New"),
        ({"new": "realized", "vip": "realized"}, "VIP;New"),
        ({"vip": "realized", "new": "exited"}, "VIP"),
        ({"new": "realized"}, "New"),
        ({"vip": "exited"}, None),
        ({"other": "realized"}, None),
        ({}, None),
    ],
)
def test_names_are_those_of_the_audiences_that_the_profile_is_in(statuses: dict[str, str], written: str | None) -> None:
    memberships = {"ups": {audience_id: a_membership(status) for audience_id, status in statuses.items()}}

    assert fields(memberships, *NAMED, profiles=WHOLE) == {"Audiences__c": written}


def test_a_field_of_names_tells_an_exit_where_nobody_is_left_in_it() -> None:
    assert Mapper(a_destination(FILE.format(profiles=WHOLE), "".join(NAMED))).exits == {
        "Audiences__c": ("Audiences__c", "Audiences__c", None)
    }


def test_names_are_cleared_by_a_message_without_any_membership() -> None:
    assert fields(None, *NAMED, profiles=WHOLE) == {"Audiences__c": None}


def test_an_unknown_status_is_no_membership_of_names_either() -> None:
    with pytest.raises(ProfileRefusedError, match="STATUS_UNKNOWN"):
        mapped(ups("paused"), *NAMED, profiles=WHOLE)


def test_with_consent_everything_is_written() -> None:
    assert fields(ups(), audience(), profiles=CONSENT, consents=YES) == {"Vip__c": "realized"}


@pytest.mark.parametrize("consents", [NO, {}, {"marketing": None}, {"marketing": {"email": "y"}}])
@pytest.mark.parametrize("status", ["realized", "existing", "exited", "unheard-of"])
def test_who_opts_out_leaves_the_audiences_in_the_message(consents: dict[str, Any], status: str) -> None:
    result = mapped(ups(status), audience(since_field="Since__c"), profiles=CONSENT, consents=consents)

    assert result is not None
    assert result.fields == {"Vip__c": "exited", "Since__c": SENT}
    assert result.identity == an_id()


@pytest.mark.parametrize(("value", "written"), [("status", "exited"), ("boolean", False), ("timestamp", None)])
def test_an_opt_out_is_written_as_each_value_has_it(value: str, written: object) -> None:
    result = mapped(ups(), audience(value=value), profiles=CONSENT, consents=NO)

    assert result is not None
    assert result.fields == {"Vip__c": written}


def test_an_opt_out_says_nothing_of_audiences_that_are_not_in_the_message() -> None:
    result = mapped(ups(), audience(), audience("new", mapping_id="New__c"), profiles=CONSENT, consents=NO)

    assert result is not None
    assert result.fields == {"Vip__c": "exited"}
    assert is_skipped(ups(audience_id="other"), audience(), profiles=CONSENT)
    assert is_skipped(None, audience(), profiles=CONSENT)


def test_an_opt_out_clears_the_names() -> None:
    result = mapped(ups(), *NAMED, profiles=f"{CONSENT}\n{WHOLE}", consents=NO)

    assert result is not None
    assert result.fields == {"Audiences__c": None}


def test_an_opt_out_that_leaves_writes_nothing() -> None:
    leave = f'{CONSENT}\nwhen_skipped = "leave"'

    assert is_skipped(ups(), audience(), profiles=leave)
    assert is_skipped(ups("exited"), *NAMED, profiles=f"{leave}\n{WHOLE}")
    assert fields(ups(), audience(), profiles=leave, consents=YES) == {"Vip__c": "realized"}


@pytest.mark.parametrize(("skipped", "guarded"), [("exit", set()), ("leave", {"Vip__c", "Since__c"})])
def test_where_a_consent_decides_messages_are_compared_by_their_events(skipped: str, guarded: set[str]) -> None:
    profiles = f'{CONSENT}\nwhen_skipped = "{skipped}"'

    result = mapped(ups(), audience(since_field="Since__c"), profiles=profiles, consents=YES)

    assert result is not None
    assert result.fields["Since__c"] == SINCE
    assert set(result.times) == guarded


def test_a_text_is_not_a_consent() -> None:
    path = 'only_if = "consents.marketing.email.val"'

    result = mapped(ups(), audience(), profiles=path, consents=YES)

    assert result is not None
    assert result.fields == {"Vip__c": "exited"}


def test_an_opt_out_writes_the_time_of_its_event() -> None:
    ordered = '\n[ordering]\nfield = "Time__c"\n'

    result = mapped(ups(), audience(), ordered, profiles=CONSENT, consents=NO)

    assert result is not None
    assert result.fields == {"Vip__c": "exited", "Time__c": SENT_AT}
    assert is_skipped(None, audience(), ordered, profiles=CONSENT)


def test_an_opt_out_never_creates_a_record() -> None:
    created = FILE.replace('target = "SalesforceId"', 'target = "Key__c"\ncreate_missing = true')
    destination = a_destination(created.format(profiles=CONSENT), audience())
    org = ScriptedOrg(destination, [RecordError("NOT_FOUND")] * 3)
    profiles = [a_profile(n, segmentMembership=ups(), consents=given) for n, given in enumerate([YES, NO, YES])]

    deliveries = deliver(destination, org, [a_message(profile, number=n) for n, profile in enumerate(profiles)])

    tried, (created,) = (request["compositeRequest"] for request in org.requests)
    assert [len(part["body"]["records"]) for part in tried] == [3]
    assert (created["method"], [row["Key__c"] for row in created["body"]["records"]]) == ("POST", [an_id(0), an_id(2)])
    assert [each.outcome.kind.value for each in deliveries] == ["delivered", "skipped", "delivered"]


def test_of_two_events_for_one_record_the_later_says_whether_it_may_be_created() -> None:
    created = FILE.replace('target = "SalesforceId"', 'target = "Key__c"\ncreate_missing = true')
    destination = a_destination(created.format(profiles=CONSENT), audience())
    opt_out, opt_in = (a_profile(segmentMembership=ups(), consents=given) for given in (NO, YES))

    for profiles, requests in [((opt_in, opt_out), 1), ((opt_out, opt_in), 2)]:
        org = ScriptedOrg(destination, [RecordError("NOT_FOUND")])
        deliver(destination, org, [a_message(profile, number=n) for n, profile in enumerate(profiles)])
        assert len(org.requests) == requests


@pytest.mark.parametrize(
    "keys", [{"value": "timestamp"}, {"since_field": "Since__c"}, {"value": "boolean", "since_field": "Since__c"}]
)
@pytest.mark.parametrize(("ahead_ms", "is_written"), [(300_000, True), (301_000, False)])
def test_nobody_qualified_later_than_five_minutes_after_the_message_was_sent(
    keys: dict[str, str], ahead_ms: int, is_written: bool
) -> None:
    memberships = {"ups": {"vip": {"status": "realized", "lastQualificationTime": SENT_AT + ahead_ms}}}

    if is_written:
        assert fields(memberships, audience(**keys))
    else:
        with pytest.raises(ProfileRefusedError) as error:
            mapped(memberships, audience(**keys))
        assert error.value.reason.code == "QUALIFICATION_TIME_INVALID"
        assert "5 minutes after the message was sent" in error.value.reason.text
