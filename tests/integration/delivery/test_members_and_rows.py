"""What follows a person: members of campaigns, and rows, each case with the org before and after."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest
from builders import LOYAL, SENT_AT
from destination_testbench.org import Fault, FaultKind
from members_and_rows import (
    CAMPAIGN,
    DELETES,
    GUARDED,
    MEMBERS,
    ROWS,
    WITH_ROWS,
    a_crm,
    entered,
    left,
    member,
    members,
    rows,
    without_field,
)
from people_table import PEOPLE, Crm, ident, person
from salesforce_destination.outcome import Message, OutcomeKind, Wait, WaitingParts


@dataclass(frozen=True)
class Story:
    """Batches that are delivered one after the other, and what the org holds then."""

    name: str
    batches: Sequence[Sequence[Message]]
    members: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, str] = field(default_factory=dict)
    file: str = MEMBERS
    before: Sequence[str] = ("C1", "L1")
    outcomes: Sequence[str] = ("delivered",)
    calls: str | None = None
    counts: Mapping[str, object] = field(default_factory=dict)
    prepare: Callable[[Crm], object] = lambda crm: None
    between: Callable[[Crm], object] = lambda crm: None
    parts: bool = False


def rename(crm: Crm) -> None:
    """Give the campaign other statuses than the file names, five minutes before the next batch."""
    crm.org.admin.add_campaign("Loyal", (("Sent", False), ("Gone", False)), CAMPAIGN)
    crm.time += 301


def fail_once(crm: Crm) -> None:
    crm.org.faults.add(Fault(FaultKind.SUBREQUEST, status=500, code="UNKNOWN_EXCEPTION", times=1))


def convert_cold(crm: Crm) -> None:
    crm.start_cold()
    crm.act("convert L1 into C1")


def remove_guard(crm: Crm) -> None:
    crm.org.admin.remove_field("Contact", "CDP_Loyal_Since__c")


def remove_phone(crm: Crm) -> None:
    """Let the first try in this environment meet a field that is gone, and the next one know it."""
    crm.org.admin.remove_field("Contact", "Phone")
    crm.deliver([person(id="C2", phone="1")])


def restore(crm: Crm) -> None:
    """Bring a campaign back from the recycle bin, five minutes before the next batch."""
    crm.org.admin.undelete("Campaign", CAMPAIGN)
    crm.time += 301


STORIES = [
    Story("a new member", [[entered()]], {"C1": "Sent"}, calls="update query query insert"),
    Story("a lead", [[entered("L1")]], {"L1": "Sent"}),
    Story("both", [[entered(), entered("L1")]], {"C1": "Sent", "L1": "Sent"}, outcomes=["delivered"] * 2),
    Story("who was a member already", [[entered()]], {"C1": "Sent"}, prepare=member, calls="update query query"),
    Story("existing, with no status of its own", [[entered(status="existing")]], {"C1": "Sent"}),
    Story("who left", [[entered(), left(at=9)]], {}, outcomes=["delivered"] * 2),
    Story("who left later", [[entered()], [left(at=9)]], {"C1": "Left"}, calls="update query update"),
    Story("who came back", [[entered()], [left(at=9)], [entered(at=20)]], {"C1": "Sent"}),
    Story("an exit of nobody", [[left()]], {}),
    Story(
        "a member whom sales moved",
        [[entered()]],
        {"C1": "Responded"},
        prepare=lambda crm: member(crm, status="Responded"),
        counts={"members_kept": 1},
    ),
    Story(
        "a member whom sales moved, who leaves",
        [[left()]],
        {"C1": "Responded"},
        prepare=lambda crm: member(crm, status="Responded"),
        counts={"members_kept": 1},
    ),
    Story("an exit before its entry", [[left(at=9)], [entered()]], {}, file=MEMBERS + GUARDED, outcomes=["superseded"]),
    Story(
        "an older entry after the exit",
        [[entered()], [left(at=9)], [entered(at=5)]],
        {"C1": "Left"},
        file=MEMBERS + GUARDED,
        outcomes=["superseded"],
    ),
    *(
        Story(
            f"an older exit of a person {name}",
            [[entered(at=9)], [entered(status="exited", at=5, **more)]],
            {"C1": "Sent"},
            file=MEMBERS + GUARDED,
            between=lambda crm, trouble=trouble: (crm.start_cold(), trouble(crm)),  # type: ignore[misc]
            outcomes=[outcome],
        )
        for name, outcome, more, trouble in (
            ("who waits", "deferred UNKNOWN_EXCEPTION", {}, fail_once),
            ("whose guard is missing", "deferred FIELD_MISSING_IN_ORG", {}, remove_guard),
            ("who waits for another field", "deferred FIELD_MISSING_IN_ORG", {"phone": "1"}, remove_phone),
            ("whom the function refuses", "rejected VALUE_TOO_LONG", {"name": "x" * 81}, Crm.start_cold),
        )
    ),
    Story(
        "an older exit that waited, of a lead who was converted meanwhile",
        [[entered(at=9)], [replace(left("L1", at=5), parts=WaitingParts({0: (f"campaign {LOYAL}",)}, SENT_AT, 1))]],
        {"C1": "Sent"},
        file=MEMBERS + GUARDED,
        between=convert_cold,
        counts={"parts_superseded": 1},
    ),
    Story("deleted", [[entered()], [left(at=9)]], {}, file=DELETES, calls="update query delete"),
    Story(
        "an older entry after a delete",
        [[entered()], [left(at=9)], [entered(at=5)]],
        {},
        file=DELETES,
        outcomes=["superseded"],
    ),
    Story(
        "an older entry after a delete, cold",
        [[entered()], [left(at=9)], [entered(at=5)]],
        {},
        file=DELETES,
        between=Crm.start_cold,
    ),
    Story("the same again", [[entered()], [entered()]], {"C1": "Sent"}, calls="update"),
    Story(
        "a campaign that was deleted",
        [[entered()]],
        {},
        prepare=lambda crm: crm.org.admin.delete("Campaign", CAMPAIGN),
        parts=True,
        counts={"records_delivered": 1},
    ),
    Story(
        "a status that was renamed",
        [[entered()]],
        {},
        prepare=lambda crm: crm.org.admin.add_campaign("New", (("Mailed", False), ("Left", False)), CAMPAIGN),
        parts=True,
    ),
    Story(
        "a status that was renamed while it runs",
        [[entered()], [left(at=9)]],
        {"C1": "Sent"},
        between=lambda crm: rename(crm),
        parts=True,
    ),
    Story("a row", [[entered()]], rows={"C1": "realized"}, file=WITH_ROWS, calls="update ask update"),
    Story("a row of a lead", [[entered("L1")]], rows={"L1": "realized"}, file=WITH_ROWS),
    Story("a row that is exited", [[entered()], [left(at=9)]], rows={"C1": "exited"}, file=WITH_ROWS),
    Story(
        "an older row",
        [[left(at=9)], [entered()]],
        rows={"C1": "exited"},
        file=WITH_ROWS,
        counts={"parts_superseded": 1},
        outcomes=["superseded"],
    ),
    Story(
        "an older row, cold",
        [[left(at=9)], [entered()]],
        rows={"C1": "exited"},
        file=WITH_ROWS,
        between=Crm.start_cold,
        counts={"parts_superseded": 1},
    ),
    Story("the same row again", [[entered()], [entered()]], rows={"C1": "realized"}, file=WITH_ROWS, calls="update"),
    Story(
        "events of one row",
        [[left(at=9), entered(), entered(at=4)]],
        rows={"C1": "exited"},
        file=WITH_ROWS,
        outcomes=["delivered"] * 3,
    ),
    Story(
        "a lead who was converted leaves",
        [[entered("L1")], [left("L1", at=9)]],
        {"C1": "Left"},
        {"L1": "realized", "C1": "exited"},
        file=MEMBERS + ROWS,
        between=lambda crm: crm.act("convert L1 into C1"),
    ),
    Story(
        "a contact that was merged",
        [[entered("C2")], [left("C2", at=9)]],
        {"C1": "Left"},
        {"C2": "realized", "C1": "exited"},
        file='merged_records = "follow"\n' + MEMBERS + ROWS,
        before=["C1", "C2"],
        between=lambda crm: crm.act("merge C2 into C1"),
    ),
    Story(
        "a person who is refused",
        [[entered(name="x" * 81)]],
        {"C1": "Sent"},
        {"C1": "realized"},
        file=MEMBERS + ROWS,
        outcomes=["rejected VALUE_TOO_LONG"],
    ),
    Story(
        "nobody has this Id", [[entered("C3")]], file=MEMBERS + ROWS, outcomes=["rejected INVALID_CROSS_REFERENCE_KEY"]
    ),
    Story(
        "somebody new",
        [[entered("", customer="K9", company="Acme", tries=1)]],
        {"new": "Sent"},
        {"new": "realized"},
        file=MEMBERS + ROWS,
    ),
    Story(
        "found by an address",
        [[entered("", email="a@example.com")]],
        {"C1": "Sent"},
        {"C1": "realized"},
        file=MEMBERS + ROWS,
        prepare=lambda crm: crm.org.admin.edit("Contact", ident("C1"), {"Email": "a@example.com"}),
    ),
    Story(
        "exits are counted by a campaign alone",
        [[entered(), entered("L1")], [left(at=9), entered("L1", at=9)]],
        {"C1": "Left", "L1": "Sent"},
        file=without_field(MEMBERS),
        outcomes=["delivered"] * 2,
        counts={"statuses": {LOYAL: 1}, "exits": {LOYAL: 1}},
    ),
    Story(
        "exits of nobody in the campaign are counted by their rows",
        [[left(), left("L1")]],
        rows={"C1": "exited", "L1": "exited"},
        file=without_field(MEMBERS + ROWS),
        outcomes=["delivered"] * 2,
        counts={"statuses": {LOYAL: 2}, "exits": {LOYAL: 2}},
    ),
    Story(
        "a campaign that comes back",
        [[entered()], [entered()]],
        {"C1": "Sent"},
        prepare=lambda crm: crm.org.admin.delete("Campaign", CAMPAIGN),
        between=restore,
    ),
    Story(
        "exits are counted by rows alone",
        [[entered(), left("L1", at=9)]],
        rows={"C1": "realized", "L1": "exited"},
        file=without_field(WITH_ROWS),
        outcomes=["delivered"] * 2,
        counts={"statuses": {LOYAL: 2}, "exits": {LOYAL: 1}},
    ),
    Story("both parts", [[entered()]], {"C1": "Sent"}, {"C1": "realized"}, file=MEMBERS + ROWS),
    Story(
        "an older entry after a delete, of a person who is refused",
        [[left(at=9)], [entered(at=5, name="x" * 81)]],
        file=DELETES,
        between=Crm.start_cold,
        outcomes=["rejected VALUE_TOO_LONG"],
    ),
    *(
        Story(
            f"an older entry after a delete, of a person who is {outcome} {code}",
            [[left(at=9)], [entered(at=5)]],
            file=DELETES,
            between=lambda crm, code=code: meet(crm, code),  # type: ignore[misc]
            outcomes=[f"{outcome} {code}"],
        )
        for outcome, code in (("rejected", "INVALID_EMAIL_ADDRESS"), ("deferred", "UNABLE_TO_LOCK_ROW"))
    ),
    Story(
        "an older entry of a member whom sales took away",
        [[entered(at=9)], [entered(at=5)]],
        between=lambda crm: crm.org.admin.delete("CampaignMember", next(iter(crm.all("CampaignMember")))),
        counts={"parts_superseded": 1},
        outcomes=["superseded"],
    ),
    *(
        Story(
            f"a person who is {outcome}",
            [[entered(phone="1")]],
            {"C1": "Sent"} if follows else {},
            {"C1": "realized"} if follows else {},
            file=MEMBERS + ROWS,
            prepare=prepare,
            outcomes=[outcome],
        )
        for outcome, follows, prepare in (
            ("deferred FIELD_CUSTOM_VALIDATION_EXCEPTION", True, lambda crm: refuse(crm)),
            ("deferred FIELD_MISSING_IN_ORG", True, lambda crm: crm.org.admin.remove_field("Contact", "CDP_Loyal__c")),
            ("deferred REQUEST_LIMIT_EXCEEDED", False, lambda crm: fail(crm, FaultKind.DAILY_LIMIT)),
            ("deferred SERVER_UNAVAILABLE", False, lambda crm: fail(crm, FaultKind.OUTAGE)),
            ("deferred NO_ANSWER", False, lambda crm: fail(crm, FaultKind.DROP_AFTER)),
            ("rejected MALFORMED_ID", True, lambda crm: fail(crm, FaultKind.RECORD_ERROR)),
            ("rejected INVALID_CROSS_REFERENCE_KEY", False, lambda crm: crm.act("purge C1")),
            ("rejected ENTITY_IS_DELETED", False, lambda crm: crm.act("delete C1")),
        )
    ),
    Story(
        "events of one member that is refused",
        [[left(at=9), entered(at=10)]],
        prepare=lambda crm: crm.org.faults.add(Fault(FaultKind.RECORD_ERROR, records=(CAMPAIGN,), code="MALFORMED_ID")),
        calls="update query query insert",
        outcomes=["rejected MALFORMED_ID"] * 2,
        parts=True,
    ),
    Story(
        "events of one member, the last of a profile that is refused",
        [[entered(), left(at=9, name="x" * 81)]],
        {},
        {"C1": "exited"},
        file=DELETES + ROWS,
        calls="update ask query query insert+update query query delete+update",
        outcomes=["delivered", "rejected VALUE_TOO_LONG"],
    ),
    Story(
        "a member who is there and not to be found",
        [[entered()]],
        prepare=lambda crm: crm.org.faults.add(
            Fault(FaultKind.RECORD_ERROR, records=(CAMPAIGN,), code="DUPLICATE_VALUE")
        ),
        calls="update query query insert query insert",
        parts=True,
    ),
]


def refuse(crm: Crm) -> None:
    """Let a rule refuse all contacts with a telephone."""
    crm.org.admin.add_rule("Contact", "No_Phone", "NOT(ISBLANK(Phone))", "Call nobody.")


def fail(crm: Crm, kind: FaultKind) -> None:
    """Let the first write fail."""
    is_hers = kind is FaultKind.RECORD_ERROR
    crm.org.faults.add(
        Fault(kind, times=1, records=("Old",), code="MALFORMED_ID")
        if is_hers
        else Fault(kind, times=1, path="/composite")
    )


def meet(crm: Crm, code: str) -> None:
    """Begin anew in an org that refuses the person, and not what follows her."""
    crm.start_cold()
    crm.org.faults.add(Fault(FaultKind.RECORD_ERROR, records=("New",), code=code))


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_what_follows_a_person(story: Story) -> None:
    crm = a_crm(story.file)
    crm.put({short: {} for short in story.before})
    story.prepare(crm)
    outcomes: list[str] = []
    for number, batch in enumerate(story.batches):
        if number:
            story.between(crm)
        outcomes = crm.deliver(batch)

    parts = [delivery.parts is not None for delivery in crm.batch.deliveries]
    assert (outcomes, members(crm), rows(crm)) == ([*story.outcomes], story.members, story.rows)
    assert parts == [story.parts] * len(parts)
    assert story.calls in (None, crm.calls)
    assert {name: getattr(crm.batch, name) for name in story.counts} == story.counts


def test_a_batch_with_many_rows_ends_in_a_slow_org_and_writes_nobody_twice() -> None:
    crm = a_crm(f'{PEOPLE}{ROWS}audiences = "all"\nat_most = 50\n')
    crm.put({f"C{n}": {} for n in range(300)})
    crm.recorder.at_each = lambda: setattr(crm, "time", crm.time + 20)
    since = {"status": "realized", "lastQualificationTime": "2023-11-14T22:00:00Z"}
    memberships = {"ups": {f"audience-{n}": since for n in range(20)}}
    waiting = [person(id=f"C{n}", phone="1", segmentMembership=memberships) for n in range(300)]
    half_written = list[int]()
    while waiting and len(half_written) < 9:
        crm.deliver(waiting)
        assert crm.time - crm.begun <= 260
        waiting, half_written = (
            again(waiting, crm),
            [*half_written, sum(bool(each.parts) for each in crm.batch.deliveries)],
        )

    histories = {len(row.history) for row in crm.all("Contact").values()}
    assert (waiting, len(crm.all("CDP_Membership__c")), histories) == ([], 6000, {2})
    assert not any(half_written[1:])  # after the first calls it is known how slow the org is


def again(messages: Sequence[Message], crm: Crm) -> list[Message]:
    """What SQS delivers next of a batch: what is deferred, and what is left of the others."""
    deliveries = zip(messages, crm.batch.deliveries, strict=True)
    left = [(replace(message, parts=each.parts or message.parts), each) for message, each in deliveries]
    return [message for message, each in left if each.parts or each.outcome.kind is OutcomeKind.DEFERRED]


def test_a_row_that_meets_a_lock_is_sent_twice_more_and_then_waits_without_its_person() -> None:
    crm = a_crm(MEMBERS + ROWS)
    crm.put({"C1": {}})
    member(crm)
    crm.org.admin.edit("CampaignMember", next(iter(crm.all("CampaignMember"))), {"Status": "Left"})
    crm.org.faults.lock([CAMPAIGN], tries=3)

    messages = [entered(phone="1")]
    outcomes = crm.deliver(messages)

    assert (outcomes, members(crm), rows(crm)) == (["delivered"], {"C1": "Left"}, {"C1": "realized"})
    (delivery,) = crm.batch.deliveries
    assert delivery.parts is not None
    assert delivery.parts.names == {0: (f"campaign {LOYAL}",)}
    assert delivery.parts_outcome is not None
    assert delivery.parts_outcome.wait is Wait.BACKOFF

    crm.org.admin.edit("Contact", ident("C1"), {"Phone": "by a person"})
    outcomes = crm.deliver(again(messages, crm))

    assert (outcomes, members(crm)) == (["delivered"], {"C1": "Sent"})
    assert crm.values("C1")["Phone"] == "by a person"


def parts_of(file: str, *acts: str) -> tuple[Crm, list[Message]]:
    """The message of what is left of a person's, whose campaign was locked, after what people do then."""
    crm = a_crm(file)
    crm.put({"C1": {}, "C2": {}})
    crm.org.faults.lock([CAMPAIGN], tries=3)
    messages = [entered()]
    crm.deliver(messages)
    crm.org.faults.clear()
    for act in acts:
        crm.act(act)
    return crm, again(messages, crm)


