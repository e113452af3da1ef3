from __future__ import annotations

from typing import Any

import pytest
from builders import CONTACTS, LOYAL, SENT_AT, a_destination, a_message, a_profile, an_id
from salesforce_destination.delivery.batch import MOST_LOOKS
from salesforce_destination.destination.destination import Destination
from salesforce_destination.outcome import OutcomeKind
from scripted_org import ScriptedOrg, a_deliverer, deliver

ORDERED = '\n[ordering]\nfield = "CDP_Event_Time__c"\nsource = "timestamp"\n'
OWN = SENT_AT - 60_000


@pytest.mark.parametrize(
    ("body", "attribute", "outcome", "event_time"),
    [
        (a_profile(timestamp=OWN), None, OutcomeKind.DELIVERED, OWN),
        (a_profile(timestamp=OWN), str(SENT_AT - 5), OutcomeKind.DELIVERED, SENT_AT - 5),
        (a_profile(), None, OutcomeKind.DELIVERED, SENT_AT),
        (a_profile(timestamp=OWN, last_name=None), None, OutcomeKind.REJECTED, OWN),
        (a_profile(timestamp="soon"), None, OutcomeKind.REJECTED, None),
        ("nonsense", None, OutcomeKind.REJECTED, None),
    ],
)
def test_a_message_keeps_the_time_of_its_event_whatever_becomes_of_it(
    body: Any, attribute: str | None, outcome: OutcomeKind, event_time: int | None
) -> None:
    destination = a_destination(CONTACTS, ORDERED)

    (delivery,) = deliver(destination, ScriptedOrg(destination), [a_message(body, event_time=attribute)])

    assert (delivery.outcome.kind, delivery.event_time) == (outcome, event_time)


@pytest.mark.parametrize("event_time", [None, str(SENT_AT - 9)])
def test_several_profiles_have_their_own_times_and_the_message_keeps_its_own(event_time: str | None) -> None:
    destination = a_destination(CONTACTS, ORDERED)
    profiles = [a_profile(1, timestamp=OWN), a_profile(2, timestamp=OWN - 1), a_profile(3)]
    org = ScriptedOrg(destination)

    (delivery,) = deliver(destination, org, [a_message({"profiles": profiles}, event_time=event_time)])

    message_time = SENT_AT if event_time is None else SENT_AT - 9
    assert delivery.event_time == message_time
    assert [row["CDP_Event_Time__c"] for row in org.rows] == [OWN, OWN - 1, message_time]


@pytest.mark.parametrize("profiles", [1, 2])
def test_what_was_redriven_is_as_old_as_at_its_first_sending(profiles: int) -> None:
    destination, first = a_destination(CONTACTS, ORDERED), SENT_AT - 1_000_000
    good = [a_profile(number) for number in range(1, profiles + 1)]
    wrong = [{**profile, "person": {}} for profile in good]
    ahead = [{**profile, "timestamp": first + 300_001} for profile in good]
    messages = [a_message({"profiles": each}, first_sent_at=first) for each in (good, wrong, ahead)]
    org = ScriptedOrg(destination)

    found = deliver(destination, org, messages)

    assert [row["CDP_Event_Time__c"] for row in org.rows] == [first] * profiles
    assert [one.event_time for one in found[:2]] == [first, first]
    assert found[2].outcome.reason
    assert found[2].outcome.reason.code == "EVENT_TIME_INVALID"


def keys_and_kinds(destination: Destination, body: Any) -> list[tuple[str, OutcomeKind | None]]:
    batch = a_deliverer(destination, ScriptedOrg(destination)).deliver([a_message(body)], SENT_AT)
    return [(update.key, update.outcome.kind if update.outcome else None) for update in batch.updates]


