from __future__ import annotations

import json
from statistics import mean

from destination_testbench.demo.command import CONTACTS
from destination_testbench.demo.scenario import MISTAKES, scenario, with_campaign
from salesforce_destination.destination.destination import read_destination


def test_the_demo_is_a_thousand_profiles_of_the_size_that_arrives() -> None:
    planned = scenario()

    assert len(planned.bodies) == 1_000
    assert 1_000 < mean(map(len, planned.bodies)) < 1_600


def test_every_mistake_is_made_and_each_good_profile_has_a_record() -> None:
    planned = scenario(messages=100, of_each_mistake=2)

    assert set(planned.dead_letters) == {mistake.code for mistake in MISTAKES}
    assert planned.dead_letters.total() + len(planned.records) == 100


def test_only_records_that_are_to_be_written_are_locked() -> None:
    planned = scenario(messages=100, locked=5)

    assert len(set(planned.locked)) == 5
    assert set(planned.locked) <= set(planned.records)


def test_a_member_whom_sales_moved_stays_whatever_the_profile_says() -> None:
    planned = scenario()
    moved = [identity for identity, status in planned.members_before.items() if status == "Responded"]

    assert len(moved) == 1
    assert planned.members[moved[0]] == "Responded"
    assert moved[0] not in planned.locked


def test_the_copied_file_has_one_campaign_more() -> None:
    shipped = CONTACTS.read_text(encoding="utf-8")

    before, after = read_destination(shipped), read_destination(with_campaign(shipped))

    assert [each.campaign for each in before.audiences] == [None] * 3
    assert [each.campaign is not None for each in after.audiences] == [True, False, False]


def test_one_bad_body_is_no_json_and_all_others_are() -> None:
    unreadable = [body for body in scenario(messages=100, of_each_mistake=1).bodies if not is_json(body)]

    assert len(unreadable) == 1


def is_json(body: str) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True