def test_what_is_left_of_a_person_who_was_deleted_is_skipped() -> None:
    crm, messages = parts_of(MEMBERS, "delete C1")

    assert crm.deliver(messages) == ["skipped"]


def test_what_is_left_of_a_person_who_was_merged_is_written_without_her() -> None:
    crm, messages = parts_of('merged_records = "follow"\n' + MEMBERS, "merge C1 into C2")
    history = len(crm.all("Contact")[ident("C2")].history)

    assert (crm.deliver(messages), members(crm)) == (["delivered"], {"C2": "Sent"})
    assert len(crm.all("Contact")[ident("C2")].history) == history


def test_what_is_left_of_a_person_who_was_merged_does_not_undo_what_the_other_record_remembers() -> None:
    crm, messages = parts_of('merged_records = "follow"\n' + DELETES)
    crm.deliver([left("C2", at=9)])
    crm.start_cold()
    crm.act("merge C1 into C2")

    assert (crm.deliver(messages), members(crm)) == (["delivered"], {})
    assert crm.batch.parts_superseded == 1


def test_what_is_left_grows_smaller_and_what_was_written_of_it_is_not_written_again() -> None:
    crm = a_crm(MEMBERS + ROWS)
    crm.put({"C1": {}})
    crm.org.faults.lock([CAMPAIGN], tries=3)
    crm.org.faults.lock([LOYAL], tries=6)
    messages = [entered()]
    crm.deliver(messages)
    messages = again(messages, crm)
    assert messages[0].parts is not None
    assert messages[0].parts.names == {0: (f"campaign {LOYAL}", f"row {LOYAL}")}

    assert crm.deliver(messages) == ["delivered"]

    messages = again(messages, crm)
    assert messages[0].parts is not None
    assert messages[0].parts.names == {0: (f"row {LOYAL}",)}
    assert (crm.deliver(messages), rows(crm)) == (["delivered"], {"C1": "realized"})