def test_every_profile_that_names_a_record_is_known_by_its_key_whatever_becomes_of_it() -> None:
    destination = a_destination()
    profiles = [a_profile(1), a_profile(2, last_name=None), {"person": {}}]

    assert keys_and_kinds(destination, {"profiles": profiles}) == [
        (an_id(1), OutcomeKind.DELIVERED),
        (an_id(2), OutcomeKind.REJECTED),
        ("", OutcomeKind.REJECTED),
    ]


def test_a_skipped_profile_is_known_by_its_key_too() -> None:
    destination = a_destination(CONTACTS, '\n[profiles]\nonly_if = "consent"\nwhen_skipped = "leave"\n')

    assert keys_and_kinds(destination, a_profile(1)) == [(an_id(1), OutcomeKind.SKIPPED)]


def test_a_value_that_is_refused_here_is_counted_by_its_field() -> None:
    text = CONTACTS.replace("max_length = 40", 'when_refused = "omit"')
    org = ScriptedOrg(a_destination(text))

    batch = a_deliverer(a_destination(text), org).deliver([a_message(a_profile(first_name="x" * 41))], SENT_AT)

    assert (batch.omitted, batch.records_delivered) == ({"FirstName": 1}, 1)


GATE = '\n[profiles]\nonly_if = "consent"\nwhen_skipped = "{}"\n'
LEAVING = [
    a_profile(1, statuses={LOYAL: "realized"}, consent=False),
    a_profile(2, consent="true"),
    {"person": {}, "segmentMembership": {"ups": {LOYAL: {"status": "realized"}}}},
    a_profile(3, timestamp="soon"),
]
LET_IN = [a_profile(4, consent=True), a_profile(5, last_name=None, consent=True)]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize(("skipped", "left"), [("exit", ["exited", None]), ("leave", [None])])
def test_whom_the_filter_keeps_out_is_counted_be_they_written_skipped_or_rejected(
    skipped: str, left: list[str | None], together: bool
) -> None:
    destination = a_destination(CONTACTS, GATE.format(skipped) + ORDERED)
    org, profiles = ScriptedOrg(destination), [*LEAVING, *LET_IN]
    bodies = [{"profiles": profiles}] if together else profiles

    batch = a_deliverer(destination, org).deliver([a_message(body) for body in bodies], SENT_AT)

    assert (batch.profiles, batch.not_permitted) == (6, 4)
    assert [update.is_permitted for update in batch.updates] == [False] * 4 + [True] * 2
    assert [row.get("CDP_Loyal__c") for row in org.rows] == left


def test_without_a_filter_nobody_is_kept_out() -> None:
    destination = a_destination()

    batch = a_deliverer(destination, ScriptedOrg(destination)).deliver(list(map(a_message, LEAVING)), SENT_AT)

    assert batch.not_permitted == 0


MAPPED = (
    CONTACTS
    + GATE.format("leave").replace("consent", "consent != `false`")
    + """
[[mappings]]
source = "language"
target = "Language__c"
default = "en"

[[mappings]]
source = "lower(plan)"
target = "Plan__c"
values = { gold = "Gold" }
other = "leave"
when_refused = "omit"

[[audiences]]
id = "vip"
name = "Important"
mapping_id = "CDP_Vip__c"
"""
)
EVERYTHING = [
    "person.name.lastName -> LastName",
    "person.name.firstName -> FirstName",
    "personalEmail.address -> Email",
    "language -> Language__c",
    "lower(plan) -> Plan__c",
    f"audience {LOYAL} -> CDP_Loyal__c",
    "audience Important -> CDP_Vip__c",
]


