from __future__ import annotations

import pytest
from destination_testbench.org import Facts
from org_caller import CONTACT, Caller, Clock, an_org
from pydantic_core import from_json

SPENT = [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]


def test_every_answer_tells_the_calls_used(clock: Clock) -> None:
    caller = Caller(an_org(clock=clock, daily_limit=1000))

    infos = [
        caller.request("GET", path).headers["Sforce-Limit-Info"] for path in ("limits", "sobjects/Nonsense", "sobjects")
    ]

    assert infos == ["api-usage=1/1000", "api-usage=2/1000", "api-usage=3/1000"]


def test_the_daily_limit_is_a_403_until_calls_grow_old(clock: Clock) -> None:
    caller = Caller(an_org(clock=clock, daily_limit=2))

    assert [caller.send("GET", "limits")[0] for _ in range(2)] == [200, 200]
    assert caller.send("GET", "limits") == (403, SPENT)
    clock.time += 86_400 + 60
    caller.token = caller.org.admin.log_in("integration@example.com")
    assert caller.send("GET", "limits")[0] == 200


def test_records_take_storage_until_an_org_is_full() -> None:
    org = an_org(contacts=512, leads=0)
    caller = Caller(org)
    campaign = org.admin.add_campaign("Autumn")
    for contact in list(org.records("Contact"))[:504]:
        org.insert("CampaignMember", org.store.new_id("00v"), {"CampaignId": campaign, "ContactId": contact.id})

    # 512 contacts of 2 KB, a campaign of 8, 504 members of 1.
    assert org.store.storage_kb() == 1024 + 8 + 504
    assert caller.send("GET", "limits")[1]["DataStorageMB"] == {"Max": 1024, "Remaining": 1023}
    assert caller.send("PUT", "/_org/usage", {"storage": 10, "taken": 9})[0] == 204
    assert caller.send("GET", "limits")[1]["DataStorageMB"] == {"Max": 10, "Remaining": 0}
    assert caller.send("POST", "sobjects/Contact", {"LastName": "X"})[1][0]["errorCode"] == "STORAGE_LIMIT_EXCEEDED"
    assert caller.send("PATCH", f"sobjects/Contact/{CONTACT}", {"LastName": "X"})[0] == 204


@pytest.mark.parametrize(("overrun", "taken"), [(0.0, 10), (0.2, 12)])
def test_a_paying_org_may_overrun_its_limit_by_a_share(overrun: float, taken: int) -> None:
    caller = Caller(an_org(daily_limit=10, daily_overrun=overrun))

    assert [caller.send("GET", "limits")[0] for _ in range(15)].count(200) == taken


def test_refused_requests_count_unless_the_org_says_no() -> None:
    counting, lenient = an_org(), an_org(facts=Facts(refused_request_counts=False))

    for org in (counting, lenient):
        Caller(org).send("GET", "nonsense")

    assert (counting.usage.used(counting.now()), lenient.usage.used(lenient.now())) == (1, 0)


def test_a_user_without_the_right_and_an_org_without_the_api_are_403() -> None:
    org = an_org()
    caller = Caller(org)
    org.users[0].api_enabled = False
    assert caller.send("GET", "limits")[1][0]["errorCode"] == "API_CURRENTLY_DISABLED"

    org.users[0].api_enabled, org.config.api_enabled = True, False
    status, body = caller.send("GET", "limits")

    assert (status, body) == (
        403,
        [{"message": "The REST API is not enabled for this Organization.", "errorCode": "API_DISABLED_FOR_ORG"}],
    )


@pytest.mark.parametrize(
    ("version", "status"), [("31.0", 200), ("68.0", 200), ("69.0", 404), ("30.0", 410), ("66.5", 404)]
)
def test_only_versions_that_are_there_answer(version: str, status: int) -> None:
    assert Caller(an_org(), version=version).send("GET", "limits")[0] == status


def test_a_path_that_is_too_long_is_414() -> None:
    reply = Caller(an_org()).request("GET", f"composite/sobjects/Contact?fields=Id&ids={','.join([CONTACT] * 900)}")

    assert reply.status == 414
    assert reply.headers["Content-Type"].startswith("text/html")


def test_a_body_of_more_than_fifty_megabytes_is_413() -> None:
    caller = Caller(an_org(request_bytes=100))

    assert caller.send("PATCH", "composite/sobjects", b" " * 101)[0] == 413


def test_a_pretty_answer_is_for_people() -> None:
    reply = Caller(an_org()).request("GET", "limits", x_prettyprint="1")

    assert b"\n" in reply.body
    assert "DailyApiRequests" in from_json(reply.body)