def test_a_row_that_is_refused_for_good_is_rejected_alone() -> None:
    crm = a_crm(WITH_ROWS)
    crm.put({"C1": {}, "C2": {}})
    crm.org.admin.add_rule("CDP_Membership__c", "Never", 'Status__c = "exited"', "No exits, please.")
    crm.deliver([entered("C2")])
    crm.deliver([entered(status="exited", tries=2)])

    (delivery,) = crm.batch.deliveries
    assert delivery.outcome.reason is not None
    assert (delivery.outcome.kind, delivery.outcome.reason.code) == (
        OutcomeKind.REJECTED,
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
    )
    assert delivery.parts is not None
    assert delivery.parts.names == {0: (f"row {LOYAL}",)}


def test_a_command_writes_memberships_alone() -> None:
    crm = a_crm(MEMBERS + GUARDED + ROWS)
    crm.put({"C1": {"Phone": "1"}})
    membership = {"status": "exited", "lastQualificationTime": "2023-11-14T22:12:00Z"}
    body = {"identity": {"SalesforceId": ident("C1")}, "memberships": {LOYAL: membership}}
    crm.deliver([entered()])

    message = replace(entered(), body=json.dumps(body), is_memberships=True)

    assert crm.deliver([message]) == ["delivered"]
    assert (members(crm), rows(crm)) == ({"C1": "Left"}, {"C1": "exited"})
    assert crm.values("C1")["CDP_Loyal__c"] == "exited"
    assert crm.values("C1")["LastName"] == "New"
    assert crm.deliver([replace(message, body=json.dumps({**body, "identity": {"CDP_Customer_Id__c": "nobody"}}))]) == [
        "skipped"
    ]
    assert crm.deliver([replace(message, body="{}")]) == ["rejected NO_PROFILE"]


def test_in_an_org_that_is_nearly_full_new_rows_wait() -> None:
    crm = a_crm(WITH_ROWS)
    crm.put({"C1": {}, "C2": {}})
    crm.deliver([entered()])
    crm.org.config.data_storage_mb, crm.org.config.data_storage_taken_mb = 1_000, 950
    crm.start_cold()

    assert crm.deliver([left(at=9), entered("C2")]) == ["delivered", "delivered"]

    assert rows(crm) == {"C1": "exited"}
    reasons = [each.parts_outcome and each.parts_outcome.reason for each in crm.batch.deliveries]
    assert [reason and reason.code for reason in reasons] == [None, "STORAGE_NEARLY_FULL"]