@pytest.mark.parametrize(
    ("profiles", "looked_through", "places"),
    [
        pytest.param([a_profile()], 1, [1, 2, 3, 4, 5, 6], id="a name alone"),
        pytest.param([a_profile(), a_profile(2, email=None, language="fr")], 2, [1, 2, 4, 5, 6], id="one has it"),
        pytest.param([a_profile(plan="lead")], 1, [1, 2, 3, 5, 6], id="a value that comes to nothing"),
        pytest.param([a_profile(plan=7)], 1, [1, 2, 3, 5, 6], id="a source that fails"),
        pytest.param([a_profile(statuses={LOYAL: "exited", "vip": "realized"})], 1, [1, 2, 3, 4], id="audiences"),
        pytest.param([a_profile(statuses={LOYAL: "unheard-of"})], 0, [], id="a rejected profile does not count"),
        pytest.param([a_profile(consent=False)], 0, [], id="nor one that is kept out"),
    ],
)
def test_what_of_the_file_is_in_no_profile_of_a_batch_is_known(
    profiles: list[Any], looked_through: int, places: list[int]
) -> None:
    destination = a_destination(MAPPED)

    batch = a_deliverer(destination, ScriptedOrg(destination)).deliver(list(map(a_message, profiles)), SENT_AT)

    assert batch.looked_through == looked_through
    assert not looked_through or [*batch.not_found] == [EVERYTHING[place] for place in places]


NAMES = """
[profiles]
memberships = "all"

[[audiences]]
id = "vip"
name = "Important"
mapping_id = "CDP_Names__c"
value = "names"

[[audiences]]
id = "vpi"
name = "Unknown"
mapping_id = "CDP_Names__c"
value = "names"
"""


def test_an_audience_is_missed_also_where_its_field_is_written_or_nothing_is() -> None:
    destination = a_destination(CONTACTS.replace("required = true", ""), NAMES)
    profiles = [a_profile(statuses={"vip": "exited"}), a_profile(2, last_name=None)]

    batch = a_deliverer(destination, ScriptedOrg(destination)).deliver(list(map(a_message, profiles)), SENT_AT)

    assert [label for label in batch.not_found if "Names" in label] == ["audience Unknown in CDP_Names__c"]
    bare = a_destination(CONTACTS.replace("required = true", ""))
    batch = a_deliverer(bare, ScriptedOrg(bare)).deliver([a_message(profiles[1])], SENT_AT)
    assert (batch.looked_through, len(batch.not_found), batch.records_delivered) == (1, 4, 0)


def test_a_batch_stops_looking_for_what_is_nowhere() -> None:
    destination = a_destination()
    bodies = [{"profiles": [a_profile(number) for number in range(1, 401)]}] * 3

    batch = a_deliverer(destination, ScriptedOrg(destination)).deliver(list(map(a_message, bodies)), SENT_AT)

    assert (batch.profiles, len(batch.not_found)) == (1_200, 3)
    assert batch.looked_through == 1 + -(-(MOST_LOOKS - 4) // 3) < 1_200


NOBODY = {"person": {"name": {"lastName": "Okafor"}}}


@pytest.mark.parametrize(
    ("bodies", "count"),
    [
        ([NOBODY, NOBODY], 2),
        ([{"profiles": [NOBODY, NOBODY]}, NOBODY, "nonsense"], 3),
        ([NOBODY], 0),
        ([NOBODY, a_profile(1)], 0),
        ([a_profile(1), NOBODY], 0),
        ([NOBODY, a_profile(crm_id=" ")], 2),
        ([NOBODY, a_profile(crm_id="003")], 0),
        (["nonsense", "nonsense"], 0),
    ],
)
def test_that_no_profile_of_a_batch_has_an_identity_is_said(bodies: list[Any], count: int) -> None:
    destination = a_destination()

    batch = a_deliverer(destination, ScriptedOrg(destination)).deliver([*map(a_message, bodies)], SENT_AT)

    said = f"None of the {count} profiles of its batch has one."
    texts = [each.outcome.reason.text for each in batch.exceptions.values() if each.outcome.reason]
    reasons = [text for text in texts if text.startswith("The profile has no identity at identityMap.crmID[0].id")]
    assert batch.problem.startswith(said) if count else batch.problem == ""
    assert all((said in text and "View Identity Graph" in text) is bool(count) for text in reasons)
    assert len(reasons) >= bool(count)
